"""a model and a class → new sounds that differ from each other and from known ones, with their
takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor
from torchaudio.functional import treble_biquad

from distill.bundle.loaded import LoadedModel
from distill.generation.finishing import HIT_LEAD_S, fade_ends, is_silent, trim_beginning, trim_end
from distill.generation.making import NewSound
from distill.generation.novelty import LEAST_SHARE, MelNeighbours
from distill.generation.request import Request
from distill.prior.conditions import UNKNOWN

ROBIN_AMOUNT = 0.15
"""How far the takes of a sound are from its first one: heard side by side, not as another sound."""
TRIES = 4
"""For each sound that is wanted, so many are made at most."""
SOFTER_DB, DARKER_DB, DARKER_HZ = 7.0, 5.0, 2_500.0
"""Each velocity layer below the first is softer, and above a frequency softer still."""
LOUDEST_DB = -0.1
BEGUN_SHARE = 0.05
"""A kit's sounds begin just before the first sample with this share of the loudest one."""


@dataclass(frozen=True)
class Take:
    """A waveform for one of a pad's zones."""

    layer: int
    """From 0, the loudest."""
    robin: int
    """From 1."""
    waveform: Tensor
    """(T,) at the model's sample rate."""


@dataclass(frozen=True)
class KitSound:
    """One of a kit's sounds."""

    sound: NewSound
    takes: tuple[Take, ...]


class KitSounds:
    """Makes the sounds of a kit, class by class."""

    def __init__(
        self, model: LoadedModel, request: Request, *, per_class: int, robins: int, layers: int
    ) -> None:
        """`request` is what all sounds have in common. Raises GenerationError for a model without a
        prior.
        """
        self.model, self.request, self.per_class = model, request, per_class
        self.robins, self.layers = robins, layers
        self.prior = model.require_prior()
        self._made: list[Tensor] = []
        """The mels of all sounds of the kit."""

    def of_class(self, name: str | None) -> Iterator[KitSound]:
        """New sounds of a class, or of all; fewer than `per_class` where others would be copies."""
        generation = self.model.generation(
            replace(self.request, class_name=name), total=self.per_class
        )
        peak_db = self.peak_db(name)
        found = 0
        for number in range(1, 1 + TRIES * self.per_class):
            (sound,) = generation.sounds([number])
            if is_silent(sound.waveform) or not self._is_new(sound):
                continue
            self._made.append(sound.mel)
            yield KitSound(sound, tuple(self._takes(sound, name, peak_db)))
            found += 1
            if found == self.per_class:
                return

    def known(self, name: str | None) -> int:
        """How many sounds of a class the model knows."""
        label = UNKNOWN if name is None else self.prior.label(name)
        assert label is not None
        return len(self.prior.sounds_of(label))

    def enough(self, name: str | None, found: int) -> int:
        """About how many known sounds a class takes for all of its sounds to differ, if by those
        that it has `found` of them do.
        """
        known = self.known(name)
        return max(known + 1, math.ceil(known * self.per_class / max(1, found)))

    def peak_db(self, name: str | None) -> float | None:
        """The median peak of the known sounds of a class, in dBFS; None where it is not known."""
        label = UNKNOWN if name is None else self.prior.label(name)
        assert label is not None
        sounds = [self.prior.config.sounds[number] for number in self.prior.sounds_of(label)]
        peaks = [sound.peak_db for sound in sounds if sound.peak_db is not None]
        return median(peaks) if peaks else None

    def _is_new(self, sound: NewSound) -> bool:
        """Whether a sound differs from known ones, and from all others of the kit."""
        usual_db = self.prior.config.held_out_db
        floor_db = self.model.codec.spectrogram.config.floor_db
        nearest = MelNeighbours(self._made, floor_db=floor_db).nearest(sound.mel)
        return min(sound.distance_db, nearest.distance_db) >= LEAST_SHARE * usual_db

    def _takes(self, sound: NewSound, name: str | None, peak_db: float | None) -> Iterator[Take]:
        """The takes of a sound: it itself, then variations."""
        variations = self._variations(sound, name)
        for layer in range(self.layers):
            for robin in range(1, 1 + self.robins):
                is_first = layer == 0 and robin == 1
                waveform = sound.waveform if is_first else next(variations).waveform
                yield Take(layer, robin, self._finish(waveform, layer, peak_db))

    def _variations(self, sound: NewSound, name: str | None) -> Iterator[NewSound]:
        request = replace(
            self.request,
            seed=self.request.seed + sound.number,
            class_name=name,
            like=sound.codes,
            amount=ROBIN_AMOUNT,
        )
        count = self.layers * self.robins - 1
        if count:
            generation = self.model.generation(request, total=count)
            yield from generation.sounds(range(1, 1 + count))

    def _finish(self, waveform: Tensor, layer: int, peak_db: float | None) -> Tensor:
        """A waveform (T,) as it lies in the kit: from its beginning to its end, at its level."""
        rate_hz = self.model.sample_rate_hz
        if layer:
            dark = treble_biquad(waveform, rate_hz, -DARKER_DB * layer, min(DARKER_HZ, rate_hz / 4))
            waveform = dark
        whole = trim_end(_begin_at_once(trim_beginning(waveform, rate_hz), rate_hz), rate_hz)
        peak = float(whole.abs().max())
        wanted_db = 20 * math.log10(peak) if peak_db is None else peak_db
        wanted_db = min(wanted_db, LOUDEST_DB) - SOFTER_DB * layer
        gain = 10 ** (wanted_db / 20) / peak if peak > 0 else 1.0
        return fade_ends(whole * gain, rate_hz)


def _begin_at_once(waveform: Tensor, rate_hz: int) -> Tensor:
    """A waveform (T,) → the same without what is hardly heard before its attack."""
    share = waveform.abs() / waveform.abs().max().clamp(min=1e-9)
    first = int((share >= BEGUN_SHARE).to(torch.uint8).argmax())
    return waveform[max(0, first - round(HIT_LEAD_S * rate_hz)) :]
