"""held-out sounds + a vocoder → how it does beside the default one, on the codec's decoded mels."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from distill.codec.attack import SHARP_MS, Attack, Attacks, envelope_of, find_attacks
from distill.codec.codec import Codec
from distill.codec.hearing import fine_db
from distill.codec.yardstick import Closeness, rate
from distill.data.datamodule import SegmentDataModule
from distill.vocoder.vocoder import Vocoder

MOST_SOUNDS = 24
MOST_WORSE = 1.05
"""A new vocoder's mean error may be at most this factor of the present one's. So one odd sound does
not decide.
"""
LONGEST_S = 6.0
"""At most this much of each sound is compared."""
FADE_SHARE = 20
"""A longer sound is cut, and fades out over its last twentieth."""
FINE_SHARE = 1 / 4
"""Length of the fine error's window, as a share of the mel's window. A short window shows what
happens within a mel frame. A long one measures chance: which partials of a noise are loud. A
vocoder that makes all of them equally loud would then have the smallest error.
"""
LEAD_S, BEGINNING_S = 0.03, 0.1
"""Pre-ring is measured on this much of each beginning, behind this much silence: a file that begins
with its attack has no place for any.
"""


@dataclass(frozen=True)
class Likeness:
    """How far a vocoder's sounds are from the originals: means over the sounds."""

    mel_db: float
    """Mel error of the waveforms."""
    fine_db: float
    """Log-spectral distance with short windows."""
    attacks: Attacks | None = None
    """How sharply they begin, and the pre-ring behind silence; None if none of the originals is a
    hit.
    """

    @property
    def sum_db(self) -> float:
        """Both errors, by which vocoders are compared."""
        return self.mel_db + self.fine_db

    @property
    def of_attacks(self) -> dict[str, float]:
        """The figures of the attacks that were measured, by name; empty if there are none."""
        figures = asdict(self.attacks) if self.attacks else {}
        return {name: value for name, value in figures.items() if value is not None}


@dataclass(frozen=True)
class Comparison:
    """A new vocoder beside the one that the model has until now."""

    own: Likeness
    default: Likeness
    default_name: str
    nearer: int
    """Number of sounds in which the new one is nearer to the original, by the sum of both errors.
    """
    sounds: int

    @property
    def is_better(self) -> bool:
        """Whether it is nearer to most of the originals, and its mean error is not much larger."""
        is_near = self.own.sum_db < MOST_WORSE * self.default.sum_db
        return 2 * self.nearer > self.sounds and is_near

    @property
    def figures(self) -> list[str]:
        """Each figure, with the default vocoder's."""
        own, other = self.own, self.default
        return [
            f"mel error of the sounds {own.mel_db:.2f} dB ({self.default_name} {other.mel_db:.2f})",
            f"fine error {own.fine_db:.2f} dB ({other.fine_db:.2f})",
            *_show_attacks(own.attacks, other.attacks),
        ]

    @property
    def verdict(self) -> str:
        """What it means, with the figures."""
        name, on = self.default_name, f"{self.nearer} of {self.sounds}"
        means = ", and kept" if self.is_better else " only, so the model keeps that"
        words = f"by both errors together better than {name} on {on} held-out sounds{means}"
        words += f": {', '.join(self.figures)}"
        kept = self.own if self.is_better else self.default
        rating = rate(kept.of_attacks)
        if rating is None or rating.closeness is Closeness.CLOSE:
            return words
        return f"{words}; sounds {rating.closeness}: {rating.reason}"

    @property
    def details(self) -> dict[str, Any]:
        """Plain values for the summary."""
        return {
            "kept": self.is_better,
            "nearer": self.nearer,
            "sounds": self.sounds,
            "own": asdict(self.own),
            "default": asdict(self.default),
        }


class Comparer:
    """Some held-out sounds, to compare vocoders by. The codec decodes them once, and what the
    default vocoder makes of them is measured once.
    """

    def __init__(self, codec: Codec, data: SegmentDataModule, *, most: int) -> None:
        self._rate_hz = codec.spectrogram.config.sample_rate_hz
        samples = round(LONGEST_S * self._rate_hz)
        beginnings = data.held_out_beginnings(most, samples=samples)
        self._codec = codec
        self._sounds = [sound for each in beginnings if len(sound := _sound(each))]
        self._coded = [codec.code(sound[None]) for sound in self._sounds]
        lead, begun = (round(each_s * self._rate_hz) for each_s in (LEAD_S, BEGINNING_S))
        self._led = [pad(sound[None, :begun], (lead, 0)) for sound in self._sounds]
        self._coded_led = [codec.code(sound) for sound in self._led]
        self._default: _Heard | None = None

    def compare(self, own: Vocoder, default: Vocoder, *, name: str = "") -> Comparison:
        """Let both turn the same decoded mels into sound; `name` is what the other is called."""
        if self._default is None:
            self._default = self._hear(default)
        heard = self._hear(own)
        nearer = heard.errors.sum(dim=1) < self._default.errors.sum(dim=1)
        return Comparison(
            heard.likeness,
            self._default.likeness,
            name or default.name,
            nearer=int(nearer.sum()),
            sounds=len(nearer),
        )

    @torch.inference_mode()
    def _hear(self, vocoder: Vocoder) -> _Heard:
        spectrogram = self._codec.spectrogram
        window = max(16, int(spectrogram.config.n_fft * FINE_SHARE))
        heard = _Heard(torch.zeros(len(self._sounds), 2, dtype=torch.float64))
        for row, original, coded in zip(heard.errors, self._sounds, self._coded, strict=True):
            sound = self._codec.sound(coded, vocoder)
            mels = [
                spectrogram.decibels(spectrogram.magnitude(each.to(coded.decoded.device)[None]))
                for each in (original[None], sound[None])
            ]
            mel_db = (mels[0] - mels[1]).abs().mean()
            row[0], row[1] = mel_db, _fine_db(original, sound, window)
            heard.attacks.extend(self._attacks(original[None], sound[None]))
        for original, coded in zip(self._led, self._coded_led, strict=True):
            sound = self._codec.sound(coded, vocoder)
            heard.behind_silence.extend(self._attacks(original, sound[None]))
        return heard

    def _attacks(self, original: Tensor, sound: Tensor) -> list[Attack]:
        return find_attacks(*(envelope_of(each, self._rate_hz) for each in (original, sound)))


@dataclass(frozen=True)
class _Heard:
    """What a vocoder makes of the sounds."""

    errors: Tensor
    """Mel error and fine error of each sound, (N, 2)."""
    attacks: list[Attack] = field(default_factory=list)
    """All onsets of all sounds."""
    behind_silence: list[Attack] = field(default_factory=list)
    """How they begin behind silence."""

    @property
    def likeness(self) -> Likeness:
        """The means, and the medians of the attacks."""
        mel_db, fine_db = (self.errors.sum(dim=0) / max(1, len(self.errors))).tolist()
        attacks, behind = Attacks.of(self.attacks), Attacks.of(self.behind_silence)
        if attacks:
            attacks = replace(attacks, pre_ring_db=behind.pre_ring_db if behind else None)
        return Likeness(mel_db, fine_db, attacks)


def _show_attacks(own: Attacks | None, other: Attacks | None) -> list[str]:
    """How the sounds begin, with the default vocoder's and the originals' figures."""
    if own is None or other is None:
        return []
    number = f"{own.count} attack{'s' * (own.count > 1)}"
    originals = f"originals {own.original_rise_ms:.1f}", f"originals {own.original_sharp:.0%}"
    shown = [
        f"rise of {number} {own.rise_ms:.1f} ms ({other.rise_ms:.1f}, {originals[0]})",
        f"within {SHARP_MS:g} ms {own.sharp:.0%} ({other.sharp:.0%}, {originals[1]})",
    ]
    if own.pre_ring_db is not None and other.pre_ring_db is not None:
        shown.append(f"pre-ring {own.pre_ring_db:+.1f} dB ({other.pre_ring_db:+.1f})")
    return shown


def _sound(beginning: Tensor) -> Tensor:
    """The beginning of a sound (T,) → the same without silence after it, or faded out."""
    (sounding,) = beginning.nonzero(as_tuple=True)
    sound = beginning[: int(sounding[-1]) + 1 if len(sounding) else 0].clone()
    fade = len(sound) // FADE_SHARE
    if len(sound) == len(beginning) and fade:
        sound[-fade:] *= torch.linspace(1, 0, fade)
    return sound


def _fine_db(original: Tensor, sound: Tensor, window: int) -> float:
    """The fine error of sounds (T,), with silence behind them if they are shorter than a window."""
    short = max(0, window - len(original))
    original, sound = (pad(each, (0, short)) for each in (original, sound))
    return fine_db(original, sound, window=window)
