"""a request for new sounds → how each of them is made."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.generation.finishing import level_db
from distill.generation.known import KnownSounds
from distill.generation.loops import Loops
from distill.generation.ranges import (
    LENGTHS_S,
    LIKE_AMOUNT,
    MORPH_AMOUNT,
    NEW_AMOUNT,
    USUAL_TEMPERATURE,
)
from distill.generation.recombination import Recombination
from distill.generation.request import Request, label_of
from distill.prior.conditions import UNKNOWN
from distill.prior.prior import KnownSound
from distill.prior.sampling import Draw

NEXT_PLACE = np.array([0.7548776662466927, 0.5698402909980532])
"""From one sound to the next, the place in the square of classes and sounds moves on by this, so
that any number of sounds is spread evenly (the R2 sequence: powers of 1 / 1.3247…, the plastic
number).
"""
FURTHER = 1.5
"""After each attempt that failed, a sound is this number of times as far from known ones."""
LEAST_AMOUNT = 0.01
LENGTH_SPREAD = 0.05
"""A new sound is about as long as a known one: this is the standard deviation of the logarithm of
their ratio.
"""
BEATING, GOING_ON = "with a beat", "going on"
"""What is said of loops."""
LONGEST_UNASKED_S = 10.0
PULL, LEAST_PULL = 6.0, 4.0
"""How strongly a sound of amount one half is drawn to its plan, beside what draws each sound: by
itself, the prior draws textures that belong to no class.
"""


@dataclass(frozen=True)
class Plan:
    """One sound that is about to be made."""

    number: int
    attempt: int
    """Counted from 0."""
    draw: Draw
    samples: int
    """How long the sound is to be."""
    drawn_samples: int
    """How long a sound is made to get it: a loop is cut out of a longer one."""
    level_db: float | None = None
    """None for the level that it has."""
    codes: Codes | None = None
    """None if they are to be drawn."""
    slots: int = 0
    """Sixteenths of a loop that has a beat; 0 for other sounds."""
    is_given: bool = False
    """Whether it is a given sound, to be heard as it is decoded."""
    origins: tuple[tuple[Codes, float], ...] = ()
    """The given sounds that it begins like, and the share of each."""
    note: str = ""
    """What else is to be said of it."""


class Planner:
    """Plans the sounds of a request, each by its number and the seed alone."""

    def __init__(self, codec: Codec, known: KnownSounds, request: Request, *, total: int) -> None:
        """`total` is how many sounds there are on the way of a morph."""
        self.codec, self.known, self.request, self.total = codec, known, request, total
        self.prior = known.prior
        self._recombination = Recombination(codec, known)
        asked = request.class_name
        label = UNKNOWN if asked is None else label_of(asked, self.prior)
        assert label is not None
        self.label = label
        self.loops = Loops(codec, known, request)
        if request.loop:
            self.loops.check(label)

    def plan(self, number: int, attempt: int) -> Plan:
        """The plan of a sound; after an attempt that failed, another one."""
        request = self.request
        random = np.random.default_rng((request.seed, number, attempt))
        seed = int(random.integers(2**62))
        if request.morph is not None:
            return self._morph(number, attempt, *request.morph)
        if request.like is not None:
            amount = LIKE_AMOUNT if request.amount is None else request.amount
            return self._variation(number, attempt, random, seed, request.like, amount)
        if request.beginning is not None:
            return self._continuation(number, attempt, random, seed, request.beginning)
        return self._new(number, attempt, random, seed)

    def _new(self, number: int, attempt: int, random: np.random.Generator, seed: int) -> Plan:
        """A new sound, made of known ones."""
        request = self.request
        known = self.choose(number, attempt, random)
        sound = self.known[known]
        amount = NEW_AMOUNT if request.amount is None else request.amount
        amount = min(1.0, amount * FURTHER**attempt)
        slots, note = 0, ""
        if request.loop:
            samples = self.loops.samples(known)
            slots = self.loops.slots(known, samples)
            note = BEATING if slots else GOING_ON
            drawn = self.loops.drawn_samples(known, samples)
            mel = self.loops.mel(known, samples, self._recombination.loop_frames(drawn))
            made = self._recombination.repeat(mel, known, samples, random, amount)
        else:
            samples = drawn = self._length(sound, random)
            made = self._recombination.make(known, random, samples=drawn, amount=amount)
        draw = self._near(made, amount, seed, label=sound.label, level=sound.level_db)
        codes = self._codes(made, drawn)
        return Plan(
            number, attempt, draw, samples, drawn, sound.level_db, codes, slots=slots, note=note
        )

    @property
    def draws(self) -> bool:
        """Whether the prior draws the sounds near to their plans."""
        return self.prior.is_learnt and self.request.temperature != USUAL_TEMPERATURE

    def _codes(self, made: Tensor, samples: int) -> Codes | None:
        """The codes (H, W, L) of a sound as it is made; None if the prior is to draw it."""
        return None if self.draws else self.codec.codes(made[None], samples)

    def _near(
        self, made: Tensor, amount: float, seed: int, *, label: int, level: float = math.nan
    ) -> Draw:
        """How a sound is drawn near to codes (H, W, L)."""
        return Draw(
            seed=seed,
            columns=made.shape[1],
            label=label,
            level_db=level,
            temperature=self.request.temperature,
            target=self.codec.vectors(made),
            pull=LEAST_PULL + PULL * (1 - amount) / max(amount, LEAST_AMOUNT),
        )

    def _length(self, sound: KnownSound, random: np.random.Generator) -> int:
        """Samples of a new sound: as many as are asked for, or about as many as a known one has."""
        spread = math.exp(LENGTH_SPREAD * float(random.standard_normal()))
        seconds, rate_hz = self.request.length_s, self.codec.sample_rate_hz
        if seconds is None:
            seconds = min(spread * sound.samples / rate_hz, LONGEST_UNASKED_S)
        return round(max(seconds, LENGTHS_S[0]) * rate_hz)

    def label_of(self, number: int) -> int:
        """The class of a sound: that asked for, or in turn, those with more sounds more often; of
        what begins with a given sound, UNKNOWN.
        """
        if self.label != UNKNOWN or self.request.begins_with_a_sound:
            return self.label
        counts = Counter(self.known[sound].label for sound in self._possible(UNKNOWN))
        labels = sorted(counts)
        shares = np.sqrt([counts[label] for label in labels])
        return labels[_at(self._place(number)[0], shares)]

    def choose(self, number: int, attempt: int, random: np.random.Generator) -> int:
        """The number of a known sound of the class: in turn, or, after an attempt that failed, any;
        more often one of about the length.
        """
        numbers = self._possible(self.label_of(number))
        weights = np.ones(len(numbers))
        if self.request.length_s is not None and not self.request.loop:
            samples = self.request.length_s * self.codec.sample_rate_hz
            lengths = np.array([self.known[each].samples for each in numbers])
            weights = np.exp(-np.abs(np.log2(lengths / samples)))
        place = float(random.random()) if attempt else self._place(number)[1]
        return numbers[_at(place, weights)]

    def _possible(self, label: int) -> list[int]:
        """The known sounds of a class of which new ones are made; for a loop, not all are."""
        numbers = self.prior.sounds_of(label)
        return [each for each in numbers if not self.request.loop or each in self.loops.material]

    def _place(self, number: int) -> NDArray[np.float64]:
        """Where a sound is in the square of all classes and all sounds of a class, each 0 to 1."""
        start = np.random.default_rng(self.request.seed).random(2)
        place: NDArray[np.float64] = (start + number * NEXT_PLACE) % 1
        return place

    def _continuation(
        self, number: int, attempt: int, random: np.random.Generator, seed: int, given: Tensor
    ) -> Plan:
        """A sound that goes on after a beginning."""
        rate_hz, seconds = self.codec.sample_rate_hz, self.request.length_s
        if seconds is None:
            numbers = self.prior.sounds_of(self.label)
            more = self.known[int(random.choice(numbers))].samples if numbers else len(given)
            seconds = len(given) / rate_hz + min(more / rate_hz, LONGEST_UNASKED_S)
        samples = round(seconds * rate_hz)
        amount = NEW_AMOUNT if self.request.amount is None else self.request.amount
        assert self._given is not None
        made = self._recombination.follow(
            self._given, self.label, random, samples=samples, amount=amount
        )
        whole = 1 + self._given.samples // self.codec.column_samples
        kept = self._given.indices[0, :, :whole]  # but for the column in which it ends
        made = torch.cat([kept, made[:, whole:]], dim=1)
        draw = self._near(made, amount, seed, label=self.label, level=level_db(given))
        draw = replace(draw, beginning=kept)
        return Plan(number, attempt, draw, samples, samples, codes=self._codes(made, samples))

    def _variation(
        self,
        number: int,
        attempt: int,
        random: np.random.Generator,
        seed: int,
        like: Codes,
        amount: float,
    ) -> Plan:
        """A variation of a sound."""
        made = self._recombination.vary(like, self.label, random, amount)
        codes = self._codes(made, like.samples) if amount else like
        return Plan(
            number,
            attempt,
            self._near(made, amount, seed, label=self.label),
            like.samples,
            like.samples,
            codes=codes,
            is_given=not amount,
            origins=((like, 1.0),),
        )

    def _morph(self, number: int, attempt: int, first: Codes, second: Codes) -> Plan:
        """A sound on the way from one to the other. All of them have the same random numbers, so
        that they change from one to the next by the way alone.
        """
        share = (number - 1) / (self.total - 1) if self.total > 1 else 0.5
        amount = MORPH_AMOUNT if self.request.amount is None else self.request.amount
        samples = round((1 - share) * first.samples + share * second.samples)
        random = np.random.default_rng((self.request.seed, attempt))
        seed = int(random.integers(2**62))
        made = self._recombination.between(first, second, share, random, samples, amount)
        end = {0.0: first, 1.0: second}.get(share)
        return Plan(
            number,
            attempt,
            self._near(made, amount, seed, label=self.label),
            samples,
            samples,
            codes=end or self._codes(made, samples),
            origins=((first, 1 - share), (second, share)),
            note=f"{share:.0%} of the way",
        )

    @cached_property
    def _given(self) -> Codes | None:
        """The codes of the sound to continue."""
        given = self.request.beginning
        return None if given is None else self.codec.encode(given, self.codec.sample_rate_hz)


def _at(place: float, weights: NDArray[np.float64]) -> int:
    """Which of some things lies at a place from 0 to 1, if each is as wide as its weight."""
    ends = weights.cumsum()
    return min(len(ends) - 1, int(np.searchsorted(ends, place * ends[-1], side="right")))
