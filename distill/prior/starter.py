"""a new prior → the same with the starter weights, which know how the codes of sounds go on.

`scripts/starter/train_prior.py` makes them, on the codes of synthesised sounds alone, by many
codebooks.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import torch

from distill.prior.config import PriorNetworkConfig
from distill.prior.network import PriorNetwork

NAME = "synthesised"
"""The word for them in `prior.starter`."""
FILE = "starter.pt"
SIZES = (
    "rows",
    "levels",
    "low_levels",
    "codebook_dim",
    "block_rows",
    "block_columns",
    "width",
    "layers",
    "heads",
    "depth_width",
    "depth_layers",
    "depth_heads",
)
"""What the weights are made for. Codebooks can have any number of codes."""
LABELS, FREQUENCY = "label.weight", "frequency"
"""Weights that belong to a collection: its classes, and how frequent its codes are."""
CLASS_SPREAD = 0.05
"""How far a new class is from no class, in each number of its vector."""


def starter_fields(network: PriorNetwork) -> dict[str, Any]:
    """What the file of starter weights holds of a trained network, in half precision."""
    weights = {name: value.half() for name, value in network.state_dict().items()}
    weights[LABELS] = weights[LABELS][-1:]
    del weights[FREQUENCY]
    return {
        "network": {key: getattr(network.config, key) for key in SIZES},
        "state_dict": weights,
    }


def difference_from_starter(network: PriorNetworkConfig) -> str | None:
    """Why the starter weights do not fit a network; None if they do."""
    for key, value in _fields()["network"].items():
        if getattr(network, key) != value:
            return f"they are made for {key} {value}, this prior has {getattr(network, key)}"
    return None


@torch.no_grad()
def start_from_starter(network: PriorNetwork) -> None:
    """Give a network the starter weights, in place, but for how frequent each code is; its classes
    begin near the class that is not known.
    """
    own = network.state_dict()
    for name, value in _fields()["state_dict"].items():
        if name == LABELS:
            spread = CLASS_SPREAD * torch.randn_like(own[name])
            spread[-1] = 0
            own[name].copy_(value.float() + spread)
        else:
            own[name].copy_(value)


@cache
def _fields() -> dict[str, Any]:
    with (files("distill.prior") / FILE).open("rb") as file:
        fields: dict[str, Any] = torch.load(file, weights_only=True, map_location="cpu")
    return fields
