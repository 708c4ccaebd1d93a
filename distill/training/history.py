"""losses of steps → one number an epoch, through interruptions and resumes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from distill.model.loss import Loss

TERMS = ("total", "reconstruction", "commitment")
OverRanks = Callable[[Tensor], Tensor]
"""This rank's sums → those of all ranks."""


def alone(sums: Tensor) -> Tensor:
    """Where there is but one rank."""
    return sums


class LossMean:
    """Weighted running mean of a loss's terms, in double precision, that survives a checkpoint."""

    def __init__(self) -> None:
        self._sums = torch.zeros(len(TERMS), dtype=torch.float64)
        self._weight = 0.0

    def add(self, loss: Loss, weight: float) -> None:
        """Take in a batch's loss with its weight; nothing is read back from the device."""
        terms = torch.stack([getattr(loss, term).detach() for term in TERMS]).double()
        self._sums = self._sums.to(terms.device) + weight * terms
        self._weight += weight

    def take(self, over_ranks: OverRanks = alone) -> dict[str, float]:
        """The mean of each term over all ranks, NaN if nothing was added, and start anew."""
        *sums, weight = over_ranks(self._all()).tolist()
        self.__init__()  # type: ignore[misc]
        return {
            term: value / weight if weight else float("nan")
            for term, value in zip(TERMS, sums, strict=True)
        }

    def _all(self) -> Tensor:
        weight = torch.tensor([self._weight], dtype=torch.float64, device=self._sums.device)
        return torch.cat([self._sums, weight])

    def state_dict(self, over_ranks: OverRanks = alone) -> dict[str, Any]:
        """Plain values, those of all ranks together."""
        *sums, weight = over_ranks(self._all()).tolist()
        return {"sums": sums, "weight": weight}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The values of `state_dict`."""
        self._sums = torch.tensor(state["sums"], dtype=torch.float64)
        self._weight = state["weight"]


@dataclass
class LossHistory:
    """What a bundle stores as `loss_curve_history`: one number an epoch in each list."""

    train_losses: list[float] = field(default_factory=list)
    val_losses: list[float] = field(default_factory=list)
    recon_losses: list[float] = field(default_factory=list)
    commit_losses: list[float] = field(default_factory=list)
    val_mel_db: list[float] = field(default_factory=list)

    def close_epoch(self, train: dict[str, float], val: dict[str, float], mel_db: float) -> None:
        """Append an epoch; reconstruction and commitment are those of the training side."""
        self.train_losses.append(train["total"])
        self.val_losses.append(val["total"])
        self.recon_losses.append(train["reconstruction"])
        self.commit_losses.append(train["commitment"])
        self.val_mel_db.append(mel_db)

    @property
    def epochs(self) -> int:
        """Finished epochs."""
        return len(self.train_losses)

    @property
    def best_epoch(self) -> int:
        """Epoch, from 0, with the lowest held-out mel error."""
        return min(range(self.epochs), key=lambda epoch: self.val_mel_db[epoch])

    def epoch_metrics(self, epoch: int = -1) -> dict[str, float]:
        """One epoch's numbers under the names they are logged with."""
        return {
            "train/loss": self.train_losses[epoch],
            "train/reconstruction": self.recon_losses[epoch],
            "train/commitment": self.commit_losses[epoch],
            "val/loss": self.val_losses[epoch],
            "val/mel_db": self.val_mel_db[epoch],
        }


class MelErrorMean:
    """Mean absolute difference in dB over the frames that hold sound."""

    def __init__(self) -> None:
        self.sum = 0.0
        self.frames = 0

    def add(self, original_db: Tensor, decoded_db: Tensor, sounding: Tensor) -> None:
        """Two mels in dB (B, 1, M, F) and which frames count (B, F)."""
        error = (original_db - decoded_db).abs().mean(dim=(1, 2))
        self.sum += float(error[sounding].sum())
        self.frames += int(sounding.sum())

    def take(self, over_ranks: OverRanks = alone) -> float:
        """The mean over all ranks, NaN if no frame counted, and start anew."""
        here = torch.tensor([self.sum, self.frames], dtype=torch.float64)
        total, frames = over_ranks(here).tolist()
        self.__init__()  # type: ignore[misc]
        return float(total / frames) if frames else float("nan")
