"""waveform chunks (C, T) → mel chunks (C, 1, M, F) → code chunks (C, H, W, L) → mel chunks.

Each stage looks a little beyond the piece it works on, as far as filters and convolutions reach,
and keeps its own part only: joined, the pieces equal what the whole would give.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE

FRAMES = 2048
"""Mel frames computed at a time."""
COLUMNS = 128
"""Latent columns coded at a time; like FRAMES, 22 s of the default front end."""

SILENT_STRIDES = 1.5
"""Silence after a sound that is coded with it, in latent columns, rounded up to a whole one."""


@dataclass(frozen=True)
class Window:
    """A piece of a stream with what lies around it."""

    items: Tensor
    left: int
    """Items before the piece itself, given for context only."""
    core: int
    """Items of the piece itself; more context may follow."""
    last: bool


def windows(
    chunks: Iterable[Tensor], *, size: int, context: int, dim: int = -1
) -> Iterator[Window]:
    """Cut a stream along `dim` into pieces of `size` items, at least `context`, the last up to
    `context` longer.

    Where the cuts are depends on the stream's length alone, not on the chunks it comes in.
    """
    size = max(size, context)
    held: list[Tensor] = []
    left = count = 0
    for chunk in chunks:
        held.append(chunk)
        count += chunk.shape[dim]
        if count < left + size + context:
            continue
        joined = torch.cat(held, dim)
        start = 0
        while count - start >= left + size + context:
            items = joined.narrow(dim, start, left + size + context)
            yield Window(items, left, size, last=False)
            start += left + size - context
            left = context
        count -= start
        held = [joined.narrow(dim, start, count).clone()]  # a copy: a view would keep the rest
    if count > left:
        yield Window(torch.cat(held, dim), left, count - left, last=True)


@torch.no_grad()
def mels_of(waveforms: Iterable[Tensor], spectrogram: LogMel) -> Iterator[Tensor]:
    """Chunks (C, t) of one waveform (C, T) at the model's rate → normalised mel (C, 1, M, f)."""
    hop, n_fft = spectrogram.config.hop_length, spectrogram.config.n_fft
    context = math.ceil(n_fft / 2 / hop) * hop
    for window in windows(waveforms, size=FRAMES * hop, context=context):
        mel = spectrogram(window.items[:, None])
        first = window.left // hop
        count = mel.shape[-1] - first if window.last else window.core // hop
        yield mel[..., first : first + count]


def coded_columns(samples: int, spectrogram: LogMel, model: ConvVQVAE) -> int:
    """Latent columns W of a sound of `samples`, the silence that is coded with it included."""
    frames = spectrogram.frames(samples) + SILENT_STRIDES * model.stride
    return math.ceil(frames / model.stride)


def with_silence(
    waveforms: Iterable[Tensor], spectrogram: LogMel, model: ConvVQVAE
) -> Iterator[Tensor]:
    """Chunks (C, t) of one waveform → the same, and silence until the last of its coded columns.

    A network that was trained on sounds followed by silence codes the end of a sound better with
    some of it: 3.8 dB of mel error against 4.2 over instruments of 0.2 s and longer.
    """
    samples, last = 0, torch.zeros(0, 0)
    for last in waveforms:
        samples += last.shape[1]
        yield last
    if samples:
        frames = coded_columns(samples, spectrogram, model) * model.stride
        rest = frames * spectrogram.config.hop_length - 1 - samples
        yield last.new_zeros(len(last), rest)


@torch.no_grad()
def codes_of(mels: Iterable[Tensor], model: ConvVQVAE) -> Iterator[Tensor]:
    """Chunks (C, 1, M, f) of one mel → codes (C, H, w, L) int64."""
    stride = model.stride
    for window in windows(mels, size=COLUMNS * stride, context=model.context * stride):
        first = window.left // stride
        count = math.ceil(window.core / stride)
        # channel by channel: the codes of one do not depend on how many there are, nor does memory
        codes = torch.cat([model.encode(mel) for mel in window.items.split(1)])
        yield codes[:, :, first : first + count]


@torch.no_grad()
def mels_from(codes: Iterable[Tensor], model: ConvVQVAE, *, height: int) -> Iterator[Tensor]:
    """Chunks (C, H, w, l ≤ L) of codes → normalised mel (C, 1, height, f), f = w · stride.

    Raises CodeRangeError for an impossible index.
    """
    stride = model.stride
    for window in windows(codes, size=COLUMNS, context=model.context, dim=2):
        width = window.items.shape[2] * stride
        mel = torch.cat(
            [model.decode(code, height=height, width=width) for code in window.items.split(1)]
        )
        yield mel.narrow(-1, window.left * stride, window.core * stride)


def exactly(chunks: Iterable[Tensor], total: int) -> Iterator[Tensor]:
    """`total` items of a stream along its last axis: cut there, or filled up with zeros."""
    chunk = torch.zeros(0)
    for chunk in chunks:
        yield chunk[..., :total]
        total -= chunk.shape[-1]
        if total <= 0:
            return
    yield chunk.new_zeros(*chunk.shape[:-1], total)
