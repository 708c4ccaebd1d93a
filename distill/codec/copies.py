"""waveform chunks (C, t) → the same with the later channels without what is a copy of the first
one in them, and the facts that bring them back.

Channels that are coded one by one come back with phases of their own: what is in the middle of
two that are nearly the same is spread, and opposite channels are no longer opposite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from distill.codec.facts import (
    COPY,
    DELAY_STEPS,
    MOST_CHANNELS,
    OWN,
    REST,
    ChannelFacts,
    gain_of,
    level_of,
)
from distill.codec.likeness import WINDOW, surplus_db
from distill.codec.stream import Window, windows

SHORT_S = 0.11
"""The level of a sound that is no longer than this is kept."""
END_S = 0.005
"""Duration of the end whose level is kept if it is sudden."""
SUDDEN_DB, QUIET_DB = 30.0, -60.0
"""An end is sudden if it is not softer than this, below the whole sound and in dBFS."""
LOOK_S = 10.0
"""How much of a sound's beginning is compared."""
LONGEST_DELAY_S, LONGEST_DELAY = 0.001, 500
"""Of a copy, and the same in samples."""
RELATED_DB = -5.0
"""A channel goes with the first one if no more than this of its energy is no copy of that."""
OTHER_DB, MORE_DB = 1.5, 0.01
"""In the mean over bands and windows: a channel does not go with the first one if a copy and the
rest are louder or softer by more than OTHER_DB. The rest is not coded if it would make the channel
louder by no more than MORE_DB, as what is 26 dB softer does.
"""
NEAREST = 1e-3
"""How much better a longer delay must fit than none: of a tone, several fit."""
TAPS = 32
"""Samples on either side that a value between samples is made of."""
PIECE = 1 << 18


class Separator:
    """Separates the channels of one sound, with constant memory. It does so the same way however
    the sound is cut into chunks.
    """

    def __init__(self, rate_hz: int) -> None:
        self.samples = 0
        self._rate_hz = rate_hz
        self._facts: list[ChannelFacts] = []
        self._energies = self._last = self._more_db = self._heard = torch.zeros(0)

    def separate(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks (C, t) → chunks (C, t) to be coded."""
        pieces = windows(
            self._measured(chunks),
            size=max(PIECE, round(LOOK_S * self._rate_hz / WINDOW) * WINDOW),
            context=longest_delay(self._rate_hz) + TAPS,
        )
        for window in pieces:
            core = window.items[:, window.left : window.left + window.core]
            if not self._facts:
                self._begin(core, window)
            if any(each.kind == REST for each in self._facts):
                copies = self._copies(window)
                more_db, _, heard = surplus_db(core, core - copies, copies)
                self._more_db, self._heard = self._more_db + more_db, self._heard + heard
                core = core - copies
            yield core

    def _begin(self, core: Tensor, window: Window) -> None:
        """Find out which channels go with the first one."""
        self._more_db = self._heard = self._energies.new_zeros(len(core))
        few = len(core) <= MOST_CHANNELS
        self._facts = [
            _relation(core, number, self._rate_hz) if few else ChannelFacts()
            for number in range(len(core))
        ]
        if any(each.kind == REST for each in self._facts):
            copies = self._copies(window)
            _, other_db, heard = surplus_db(core, core - copies, copies)
            for number, is_other in enumerate(other_db > OTHER_DB * heard):
                if is_other:
                    self._facts[number] = ChannelFacts()

    def _copies(self, window: Window) -> Tensor:
        """What is in each channel of a copy of the first one (C, t)."""
        return torch.stack([copy_of(window.items[0], window, each) for each in self._facts])

    def facts(self) -> tuple[ChannelFacts, ...]:
        """What is kept of each channel when all was separated; empty if it is nothing."""
        if len(self._facts) > MOST_CHANNELS:
            return ()
        facts = tuple(self._of(channel, each) for channel, each in enumerate(self._facts))
        return facts if any(each != ChannelFacts() for each in facts) else ()

    def _measured(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        end = max(1, round(END_S * self._rate_hz))
        for chunk in (each.detach().cpu() for each in chunks):
            exact = chunk.double()
            if not self.samples:
                self._energies, self._last = exact.new_zeros(len(exact)), exact[:, :0]
            self.samples += exact.shape[1]
            self._energies += exact.square().sum(dim=1)
            self._last = torch.cat([self._last, exact], dim=1)[:, -end:].clone()
            yield chunk

    def _of(self, channel: int, facts: ChannelFacts) -> ChannelFacts:
        if facts.kind == REST and self._more_db[channel] <= MORE_DB * self._heard[channel]:
            return replace(facts, kind=COPY)
        power = float(self._energies[channel]) / self.samples
        end_power = float(self._last[channel].square().mean())
        is_short = self.samples <= SHORT_S * self._rate_hz
        is_sudden = end_power > max(power * 10 ** (-SUDDEN_DB / 10), 10 ** (QUIET_DB / 10))
        return replace(
            facts,
            level=level_of(power) if is_short else 0,
            end=level_of(end_power) if is_sudden else 0,
        )


def longest_delay(rate_hz: int) -> int:
    """In samples."""
    return min(round(LONGEST_DELAY_S * rate_hz), LONGEST_DELAY)


def copy_of(first: Tensor, window: Window, facts: ChannelFacts, *, speed: float = 1.0) -> Tensor:
    """A window of the first channel → its core (t,) as a copy of it is; `speed` is its rate over
    that of the original.
    """
    core = first[window.left : window.left + window.core]
    if facts.kind == OWN:
        return torch.zeros_like(core)
    if facts.delay == 0:
        return core * facts.factor
    filter_, begin = _filter(facts.delay / DELAY_STEPS * speed)
    reach = abs(begin) + len(filter_)
    padded = torch.nn.functional.pad(first, (reach, reach))[None, None]
    weights = (filter_.flip(0) * facts.factor).to(first)[None, None]
    made = torch.nn.functional.conv1d(padded, weights)[0, 0]
    start = reach - begin - len(filter_) + 1 + window.left
    return made[start : start + window.core]


def _relation(channels: Tensor, number: int, rate_hz: int) -> ChannelFacts:
    """Channels (C, t) → the copy of the first that one of them is, and whether it goes with it."""
    if not number:
        return ChannelFacts()
    first, own = channels[0].cpu().double(), channels[number].cpu().double()
    energy, own_energy = float(first.square().sum()), float(own.square().sum())
    if min(energy, own_energy) <= 0:
        return ChannelFacts()
    longest = longest_delay(rate_hz)
    reach = longest + TAPS + 1
    size = 1 << (len(first) + 2 * reach).bit_length()
    spectrum = torch.fft.rfft(own, n=size) * torch.fft.rfft(first, n=size).conj()
    correlation = torch.fft.irfft(spectrum, n=size).roll(reach)[: 2 * reach + 1]
    delays = torch.arange(-longest * DELAY_STEPS, longest * DELAY_STEPS + 1)
    found = _between(correlation, longest, reach)
    favoured = found.abs() * (1 - NEAREST * delays.abs() / max(1, longest * DELAY_STEPS))
    best = int(favoured.argmax())
    if 1 - float(found[best]) ** 2 / energy / own_energy > 10 ** (RELATED_DB / 10):
        return ChannelFacts()
    return ChannelFacts(REST, int(delays[best]), gain_of(float(found[best]) / energy))


def _filter(delay: float) -> tuple[Tensor, int]:
    """A delay in samples → the filter (2 · TAPS,) that makes it, and the delay of its first tap."""
    whole = math.floor(delay)
    places = torch.arange(1 - TAPS, TAPS + 1, dtype=torch.float64) - (delay - whole)
    shape = torch.cos(math.pi * places / (2 * TAPS + 2)).square()
    return torch.sinc(places) * shape, whole + 1 - TAPS


def _between(values: Tensor, longest: int, middle: int) -> Tensor:
    """Values at whole places (2 · middle + 1,), counted from the middle → those from -longest to
    longest in steps of 1 / DELAY_STEPS.
    """
    whole = middle + torch.arange(-longest, longest + 1)[:, None]
    parts = []
    for part in range(DELAY_STEPS):
        filter_, begin = _filter(part / DELAY_STEPS)
        parts.append(values[whole + begin + torch.arange(len(filter_))] @ filter_)
    return torch.stack(parts, dim=1).flatten()[: 2 * longest * DELAY_STEPS + 1]
