"""a new vocoder network → the same with the starter weights, which know how phases go on.

`scripts/starter/train_vocoder.py` makes them, on synthesised sounds alone.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any

import torch

from distill.model.mel import SpectrogramConfig
from distill.vocoder.phase_network import PhaseNetwork, PhaseNetworkConfig

NAME = "synthesised"
"""The word for them in `vocoder.starter`."""
FILE = "starter.pt"
MEL_KEYS = ("sample_rate_hz", "n_fft", "hop_length", "n_mels", "floor")


def starter_fields(network: PhaseNetwork, mel: SpectrogramConfig) -> dict[str, Any]:
    """What the file of starter weights holds of a trained network, in half precision."""
    return {
        "network": asdict(network.config),
        "mel": {key: getattr(mel, key) for key in MEL_KEYS},
        "state_dict": {name: value.half() for name, value in network.state_dict().items()},
    }


def difference_from_starter(network: PhaseNetworkConfig, mel: SpectrogramConfig) -> str | None:
    """Why the starter weights do not fit a network and its front end; None if they do."""
    fields = _fields()
    given = asdict(network) | {key: getattr(mel, key) for key in MEL_KEYS}
    for key, value in (fields["network"] | fields["mel"]).items():
        if given[key] != value:
            return f"they are made for {key} {value}, this vocoder has {given[key]}"
    return None


def start_from_starter(network: PhaseNetwork) -> None:
    """Give the network the starter weights, in place."""
    weights = {name: value.float() for name, value in _fields()["state_dict"].items()}
    network.load_state_dict(weights)


@cache
def _fields() -> dict[str, Any]:
    with (files("distill.vocoder") / FILE).open("rb") as file:
        fields: dict[str, Any] = torch.load(file, weights_only=True, map_location="cpu")
    return fields
