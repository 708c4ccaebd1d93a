"""what a user asks of new sounds, and the check that a model can do it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.audio.mono import mix_whole
from distill.audio.reasons import Note
from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.codec.waveform import check_seed, check_waveform
from distill.errors import GenerationError, SoundError
from distill.generation.finishing import is_silent
from distill.generation.ranges import (
    LENGTHS_S,
    LONGEST_GIVEN_S,
    USUAL_BEATS,
    check_request_numbers,
    check_time,
    check_ways,
)
from distill.prior.prior import Prior
from distill.system.given import shown
from distill.system.names import name_key

log = logging.getLogger(__name__)
NO_CLASSES = (
    "this model knows no classes, for its sounds lay in one folder; generate --like SOUND makes "
    "sounds like one"
)


def label_of(class_name: str, prior: Prior) -> int | None:
    """The number of the class of this name, or of another spelling of it; None if there is none."""
    exact = prior.label(class_name)
    if exact is not None:
        return exact
    same = (name for name in prior.config.classes if name_key(name) == name_key(class_name))
    return prior.label(next(same, ""))


@dataclass(frozen=True)
class Request:
    """What new sounds should be like."""

    seed: int = 0
    temperature: float = 1.0
    """At another one than 1, the prior draws: lower ones give more usual sounds, higher ones
    wilder. At 1, it draws nothing.
    """
    class_name: str | None = None
    length_s: float | None = None
    like: Codes | None = None
    """A sound to make variations of, one channel at the model's sample rate."""
    amount: float | None = None
    """How far sounds are from what they are made of, 0 to 1: variations from their original, of
    which 0 is the original as the model decodes it; new sounds from known ones; a morph from the
    way between its ends.
    """
    morph: tuple[Codes, Codes] | None = None
    """Two sounds; the new ones lead from the first to the second."""
    beginning: Tensor | None = None
    """A waveform (T,) at the model's sample rate, which is continued."""
    loop: bool = False
    bpm: float | None = None
    """The tempo of a loop: its onsets lie on sixteenths, and it has `beats` of them times 4."""
    beats: int | None = None
    levels: int | None = None

    @property
    def begins_with_a_sound(self) -> bool:
        """Whether a sound is given, to which the new ones are like, and so may be near to a known
        one.
        """
        return any(each is not None for each in (self.like, self.morph, self.beginning))

    def checked(self, codec: Codec, prior: Prior) -> Request:
        """The same with plain numbers, whatever types they had. Raises GenerationError or
        CodesError for what the model cannot do, and SoundError for an impossible seed.
        """
        check_request_numbers(
            temperature=self.temperature, length_s=self.length_s, amount=self.amount
        )
        if not isinstance(self.loop, bool):
            raise GenerationError(f"loop {shown(self.loop)}: must be True or False")
        check_time(self.bpm, self.beats, is_loop=self.loop, has_length=self.length_s is not None)
        ways = {name: getattr(self, name) for name in ("like", "morph", "beginning", "loop")}
        check_ways(ways, has_length=self.length_s is not None)
        if not prior.config.sounds:
            self._check_without_sounds()
        if self.class_name is not None:
            self._check_class(prior)
        if self.morph is not None:
            check_pair(self.morph)
        for codes in (self.like, *(self.morph or ())):
            if codes is not None:
                self._check_codes(codes, codec)
        if self.beginning is not None:
            self._check_beginning(self.beginning, codec)
        return replace(
            self,
            seed=check_seed(self.seed),
            temperature=float(self.temperature),
            length_s=None if self.length_s is None else float(self.length_s),
            amount=None if self.amount is None else float(self.amount),
            bpm=None if self.bpm is None else float(self.bpm),
            beats=self._beats(),
            levels=None if self.levels is None else codec.check_levels(self.levels),
        )

    def _beats(self) -> int | None:
        if self.bpm is None:
            return None
        return USUAL_BEATS if self.beats is None else int(self.beats)

    def _check_without_sounds(self) -> None:
        begins = self.begins_with_a_sound
        if not begins or self.class_name is not None:
            asked = "sounds of a class" if begins else "loops" if self.loop else "new sounds"
            raise GenerationError(
                f"this model was shared without its sounds, of which {asked} would be made; it "
                "makes variations, morphs and continuations of sounds that are given"
            )

    def _check_class(self, prior: Prior) -> None:
        if not isinstance(self.class_name, str) or label_of(self.class_name, prior) is None:
            known = ", ".join(prior.config.classes)
            knows = f"this model knows {known}" if known else NO_CLASSES
            raise GenerationError(f"class {shown(self.class_name)}: no such class; {knows}")

    def _check_codes(self, codes: Codes, codec: Codec) -> None:
        codec.check_codes(codes)
        if codes.channels > 1 or codes.sample_rate_hz != codec.sample_rate_hz:
            raise GenerationError(
                f"{codes!r}: a sound to begin with must have one channel at the model's "
                f"own {codec.sample_rate_hz:,} Hz"
            )

    def _check_beginning(self, beginning: Tensor, codec: Codec) -> None:
        if not isinstance(beginning, Tensor) or beginning.ndim != 1:
            raise GenerationError("beginning: must be one channel, a tensor (T,)")
        given_s = len(beginning) / codec.sample_rate_hz
        if self.length_s is not None and self.length_s <= given_s:
            raise GenerationError(
                f"length {self.length_s:g} s: the sound to continue is {given_s:.2f} s long"
            )


def check_pair(morph: Any) -> None:
    """Raise GenerationError for what are not two sounds."""
    try:
        count = len(morph)
    except TypeError:
        count = 0
    if isinstance(morph, str | Codes) or count != 2:
        raise GenerationError("morph: must be two sounds")


def check_given(name: str, waveform: Tensor, rate_hz: int) -> None:
    """Raise GenerationError for a sound (T,) that nothing can begin with; `name` is its name."""
    seconds = len(waveform) / rate_hz
    if seconds > LONGEST_GIVEN_S:
        raise GenerationError(f"{name}: longer than {LONGEST_GIVEN_S:g} s")
    if seconds < LENGTHS_S[0]:
        raise GenerationError(f"{name}: shorter than {LENGTHS_S[0]:g} s")
    if is_silent(waveform):
        raise GenerationError(f"{name}: is silent")


def given_waveform(name: str, sound: Tensor | NDArray[Any], rate_hz: int) -> Tensor:
    """A sound to begin with, (T,) or (C, T) at the model's rate → (T,), its channels mixed as for
    training. Raises SoundError or GenerationError for what is none.
    """
    try:
        mono, detail = mix_whole(check_waveform(sound).numpy())
    except SoundError as error:
        raise SoundError(f"{name}: {error}") from None
    if detail:
        log.warning("%s: %s", name, Note.MIXED.text(detail))
    waveform = torch.from_numpy(mono)
    check_given(name, waveform, rate_hz)
    return waveform
