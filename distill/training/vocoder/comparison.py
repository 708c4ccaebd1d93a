"""held-out sounds + a vocoder → how it does beside the default one, on the codec's decoded mels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from distill.codec.hearing import fine_db
from distill.data.datamodule import FixedSegments
from distill.data.segments import Segment
from distill.training.clips import choose_clips
from distill.training.trained_codec import TrainedCodec
from distill.vocoder.vocoder import Vocoder

MOST_SOUNDS = 24
FINE_SHARES = (1 / 4, 1, 4)
"""Windows of the fine error, as shares of the mels' own."""


@dataclass(frozen=True)
class Likeness:
    """How far a vocoder's sounds are from the originals: means over the sounds."""

    mel_db: float
    """Mel error of the waveforms."""
    fine_db: float
    """Log-spectral distance, with short, middle and long windows in the mean."""


@dataclass(frozen=True)
class Comparison:
    """A model's own vocoder beside the one that needs no training."""

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

    def __init__(self, codec: TrainedCodec, segments: FixedSegments, *, most: int) -> None:
        clips = [segments[index] for index in choose_clips(segments, most)]
        self._codec = codec
        self._sounds = [_sound(clip) for clip in clips if clip["sound_begin"] < clip["sound_end"]]
        self._coded = [codec.code(sound) for sound in self._sounds]
        self._default: Likeness | None = None

    def compare(self, own: Vocoder, default: Vocoder) -> Comparison:
        """Let both turn the same decoded mels into sound."""
        if self._default is None:
            self._default = self._likeness(default)
        return Comparison(self._likeness(own), self._default, default.name)

    @torch.inference_mode()
    def _likeness(self, vocoder: Vocoder) -> Likeness:
        spectrogram = self._codec.spectrogram
        windows = [max(16, int(spectrogram.config.n_fft * share)) for share in FINE_SHARES]
        errors = torch.zeros(2, dtype=torch.float64)
        for original, coded in zip(self._sounds, self._coded, strict=True):
            sound = self._codec.sound(coded, vocoder)
            heard = [
                spectrogram.decibels(spectrogram.magnitude(each.to(coded.decoded.device)[None]))
                for each in (original, sound[None])
            ]
            mel_db = (heard[0] - heard[1]).abs().mean()
            fine = [_fine_db(original[0], sound, window) for window in windows]
            errors += torch.tensor([float(mel_db), sum(fine) / len(fine)], dtype=torch.float64)
        mel_db, fine_db = (errors / max(1, len(self._sounds))).tolist()
        return Likeness(mel_db, fine_db)


def _sound(clip: Segment) -> Tensor:
    """A held-out segment → its sound alone, (1, T)."""
    return torch.as_tensor(clip["waveform"])[:, clip["sound_begin"] : clip["sound_end"]]


def _fine_db(original: Tensor, sound: Tensor, window: int) -> float:
    """The fine error of sounds (T,), with silence behind them if they are shorter than a window."""
    short = max(0, window - len(original))
    original, sound = (torch.nn.functional.pad(each, (0, short)) for each in (original, sound))
    return fine_db(original, sound, window=window)
