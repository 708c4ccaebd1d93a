"""a model's prior → the values that its bundle holds. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SAME_BITS = 1.001
"""A prior is worse than another if it needs more than this times its bits: a prior in a bundle is
rounded to half precision.
"""


@dataclass(frozen=True)
class PriorTraining:
    """How the prior was trained."""

    epochs: int
    final_bits_per_s: float
    """Negative log2 likelihood of the held-out codes, for each second of sound."""
    training_date: str
    dataset_name: str = ""
    """Of the sounds that it was trained on; empty where that was not written down."""
    dataset_fingerprint: str = ""
    """Hash of their content."""


@dataclass(frozen=True)
class PriorState:
    """The content of `prior_state` in a bundle."""

    type: str
    state_dict: dict[str, Any]
    """Weights by name."""
    config: dict[str, Any]
    """The settings that rebuild the network."""
    training_metadata: PriorTraining
