"""what a user asks of new sounds, and the check that a model can do it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.errors import GenerationError
from distill.generation.ranges import check_request_numbers
from distill.prior.prior import Prior
from distill.system.names import name_key


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
    """1 draws codes as often as they come; lower ones are more usual, higher ones wilder."""
    class_name: str | None = None
    length_s: float | None = None
    like: Codes | None = None
    """A sound to make variations of, one channel at the model's sample rate."""
    amount: float | None = None
    """How far variations are from their original, 0 to 1: 0 is the original as the model decodes
    it, 1 a sound that has nothing to do with it. New sounds are drawn to parts of known ones as if
    these were their original; with 1, they are free of them.
    """
    morph: tuple[Codes, Codes] | None = None
    """Two sounds; the new ones lead from the first to the second."""
    beginning: Tensor | None = None
    """A waveform (T,) at the model's sample rate, which is continued."""
    loop: bool = False
    levels: int | None = None

    def check(self, codec: Codec, prior: Prior) -> None:
        """Raise GenerationError or CodesError for what the model cannot do."""
        check_request_numbers(
            temperature=self.temperature, length_s=self.length_s, amount=self.amount
        )
        if self.class_name is not None and label_of(self.class_name, prior) is None:
            known = ", ".join(prior.config.classes)
            knows = f"this model knows {known}" if known else "this model knows no classes"
            raise GenerationError(f"class {self.class_name!r}: no such class; {knows}")
        codec.check_levels(self.levels)
        for codes in (self.like, *(self.morph or ())):
            if codes is not None:
                codec.check_codes(codes)
                if codes.indices.shape[0] > 1 or codes.sample_rate_hz != codec.sample_rate_hz:
                    raise GenerationError(
                        f"{codes!r}: a sound to begin with must have one channel at the model's "
                        f"own {codec.sample_rate_hz:,} Hz"
                    )
        if self.beginning is not None and self.length_s is not None:
            given_s = len(self.beginning) / codec.sample_rate_hz
            if self.length_s <= given_s:
                raise GenerationError(
                    f"length {self.length_s:g} s: the sound to continue is {given_s:.2f} s long"
                )
