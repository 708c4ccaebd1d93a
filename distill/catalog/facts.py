"""an entry of the library → facts of the model in words, for the terminal and for pages."""

from __future__ import annotations

from collections.abc import Sequence

from distill.catalog.entry import Entry
from distill.system.terminal import plain

BARS = "▁▂▃▄▅▆▇█"
VOCODERS = {"hifigan": "HiFi-GAN", "phasegradient": "Phase"}
"""How the type of a vocoder begins, and what it is called here."""


def vocoder_label(entry: Entry) -> str:
    """The model's own vocoder: `HiFi-GAN (200 ep)`; empty if it has none."""
    if entry.vocoder is None:
        return ""
    kind = entry.vocoder.type
    plain_kind = kind.lower().replace("-", "").replace("_", "")
    for beginning, label in VOCODERS.items():
        if plain_kind.startswith(beginning):
            kind = label
    return plain(f"{kind} ({entry.vocoder.epochs} ep)")


def sparkline(values: Sequence[float | None]) -> str:
    """A curve as one line of text; None leaves a gap."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    return "".join(
        " " if value is None else BARS[min(7, int(8 * (value - low) / span))] for value in values
    )
