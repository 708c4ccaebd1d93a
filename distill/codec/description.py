"""What is known of a model besides its weights: where it is from, how it was trained, how well.

The fields' names are the keys in a bundle and in the library's index. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from distill.system.ranges import any_float, within


@dataclass(frozen=True)
class Metadata:
    """What, from what, when, how long."""

    model_id: str
    name: str
    description: str
    dataset_name: str
    dataset_file_count: int
    dataset_total_duration_s: float
    dataset_fingerprint: str
    """Of the content of the sounds."""
    training_date: str
    """When the training began."""
    save_date: str
    training_epochs: int
    final_train_loss: float | None = field(metadata=any_float())
    """None before the first epoch's end."""
    final_val_loss: float | None = field(metadata=any_float())
    tags: list[str]
    distill_version: str
    torch_version: str


@dataclass(frozen=True)
class LevelHealth:
    """Health of one codebook level over a number of positions."""

    utilization: float = field(metadata=within(0, 1))
    """Share of codes in use."""
    perplexity: float = field(metadata=any_float())
    """exp of the entropy of the code distribution: how many codes it would take if all were used
    alike.
    """
    dead_codes: int


@dataclass(frozen=True)
class LossCurves:
    """One number an epoch in each list."""

    train_losses: list[float] = field(metadata=any_float())
    val_losses: list[float] = field(metadata=any_float())
    recon_losses: list[float] = field(metadata=any_float())
    """Of the training side, unweighted, as are `commit_losses`."""
    commit_losses: list[float] = field(metadata=any_float())
    val_mel_db: list[float] = field(metadata=any_float())
    """Held-out mel error."""
