"""held-out sounds + a vocoder → how it does beside the default one, on the codec's decoded mels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from distill.codec.hearing import fine_db
from distill.data.datamodule import SegmentDataModule
from distill.training.trained_codec import TrainedCodec
from distill.vocoder.vocoder import Vocoder

MOST_SOUNDS = 24
LONGEST_S = 6.0
"""Of each sound so much is heard."""
FADE_SHARE = 20
"""Longer sounds are faded out over one part of so many."""
FINE_SHARE = 1 / 4
"""Window of the fine error, as a share of the mels' own: it sees what happens within theirs. With
longer windows, what counts is chance: which partials of a noise are loud, and the least error has
who makes them all equally loud.
"""


@dataclass(frozen=True)
class Likeness:
    """How far a vocoder's sounds are from the originals: means over the sounds."""

    mel_db: float
    """Mel error of the waveforms."""
    fine_db: float
    """Log-spectral distance with short windows."""


@dataclass(frozen=True)
class Comparison:
    """A new vocoder beside the one that the model has until now."""

    own: Likeness
    default: Likeness
    default_name: str

    @property
    def is_better(self) -> bool:
        """Whether it is nearer to the originals than the default one, both errors together."""
        own, other = self.own, self.default
        return own.mel_db + own.fine_db < other.mel_db + other.fine_db

    @property
    def figures(self) -> list[str]:
        """Each figure, with the default vocoder's."""
        own, other = self.own, self.default
        return [
            f"mel error of the sounds {own.mel_db:.2f} dB ({self.default_name} {other.mel_db:.2f})",
            f"fine error {own.fine_db:.2f} dB ({other.fine_db:.2f})",
        ]

    @property
    def verdict(self) -> str:
        """What it means, with the figures."""
        name = self.default_name
        figures = ", ".join(self.figures)
        if self.is_better:
            return f"better than {name} on held-out sounds, and kept: {figures}"
        return f"not better than {name}, which the model keeps: {figures}"

    @property
    def details(self) -> dict[str, Any]:
        """Plain values for the summary."""
        return {
            "kept": self.is_better,
            "own": asdict(self.own),
            "default": asdict(self.default),
        }


class Comparer:
    """Some held-out sounds, to compare vocoders by. The codec decodes them once, and what the
    default vocoder makes of them is measured once.
    """

    def __init__(self, codec: TrainedCodec, data: SegmentDataModule, *, most: int) -> None:
        samples = round(LONGEST_S * codec.spectrogram.config.sample_rate_hz)
        beginnings = data.held_out_beginnings(most, samples=samples)
        self._codec = codec
        self._sounds = [sound for each in beginnings if len(sound := _sound(each))]
        self._coded = [codec.code(sound[None]) for sound in self._sounds]
        self._default: Likeness | None = None

    def compare(self, own: Vocoder, default: Vocoder, *, name: str = "") -> Comparison:
        """Let both turn the same decoded mels into sound; `name` is what the other is called."""
        if self._default is None:
            self._default = self._likeness(default)
        return Comparison(self._likeness(own), self._default, name or default.name)

    @torch.inference_mode()
    def _likeness(self, vocoder: Vocoder) -> Likeness:
        spectrogram = self._codec.spectrogram
        window = max(16, int(spectrogram.config.n_fft * FINE_SHARE))
        errors = torch.zeros(2, dtype=torch.float64)
        for original, coded in zip(self._sounds, self._coded, strict=True):
            sound = self._codec.sound(coded, vocoder)
            heard = [
                spectrogram.decibels(spectrogram.magnitude(each.to(coded.decoded.device)[None]))
                for each in (original[None], sound[None])
            ]
            mel_db = (heard[0] - heard[1]).abs().mean()
            fine = _fine_db(original, sound, window)
            errors += torch.tensor([float(mel_db), fine], dtype=torch.float64)
        mel_db, fine_db = (errors / max(1, len(self._sounds))).tolist()
        return Likeness(mel_db, fine_db)


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
    original, sound = (torch.nn.functional.pad(each, (0, short)) for each in (original, sound))
    return fine_db(original, sound, window=window)
