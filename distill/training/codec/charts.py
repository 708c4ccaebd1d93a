"""numbers of levels → the layout of TensorBoard's custom charts for a codec."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from distill.codec.hearing import LEADS_S
from distill.codec.level_health import LOW_ROWS

HINT = "(hover over a line to see its name)"


def codec_charts(levels: int, low_levels: int) -> dict[str, dict[str, Sequence[Any]]]:
    """One chart for each figure of the codebooks, with all levels, those of the low rows last; one
    for the losses; one for the onset error behind each lead, and one for the range of levels.
    """
    names = [
        *(f"level_{level}" for level in range(levels)),
        *(f"{LOW_ROWS}_{level}" for level in range(low_levels)),
    ]
    return {
        "codebooks, all levels": {
            f"{figure.replace('_', ' ')} {HINT}": _lines(
                f"codebook/{name}/{figure}" for name in names
            )
            for figure in ("perplexity", "utilization", "dead_codes")
        },
        "training and validation": {f"loss {HINT}": _lines(["train/loss", "val/loss"])},
        "heard": {
            f"onset error by silence before {HINT}": _lines(
                f"val/onset_{lead_s:g}_db" for lead_s in LEADS_S
            ),
            f"level, median and 10-90 % {HINT}": _lines(
                ["val/level_10_db", "val/level_db", "val/level_90_db"]
            ),
        },
    }


def _lines(metrics: Iterable[str]) -> Sequence[Any]:
    return ["Multiline", list(metrics)]
