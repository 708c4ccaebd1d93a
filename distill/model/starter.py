"""a new network → the same network with the starter weights, which know what mels look like.

`scripts/starter/train_codec.py` makes them, on synthesised sounds alone. They are the encoder's and
the decoder's weights; codebooks always begin anew, on the sounds of the collection.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import torch
from torch import Tensor, nn

from distill.model.config import VQVAEConfig
from distill.model.mel import SpectrogramConfig
from distill.model.vqvae import ConvVQVAE

NAME = "synthesised"
"""The word for them in `model.starter`."""
FILE = "starter.pt"
NETWORK_KEYS = ("channels", "stride", "residual_units", "codebook_dim")
MEL_KEYS = ("sample_rate_hz", "n_fft", "hop_length", "n_mels", "floor")


def starter_fields(model: ConvVQVAE, mel: SpectrogramConfig) -> dict[str, Any]:
    """What the file of starter weights holds of a trained network, in half precision."""
    return {
        "network": {key: getattr(model.config, key) for key in NETWORK_KEYS},
        "mel": {key: getattr(mel, key) for key in (*MEL_KEYS, "mean_db", "std_db")},
        "encoder": {name: value.half() for name, value in model.encoder.state_dict().items()},
        "decoder": {name: value.half() for name, value in model.decoder.state_dict().items()},
    }


def difference_from_starter(network: VQVAEConfig, mel: SpectrogramConfig) -> str | None:
    """Why the starter weights do not fit a network and its front end; None if they do."""
    fields = _fields()
    for group, made_for, keys in (
        (network, fields["network"], NETWORK_KEYS),
        (mel, fields["mel"], MEL_KEYS),
    ):
        for key in keys:
            value = getattr(group, key)
            if value != made_for[key]:
                return f"they are made for {key} {made_for[key]}, this network has {value}"
    return None


@torch.no_grad()
def start_from_starter(model: ConvVQVAE, mel: SpectrogramConfig) -> None:
    """Give the encoder and the decoder the starter weights, in place; raises ValueError if they do
    not fit.

    The first and the last layer are changed so that the network does the same with mels normalised
    by this collection's mean and deviation as the starter did with its own.
    """
    if (reason := difference_from_starter(model.config, mel)) is not None:
        raise ValueError(reason)
    fields = _fields()
    for part in ("encoder", "decoder"):
        weights = {name: value.float() for name, value in fields[part].items()}
        getattr(model, part).load_state_dict(weights)
    gain = mel.std_db / fields["mel"]["std_db"]
    shift = (mel.mean_db - fields["mel"]["mean_db"]) / fields["mel"]["std_db"]
    _change_input(model.encoder.patches, gain, shift)
    last = model.decoder.to_patches[-1]
    assert isinstance(last, nn.ConvTranspose2d)
    _change_output(last, gain, shift)


def _change_input(layer: nn.Conv2d, gain: float, shift: float) -> None:
    """Make f(x) into f(gain · x + shift)."""
    _bias(layer).add_(layer.weight.sum(dim=(1, 2, 3)), alpha=shift)
    layer.weight.mul_(gain)


def _change_output(layer: nn.ConvTranspose2d, gain: float, shift: float) -> None:
    """Make f(x) into (f(x) - shift) / gain."""
    _bias(layer).sub_(shift).div_(gain)
    layer.weight.div_(gain)


def _bias(layer: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


@cache
def _fields() -> dict[str, Any]:
    """The file's content: settings that the weights were trained with, and the weights."""
    with (files("distill.model") / FILE).open("rb") as file:
        fields: dict[str, Any] = torch.load(file, weights_only=True, map_location="cpu")
    return fields
