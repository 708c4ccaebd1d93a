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
from distill.model.mel import LogMel
from distill.training.clips import choose_clips
from distill.training.vocoder.module import Codec, VocoderModule
from distill.vocoder.phase_gradient import PhaseGradient
from distill.vocoder.vocoder import Vocoder, default_vocoder, vocode

MOST_SOUNDS = 24
FINE_SHARE = 1 / 4
"""Window of the fine error, as a share of the mels' own: it sees what happens within theirs."""


@dataclass(frozen=True)
class Likeness:
    """How far a vocoder's sounds are from the originals: means over the sounds."""

    mel_db: float
    """Mel error of the waveforms."""
    fine_db: float
    """Log-spectral distance with short windows."""


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
    clips = [clip for clip in clips if clip["sound_begin"] < clip["sound_end"]]
    decoded = _decoded(codec, clips)
    default = default_vocoder(codec.spectrogram)
    own, other = (
        _likeness(vocoder, decoded, clips, codec.spectrogram)
        for vocoder in (PhaseGradient(codec.spectrogram, module.model), default)
    )
    return Comparison(own, other, default.name)


@torch.inference_mode()
def _decoded(codec: Codec, clips: Sequence[Segment]) -> list[Tensor]:
    """The decoded mel of each clip, (1, 1, M, F)."""
    device = next(codec.network.parameters()).device
    waveforms = [torch.as_tensor(clip["waveform"])[None].to(device) for clip in clips]
    return [codec.network(codec.spectrogram(waveform)).mel for waveform in waveforms]


@torch.inference_mode()
def _likeness(
    vocoder: Vocoder, decoded: Sequence[Tensor], clips: Sequence[Segment], spectrogram: LogMel
) -> Likeness:
    window = max(16, int(spectrogram.config.n_fft * FINE_SHARE))
    errors = torch.zeros(2, dtype=torch.float64)
    for clip, mel in zip(clips, decoded, strict=True):
        original = torch.as_tensor(clip["waveform"])[0]
        sound = vocode(vocoder, mel, samples=len(original))[0]
        mels = [
            spectrogram.decibels(spectrogram.magnitude(each[None, None].to(mel.device)))
            for each in (original, sound)
        ]
        borders = (torch.tensor([clip[key]]) for key in ("sound_begin", "sound_end"))
        sounding = spectrogram.sounding_frames(*borders, frames=mels[0].shape[-1])[0]
        mel_db = (mels[0] - mels[1]).abs()[..., sounding.to(mel.device)].mean()
        begin = max(0, min(clip["sound_begin"], len(original) - window))
        heard = slice(begin, max(clip["sound_end"], begin + window))
        fine = fine_db(original[heard], sound[heard], window=window)
        errors += torch.tensor([float(mel_db), fine], dtype=torch.float64)
    mel_db, fine = (errors / max(1, len(clips))).tolist()
    return Likeness(mel_db, fine)
