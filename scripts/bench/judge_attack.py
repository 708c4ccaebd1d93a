"""waveforms (T,) → how they begin: when, how steeply, and how many of them at once.

The envelope is the largest sample of each half millisecond. A sound begins where it first reaches
a tenth of its peak, and rises from there to 70 %; only those that have risen within 50 ms are hits
and count, as in `distill.codec.attack`.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from torch import Tensor

from distill.codec.attack import FAINTEST, LONGEST_RISE_S, SHARP_MS, envelope_of, rise_of


def beginnings(waveforms: Sequence[Tensor], rate_hz: int) -> dict[str, float]:
    """`begin_ms` and `rise_ms`, medians, and `sharp`, the share within 2 ms; empty without hits."""
    found = []
    for waveform in waveforms:
        envelope = envelope_of(waveform[None], rate_hz)
        if not len(envelope.peaks) or float(envelope.peaks.max()) < FAINTEST:
            continue
        begun, rise = rise_of(envelope.peaks)
        if begun + rise <= envelope.steps(LONGEST_RISE_S):
            step_ms = 1000 * envelope.step_s
            found.append((begun * step_ms, rise * step_ms))
    if not found:
        return {}
    begins, rises = zip(*found, strict=True)
    sharp = fmean(rise <= SHARP_MS for rise in rises)
    return {"begin_ms": median(begins), "rise_ms": median(rises), "sharp": sharp}
