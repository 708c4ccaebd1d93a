"""waveforms of a sound and of its result → how sharply both begin, and what is heard before.

The envelope is the largest sample of all channels in each half millisecond. An onset is where it
first reaches a tenth of its peak; the rise is the time from there to 70 % of the peak. A sound is a
hit, and only hits count, if that is reached within 50 ms of the sound's beginning. Besides this
first onset there may be later ones, as in loops: where the envelope first reaches a tenth of the
loudest of the next 50 ms, after 30 ms that stay under half of that.

Pre-ring is the energy of the 20 ms before an onset of the result, over that of the 20 ms before the
same onset of the original: a sound that only begins a little earlier does not ring. A result that
is heard from its first 5 ms on has no such time; then that before the original's onset counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import torch
from torch import Tensor

from distill.codec.yardstick import ORIGINAL_RISE, PRE_RING, RISE
from distill.vocoder.onsets import BEGUN, RISEN

STEPS_A_SECOND = 2000
"""Of the envelope."""
LONGEST_RISE_S = 0.05
"""What takes longer is no hit; in a result, it counts as this."""
SHARP_MS = 2.0
"""What rises within this is sharp."""
FAINTEST, SHORTEST_S = 1e-3, 0.01
"""A sound whose loudest sample is under this, or that is shorter, has no onset."""
CALM_S, CALM_SHARE = 0.03, 0.5
"""Before a later onset, the envelope stays under this share of what is heard, for this long."""
LOUD_SHARE = 0.1
"""A later onset is at least this loud beside the whole sound."""
PRE_RING_S = 0.02
LEAST_BEFORE_S = 0.005
"""With less of the sound before an onset, no pre-ring is measured there."""
FLOOR_DB = -80.0
"""Beside the peak's square; added to both powers, so that the ring before digital silence has a
level, too.
"""
MEASURED_S = 60.0
"""Onsets are looked for in at most this much of a sound."""


@dataclass(frozen=True)
class Attack:
    """One onset of a sound, and what became of it in its result."""

    rise_ms: float
    """In the result."""
    original_rise_ms: float
    pre_ring_db: float | None
    """None where too little of the sound comes before."""


@dataclass(frozen=True)
class Attacks:
    """Several onsets, of one sound or of many."""

    rise_ms: float
    """Median, in the results."""
    original_rise_ms: float
    sharp: float
    """Share of the results that rise within SHARP_MS, 0 to 1."""
    original_sharp: float
    pre_ring_db: float | None
    """Median; None if it was measured nowhere."""
    count: int

    @classmethod
    def of(cls, attacks: Sequence[Attack]) -> Attacks | None:
        """The figures of one or more onsets; None if there are none."""
        if not attacks:
            return None
        rises = [each.rise_ms for each in attacks]
        originals = [each.original_rise_ms for each in attacks]
        rings = [each.pre_ring_db for each in attacks if each.pre_ring_db is not None]
        return cls(
            median(rises),
            median(originals),
            fmean(rise <= SHARP_MS for rise in rises),
            fmean(rise <= SHARP_MS for rise in originals),
            median(rings) if rings else None,
            len(attacks),
        )

    @property
    def figures(self) -> dict[str, float]:
        """What the yardstick shows and rates, by its keys there."""
        rises = {RISE: self.rise_ms, ORIGINAL_RISE: self.original_rise_ms}
        return rises if self.pre_ring_db is None else {**rises, PRE_RING: self.pre_ring_db}


@dataclass(frozen=True)
class Envelope:
    """A waveform in steps of half a millisecond."""

    peaks: Tensor
    """(S,) float32: the largest sample of all channels."""
    powers: Tensor
    """(S,) float64: the mean square, summed over the channels."""
    step_s: float
    """How long a step is: a whole number of samples."""

    def steps(self, seconds: float) -> int:
        """How many steps a time takes."""
        return round(seconds / self.step_s)


class EnvelopeMeter:
    """The envelope of a waveform, while its chunks go to whoever uses them."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._step = max(1, rate_hz // STEPS_A_SECOND)
        self._room = round(MEASURED_S * rate_hz) // self._step * self._step
        self._rest: Tensor | None = None
        """Samples that do not fill a step yet, (C, t)."""
        self._parts: list[tuple[Tensor, Tensor]] = []

    def measure(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the chunks (C, t) unchanged; all is complete when they are all taken."""
        for chunk in chunks:
            self.add(chunk)
            yield chunk

    def add(self, chunk: Tensor) -> None:
        """Add the next samples (C, t). NaN and infinity count as silence."""
        kept = chunk[:, : self._room].detach().cpu()
        self._room -= kept.shape[1]
        joined = kept if self._rest is None else torch.cat([self._rest, kept], dim=1)
        whole = joined.shape[1] // self._step * self._step
        self._rest = joined[:, whole:].clone()
        self._parts.append(self._steps_of(joined[:, :whole]))

    def envelope(self) -> Envelope:
        """The envelope of what was added; the last step may be shorter."""
        parts = list(self._parts)
        if self._rest is not None and self._rest.shape[1]:
            missing = self._step - self._rest.shape[1]
            parts.append(self._steps_of(torch.nn.functional.pad(self._rest, (0, missing))))
        peaks = torch.cat([part[0] for part in parts] or [torch.zeros(0)])
        powers = torch.cat([part[1] for part in parts] or [torch.zeros(0, dtype=torch.float64)])
        return Envelope(peaks, powers, self._step / self._rate_hz)

    def _steps_of(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """(C, S · step) → the peaks and powers, (S,) each."""
        sound = samples.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        steps = sound.unflatten(1, (-1, self._step)) if sound.shape[1] else sound[:, :, None]
        return steps.abs().amax(dim=(0, 2)), steps.double().square().mean(dim=2).sum(dim=0)


def envelope_of(waveform: Tensor, rate_hz: int) -> Envelope:
    """A waveform (C, T) → its envelope."""
    meter = EnvelopeMeter(rate_hz)
    meter.add(waveform)
    return meter.envelope()


def find_attacks(original: Envelope, other: Envelope) -> list[Attack]:
    """Envelopes of a sound and of its result, equally long → its onsets, the first one of a hit
    and later ones; empty for what has none.

    The rise of the first one is measured in the whole of both; of a later one from 20 ms before it
    to 50 ms after it, and with the peak of that time.
    """
    found: list[Attack] = []
    longest = original.steps(LONGEST_RISE_S)
    if len(original.peaks) < original.steps(SHORTEST_S) or original.peaks.amax() < FAINTEST:
        return found
    first, rise = rise_of(original.peaks)
    if first + rise <= longest:
        found.append(_attack(original, other, (first, rise), slice(None)))
    before = original.steps(PRE_RING_S)
    for onset in _later_onsets(original, first):
        window = slice(onset - before, onset + longest)
        _, rise = rise_of(original.peaks[onset : onset + longest])
        found.append(_attack(original, other, (onset, rise), window))
    return found


def measure_attacks(original: Tensor, other: Tensor, *, rate_hz: int) -> Attacks | None:
    """Waveforms (C, T) of a sound and of its result → the figures of its onsets; None if it has
    none.
    """
    return Attacks.of(find_attacks(*(envelope_of(each, rate_hz) for each in (original, other))))


def rise_of(peaks: Tensor) -> tuple[int, int]:
    """An envelope (S,) that is not silent → where it first reaches a tenth of its peak, and the
    steps from there to 70 %.
    """
    shares = peaks / peaks.amax()
    heard, risen = (int((shares >= s).nonzero()[0]) for s in (BEGUN, RISEN))
    return heard, risen - heard


def _later_onsets(envelope: Envelope, first: int) -> list[int]:
    """The steps, after the first onset, with which something begins anew."""
    ahead, before = envelope.steps(LONGEST_RISE_S), envelope.steps(CALM_S)
    peaks = envelope.peaks[first:]
    if len(peaks) <= before + 1:
        return []
    padded = torch.nn.functional.pad(peaks, (0, ahead - 1))
    loudest = padded.unfold(0, ahead, 1).amax(dim=1)[before:]
    calm = peaks.unfold(0, before, 1).amax(dim=1)[: len(loudest)]
    is_onset = (peaks[before:] >= BEGUN * loudest) & (calm < CALM_SHARE * BEGUN * loudest)
    is_onset &= loudest >= max(FAINTEST, LOUD_SHARE * float(envelope.peaks.amax()))
    onsets: list[int] = []
    for step in (is_onset.nonzero()[:, 0] + first + before).tolist():
        if not onsets or step - onsets[-1] > before:
            onsets.append(step)
    return onsets


def _attack(original: Envelope, other: Envelope, onset: tuple[int, int], window: slice) -> Attack:
    """An onset of the original, its step and its rise in steps, and where to look for it."""
    step_ms, longest = 1000 * original.step_s, original.steps(LONGEST_RISE_S)
    heard, begun, rise = other.peaks[window], 0, longest
    if heard.amax() > 0:
        begun, rise = rise_of(heard)
        begun += window.start or 0
    if begun < original.steps(LEAST_BEFORE_S):
        begun = onset[0]
    peak = float(original.peaks[window].amax())
    ring = _pre_ring_db(original, other, (onset[0], begun), peak)
    return Attack(min(longest, rise) * step_ms, onset[1] * step_ms, ring)


def _pre_ring_db(
    original: Envelope, other: Envelope, onsets: tuple[int, int], peak: float
) -> float | None:
    """The onset in both, in steps, and the original's peak."""
    length = min(original.steps(PRE_RING_S), *onsets)
    if length < original.steps(LEAST_BEFORE_S):
        return None
    floor = length * peak**2 * 10 ** (FLOOR_DB / 10)
    before, after = (
        float(each.powers[onset - length : onset].sum())
        for each, onset in zip((original, other), onsets, strict=True)
    )
    return 10 * math.log10((after + floor) / (before + floor))
