"""facts about a model besides its weights: its origin, its training and its quality.

The names of the fields are keys in bundles and in the library's index. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from distill.system.ranges import any_float, within


@dataclass(frozen=True)
class Metadata:
    """The model's name and id, its sounds, and when and how long it was trained."""

    model_id: str
    name: str
    description: str
    dataset_name: str
    dataset_file_count: int
    dataset_total_duration_s: float
    dataset_fingerprint: str
    """Hash of the content of the sounds."""
    training_date: str
    """When the training began."""
    save_date: str
    training_epochs: int
    final_train_loss: float | None = field(metadata=any_float())
    """None if no epoch was finished."""
    final_val_loss: float | None = field(metadata=any_float())
    tags: list[str]
    distill_version: str
    torch_version: str
    packages: list[str] = field(default_factory=list)
    """Installed packages, with their versions, whose parts the model was trained with."""


@dataclass(frozen=True)
class LevelHealth:
    """Health of one codebook level, measured over a number of positions."""

    utilization: float = field(metadata=within(0, 1))
    """Share of the codes that are used."""
    perplexity: float = field(metadata=any_float())
    """exp of the entropy of the code distribution: the number of codes in use if all were used
    equally often.
    """
    dead_codes: int


@dataclass(frozen=True)
class LossCurves:
    """Curves of a training; each list has one number for each epoch."""

    train_losses: list[float] = field(metadata=any_float())
    val_losses: list[float] = field(metadata=any_float())
    recon_losses: list[float] = field(metadata=any_float())
    """Unweighted, on the training side; the same for `commit_losses`."""
    commit_losses: list[float] = field(metadata=any_float())
    val_mel_db: list[float] = field(metadata=any_float())
    """Held-out mel error."""
    val_onset_db: list[float] = field(metadata=any_float())
    """Held-out onset error."""
    val_peak_db: list[float] = field(metadata=any_float())
    """Held-out peak loss."""
    val_level_db: list[float] = field(metadata=any_float())
    """Median level of held-out segments."""


def signature(name: str, model_id: str) -> str:
    """A model's name and id → the tag of the sounds that it makes."""
    return f"{name} ({model_id})"
