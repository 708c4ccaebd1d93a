"""number of a family and of a sibling → a synthesised sound; siblings are alike, as the sounds of a
class are. The prior's starter weights are trained on collections of them.

    python scripts/starter/families.py OUT --count 10      # to listen to some
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from parts import RATE_HZ, Rng, Samples, log_uniform, low_pass, room, unit
from sounds import KINDS, background, scene
from voices import VOICES

MANY = 300
"""From this number of values on, they are a sibling's own: they are noise, and no parameters."""
LONGEST_S = 4.5
SIZES = (2, 2, 3, 4, 4, 6, 8, 15)
"""Siblings of a family, as often as a size stands here."""


class FamilyRng:
    """Draws what a generator of numpy draws, nearly the same for all siblings of a family: each
    value is the family's, moved a little by the sibling.
    """

    def __init__(self, family: int, sibling: int, *, closeness: float) -> None:
        self._family, self._drawn, self._moved = family, 0, closeness
        self._own = np.random.default_rng((family, sibling, 7))

    def _shared(self) -> Rng:
        """A generator for the next value, the same for each sibling."""
        self._drawn += 1
        return np.random.default_rng((self._family, self._drawn))

    def _share(self, size: Any = None) -> Any:
        """Values from 0 to 1, mirrored at the borders."""
        moved = self._moved * self._own.standard_normal(size)
        value = np.abs(self._shared().random(size) + moved)
        return np.clip(np.where(value > 1, 2 - value, value), 0, 1)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """As Generator.uniform."""
        if size is not None and np.prod(size) > MANY:
            return self._own.uniform(low, high, size)
        value = low + (high - low) * self._share(size)
        return float(value) if size is None else value

    def random(self, size: Any = None) -> Any:
        """As Generator.random; it mostly says what is there or not, so it is seldom moved."""
        if size is not None and np.prod(size) > MANY:
            return self._own.random(size)
        value, other = self._shared().random(size), self._own.random(size)
        moved = np.where(self._own.random(size) < self._moved / 3, other, value)
        return float(moved) if size is None else moved

    def standard_normal(self, size: Any = None) -> Any:
        """As Generator.standard_normal."""
        if size is not None and np.prod(size) > MANY:
            return self._own.standard_normal(size)
        part = min(1.0, 2 * self._moved)
        shared = np.sqrt(1 - part**2) * self._shared().standard_normal(size)
        return shared + part * self._own.standard_normal(size)

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Any = None) -> Any:
        """As Generator.normal."""
        return loc + scale * self.standard_normal(size)

    def exponential(self, scale: float = 1.0, size: Any = None) -> Any:
        """As Generator.exponential."""
        return -scale * np.log1p(-np.minimum(self._share(size), 0.999))

    def integers(self, *arguments: Any, **options: Any) -> Any:
        """As Generator.integers, the family's."""
        return self._shared().integers(*arguments, **options)

    def choice(self, *arguments: Any, **options: Any) -> Any:
        """As Generator.choice, the family's."""
        return self._shared().choice(*arguments, **options)

    def triangular(self, *arguments: Any) -> Any:
        """As Generator.triangular, the family's."""
        return self._shared().triangular(*arguments)


@dataclass(frozen=True)
class Family:
    """What siblings have in common."""

    number: int
    kind: str
    closeness: float
    """How far siblings are apart: the deviation of a parameter, of its range."""
    length_s: float
    length_spread: float
    level_db: float
    begins_late: bool

    @classmethod
    def of(cls, number: int, kinds: Sequence[str]) -> Family:
        """The family of a number, of one of these kinds."""
        rng = np.random.default_rng((number, 3))
        kind = str(rng.choice(list(kinds)))
        return cls(
            number=number,
            kind=kind,
            closeness=float(rng.choice([0.02, 0.05, 0.1, 0.2])),
            length_s=log_uniform(rng, 0.25 if kind in VOICES else 1.0, 4.0),
            length_spread=float(rng.choice([0.02, 0.1, 0.3])),
            level_db=-float(rng.triangular(0, 2, 30)),
            begins_late=bool(rng.random() < 0.07),
        )

    @property
    def siblings(self) -> int:
        """How many there are."""
        return int(np.random.default_rng((self.number, 4)).choice(SIZES))

    def sound(self, sibling: int) -> Samples:
        """One of them (T,) float32 at 48 kHz, at most 1."""
        own = np.random.default_rng((self.number, sibling, 11))
        rng = cast(Rng, FamilyRng(self.number, sibling, closeness=self.closeness))
        length_s = self.length_s * np.exp(self.length_spread * own.standard_normal())
        samples = round(float(np.clip(length_s, 0.15, 4.0)) * RATE_HZ)
        x = unit(scene(self.kind, rng, samples))
        if rng.random() < 0.4:  # a sound in a room goes on a little
            x = room(rng, np.concatenate([x, np.zeros(min(RATE_HZ // 2, len(x) // 3))]))
        if rng.random() < 0.12:
            x = np.tanh(log_uniform(rng, 1, 10) * unit(x))
        if rng.random() < 0.2:
            x = low_pass(x, log_uniform(rng, 3500, 20000), 10)
        x = _ended(unit(x), own)
        before = own.uniform(0, 0.5) if self.begins_late else own.uniform(0, 0.08)
        x = np.concatenate([np.zeros(round(before * RATE_HZ) if own.random() < 0.5 else 0), x])
        x = unit(x) * 10 ** ((self.level_db + own.uniform(-2, 2)) / 20)
        if np.random.default_rng((self.number, 5)).random() < 0.1:
            x = x + background(rng, len(x))
        return np.clip(x, -1, 1).astype(np.float32)[: round(LONGEST_S * RATE_HZ)]


def families(number: int) -> list[Family]:
    """The families of a collection: of a few kinds, or of all."""
    rng = np.random.default_rng((number, 99))
    few = int(rng.integers(3, 12)) if rng.random() < 0.75 else len(KINDS)
    kinds = [str(kind) for kind in rng.choice(list(KINDS), min(few, len(KINDS)), replace=False)]
    return [Family.of(100_000 * (number + 1) + index, kinds) for index in range(1_000)]


def _ended(x: Samples, own: Rng) -> Samples:
    """Without what is hardly heard at the end, or cut before, and faded."""
    if own.random() < 0.1:
        x = x[: int(own.uniform(0.4, 1) * len(x))]
    heard = np.flatnonzero(np.abs(x) > 1e-3)
    x = x[: max(int(heard[-1]) + 1 if len(heard) else 0, RATE_HZ // 10)].copy()
    fade = min(len(x), RATE_HZ // 100)
    x[-fade:] *= np.linspace(1, 0, fade)
    return x


def main() -> None:
    """Write some families as 24-bit WAV files."""
    import soundfile

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=10)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for family in families(0)[: arguments.count]:
        for sibling in range(family.siblings):
            path = arguments.out / f"{family.number}_{family.kind}_{sibling}.wav"
            soundfile.write(path, family.sound(sibling), RATE_HZ, subtype="PCM_24")


if __name__ == "__main__":
    main()
