"""log-mel (C, 1, M, F) → waveform (C, T), by a network that makes samples of blocks of frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from distill.model.mel import LogMel
from distill.vocoder.hifigan_network import HifiGanNetwork
from distill.vocoder.trained import TrainedVocoder

BLOCK = 256
"""Number of mel frames that are turned into sound together."""


class BlockVocoder:
    """Runs the network over blocks of frames, with as many around them as it sees. Blocks lie at
    the same frames however the mel is cut.
    """

    def __init__(self, spectrogram: LogMel, network: HifiGanNetwork | TrainedVocoder) -> None:
        self.name = network.title
        self.spectrogram = spectrogram
        self.network = network.eval()

    def stream(self, mels: Iterable[Tensor], *, seed: int = 0, silent: int = 0) -> Iterator[Tensor]:
        """Chunks (C, 1, M, f) of one normalised log-mel → chunks (C, t) of its waveform in [-1, 1],
        F · hop_length samples in all. There is no randomness in it: `seed` changes nothing, nor
        does `silent`.
        """
        context, before = self.network.context, 0
        held: Tensor | None = None
        for chunk in mels:
            mel = chunk[:, 0].float().cpu()
            held = mel if held is None else torch.cat([held, mel], dim=-1)
            while held.shape[-1] >= before + BLOCK + context:
                yield self._waveform(held[..., : before + BLOCK + context], before, BLOCK)
                begin = max(0, before + BLOCK - context)
                before = before + BLOCK - begin
                held = held[..., begin:].clone()
        if held is not None:
            yield self._waveform(held, before, held.shape[-1] - before)

    @torch.inference_mode()
    def _waveform(self, log_mel: Tensor, before: int, frames: int) -> Tensor:
        """Normalised log-mel (C, M, f) → the waveform (C, t) of the frames after the first ones."""
        device, hop = next(self.network.parameters()).device, self.network.hop_length
        decibels = self.spectrogram.to_decibels(log_mel).to(device)
        # one channel at a time: equal channels stay equal, memory small
        whole = torch.cat([self.network(each) for each in decibels.split(1)])
        return whole[:, before * hop : (before + frames) * hop].cpu()
