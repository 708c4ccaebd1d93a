"""decoded mels → how far each is from the nearest sound that a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.stream import mels_from

COPY_SHARE, LEAST_SHARE = 0.3, 0.4
"""A sound is a copy if it is nearer to a training sound than the first share of the usual distance;
what is nearer than the second one hardly differs to the ear.
"""
AUDIBLE_DB = 3.0
"""Frames that are nowhere so far above silence do not belong to a sound's end."""
AT_ONCE = 64
"""Columns decoded at a time."""


@dataclass(frozen=True)
class Nearest:
    """The training sound that is most like a sound."""

    number: int
    distance_db: float
    """Mean absolute difference of the mels, the shorter one between silence."""


def decode_mels(sounds: Sequence[Tensor], codec: Codec) -> list[Tensor]:
    """Codes of sounds, each (H, W, L) with the silence around it → mels in dB (M, F) float32 on the
    CPU, in whole columns.
    """
    stride, spectrogram = codec.network.stride, codec.spectrogram
    joined = torch.cat([codes.long() for codes in sounds], dim=1)[None].to(codec.device)
    height = spectrogram.config.n_mels
    chunks = mels_from(joined.split(AT_ONCE, dim=2), codec.network, height=height)
    mel = torch.cat([spectrogram.to_decibels(chunk)[0, 0].cpu() for chunk in chunks], dim=-1)
    return list(mel.split([stride * codes.shape[1] for codes in sounds], dim=-1))


class MelNeighbours:
    """Mels of training sounds, to find the nearest one of."""

    def __init__(self, mels: Sequence[Tensor], *, floor_db: float) -> None:
        """Mels in dB (M, F); silence is `floor_db` in all bins."""
        self._mels = [_above_silence(mel, floor_db) for mel in mels]
        self._floor_db = floor_db
        # what a frame costs that the other sound does not have, summed up from the end
        self._rests = [mel.sum(dim=0).flip(0).cumsum(0).flip(0) for mel in self._mels]

    def nearest(self, mel: Tensor) -> Nearest:
        """The training sound nearest to a mel in dB (M, F)."""
        own = _above_silence(mel, self._floor_db)
        rest = own.sum(dim=0).flip(0).cumsum(0).flip(0)
        best = Nearest(-1, float("inf"))
        for number, (other, others_rest) in enumerate(zip(self._mels, self._rests, strict=True)):
            shared = min(own.shape[1], other.shape[1])
            cells = own.shape[0] * max(own.shape[1], other.shape[1])
            missing = _first(rest, shared) + _first(others_rest, shared)
            if missing / max(1, cells) >= best.distance_db:
                continue
            difference = (own[:, :shared] - other[:, :shared]).abs().sum()
            distance_db = (float(difference) + missing) / max(1, cells)
            if distance_db < best.distance_db:
                best = Nearest(number, distance_db)
        return best

    def usual_db(self, mels: Sequence[Tensor]) -> float:
        """The median distance of other sounds; infinite if there are none."""
        return median(self.nearest(mel).distance_db for mel in mels) if mels else float("inf")


def _above_silence(mel: Tensor, floor_db: float) -> Tensor:
    """Mel in dB → dB above silence, without silent frames at the end."""
    above = (mel - floor_db).clamp(min=0)
    (heard,) = (above > AUDIBLE_DB).any(dim=0).nonzero(as_tuple=True)
    return above[:, : int(heard[-1]) + 1 if len(heard) else 0]


def _first(rest: Tensor, place: int) -> float:
    return float(rest[place]) if place < len(rest) else 0.0
