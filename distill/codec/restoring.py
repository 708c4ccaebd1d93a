"""chunks (channels with codes, t) as they are decoded → chunks (C, t) of all channels, as the facts
beside the codes have them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from distill.codec.copies import END_S, PIECE, TAPS, copy_of, longest_delay
from distill.codec.facts import OWN, ChannelFacts, power_of
from distill.codec.stream import windows
from distill.model.mel import SpectrogramConfig

MOST_GAIN = 1e4
"""How many times louder a sound is made at most: of one that is shorter than a window, nearly all
may be decoded outside it.
"""
LAPS = 16
"""The gain comes to that of an end within the time of the end, or this part of it."""
MOST_RISE = 10 ** (6 / 20)
"""Of a sudden end above the 50 ms before it."""


def restore(
    chunks: Iterable[Tensor], facts: Sequence[ChannelFacts], *, rate_hz: int, coded_hz: int
) -> Iterator[Tensor]:
    """Chunks of one waveform at `rate_hz`, whose original was at `coded_hz` → chunks (C, t) in
    [-1, 1].
    """
    end = max(1, round(END_S * rate_hz))
    context = max(longest_delay(rate_hz) + TAPS, 2 * end)
    for window in windows((chunk.cpu() for chunk in chunks), size=PIECE, context=context):
        items, core = window.items.clone(), slice(window.left, window.left + window.core)
        channels: list[Tensor] = []
        row = 0
        for each in facts:
            sound = copy_of(items[0], window, each, speed=rate_hz / coded_hz)
            if each.has_codes:
                sound = sound + items[row, core]
                row += 1
            if window.last:
                sound = sound * _gain(sound, each, end, is_whole=not window.left)
            if not channels:
                items[0, core] = sound
            channels.append(sound)
        yield torch.stack(channels).clamp(-1.0, 1.0)


def restore_mels(
    mels: Iterator[Tensor], facts: Sequence[ChannelFacts], config: SpectrogramConfig
) -> Iterator[Tensor]:
    """The same for chunks (channels with codes, 1, M, f) of a normalised mel, but for delays, and
    as if a copy and the rest had no phases.
    """
    if not facts:
        yield from mels
        return
    in_nepers = math.log(10) / 10  # of power, as logaddexp takes it
    for mel in mels:
        power = in_nepers * (mel * config.std_db + config.mean_db)
        channels: list[Tensor] = []
        row = 0
        for each in facts:
            parts = []
            if each.kind != OWN:
                parts.append(channels[0] + 2 * math.log(abs(each.factor)))
            if each.has_codes:
                parts.append(power[row])
                row += 1
            channels.append(torch.stack(parts).logsumexp(dim=0) if parts[1:] else parts[0])
        yield (torch.stack(channels) / in_nepers - config.mean_db) / config.std_db


def _gain(sound: Tensor, facts: ChannelFacts, end: int, *, is_whole: bool) -> Tensor:
    """The last samples of a channel (t,), or all → by how much each is made louder or softer."""
    energies = sound.double().square()
    end = min(end, len(sound)) if facts.end else 0
    body, last = len(sound) - end, 1.0
    ending = float(energies[body:].sum())
    if facts.end:
        last = _ratio(power_of(facts.end) * end, ending)
        if not (facts.level and is_whole):  # nothing mends the level of what comes before
            last = min(last, max(1.0, _rise_to(energies[:body], energies[body:])))
    before, rise = 1.0, _rise(min(end, body))
    if facts.level and is_whole:
        whole = power_of(facts.level) * len(sound)
        for lap in (min(end, body), min(end // LAPS, body), 0):
            rise = _rise(lap)
            before = _before(energies[:body], rise.double(), last, whole - last**2 * ending)
            if before > 0:  # else the lap alone is too loud
                break
        else:
            before = last = _ratio(whole, float(energies.sum()))
    gain = torch.full_like(sound, last)
    gain[: body - len(rise)] = before
    gain[body - len(rise) : body] = before + (last - before) * rise
    return gain


def _rise(samples: int) -> Tensor:
    return torch.linspace(0, 1, samples + 2)[1:-1]


def _before(energies: Tensor, rise: Tensor, last: float, wanted: float) -> float:
    """The gain of what comes before an end, so that it has the wanted energy together with the lap
    in which its gain rises to that of the end.
    """
    begun, lapped = energies[: len(energies) - len(rise)], energies[len(energies) - len(rise) :]
    square = float(begun.sum() + (lapped * (1 - rise) ** 2).sum())
    mixed = 2 * last * float((lapped * rise * (1 - rise)).sum())
    rest = last**2 * float((lapped * rise**2).sum()) - wanted
    if square <= 0:
        return 1.0
    root = math.sqrt(max(0.0, mixed**2 - 4 * square * rest))
    return min(max(0.0, (root - mixed) / (2 * square)), MOST_GAIN)


def _rise_to(before: Tensor, end: Tensor) -> float:
    """The gain that an end may have without standing out from what comes before as a burst."""
    if not len(before):
        return MOST_GAIN
    return MOST_RISE * _ratio(float(before[-10 * len(end) :].mean()), float(end.mean()))


def _ratio(wanted: float, found: float) -> float:
    return min(math.sqrt(wanted / found), MOST_GAIN) if found > 0 else 1.0
