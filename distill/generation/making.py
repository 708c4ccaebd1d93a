"""a model with a prior, and what is asked for → new sounds, checked and finished."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.generation.finishing import (
    begin_at,
    beginning_of,
    cut_beat,
    cut_loop,
    fade_ends,
    fit,
    is_silent,
    level_db,
    splice,
    to_level,
    trim_beginning,
    trim_end,
)
from distill.generation.known import KnownSounds
from distill.generation.novelty import COPY_SHARE, LEAST_SHARE, decode_mels
from distill.generation.plans import Plan, Planner
from distill.generation.request import Request
from distill.prior.conditions import UNKNOWN
from distill.prior.prior import Prior
from distill.prior.sampling import GROUP, draw
from distill.vocoder.vocoder import Vocoder

SILENCE_DB = -80.0
"""The level of a given sound that is silent."""
ATTEMPTS = 4
"""How often a sound is made at most, if it is silent or a copy."""


@dataclass(frozen=True)
class NewSound:
    """A sound that a prior made."""

    number: int
    """Counted from 1; with the seed, it decides what the sound is."""
    waveform: Tensor
    """(T,) float32 at the model's sample rate, in [-1, 1]."""
    codes: Codes
    class_name: str
    """Of the class that was asked for or drawn; empty if there is none."""
    level_db: float
    """In dBFS."""
    nearest: str
    """Name of the training sound that is most like it; empty if the model was shared without its
    sounds.
    """
    nearest_codes: Codes | None = field(repr=False)
    """Those of its beginning, as long as the new sound; None if there is none."""
    distance_db: float
    """How far that is: mean absolute difference of the mels; infinite if there is none."""
    novelty: float
    """The same over the usual distance of held-out sounds; infinite if there is none."""
    is_copy: bool
    """Whether it is next to a training sound, and was not asked to be like another sound."""
    attempts: int
    """How often it was made."""
    note: str
    """What else is to be said of it; empty if there is nothing."""
    mel: Tensor = field(repr=False)
    """Its decoded mel in dB (M, F)."""
    is_loop: bool = False
    bpm: float | None = None
    beats: int | None = None
    """Of a loop that was asked for in time."""


class Generation:
    """Makes the sounds of a request."""

    def __init__(
        self, codec: Codec, vocoder: Vocoder, prior: Prior, request: Request, *, total: int
    ) -> None:
        """`total` is how many sounds there are on the way of a morph. Raises GenerationError for
        what the model cannot do.
        """
        self.codec, self.vocoder, self.prior = codec, vocoder, prior
        self.request = request = request.checked(codec, prior)
        self._known = KnownSounds(codec, prior)
        self._origins: dict[int, tuple[int, float]] = {}
        """Where the given sounds begin, and their levels, by the identity of their codes."""
        self._planner = Planner(codec, self._known, request, total=total)

    def class_of(self, number: int) -> str:
        """The name of the class of a sound; empty if there is none."""
        return self._name_of(self._planner.label_of(number))

    def _name_of(self, label: int) -> str:
        return self.prior.config.classes[label] if label != UNKNOWN else ""

    def sounds(
        self, numbers: Sequence[int], progress: Callable[[float], None] = lambda sounds: None
    ) -> Iterator[NewSound]:
        """The sounds of these numbers, as they are done. `progress` is called with the number of
        sounds, or the part of one, that was drawn since it was last called.
        """
        groups: dict[int, list[int]] = {}
        size = GROUP if self._planner.draws else 1
        for number in numbers:
            groups.setdefault((number - 1) // size, []).append(number)
        for group in groups.values():
            yield from self._group(group, progress)

    def _group(
        self, numbers: Sequence[int], progress: Callable[[float], None]
    ) -> Iterator[NewSound]:
        waiting = [self._planner.plan(number, 0) for number in numbers]
        done: dict[int, NewSound] = {}
        while waiting:
            drawn = self._draw(waiting, progress)
            again = []
            for plan in waiting:
                sound = self._finish(drawn[plan.number], plan)
                if self._is_unwanted(sound) and sound.attempts < ATTEMPTS:
                    again.append(self._planner.plan(plan.number, sound.attempts))
                else:
                    done[plan.number] = sound
            waiting = again
            progress = _unheard
        yield from (done[number] for number in numbers)

    def _draw(self, plans: Sequence[Plan], progress: Callable[[float], None]) -> dict[int, Codes]:
        """The codes of each plan, by its number."""
        draws = {(plan.number - 1) % GROUP: plan.draw for plan in plans if plan.codes is None}
        network, count = self.prior.network, len(draws)
        drawn = (
            draw(network, draws, progress=lambda share: progress(share * count)) if draws else {}
        )
        progress(len(plans) - count)  # the others need no drawing
        return {
            plan.number: plan.codes
            or self.codec.codes(drawn[(plan.number - 1) % GROUP][None].cpu(), plan.drawn_samples)
            for plan in plans
        }

    def _is_unwanted(self, sound: NewSound) -> bool:
        """Whether a sound is silent or hardly new, and so to be made again; one that was asked to
        be like another sound may be both.
        """
        if self.request.begins_with_a_sound:
            return False
        return is_silent(sound.waveform) or sound.novelty < LEAST_SHARE

    def _finish(self, codes: Codes, plan: Plan) -> NewSound:
        request, codec = self.request, self.codec
        kept = codes if request.levels is None else codes.first_levels(request.levels)
        (mel,) = decode_mels([kept.indices[0]], codec)
        mel = codec.of_sound(mel, kept.samples)
        waveform = self._decode(kept)
        if not plan.is_given:
            waveform = self._polish(waveform, mel, plan)
        nearest = self._known.nearest(mel)
        usual_db = self.prior.config.held_out_db
        novelty = nearest.distance_db / usual_db if usual_db > 0 else math.inf
        number, is_compared = nearest.number, bool(self.prior.config.sounds)
        return NewSound(
            number=plan.number,
            waveform=waveform,
            codes=kept,
            class_name=self._name_of(plan.draw.label),
            level_db=level_db(waveform),
            nearest=self._known[number].name if is_compared else "",
            nearest_codes=(
                self._known.codes(number, most=max(1, len(waveform))) if is_compared else None
            ),
            distance_db=nearest.distance_db,
            novelty=novelty,
            is_copy=novelty < COPY_SHARE and not self.request.begins_with_a_sound,
            attempts=plan.attempt + 1,
            note=plan.note,
            mel=mel,
            is_loop=request.loop,
            bpm=request.bpm,
            beats=request.beats,
        )

    def _decode(self, codes: Codes) -> Tensor:
        chunks = self.codec.decode_stream(codes, self.vocoder, seed=self.request.seed)
        return torch.cat(list(chunks), dim=1)[0].cpu()

    def _origin(self, plan: Plan) -> tuple[int, float]:
        """The sample that a sound like given ones begins with, and its level, as these are when
        they are decoded.
        """
        place, level = 0.0, 0.0
        for codes, share in plan.origins:
            if id(codes) not in self._origins:
                waveform = self._decode(codes)
                begins = beginning_of(waveform, self.codec.sample_rate_hz)
                self._origins[id(codes)] = begins, max(SILENCE_DB, level_db(waveform))
            begins, own_db = self._origins[id(codes)]
            place, level = place + share * begins, level + share * own_db
        return round(place), level

    def _polish(self, waveform: Tensor, mel: Tensor, plan: Plan) -> Tensor:
        """A decoded sound (T,) → the same as it is delivered."""
        request, rate_hz = self.request, self.codec.sample_rate_hz
        if request.loop:
            if plan.slots:
                beat = cut_beat(waveform, plan.samples, rate_hz)
                return to_level(beat, plan.level_db)
            hop = self.codec.spectrogram.config.hop_length
            loop = cut_loop(waveform, mel, plan.samples, hop=hop, rate_hz=rate_hz)
            return to_level(loop, plan.level_db)
        if request.beginning is not None:
            given = request.beginning
            whole = splice(given, waveform, len(given), rate_hz)
            return fade_ends(to_level(whole, None), rate_hz, beginning=False)
        if plan.origins:
            place, level = self._origin(plan)
            waveform = begin_at(waveform, place, rate_hz)
            return fade_ends(to_level(waveform, level), rate_hz)
        waveform = fit(trim_beginning(waveform, rate_hz), plan.samples)
        if request.length_s is None:
            waveform = trim_end(waveform, rate_hz)
        return fade_ends(to_level(waveform, plan.level_db), rate_hz)


def _unheard(sounds: float) -> None:
    """Sounds that are drawn anew were counted before."""
