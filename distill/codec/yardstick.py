"""figures of a reconstruction → how close it sounds, in one word, and which figure is the worst.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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
    """Up to where a figure, without its sign, stands for each word, in its unit; above is rough."""

    name: str
    close: float
    recognisable: float
    form: str = ".2f"
    """How the figure is printed."""
    unit: str = "dB"
    above: str = ""
    """What is at fault where the figure is above 0, in the plural, if that has another name."""

    def show(self, value: float) -> str:
        """`5.20 dB`; empty if the figure is not finite, because it was not measured."""
        return f"{value:{self.form}} {self.unit}" if math.isfinite(value) else ""

    def fault(self, value: float) -> str:
        """What is at fault: `onset error`, or `soft attacks`."""
        return self.above if self.above and value > 0 else self.name


SLOWER = "slower_ms"
YARDSTICK = {
    "mel_db": Bounds("mel error", close=1.9, recognisable=3.0),
    "onset_db": Bounds("onset error", close=3.5, recognisable=6.0),
    "peak_db": Bounds("peak loss", close=2.5, recognisable=6.0),
    "level_db": Bounds("level", close=1.5, recognisable=4.0, form="+.1f"),
    SLOWER: Bounds(
        "rise", close=2.0, recognisable=10.0, form="+.1f", unit="ms", above="soft attacks"
    ),
}
"""The only place of these bounds: figure, named as after `val/` → its bounds. Set by runs of
all qualities on recordings of instruments, spoken digits and the demo collection: an artificial ear
(Zimtohrli) gave those that are close 4.0 to 4.5 of 5, and 3.5 at the limit of rough.
The bounds of the rise are no ear's: what is sharp rises within 2 ms, and over 10 ms longer, a hit
has become a fade.
"""
OF_MELS = tuple(key for key in YARDSTICK if key != SLOWER)
"""The figures that the codec's training measures each epoch, without making sound of a mel."""
RISE, ORIGINAL_RISE, PRE_RING = "rise_ms", "original_rise_ms", "pre_ring_db"
"""Figures of a sound's attacks, as in `Attacks`; the first two make SLOWER, the last is shown."""
GENTLE_MS = 5.0
"""If the original rises more slowly than this, as voices do, it has no attack to lose."""


@dataclass(frozen=True)
class Rating:
    """A reconstruction by the yardstick."""

    closeness: Closeness
    """The worst word that one of the figures stands for."""
    worst: str
    """Key in YARDSTICK: of the figures that stand for this word, the one that is furthest over its
    limit for `close`.
    """
    value: float
    """That figure, in its unit."""

    @property
    def reason(self) -> str:
        """The worst figure in words: `the onset error is the worst, 5.20 dB (close: 3.5)`, or `soft
        attacks are the worst, rise +3.7 ms (close: 2)`.
        """
        bounds = YARDSTICK[self.worst]
        value, fault = bounds.show(self.value), bounds.fault(self.value)
        if fault == bounds.name:
            return f"the {fault} is the worst, {value} (close: {bounds.close:g})"
        return f"{fault} are the worst, {bounds.name} {value} (close: {bounds.close:g})"

    @property
    def fault(self) -> str:
        """What keeps it from being close: ` (soft attacks)`; empty if it is close."""
        is_close = self.closeness is Closeness.CLOSE
        return "" if is_close else f" ({YARDSTICK[self.worst].fault(self.value)})"


def show_figures(figures: Mapping[str, float]) -> list[str]:
    """`onset error 5.20 dB` and so on, for figures by their keys in YARDSTICK, and those of
    attacks: `rise 5.7 ms (original 2.0 ms)`. Others are ignored, as are those that are not finite.
    """
    known = _finite(figures, OF_MELS)
    shown = [f"{YARDSTICK[key].name} {YARDSTICK[key].show(value)}" for key, value in known.items()]
    attacks = _finite(figures, (RISE, ORIGINAL_RISE, PRE_RING))
    if RISE in attacks and ORIGINAL_RISE in attacks:
        shown.append(f"rise {attacks[RISE]:.1f} ms (original {attacks[ORIGINAL_RISE]:.1f} ms)")
    if PRE_RING in attacks:
        shown.append(f"pre-ring {attacks[PRE_RING]:+.1f} dB")
    return shown


def rate(figures: Mapping[str, float]) -> Rating | None:
    """Rate figures by their keys in YARDSTICK, of which the same are ignored; None if there is none
    to rate. Two rises are rated by their difference, if the original has an attack.
    """
    known = _finite(figures, YARDSTICK)
    attacks = _finite(figures, (RISE, ORIGINAL_RISE))
    if len(attacks) == 2 and attacks[ORIGINAL_RISE] <= GENTLE_MS:
        known[SLOWER] = attacks[RISE] - attacks[ORIGINAL_RISE]
    if not known:
        return None
    words = {key: _word_of(key, value) for key, value in known.items()}
    places = list(Closeness)
    worst = max(
        known, key=lambda key: (places.index(words[key]), abs(known[key]) / YARDSTICK[key].close)
    )
    return Rating(words[worst], worst, known[worst])


def held_out_figures(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures of an epoch, `val/mel_db` and so on → those in OF_MELS, by their keys there."""
    return {key: figures[f"val/{key}"] for key in OF_MELS if f"val/{key}" in figures}


def _finite(figures: Mapping[str, float], keys: Iterable[str]) -> dict[str, float]:
    return {key: figures[key] for key in keys if math.isfinite(figures.get(key, math.nan))}


def _word_of(key: str, value: float) -> Closeness:
    bounds = YARDSTICK[key]
    if abs(value) <= bounds.close:
        return Closeness.CLOSE
    return Closeness.RECOGNISABLE if abs(value) <= bounds.recognisable else Closeness.ROUGH
