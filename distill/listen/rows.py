"""a sound and its figures → a row of a page to listen, and the rows in order, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from statistics import median

from distill.system.paths import natural_key


@dataclass(frozen=True)
class Take:
    """One of the sounds of a row, between which the listener switches."""

    label: str
    """The word on its button: original, result."""
    path: str
    """Path of the sound file, seen from the page, with `/` between its parts."""


@dataclass(frozen=True)
class Row:
    """One sound, in several takes that are equally long."""

    name: str
    takes: tuple[Take, ...]
    seconds: float
    """How long each take is."""
    file: str
    """Path of the whole result, seen from the page. No other row of the page has the same one."""
    model: str = ""
    note: str = ""
    """What else is to be said of it, in words."""
    picture: str | None = None
    """Path of the takes' mels, one above the other in their order, seen from the page."""
    figures: dict[str, float] = field(default_factory=dict)
    """Finite figures, by their keys in the yardstick."""
    call: int = 0
    """Number of the call that made it, counted in the page's folder: newer ones have higher
    numbers, whatever the clock said.
    """

    @property
    def paths(self) -> set[str]:
        """Every file that the row names."""
        return {self.file, *(take.path for take in self.takes), *filter(None, (self.picture,))}

    def is_in(self, folder: Path) -> bool:
        """Whether every file that the row names is in the folder of the page, or below it."""
        try:
            return all(
                not path.is_absolute() and ".." not in path.parts and (folder / path).is_file()
                for path in map(PurePosixPath, self.paths)
            )
        except ValueError:  # not a name
            return False


def badness(figures: Mapping[str, float]) -> tuple[float, float]:
    """The figures of a row → large numbers for a bad result: the onset error, then the mel
    error.
    """
    return figures.get("onset_db", 0.0), figures.get("mel_db", 0.0)


def worst_first(rows: Iterable[Row]) -> list[Row]:
    """The rows, the worst result first; equally bad ones by name."""

    def place(row: Row) -> tuple[float, float, tuple[str, str], str]:
        onset_db, mel_db = badness(row.figures)
        return -onset_db, -mel_db, natural_key(row.name), row.file

    return sorted(rows, key=place)


def newest_first(rows: Iterable[Row]) -> list[Row]:
    """The rows, those of the newest call first, within a call by name."""
    return sorted(rows, key=lambda row: (-row.call, natural_key(row.name), row.file))


def medians(sounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The figures of each sound → the median of each figure over the sounds that have it."""
    names = dict.fromkeys(name for figures in sounds for name in figures)
    return {name: median(each[name] for each in sounds if name in each) for name in names}
