"""figures of a reconstruction → how close it sounds, in one word, and which figure is the worst.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Closeness(StrEnum):
    """How a reconstruction sounds beside its original."""

    CLOSE = "close"
    """Hard to tell apart without listening to both."""
    RECOGNISABLE = "recognisable"
    """The same sound, and clearly a copy."""
    ROUGH = "rough"
    """What kind of sound it is can be heard, and not much more."""


@dataclass(frozen=True)
class Bounds:
    """Up to where a figure, without its sign, stands for each word, in dB; above is rough."""

    name: str
    close: float
    recognisable: float
    form: str = ".2f"
    """How the figure is printed."""

    def show(self, value_db: float) -> str:
        """`5.20 dB`; empty if the figure is not finite, because it was not measured."""
        return f"{value_db:{self.form}} dB" if math.isfinite(value_db) else ""


YARDSTICK = {
    "mel_db": Bounds("mel error", close=1.9, recognisable=3.0),
    "onset_db": Bounds("onset error", close=3.5, recognisable=6.0),
    "peak_db": Bounds("peak loss", close=2.5, recognisable=6.0),
    "level_db": Bounds("level", close=1.5, recognisable=4.0, form="+.1f"),
}
"""The only place of these bounds: figure, named as after `val/` → its bounds. Set by runs of
all qualities on recordings of instruments, spoken digits and the demo collection: an artificial ear
(Zimtohrli) gave those that are close 4.0 to 4.5 of 5, and 3.5 at the limit of rough.
"""


@dataclass(frozen=True)
class Rating:
    """A reconstruction by the yardstick."""

    closeness: Closeness
    """The worst word that one of the figures stands for."""
    worst: str
    """Key in YARDSTICK: the figure that is furthest over its limit for `close`."""
    value_db: float
    """That figure."""

    @property
    def reason(self) -> str:
        """The worst figure in words: `the onset error is the worst, 5.20 dB (close: 3.5)`."""
        bounds = YARDSTICK[self.worst]
        worst = bounds.show(self.value_db)
        return f"the {bounds.name} is the worst, {worst} (close: {bounds.close:g})"


def show_figures(figures: Mapping[str, float]) -> list[str]:
    """`onset error 5.20 dB` and so on, for figures by their keys in YARDSTICK; others are ignored,
    as are those that are not finite.
    """
    return [
        f"{YARDSTICK[key].name} {YARDSTICK[key].show(figures[key])}"
        for key in _finite_figures(figures)
    ]


def rate(figures: Mapping[str, float]) -> Rating | None:
    """Rate figures by their keys in YARDSTICK, of which the same are ignored; None if there is none
    to rate.
    """
    known = _finite_figures(figures)
    if not known:
        return None
    worst = max(known, key=lambda key: abs(known[key]) / YARDSTICK[key].close)
    words = list(Closeness)
    closeness = max((_word_of(key, value) for key, value in known.items()), key=words.index)
    return Rating(closeness, worst, known[worst])


def held_out_figures(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures of an epoch, `val/mel_db` and so on → those in YARDSTICK, by their keys there."""
    return {key: figures[f"val/{key}"] for key in YARDSTICK if f"val/{key}" in figures}


def _finite_figures(figures: Mapping[str, float]) -> dict[str, float]:
    return {key: figures[key] for key in YARDSTICK if math.isfinite(figures.get(key, math.nan))}


def _word_of(key: str, value: float) -> Closeness:
    bounds = YARDSTICK[key]
    if abs(value) <= bounds.close:
        return Closeness.CLOSE
    return Closeness.RECOGNISABLE if abs(value) <= bounds.recognisable else Closeness.ROUGH
