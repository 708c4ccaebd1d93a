"""draws → stretches of sounds as codes, changed a little each time, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from distill.data.datamodule import ResumableLoader
from distill.data.segments import Draw, MovingDraws
from distill.prior.conditions import UNKNOWN, Conditions
from distill.prior.config import PriorNetworkConfig
from distill.settings.schema import AugmentConfig
from distill.training.prior.coder import SoundCoder

VERSIONS = 8
"""Changed versions of each stretch that are coded. After them, the same ones come again."""
LATER_SHARE = 0.5
"""Share of the versions in which a sound begins later, by less than a column."""
UNKNOWN_SHARE = 0.1
"""How often each condition is left out in training."""
MOST_KEPT = 1 << 27
"""Codes that are kept in memory at most, so that they need not be coded again."""


@dataclass(frozen=True)
class Stretch:
    """Some columns of a sound."""

    codes: Tensor
    """(H, W, L)."""
    first: int
    """Column of the sound that they begin with."""
    columns: int
    """Latent columns of the whole sound."""
    label: int
    level_db: float


class Stretches:
    """The sounds of one side in stretches that a prior can see at once. A stretch depends only on
    its draw and the seed.
    """

    def __init__(self, coder: SoundCoder, labels: Sequence[int], *, window: int, seed: int) -> None:
        """`labels` are the numbers of the sounds' classes; `window` is in latent columns."""
        self.coder, self.labels, self.window, self.seed = coder, labels, window, seed
        counts = [max(1, round(coder.columns(i) / window)) for i in range(len(coder.sounds))]
        self.sound_of = np.repeat(np.arange(len(counts)), counts)
        self._kept: dict[tuple[int, int], Stretch] = {}
        self._kept_codes = 0

    def __len__(self) -> int:
        return len(self.sound_of)

    def draw(self, draw: Draw, augment: AugmentConfig, *, align: int) -> Stretch:
        """The stretch of a draw; a part of a sound begins with a multiple of `align` columns."""
        key = draw.index, draw.lap % VERSIONS
        if key not in self._kept:
            random = np.random.default_rng((self.seed, *key))
            stretch = self._change(int(self.sound_of[draw.index]), augment, random, align)
            if self._kept_codes > MOST_KEPT:
                return stretch
            self._kept[key] = stretch
            self._kept_codes += stretch.codes.numel()
        return self._kept[key]

    def _change(
        self, index: int, augment: AugmentConfig, random: np.random.Generator, align: int
    ) -> Stretch:
        coder, gain_db, sign, later, shift_bins = self.coder, 0.0, 1, 0, 0
        if augment.enabled:
            gain_db = augment.gain_db * random.uniform(-1, 1)
            sign = -1 if augment.flip_polarity and random.random() < 0.5 else 1
            later = int(random.integers(coder.codec.column_samples))
            later = later if random.random() < LATER_SHARE else 0
            shift_bins = int(random.integers(-augment.shift_bins, augment.shift_bins + 1))
        columns = coder.columns(index, later)
        first = 0
        if columns > self.window:  # both ends as often as what is between them
            wanted = int(random.integers(-self.window // 2, columns - self.window // 2))
            first = min(max(0, wanted), columns - self.window)
            first -= first % align
        width = min(self.window, columns - first)
        gain = sign * 10 ** (gain_db / 20)
        codes = coder.codes(index, first, width, later=later, gain=gain, shift_bins=shift_bins)
        level_db = coder.level_db(index) + gain_db
        return Stretch(codes, first, columns, self.labels[index], level_db)


def held_out_stretches(
    coder: SoundCoder, labels: Sequence[int], codes: Mapping[int, Tensor], *, window: int
) -> list[tuple[Stretch, int]]:
    """Codes of sounds, by their number → stretches that hold each of them, and how many columns at
    the beginning of each are there only to be known: each stretch but a sound's first begins half a
    window early.
    """
    half, stretches = window // 2, []
    for index, whole in codes.items():
        columns, label = coder.columns(index), labels[index]
        level_db = coder.level_db(index)
        first, known = 0, 0
        while first + known < whole.shape[1]:
            part = whole[:, first : first + window]
            stretches.append((Stretch(part, first, columns, label, level_db), known))
            first, known = first + part.shape[1] - half, half
    return stretches


def collate(
    stretches: Sequence[Stretch], config: PriorNetworkConfig, device: torch.device
) -> tuple[Tensor, Conditions, Tensor]:
    """Stretches → codes (B, H, W, L), conditions, and which columns hold codes (B, W)."""
    width = max(stretch.codes.shape[1] for stretch in stretches)
    codes = torch.zeros(len(stretches), config.rows, width, config.every_level, dtype=torch.int64)
    valid = torch.zeros(len(stretches), width, dtype=torch.bool)
    for row, stretch in enumerate(stretches):
        columns = stretch.codes.shape[1]
        codes[row, :, :columns], valid[row, :columns] = stretch.codes.long(), True
    wide = config.block_columns
    conditions = Conditions(
        first=torch.tensor([stretch.first // wide for stretch in stretches]),
        columns=torch.tensor([-(-stretch.columns // wide) for stretch in stretches]),
        label=torch.tensor([stretch.label for stretch in stretches]),
        level_db=torch.tensor([stretch.level_db for stretch in stretches]),
    )
    moved = Conditions(*(each.to(device) for each in conditions))
    return codes.to(device), moved, valid.to(device)


def leave_out(conditions: Conditions) -> Conditions:
    """The same, but each condition of each sound is unknown now and then."""
    gone = torch.rand(3, len(conditions.label)).to(conditions.label.device) < UNKNOWN_SHARE
    return conditions._replace(
        columns=conditions.columns.masked_fill(gone[0], UNKNOWN),
        label=conditions.label.masked_fill(gone[1], UNKNOWN),
        level_db=conditions.level_db.masked_fill(gone[2], float("nan")),
    )


class _Numbers(Dataset[Any]):
    """Draws and numbers as they are: coding needs the codec, which the module has."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, item: Any) -> Any:
        return item


class StretchDataModule(lightning.LightningDataModule):
    """Batches of draws to train on, and of numbers of held-out stretches."""

    def __init__(
        self, *, stretches: int, held_out: int, batch_size: int, draws: int, seed: int
    ) -> None:
        super().__init__()
        self.stretches, self.held_out = stretches, held_out
        self.batch_size, self.draws, self.seed = batch_size, draws, seed

    def train_dataloader(self) -> ResumableLoader:
        """Batches of Draws, this rank's share of them."""
        assert self.trainer is not None
        draws = MovingDraws(
            self.stretches,
            draws=self.draws,
            batch_size=self.batch_size,
            seed=self.seed,
            rank=self.trainer.global_rank,
            ranks=self.trainer.world_size,
        )
        return ResumableLoader(
            _Numbers(self.stretches),
            sampler=draws,
            trainer=self.trainer,
            batch_size=self.batch_size,
            collate_fn=list,
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches of numbers of held-out stretches, this rank's share of them; with more ranks than
        stretches, some get an empty batch.
        """
        assert self.trainer is not None
        share = list(range(self.held_out))[self.trainer.global_rank :: self.trainer.world_size]
        batches = [
            share[i : i + self.batch_size] for i in range(0, max(1, len(share)), self.batch_size)
        ]
        return DataLoader(batches, batch_size=None)  # type: ignore[arg-type]
