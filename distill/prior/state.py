"""What a bundle holds of a model's prior. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PriorTraining:
    """How the prior was made."""

    epochs: int
    final_bits_per_s: float
    """Minus the log2 likelihood of held-out codes per second of sound."""
    training_date: str


@dataclass(frozen=True)
class PriorState:
    """`prior_state` of a bundle."""

    type: str
    state_dict: dict[str, Any]
    """Weights by name."""
    config: dict[str, Any]
    """All else that rebuilds the network."""
    training_metadata: PriorTraining
