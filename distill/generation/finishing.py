"""drawn sounds → sounds as they are delivered: without clicks, silence before, or clipping."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LOUDEST = 0.99
"""The largest sample of what is delivered."""
MOST_GAIN_DB = 12.0
"""To bring a sound to its level, it is made louder or softer by at most this."""
HEARD_SHARE, RISEN_SHARE = 0.1, 0.7
"""A hit begins with the first sample that has HEARD_SHARE of the loudest one, if it has risen to
RISEN_SHARE within RISE_S.
"""
RISE_S = 0.05
PRE_RING_S = 0.025
"""What is softer before a hit, for at most this time, is not heard: a decoded mel spreads an attack
over half a window. With more before it, the sound rises slowly.
"""
BEGIN_SHARE = 0.01
"""A sound that is no hit begins with the first sample that has this share of the loudest one."""
END_SHARE = 0.0005
"""It ends with the last sample that has this share."""
SHORTEST_S = 0.05
HIT_LEAD_S, LEAD_S = 0.0005, 0.002
FADE_IN_S, FADE_OUT_S = 0.0005, 0.005
QUIET_END_S = 0.005
"""The silence after the fade at the end."""
SPLICE_S = 0.02
SEAM_S = 0.05
FIRST_ONSET_S = 0.06
"""A loop with a beat is made so that its first onset is in this time."""
DEAD_SHARE, QUIET_DB = 0.01, 30.0
"""A sound has died away under this share of its loudest sample; a loop does not begin in a frame
that is quieter than the loudest by more than this.
"""
CALMEST, AROUND = 0.2, 2
"""A loop begins in a calm frame: CALMEST is the share of frames that count as calm, and AROUND the
number of frames on either side that are judged with each, as far as a window reaches.
"""
LOWEST_PEAK, LOWEST_LEVEL_DB = 0.003, -70.0


def is_silent(waveform: Tensor) -> bool:
    """Whether nothing is to be heard in a waveform (T,)."""
    return float(waveform.abs().max()) < LOWEST_PEAK or level_db(waveform) < LOWEST_LEVEL_DB


def level_db(waveform: Tensor) -> float:
    """Level in dBFS of a waveform: of its mean power."""
    power = float(waveform.double().square().mean())
    return 10 * math.log10(power) if power > 0 else -math.inf


def beginning_of(waveform: Tensor, rate_hz: int) -> int:
    """A waveform (T,) → the sample that it begins with, after silence and the ring before a hit."""
    share = waveform.abs() / waveform.abs().max().clamp(min=LOWEST_PEAK)
    first, heard, risen = (
        int((share >= least).to(torch.uint8).argmax())
        for least in (BEGIN_SHARE, HEARD_SHARE, RISEN_SHARE)
    )
    is_hit = heard - first <= PRE_RING_S * rate_hz and risen - heard <= RISE_S * rate_hz
    lead = HIT_LEAD_S if is_hit else LEAD_S
    return max(0, (heard if is_hit else first) - round(lead * rate_hz))


def trim_beginning(waveform: Tensor, rate_hz: int) -> Tensor:
    """A waveform (T,) → the same without silence before its beginning."""
    return waveform[beginning_of(waveform, rate_hz) :]


def begin_at(waveform: Tensor, place: int, rate_hz: int) -> Tensor:
    """A waveform (T,) that begins later than at a place → (T,), earlier and with silence after it,
    if it is late by no more than a decoded mel can make it.
    """
    late = beginning_of(waveform, rate_hz) - place
    return fit(waveform[late:], len(waveform)) if 0 < late <= PRE_RING_S * rate_hz else waveform


def trim_end(waveform: Tensor, rate_hz: int) -> Tensor:
    """A waveform (T,) → the same without what is not heard any more at its end."""
    (loud,) = (waveform.abs() > END_SHARE * waveform.abs().max()).nonzero(as_tuple=True)
    last = int(loud[-1]) + round((FADE_OUT_S + QUIET_END_S) * rate_hz) if len(loud) else 0
    return waveform[: max(last, round(SHORTEST_S * rate_hz))]


def to_level(waveform: Tensor, wanted_db: float | None) -> Tensor:
    """Bring a waveform to a level in dBFS, None for its own, as far as nothing clips by that."""
    gain = 1.0
    if wanted_db is not None:
        change_db = wanted_db - level_db(waveform)
        gain = 10 ** (min(max(change_db, -MOST_GAIN_DB), MOST_GAIN_DB) / 20)
    peak = float(waveform.abs().max())
    return waveform * min(gain, LOUDEST / peak) if peak > 0 else waveform


def fade_ends(waveform: Tensor, rate_hz: int, *, beginning: bool = True) -> Tensor:
    """A waveform (T,) → the same, rising from zero and falling to it."""
    faded = waveform.clone()
    into = min(round(FADE_IN_S * rate_hz), len(faded) // 4)
    out = min(round(FADE_OUT_S * rate_hz), len(faded) // 4)
    quiet = min(round(QUIET_END_S * rate_hz), len(faded) // 4)
    if beginning:
        faded[:into] *= _rise(into)
    end = len(faded) - quiet
    faded[end - out : end] *= _rise(out).flip(0)
    faded[end:] = 0
    return faded


def fit(waveform: Tensor, samples: int) -> Tensor:
    """A waveform (T,) → (samples,), cut or with silence added."""
    missing = max(0, samples - len(waveform))
    return torch.nn.functional.pad(waveform, (0, missing))[:samples]


def splice(beginning: Tensor, waveform: Tensor, samples: int, rate_hz: int) -> Tensor:
    """Replace the first samples of a waveform by another's, and lead over from one to the other."""
    lap = min(round(SPLICE_S * rate_hz), samples)
    over = slice(samples - lap, samples)
    led = _lead_over(beginning[over], waveform[over])
    return torch.cat([beginning[: samples - lap], led, waveform[samples:]])


def cut_beat(waveform: Tensor, samples: int, rate_hz: int) -> Tensor:
    """A waveform (T,) → (samples,) from its first onset on, which begins again after its end; that
    onset may be softer than others.
    """
    place = beginning_of(waveform[: round(FIRST_ONSET_S * rate_hz)], rate_hz)
    loop = fit(waveform[place:], samples).clone()
    into, out = (min(round(each * rate_hz), samples // 8) for each in (FADE_IN_S, FADE_OUT_S))
    loop[:into] *= _rise(into)
    loop[samples - out :] *= _rise(out).flip(0)
    return loop


def cut_loop(waveform: Tensor, mel: Tensor, samples: int, *, hop: int, rate_hz: int) -> Tensor:
    """A waveform (T,) and its mel in dB (M, F) → (samples,) of which the end fits the beginning.

    A sound that has died away by then begins with its attack and ends in silence. Of one that goes
    on, the part is cut out that begins in a calm frame and comes back to it best, and its last
    moments are led over to what comes before the beginning.
    """
    begun = trim_beginning(waveform, rate_hz)
    peak, ending = float(begun.abs().max()), begun[int(0.8 * samples) : samples]
    if len(begun) < samples or float(ending.abs().max()) < DEAD_SHARE * peak:
        return fade_ends(fit(begun, samples), rate_hz)
    lap = min(round(SEAM_S * rate_hz), samples // 4)
    frames, lap_frames = round(samples / hop), max(1, round(lap / hop))
    smooth = mel.unfold(1, lap_frames, 1)
    starts = min(smooth.shape[1] - frames, (len(waveform) - samples) // hop)
    first = min(lap_frames, starts - 1)
    if starts > 1:
        apart = (smooth[:, :starts] - smooth[:, frames : frames + starts]).abs().mean(dim=(0, 2))
        jumps = torch.nn.functional.pad((mel[:, 1:] - mel[:, :-1]).abs().mean(dim=0), (1, 0))
        around = 2 * AROUND + 1
        moving = torch.nn.functional.max_pool1d(jumps[None], around, 1, AROUND)[0, first:starts]
        loudness = mel.amax(dim=0)[first:starts]
        unfit = (moving > moving.quantile(CALMEST)) | (loudness < loudness.max() - QUIET_DB)
        start = (first + int(apart[first:].masked_fill(unfit, math.inf).argmin())) * hop
    else:
        start = len(waveform) - samples
    lap = min(lap, start)
    loop = waveform[start : start + samples].clone()
    if lap:
        loop[-lap:] = _lead_over(loop[-lap:], waveform[start - lap : start])
    return loop


def _lead_over(one: Tensor, other: Tensor) -> Tensor:
    """Two waveforms (T,) → the first becoming the second."""
    rise = _rise(len(one)).square()
    return torch.lerp(one, other, rise)


def _rise(count: int) -> Tensor:
    """A quarter of a sine, from 0 to 1."""
    return torch.sin(torch.linspace(0, math.pi / 2, count)) if count else torch.ones(0)
