"""mel chunks of an original and of its reconstructions → mel errors and onsets in dB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from distill.codec.hearing import Onset, OnsetMeter
from distill.model.mel import LogMel


@dataclass(frozen=True)
class MelFigures:
    """How a mel differs from the original's."""

    error_db: float
    """Mel error: mean absolute difference."""
    onset: Onset


def compare_mels(
    original: Iterable[Tensor], *others: Iterable[Tensor], spectrogram: LogMel
) -> list[MelFigures]:
    """How each of the others differs from the normalised mel (C, 1, M, F) of a sound, all of them
    in chunks. The chunks may be cut at different places.

    Raises ValueError if the mels are not equally long.
    """
    takers = [_Taker(other) for other in others]
    meters = [OnsetMeter() for _ in others]
    sums, frames = torch.zeros(len(others), dtype=torch.float64), 0
    for mel in original:
        decibels = spectrogram.to_decibels(mel)
        for number, taker in enumerate(takers):
            other = spectrogram.to_decibels(taker.take(mel.shape[-1]).to(mel.device))
            sums[number] += float((decibels - other).abs().mean(dim=(0, 1, 2)).double().sum())
            meters[number].add(decibels, other)
        frames += mel.shape[-1]
    for taker in takers:
        taker.finish()
    return [
        MelFigures(float(total) / frames, meter.onset())
        for total, meter in zip(sums, meters, strict=True)
    ]


class _Taker:
    """A stream from which any number of frames can be taken."""

    def __init__(self, chunks: Iterable[Tensor]) -> None:
        self._chunks: Iterator[Tensor] = iter(chunks)
        self._held: list[Tensor] = []

    def take(self, frames: int) -> Tensor:
        while sum(chunk.shape[-1] for chunk in self._held) < frames:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise ValueError("the sounds to compare are not equally long")
            self._held.append(chunk)
        joined = torch.cat(self._held, dim=-1)
        self._held = [joined[..., frames:].clone()]
        return joined[..., :frames]

    def finish(self) -> None:
        rest = sum(chunk.shape[-1] for chunk in self._held)
        if rest or next(self._chunks, None) is not None:
            raise ValueError("the sounds to compare are not equally long")
