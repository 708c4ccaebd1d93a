"""What a bundle holds of a model's own vocoder. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class VocoderTraining:
    """How the vocoder was made."""

    epochs: int
    final_loss: float
    training_date: str


@dataclass(frozen=True)
class VocoderState:
    """`vocoder_state` of a bundle."""

    type: str
    """Which kind of network it is."""
    state_dict: dict[str, Any]
    """Weights by name."""
    config: dict[str, Any]
    """All else that rebuilds the network."""
    training_metadata: VocoderTraining
