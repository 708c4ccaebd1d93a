"""held-out sounds + a vocoder → how it does beside the default one, on the codec's decoded mels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from distill.codec.hearing import fine_db
from distill.data.datamodule import FixedSegments
from distill.data.segments import Segment
from distill.training.clips import choose_clips
from distill.training.trained_codec import CodedSound, TrainedCodec
from distill.training.vocoder.module import VocoderModule
from distill.vocoder.kinds import vocoder_of
from distill.vocoder.vocoder import Vocoder, default_vocoder

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
    def verdict(self) -> str:
        """What it means, with the figures."""
        own, other, name = self.own, self.default, self.default_name
        figures = (
            f"mel error of the sounds {own.mel_db:.2f} dB ({name} {other.mel_db:.2f}), "
            f"fine error {own.fine_db:.2f} dB ({other.fine_db:.2f})"
        )
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


def compare(module: VocoderModule, segments: FixedSegments) -> Comparison:
    """Let both turn the same decoded mels of some held-out sounds into sound."""
    codec = module.codec
    clips = [segments[index] for index in choose_clips(segments, MOST_SOUNDS)]
    sounds = [_sound(clip) for clip in clips if clip["sound_begin"] < clip["sound_end"]]
    coded = [codec.code(sound) for sound in sounds]
    default = default_vocoder(codec.spectrogram)
    own, other = (
        _likeness(vocoder, codec, sounds, coded)
        for vocoder in (vocoder_of(module.model, codec.spectrogram), default)
    )
    return Comparison(own, other, default.name)


def _sound(clip: Segment) -> Tensor:
    """A held-out segment → its sound alone, (1, T)."""
    return torch.as_tensor(clip["waveform"])[:, clip["sound_begin"] : clip["sound_end"]]


@torch.inference_mode()
def _likeness(
    vocoder: Vocoder, codec: TrainedCodec, sounds: Sequence[Tensor], coded: Sequence[CodedSound]
) -> Likeness:
    spectrogram = codec.spectrogram
    windows = [max(16, int(spectrogram.config.n_fft * share)) for share in FINE_SHARES]
    errors = torch.zeros(2, dtype=torch.float64)
    for original, mels in zip(sounds, coded, strict=True):
        sound = codec.sound(mels, vocoder)
        heard = [
            spectrogram.decibels(spectrogram.magnitude(each.to(mels.decoded.device)[None]))
            for each in (original, sound[None])
        ]
        mel_db = (heard[0] - heard[1]).abs().mean()
        fine = [_fine_db(original[0], sound, window) for window in windows]
        errors += torch.tensor([float(mel_db), sum(fine) / len(fine)], dtype=torch.float64)
    mel_db, fine_db = (errors / max(1, len(sounds))).tolist()
    return Likeness(mel_db, fine_db)


def _fine_db(original: Tensor, sound: Tensor, window: int) -> float:
    """The fine error of sounds (T,), with silence behind them if they are shorter than a window."""
    short = max(0, window - len(original))
    original, sound = (torch.nn.functional.pad(each, (0, short)) for each in (original, sound))
    return fine_db(original, sound, window=window)
