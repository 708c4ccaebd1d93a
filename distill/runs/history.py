"""figures of epochs → one list for each figure; a resumed run continues the lists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


class History:
    """Figure → one number for each epoch; figures have the names they are logged with, such as
    `val/mel_db`.
    """

    def __init__(self, figures: Mapping[str, Sequence[float]] | None = None) -> None:
        self.figures = {name: list(values) for name, values in (figures or {}).items()}

    def close_epoch(self, figures: Mapping[str, float]) -> None:
        """Append an epoch. A figure that earlier epochs do not have, because an older distill began
        the run, is NaN there.
        """
        assert self.figures.keys() <= figures.keys() or not self.epochs
        epochs = self.epochs
        for name, value in figures.items():
            self.figures.setdefault(name, [math.nan] * epochs).append(value)

    def __getitem__(self, name: str) -> list[float]:
        return self.figures[name]

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return max(map(len, self.figures.values()), default=0)

    def best_epoch(self, figure: str) -> int:
        """The epoch, counted from 0, in which the figure is lowest."""
        return min(range(self.epochs), key=lambda epoch: self.figures[figure][epoch])

    def of_epoch(self, epoch: int) -> dict[str, float]:
        """All figures of an epoch, counted from 0."""
        return {name: values[epoch] for name, values in self.figures.items()}

    def last(self) -> dict[str, float]:
        """All figures of the newest epoch; empty before the first one ends."""
        return self.of_epoch(-1) if self.epochs else {}
