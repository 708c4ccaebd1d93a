"""known sounds → which of them can be repeated, and how long a loop of each is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from distill.codec.codec import Codec
from distill.errors import GenerationError
from distill.generation.known import KnownSounds
from distill.generation.operators import LONGEST_STRETCH, Mel
from distill.generation.ranges import SLOTS
from distill.generation.request import Request
from distill.generation.rhythm import Beat, beat_of, fit_tempo, on_grid, steady_part
from distill.prior.conditions import UNKNOWN

LOOP_ROOM = 1.5
LOOP_MORE_S = 0.2
"""A loop of what goes on is cut out of a part that is longer by this factor, and a little more; of
one that is as long as that, it is cut out with less choice.
"""
AFTER_S = 0.1


@dataclass(frozen=True)
class Material:
    """What a known sound can be repeated by; one of both."""

    beat: Beat | None
    steady: slice | None
    """The part of it that goes on, in frames."""


class Loops:
    """The known sounds of which loops are made, for one request."""

    def __init__(self, codec: Codec, known: KnownSounds, request: Request) -> None:
        self.codec, self.known, self.request = codec, known, request
        config = codec.spectrogram.config
        self._frame_s = config.hop_length / config.sample_rate_hz

    @cached_property
    def material(self) -> dict[int, Material]:
        """By the numbers of the sounds that can be repeated as it is asked."""
        found = {}
        for number, mel in enumerate(self.known.whole_mels):
            beat, steady = beat_of(mel.numpy(), self._frame_s), None
            if beat is None:
                steady = steady_part(mel.numpy(), self._frame_s)
            if beat is not None or (steady is not None and self._is_long_enough(steady)):
                found[number] = Material(beat, steady)
        return found

    def check(self, label: int) -> None:
        """Raise GenerationError if no known sound of a class, or none at all, can be repeated so
        long.
        """
        prior = self.known.prior
        if any(number in self.material for number in prior.sounds_of(label)):
            return
        labels = sorted({self.known[number].label for number in self.material} - {UNKNOWN})
        names = ", ".join(prior.config.classes[each] for each in labels)
        whose = f"class {prior.config.classes[label]}" if label != UNKNOWN else "this model"
        able = f"; of these they can: {names}" if names else ""
        shorter = " so long" if self.seconds is not None else ""
        raise GenerationError(
            f"{whose}: its sounds all die away, and cannot be repeated{shorter}{able}"
        )

    @property
    def seconds(self) -> float | None:
        """How long loops are to be; None for as long as their sounds allow."""
        request = self.request
        if request.bpm is not None and request.beats is not None:
            return request.beats * 60 / request.bpm
        return request.length_s

    def slots(self, number: int, samples: int) -> int:
        """Sixteenths of a sound's loop: as asked, or as many of its own as fit; 0 if it has no
        beat.
        """
        beat = self.material[number].beat
        if beat is None:
            return 0
        if self.request.beats is not None:
            return self.request.beats * SLOTS
        own_s = beat.slot_frames * self._frame_s
        return max(1, round(samples / self.codec.sample_rate_hz / own_s))

    def samples(self, number: int) -> int:
        """How long the loop of a sound is."""
        seconds, material = self.seconds, self.material[number]
        if seconds is None and material.beat is not None:
            seconds = material.beat.length * material.beat.slot_frames * self._frame_s
        if seconds is None:
            assert material.steady is not None
            span = self._span_s(material.steady)
            seconds = max(span - LOOP_MORE_S, span / LOOP_ROOM) / LOOP_ROOM
        return round(seconds * self.codec.sample_rate_hz)

    def drawn_samples(self, number: int, samples: int) -> int:
        """How long a sound is made to get its loop."""
        material, rate_hz = self.material[number], self.codec.sample_rate_hz
        if material.steady is None:
            return samples + round(AFTER_S * rate_hz)
        longest = self._span_s(material.steady) * LONGEST_STRETCH
        room = round(samples * LOOP_ROOM + LOOP_MORE_S * rate_hz)
        return max(samples + round(AFTER_S * rate_hz), min(room, round(longest * rate_hz)))

    def mel(self, number: int, samples: int, frames: int) -> Mel:
        """What a loop of `samples` is made of, (M, frames), from LEAD frames before its beginning
        on: onsets on the grid, or the part that goes on, stretched.
        """
        material, mel = self.material[number], self.known.whole_mels[number].numpy()
        if material.beat is None:
            assert material.steady is not None
            part = mel[:, material.steady]
            places = np.linspace(0, part.shape[1] - 1, max(frames, part.shape[1]))[:frames]
            return part[:, places.round().astype(int)]
        slots = self.slots(number, samples)
        slot_frames = samples / self.codec.sample_rate_hz / self._frame_s / slots
        return on_grid(
            mel,
            fit_tempo(material.beat, slot_frames),
            slot_frames=slot_frames,
            slots=slots,
            frame_s=self._frame_s,
            frames=frames,
        )

    def _is_long_enough(self, steady: slice) -> bool:
        if self.seconds is None:
            return True
        return self._span_s(steady) * LONGEST_STRETCH >= self.seconds

    def _span_s(self, part: slice) -> float:
        return float((part.stop - part.start) * self._frame_s)
