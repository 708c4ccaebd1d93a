"""figures of codebooks → which levels are low, and a row for each, as every face shows it.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from distill.codec.description import LevelHealth
from distill.system.ranges import or_null, within
from distill.system.validation import instance_of

FEWEST_POSITIONS = 256
"""With fewer positions, a codebook is not judged."""
POSITIONS_PER_CODE = 16
"""With these, more positions would not change the figures much."""
MOST_POSITIONS, MOST_CODES = 10**15, 10**6
LEVEL_HEADINGS = ("level", "utilization", "perplexity", "dead codes")
LOW_ROWS = "low"
"""How the levels are called that only the low rows of the latent grid have: `low_0`, `low 0` ..."""
LOW = "mostly idle"
"""What is said of a level that uses too few of its codes."""


@dataclass(frozen=True)
class LevelRow:
    """The health of one level, to be shown; None where a figure is not known."""

    level: str
    """Its number, counted from 0; `low 0` ... for the levels that only the low rows have."""
    utilization: float | None
    perplexity: float | None
    dead_codes: float | None
    is_low: bool
    """Whether its utilization is under the run's `health.min_utilization`."""

    @classmethod
    def of(
        cls, level: str, figures: Mapping[str, float | None], *, min_utilization: float
    ) -> LevelRow:
        """The row of a level with these figures, by their names in LevelHealth."""
        utilization = figures.get("utilization")
        is_low = utilization is not None and utilization < min_utilization
        shown = utilization, figures.get("perplexity"), figures.get("dead_codes")
        return cls(level, *shown, is_low)

    def to_json(self) -> dict[str, Any]:
        """What a page shows of it: texts, and whether it is low."""
        return {"level": self.level, "cells": self.cells, "low": self.is_low, "mark": self.mark}

    @property
    def title(self) -> str:
        """The level at the head of a line: `level 0`, or `low 0`."""
        return self.level if self.level.startswith(LOW_ROWS) else f"level {self.level}"

    @property
    def name(self) -> str:
        """The level in a sentence."""
        number = self.level.removeprefix(LOW_ROWS).strip()
        return f"level {number}" + (" of the low rows" if number != self.level else "")

    @property
    def mark(self) -> str:
        """A word on a low level; empty for others."""
        return LOW if self.is_low else ""

    @property
    def label(self) -> str:
        """The level's number and its mark."""
        return f"{self.level} {self.mark}".rstrip()

    @property
    def cells(self) -> tuple[str, str, str]:
        """Utilization, perplexity and dead codes, as they are shown."""
        return (
            show_share(self.utilization),
            "" if self.perplexity is None else f"{self.perplexity:.1f}",
            "" if self.dead_codes is None else f"{self.dead_codes:.0f}",
        )


@dataclass(frozen=True)
class LevelsHealth:
    """Health of levels that the same rows have, counted over the same positions."""

    levels: tuple[LevelHealth, ...]
    positions: int = field(metadata=within(0, MOST_POSITIONS))
    codebook_size: int = field(metadata=within(1, MOST_CODES))

    @property
    def complete(self) -> bool:
        """Whether there are enough positions to trust the figures."""
        return self.positions >= POSITIONS_PER_CODE * self.codebook_size

    @property
    def attainable(self) -> float:
        """The utilization expected over these positions if all codes were used equally often."""
        return 1.0 - math.exp(-self.positions / self.codebook_size)

    def can_judge(self, min_utilization: float) -> bool:
        """Whether a low utilization would show a bad codebook rather than too few positions."""
        if self.complete:
            return True
        return self.positions >= FEWEST_POSITIONS and self.attainable >= min(
            2 * min_utilization, 0.95
        )

    def rows_of(self, min_utilization: float, *, prefix: str = "") -> list[LevelRow]:
        """A row for each level; none is low if there are too few positions to judge."""
        threshold = min_utilization if self.can_judge(min_utilization) else 0.0
        return [
            LevelRow.of(f"{prefix}{number}", asdict(level), min_utilization=threshold)
            for number, level in enumerate(self.levels)
        ]

    def plain(self) -> dict[str, Any]:
        """All figures as plain values."""
        return {
            "levels": [asdict(level) for level in self.levels],
            "positions": self.positions,
            "codebook_size": self.codebook_size,
            "complete": self.complete,
        }


@dataclass(frozen=True)
class SideHealth(LevelsHealth):
    """Health of all levels on one side of the collection, for one set of weights in eval mode: of
    those that all rows have, and of those that only the low rows have.
    """

    low: LevelsHealth | None = field(default=None, metadata=or_null())

    @classmethod
    def from_plain(cls, values: object) -> SideHealth:
        """Read a `report`; raises InvalidError for other values."""
        return instance_of(cls, values)

    @classmethod
    def from_snapshot(
        cls,
        snapshot: Mapping[str, Mapping[str, float]],
        *,
        positions: int,
        codebook_size: int,
        low_positions: int,
        low_codebook_size: int,
    ) -> SideHealth:
        """Read a `snapshot`, over this number of positions; raises InvalidError."""
        low = [dict(level) for key, level in snapshot.items() if key.startswith(LOW_ROWS)]
        report: dict[str, Any] = {
            "levels": [dict(level) for key, level in snapshot.items() if key.startswith("level_")],
            "positions": positions,
            "codebook_size": codebook_size,
        }
        if low:
            report["low"] = {
                "levels": low,
                "positions": low_positions,
                "codebook_size": low_codebook_size,
            }
        return cls.from_plain(report)

    @property
    def parts(self) -> tuple[LevelsHealth, ...]:
        """The levels of all rows, and those of the low rows if there are any."""
        return (self, self.low) if self.low else (self,)

    @property
    def every_level(self) -> tuple[LevelHealth, ...]:
        """All levels, those of the low rows last; the number of a level is its place here."""
        return tuple(level for part in self.parts for level in part.levels)

    def rows(self, min_utilization: float) -> list[LevelRow]:
        """A row for each level."""
        low = self.low.rows_of(min_utilization, prefix=f"{LOW_ROWS} ") if self.low else []
        return [*self.rows_of(min_utilization), *low]

    def ill_levels(self, min_utilization: float) -> tuple[int, ...]:
        """The numbers of the levels that are low."""
        return tuple(i for i, row in enumerate(self.rows(min_utilization)) if row.is_low)

    def part_of(self, number: int) -> LevelsHealth:
        """The levels that a level belongs to."""
        return self.parts[number >= len(self.levels)]

    def name(self, number: int) -> str:
        """A level in a sentence."""
        return self.rows(0.0)[number].name

    def snapshot(self) -> dict[str, dict[str, float]]:
        """`level_0` ..., `low_0` ... → its figures as plain values, as a bundle stores them."""
        low = self.low.levels if self.low else ()
        return {
            **{f"level_{i}": asdict(level) for i, level in enumerate(self.levels)},
            **{f"{LOW_ROWS}_{i}": asdict(level) for i, level in enumerate(low)},
        }

    def report(self) -> dict[str, Any]:
        """All figures as plain values, as an epoch's row in `progress.jsonl` stores them."""
        return {**self.plain(), **({"low": self.low.plain()} if self.low else {})}


def show_share(share: float | None) -> str:
    """0.754 → `75.4%`; empty if it is not known."""
    return "" if share is None else f"{share:.1%}"
