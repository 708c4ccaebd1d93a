"""a model's own vocoder → the values that its bundle holds. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DEFAULT, DEFAULT_NAME = "griffin-lim", "Griffin-Lim"
"""The word for the vocoder of models that have none of their own, in `--vocoder`."""


@dataclass(frozen=True)
class VocoderTraining:
    """How the vocoder was trained."""

    epochs: int
    final_loss: float
    training_date: str
    dataset_name: str = ""
    """Of the sounds that it was trained on; empty where that was not written down."""
    dataset_fingerprint: str = ""
    """Hash of their content."""


@dataclass(frozen=True)
class VocoderState:
    """The content of `vocoder_state` in a bundle."""

    type: str
    """The kind of network."""
    state_dict: dict[str, Any]
    """Weights by name."""
    config: dict[str, Any]
    """The settings that rebuild the network."""
    training_metadata: VocoderTraining
