"""magnitude mels of real sounds (N, M, F) → hand-made false and altered real ones, without end.

Of false ones there are five kinds, each made of two sounds of about one length: a hard cut and a
crossfade from one to the other, a layer of both, a blend of their levels, and the low notes of one
with the high ones of the other. All of them, and the real ones, are moved in pitch and filtered,
and some are cut short, so that none of this is told.
"""

from __future__ import annotations

import math

import torch
from judge_mels import BINS, FRAMES, HEARD_DB, LEAD, prepare_batch
from torch import Tensor

SEMITONES, FILTER_DB = 3.0, 2.5
ALTERED, CUT_SHORT = 0.7, 0.3
"""Shares of the sounds."""
SHARES = {"cut": 0.3, "fade": 0.2, "layer": 0.25, "blend": 0.15, "bands": 0.1}
"""How often each kind is made."""
FADE_FRAMES = (2.0, 14.0)
FIRST_CUT, LAST_CUT, LOUD_DB = 4, 0.75, 18.0
"""A sound is left after this many frames, before this share of the shorter of both, where it is
within this of its loudest frame: a cut that nobody hears is none.
"""
LEVEL_DB, LAYER_DB = 9.0, (-9.0, 3.0)
"""Levels of the second sound beside the first at the cut, and in a layer."""
BLEND, EDGE_BINS = (0.25, 0.75), (1.0, 8.0)
"""Shares of the second sound, and of the bins below the edge; how soft the edge is."""
PARTNERS = (0.8, 1.6)
"""How long the second sound is, of the first."""
AROUND = 8
WINDOW_SPREAD = 0.72
"""A hard cut is as soft in a mel as the window is long: the spread of its energy, in frames."""


class Mixes:
    """Makes batches; each is another one."""

    def __init__(self, magnitudes: Tensor, *, seed: int) -> None:
        """`magnitudes` (N, M, FRAMES) begin with LEAD frames of silence, as `bank` makes them."""
        self._sounds = magnitudes
        self._random = torch.Generator().manual_seed(seed)
        heard = loudness_db(magnitudes) > -HEARD_DB
        self._lengths = FRAMES - LEAD - heard.flip(1).to(torch.uint8).argmax(dim=1).float()
        self._order = self._lengths.argsort()
        self._sorted = self._lengths[self._order].contiguous()

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Prepared mels (size, M, FRAMES), and which are false (size,); half of them are."""
        false = size // 2
        sounds = [self._plain(size - false)]
        shares = torch.tensor(list(SHARES.values()))
        kinds = torch.multinomial(shares, false, replacement=True, generator=self._random)
        for number, kind in enumerate(SHARES):
            if count := int((kinds == number).sum()):
                sounds.append(self.make(kind, count))
        is_false = torch.arange(size) >= size - false
        return prepare_batch(20 * torch.log10(torch.cat(sounds).clamp(min=1e-5))), is_false

    def make(self, kind: str, count: int) -> Tensor:
        """False ones of a kind, (count, M, FRAMES) magnitudes."""
        first, first_length, second, second_length = self._pairs(count)
        shortest = torch.minimum(first_length, second_length)
        length = first_length
        if kind in ("cut", "fade"):
            mixed, cut = self._cut(first, second, shortest, is_soft=kind == "fade")
            return self._shorten(mixed, length, least=cut + FIRST_CUT)
        if kind == "layer":
            gain = 10 ** (self._uniform(count, *LAYER_DB) / 20)[:, None, None]
            return self._shorten((first.square() + (gain * second).square()).sqrt(), length)
        share = self._uniform(count, *BLEND)[:, None, None]
        if kind == "bands":
            softness = self._uniform(count, *EDGE_BINS)[:, None, None]
            share = torch.sigmoid((torch.arange(BINS)[None, :, None] - BINS * share) / softness)
        levels = [(each.clamp(min=1e-3)).log() for each in (first, second)]
        return self._shorten(torch.lerp(levels[0], levels[1], share).exp(), length)

    def _plain(self, count: int) -> Tensor:
        numbers = torch.randint(len(self._sounds), (count,), generator=self._random)
        return self._shorten(*self._alter(numbers))

    def _cut(
        self, first: Tensor, second: Tensor, shortest: Tensor, *, is_soft: bool
    ) -> tuple[Tensor, Tensor]:
        """The first sound until a place, then the second one from there or from its beginning."""
        count, frames = len(first), torch.arange(FRAMES)[None] - LEAD
        fits = (frames >= FIRST_CUT) & (frames <= LAST_CUT * shortest[:, None])
        fits &= loudness_db(first) > -LOUD_DB
        weights = fits.float() + 1e-6 * (frames == FIRST_CUT)
        place = torch.multinomial(weights, 1, generator=self._random) - LEAD
        whether = self._uniform(count)[:, None] < 0.5
        delay = torch.where(whether, place, 0)
        source = frames + LEAD - delay
        moved = second.gather(2, source.clamp(min=0)[:, None].expand(-1, BINS, -1))
        moved = moved * (source >= 0)[:, None]
        edge = place + self._uniform(count)[:, None] - 0.5
        before = (frames < edge) & (frames > edge - AROUND)
        after = (frames >= edge) & (frames < edge + AROUND)
        power = [
            (sound.square().sum(dim=1) * part).sum(dim=1).clamp(min=1e-8)
            for sound, part in ((first, before), (moved, after))
        ]
        gain = (power[0] / power[1]).sqrt() * 10 ** (self._uniform(count, -1, 1) * LEVEL_DB / 20)
        share = 0.5 + 0.5 * torch.erf((frames - edge) / WINDOW_SPREAD)
        if is_soft:
            width = torch.minimum(self._uniform(count, *FADE_FRAMES), 1.6 * place[:, 0].float())
            line = ((frames - edge) / width[:, None] + 0.5).clamp(0, 1)
            share = (math.pi / 2 * line).sin().square()
        share, gain = share[:, None], gain.clamp(max=30.0)[:, None, None]
        mixed = (first.square() * (1 - share) + (gain * moved).square() * share).sqrt()
        return mixed, place[:, 0].float()

    def _pairs(self, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        numbers = torch.randint(len(self._sounds), (count,), generator=self._random)
        low, high = (
            torch.searchsorted(self._sorted, share * self._lengths[numbers]) for share in PARTNERS
        )
        low = torch.minimum(low, (high - AROUND).clamp(min=0))
        high = torch.maximum(high, (low + AROUND).clamp(max=len(self._order)))
        place = low + (self._uniform(count) * (high - low)).long()
        others = self._order[place.clamp(max=len(self._order) - 1)]
        others = torch.where(others == numbers, (numbers + 1) % len(self._sounds), others)
        return *self._alter(numbers), *self._alter(others)

    def _alter(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Sounds at another pitch, as when they are played faster or slower, and filtered, with
        peak 1 → (B, M, F), and their lengths in frames.
        """
        count, sounds = len(numbers), self._sounds[numbers].float()
        semitones = self._uniform(count, -SEMITONES, SEMITONES)
        speed = 2 ** (semitones * (self._uniform(count) < ALTERED) / 12)
        sounds = replay(sounds, speed)
        points = FILTER_DB * torch.randn(count, 1, 4, generator=self._random)
        curve = torch.nn.functional.interpolate(
            points, size=BINS, mode="linear", align_corners=True
        )
        sounds = sounds * 10 ** (curve[:, 0, :, None] / 20)
        sounds = sounds / sounds.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)
        return sounds, (self._lengths[numbers] / speed).clamp(max=FRAMES - LEAD)

    def _shorten(self, sounds: Tensor, lengths: Tensor, least: Tensor | None = None) -> Tensor:
        """Some of the sounds end early; all of them, where the first one does."""
        count = len(sounds)
        shares = torch.where(self._uniform(count) < CUT_SHORT, self._uniform(count, 0.4, 1), 1.0)
        ends = shares * lengths
        if least is not None:
            ends = torch.maximum(ends, least)
        return sounds * (torch.arange(FRAMES)[None] - LEAD <= ends[:, None])[:, None]

    def _uniform(self, count: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=self._random)


def loudness_db(magnitudes: Tensor) -> Tensor:
    """(B, M, F) → (B, F): each frame's loudest cell, in dB under the sound's."""
    peaks = magnitudes.float().amax(dim=1)
    return 20 * torch.log10(peaks / peaks.amax(dim=1, keepdim=True).clamp(min=1e-6) + 1e-6)


def replay(magnitudes: Tensor, speed: Tensor) -> Tensor:
    """(B, M, F) played at a speed (B,): higher and shorter for more than 1."""
    frequencies = 700 * (10 ** (torch.linspace(0, _place(24_000.0), BINS + 2)[1:-1]) - 1)
    step = _place(24_000.0) / (BINS + 1)
    wanted = (frequencies[None] / speed[:, None]).clamp(max=24_000)
    bins = torch.log10(1 + wanted / 700) / step - 1
    frames = LEAD + (torch.arange(FRAMES)[None] - LEAD) * speed[:, None]
    grid = torch.stack(
        [
            (frames / (FRAMES - 1) * 2 - 1)[:, None].expand(-1, BINS, -1),
            (bins / (BINS - 1) * 2 - 1)[:, :, None].expand(-1, -1, FRAMES),
        ],
        dim=3,
    )
    sample = torch.nn.functional.grid_sample
    return sample(magnitudes[:, None], grid, align_corners=True, padding_mode="zeros")[:, 0]


def _place(hz: float) -> float:
    """A frequency on the mel scale, in units of 2595 mel."""
    return math.log10(1 + hz / 700)


def bank(mels: list[Tensor]) -> Tensor:
    """Mels in dB (M, F) → magnitudes (N, M, FRAMES) float16, with what `Mixes` is given."""
    placed = []
    for mel in mels:
        heard = (mel.amax(dim=0) > mel.max() - HEARD_DB).nonzero()[:, 0]
        sound = 10 ** ((mel - mel.max()) / 20)[:, int(heard[0]) : int(heard[-1]) + 3]
        sound = sound[:, : FRAMES - LEAD]
        placed.append(torch.nn.functional.pad(sound, (LEAD, FRAMES - LEAD - sound.shape[1])))
    return torch.stack(placed).half()
