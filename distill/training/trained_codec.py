"""a trained codec and a held-out sound → its mel and the decoded one; and sound again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from distill.bundle.content import BundleContent
from distill.bundle.rebuild import rebuild_front_end, rebuild_network
from distill.codec.stream import between_silence, silence_before
from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE
from distill.vocoder.vocoder import Vocoder, vocode


class CodedSound(NamedTuple):
    """A sound between the silence that is coded around it: normalised mels (1, 1, M, F)."""

    original: Tensor
    decoded: Tensor
    samples: int
    """Of the sound itself."""


@dataclass(frozen=True)
class TrainedCodec:
    """A codec that is not trained any more. It hears sounds as a bundle does."""

    network: ConvVQVAE
    """In eval mode: in training, the codebooks would learn from these sounds."""
    spectrogram: LogMel
    metadata: Mapping[str, Any]
    """`name` and `model_id`, as in a bundle."""
    digest: str = ""
    """The bundle's `codec_digest`, if it has one."""

    @classmethod
    def of(cls, content: BundleContent) -> TrainedCodec:
        """The codec of a bundle. Raises BundleError."""
        return cls(
            rebuild_network(content).eval().requires_grad_(False),
            rebuild_front_end(content),
            asdict(content.metadata),
            content.codec_digest,
        )

    def to(self, device: torch.device) -> TrainedCodec:
        """The codec, moved to a device."""
        self.network.to(device)
        self.spectrogram.to(device)
        return self

    @torch.inference_mode()
    def code(self, waveform: Tensor) -> CodedSound:
        """A waveform (1, T) → its mel and the decoded one."""
        device = next(self.network.parameters()).device
        whole = between_silence(waveform, self.spectrogram, self.network)
        original = self.spectrogram(whole[None].to(device))
        return CodedSound(original, self.network(original).mel.float(), waveform.shape[-1])

    def sound(self, coded: CodedSound, vocoder: Vocoder) -> Tensor:
        """The decoded mel → waveform (T,)."""
        silent = silence_before(self.spectrogram, self.network)
        return vocode(vocoder, coded.decoded, samples=coded.samples, silent=silent)[0]

    def of_sound(self, mel: Tensor, samples: int) -> Tensor:
        """A mel between silence (1, 1, M, F) → the frames of the sound alone."""
        first = self.network.stride
        return mel[..., first : first + self.spectrogram.frames(samples)]
