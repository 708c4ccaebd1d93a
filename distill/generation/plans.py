"""a request for new sounds → how each of them is drawn."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.generation.finishing import level_db
from distill.generation.known import KnownSounds
from distill.generation.novelty import decode_mels
from distill.generation.ranges import (
    LENGTHS_S,
    LIKE_AMOUNT,
    MORPH_AMOUNT,
    NEW_AMOUNT,
    OWN_AMOUNT,
)
from distill.generation.recombination import Recombination
from distill.generation.request import Request, label_of
from distill.prior.conditions import UNKNOWN
from distill.prior.prior import KnownSound
from distill.prior.sampling import Draw

GOLDEN = (5**0.5 - 1) / 2
"""From one sound to the next, the place in a line of all classes moves on by this share of it, so
that any number of sounds is spread evenly.
"""
LEAST_AMOUNT = 0.01
LENGTH_SPREAD = 0.05
"""A new sound is about as long as a known one: this is the standard deviation of the logarithm of
their ratio.
"""
LONGEST_UNASKED_S = 10.0
PULL = 6.0
"""How strongly a variation of amount one half is drawn to its original."""
LOOP_ROOM = 1.5
LOOP_MORE_S = 0.2
"""A loop is cut out of a sound that is longer by this factor, and a little more."""


@dataclass(frozen=True)
class Plan:
    """One sound that is about to be drawn."""

    number: int
    attempt: int
    """Counted from 0."""
    draw: Draw
    samples: int
    """How long the sound is to be."""
    drawn_samples: int
    """How long a sound is drawn to get it."""
    level_db: float | None = None
    """None for the level that it has."""
    as_it_is: Codes | None = None
    """Codes that need no drawing."""
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
        """A new sound: near to parts of known ones, or free of them."""
        request, rate_hz = self.request, self.codec.sample_rate_hz
        known = self._choose(number, random)
        sound = self.known[known]
        amount = request.amount
        if amount is None:
            amount = NEW_AMOUNT if self.prior.is_learnt else OWN_AMOUNT
        samples = self._length(sound, random)
        drawn = samples
        if request.loop:
            drawn = round(samples * LOOP_ROOM + LOOP_MORE_S * rate_hz)
        draw = Draw(
            seed=seed,
            columns=self.codec.columns(drawn),
            label=sound.label,
            level_db=sound.level_db,
            temperature=request.temperature,
            target=self._target(known, random, drawn, amount),
            pull=_pull(amount),
        )
        return Plan(number, attempt, draw, samples, drawn, sound.level_db)

    def _length(self, sound: KnownSound, random: np.random.Generator) -> int:
        """Samples of a new sound: as many as are asked for, or about as many as a known one has."""
        spread = math.exp(LENGTH_SPREAD * float(random.standard_normal()))
        seconds, rate_hz = self.request.length_s, self.codec.sample_rate_hz
        if seconds is None:
            seconds = min(spread * sound.samples / rate_hz, LONGEST_UNASKED_S)
        return round(max(seconds, LENGTHS_S[0]) * rate_hz)

    def _label_of(self, number: int) -> int:
        """The class of a sound: that asked for, or in turn, those with more sounds more often."""
        if self.label != UNKNOWN:
            return self.label
        counts = Counter(sound.label for sound in self.prior.config.sounds)
        labels = sorted(counts)
        shares = np.sqrt([counts[label] for label in labels]).cumsum()
        start = float(np.random.default_rng(self.request.seed).random())
        place = (start + number * GOLDEN) % 1 * shares[-1]
        return labels[int(np.searchsorted(shares, place, side="right"))]

    def _choose(self, number: int, random: np.random.Generator) -> int:
        """The number of a known sound of the class, more likely one of about the length."""
        numbers = self.prior.sounds_of(self._label_of(number))
        if self.request.length_s is None:
            return int(random.choice(numbers))
        samples = self.request.length_s * self.codec.sample_rate_hz
        lengths = np.array([self.known[each].samples for each in numbers])
        weights = np.exp(-np.abs(np.log2(lengths / samples)))
        return int(random.choice(numbers, p=weights / weights.sum()))

    def _continuation(
        self, number: int, attempt: int, random: np.random.Generator, seed: int, given: Tensor
    ) -> Plan:
        """A sound that goes on after a beginning."""
        rate_hz, seconds = self.codec.sample_rate_hz, self.request.length_s
        if seconds is None:
            some = self.known[int(random.choice(self.prior.sounds_of(self.label)))]
            seconds = len(given) / rate_hz + min(some.samples / rate_hz, LONGEST_UNASKED_S)
        samples = round(seconds * rate_hz)
        amount = NEW_AMOUNT if self.request.amount is None else self.request.amount
        numbers = self.prior.sounds_of(self.label)
        codes = self.codec.encode(given, rate_hz)
        (mel,) = decode_mels([codes.indices[0]], self.codec)
        mel = self.codec.of_sound(mel, codes.samples)
        (known,) = self.known.most_like(mel, samples, numbers, most=1)
        draw = Draw(
            seed=seed,
            columns=self.codec.columns(samples),
            label=self.label,
            level_db=level_db(given),
            temperature=self.request.temperature,
            beginning=self._beginning,
            target=self._target(known, random, samples, amount),
            pull=_pull(amount),
        )
        return Plan(number, attempt, draw, samples, samples)

    def _target(
        self, known: int, random: np.random.Generator, samples: int, amount: float
    ) -> Tensor:
        """The vectors (H, W, D) of a sound that is made of known ones, of one above all."""
        mel = self._recombination.make(known, random, samples=samples, amount=amount)
        return self._vectors(mel)

    def _vectors(self, mel: Tensor) -> Tensor:
        """A mel in dB (M, F), in whole columns → the vectors (H, W, D) of its codes."""
        return self.codec.vectors(self._recombination.code(mel))

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
        mel = self._recombination.vary(like, self.label, random, amount)
        draw = Draw(
            seed=seed,
            columns=like.indices.shape[2],
            label=self.label,
            level_db=math.nan,
            temperature=self.request.temperature,
            target=self._vectors(mel),
            pull=_pull(amount),
        )
        same = None if amount else like
        samples, origins = like.samples, ((like, 1.0),)
        return Plan(number, attempt, draw, samples, samples, as_it_is=same, origins=origins)

    def _morph(self, number: int, attempt: int, first: Codes, second: Codes) -> Plan:
        """A sound on the way from one to the other. All of them have the same random numbers, so
        that they change from one to the next by the way alone.
        """
        share = (number - 1) / (self.total - 1) if self.total > 1 else 0.5
        amount = MORPH_AMOUNT if self.request.amount is None else self.request.amount
        samples = round((1 - share) * first.samples + share * second.samples)
        columns = self.codec.columns(samples)
        mel = self._recombination.between(first, second, share, samples=samples)
        draw = Draw(
            seed=int(np.random.default_rng((self.request.seed, attempt)).integers(2**62)),
            columns=columns,
            label=self.label,
            level_db=math.nan,
            temperature=self.request.temperature,
            target=self._vectors(mel),
            pull=_pull(amount),
        )
        end = {0.0: first, 1.0: second}.get(share)
        origins = ((first, 1 - share), (second, share))
        note = f"{share:.0%} of the way"
        return Plan(
            number, attempt, draw, samples, samples, as_it_is=end, origins=origins, note=note
        )

    @cached_property
    def _beginning(self) -> Tensor | None:
        """The codes (H, w, L) of the sound to continue, but for the column in which it ends."""
        if self.request.beginning is None:
            return None
        codes = self.codec.encode(self.request.beginning, self.codec.sample_rate_hz)
        return codes.indices[0, :, : 1 + codes.samples // self.codec.column_samples]


def _pull(amount: float) -> float:
    return PULL * (1 - amount) / max(amount, LEAST_AMOUNT)
