"""mel (B, M, F) → where in each frame a sound begins, how fast it rises, what was before."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from distill.vocoder.layers import KERNEL, Block
from distill.vocoder.onsets import PLACES, find_onsets, scaled

FIRST_KERNEL = 5
CHANNELS, HIDDEN, BLOCKS = 96, 192, 2
DETAIL_WEIGHT = 0.02
"""Of the errors of rise and level, beside that of the place."""


class OnsetNetwork(nn.Module):
    """Frames overlap four times, so how much of a sound each of them holds tells where in them it
    begins.
    """

    def __init__(self, n_mels: int) -> None:
        super().__init__()
        self.context = FIRST_KERNEL // 2 + BLOCKS * (KERNEL // 2)
        """Frames on either side that a frame depends on."""
        self.first = nn.Conv1d(n_mels, CHANNELS, FIRST_KERNEL, padding=FIRST_KERNEL // 2)
        self.blocks = nn.Sequential(*(Block(CHANNELS, HIDDEN) for _ in range(BLOCKS)))
        self.norm = nn.LayerNorm(CHANNELS)
        self.said = nn.Linear(CHANNELS, PLACES + 3)

    def forward(self, mel: Tensor) -> Tensor:
        """Mel near 0 and 1 (B, M, F) → (B, F, PLACES + 3) float32: logits of no onset and of one at
        each place, the logarithm of its rise, and the level before it.
        """
        x = self.first(mel).transpose(1, 2)
        said: Tensor = self.said(self.norm(self.blocks(x))).float()
        return said


def onset_loss(said: Tensor, waveforms: Tensor, *, rate_hz: int, hop_length: int) -> Tensor:
    """What the network says of frames (B, F, PLACES + 3) and the waveforms (B, T) → scalar: the
    cross-entropy of the places, and the errors of rise and level where there are onsets.
    """
    places = torch.zeros(said.shape[:2], dtype=torch.int64)
    details = torch.zeros(*said.shape[:2], 2)
    for row, waveform in enumerate(waveforms.detach().float().cpu().numpy()):
        for onset in find_onsets(np.ascontiguousarray(waveform), rate_hz):
            frame, rest = divmod(onset.sample + hop_length // 2, hop_length)
            if frame < said.shape[1]:
                places[row, frame] = 1 + rest * PLACES // hop_length
                details[row, frame] = torch.tensor(scaled(onset))
    places, details = places.to(said.device), details.to(said.device)
    place = nn.functional.cross_entropy(said[..., : PLACES + 1].transpose(1, 2), places)
    is_onset = (places > 0).float()
    apart = (said[..., PLACES + 1 :] - details).abs().sum(dim=-1)
    return place + DETAIL_WEIGHT * (apart * is_onset).sum() / is_onset.sum().clamp(min=1)
