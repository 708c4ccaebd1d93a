"""mel chunks of an original and of its reconstructions → mel errors in dB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from distill.model.mel import LogMel


def mel_errors_db(
    original: Iterable[Tensor], *others: Iterable[Tensor], spectrogram: LogMel
) -> list[float]:
    """Mean absolute difference in dB between the normalised mel (C, 1, M, F) of a sound and each of
    the others, all of them in chunks. The chunks may be cut at different places.

    Raises ValueError if the mels are not equally long.
    """
    takers = [_Taker(other) for other in others]
    sums, frames = torch.zeros(len(others), dtype=torch.float64), 0
    for mel in original:
        decibels = spectrogram.to_decibels(mel)
        for number, taker in enumerate(takers):
            other = spectrogram.to_decibels(taker.take(mel.shape[-1]).to(mel.device))
            sums[number] += float((decibels - other).abs().mean(dim=(0, 1, 2)).double().sum())
        frames += mel.shape[-1]
    for taker in takers:
        taker.finish()
    return [float(total) / frames for total in sums]


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
