"""a trained network of the phase-gradient vocoder → the values that a bundle holds of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from distill.vocoder.phase_network import PhaseNetwork

TYPE = "phase_gradient"
"""The word for it in `vocoder.type` and in bundles."""


def state_of(network: PhaseNetwork) -> dict[str, Any]:
    """`type`, `state_dict` in half precision, and `config`."""
    weights = {name: value.detach().half() for name, value in network.state_dict().items()}
    return {"type": TYPE, "state_dict": weights, "config": asdict(network.config)}
