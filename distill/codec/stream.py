"""waveform chunks (C, T) → mel chunks (C, 1, M, F) → code chunks (C, H, W, L) → mel chunks.

Each stage computes pieces with some context on either side, as far as filters and convolutions
reach, and keeps only the piece itself. So the joined pieces are equal to the result for the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from distill.errors import CodesError
from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE

FRAMES = 2048
"""Number of mel frames computed at a time."""
COLUMNS = 256
"""Number of latent columns coded at a time; with the default settings 22 s, as FRAMES."""

SILENT_STRIDES = 1.5
"""How much silence is coded after a sound, in latent columns; rounded up to a whole column. Before
it, there is one column.
"""


@dataclass(frozen=True)
class Window:
    """A piece of a stream, with context before and after it."""

    items: Tensor
    left: int
    """Number of context items before the piece."""
    core: int
    """Number of items of the piece itself; context items may follow."""
    last: bool


class CodedSound(NamedTuple):
    """A sound between the silence that is coded around it: normalised mels (1, 1, M, F)."""

    original: Tensor
    decoded: Tensor
    samples: int
    """Of the sound itself."""


def windows(
    chunks: Iterable[Tensor], *, size: int, context: int, dim: int = -1
) -> Iterator[Window]:
    """Cut a stream along `dim` into pieces of `size` items, or `context` if that is more; the last
    piece can be up to `context` longer.

    The cuts depend only on the stream's length, not on the chunks that it comes in.
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
        held = [joined.narrow(dim, start, count).clone()]  # a view would keep all of it in memory
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
    """Number of latent columns W of a sound of `samples`, with the silence coded around it."""
    frames = spectrogram.frames(samples) + SILENT_STRIDES * model.stride
    return 1 + math.ceil(frames / model.stride)


def natural_samples(columns: int, spectrogram: LogMel, model: ConvVQVAE) -> int:
    """Samples of the longest sound, in whole frames, of `columns` latent columns; 0 for fewer
    columns than a sound has.
    """
    frames = math.floor((columns - 1 - SILENT_STRIDES) * model.stride)
    samples = max(0, frames - 1) * spectrogram.config.hop_length
    return samples if coded_columns(samples, spectrogram, model) == columns else 0


def silence_before(spectrogram: LogMel, model: ConvVQVAE) -> int:
    """Number of samples of silence that are coded before a sound: a latent column."""
    return model.stride * spectrogram.config.hop_length


def add_silence(
    waveforms: Iterable[Tensor], spectrogram: LogMel, model: ConvVQVAE
) -> Iterator[Tensor]:
    """Chunks (C, t) of one waveform → the same chunks between silence: a column before them, and up
    to the last coded column after them.

    The network was trained on sounds between silence, so it codes their beginning and end better
    with some around them. A vocoder needs to know, too, that there was nothing before: windows
    reflected at the beginning do not tell a click from a soft attack.
    """
    before, samples, last = silence_before(spectrogram, model), 0, torch.zeros(0, 0)
    for last in waveforms:
        if not samples and last.shape[1]:
            yield last.new_zeros(len(last), before)
        samples += last.shape[1]
        yield last
    if samples:
        frames = coded_columns(samples, spectrogram, model) * model.stride
        rest = frames * spectrogram.config.hop_length - 1 - before - samples
        yield last.new_zeros(len(last), rest)


def mels_between_silence(
    waveforms: Iterable[Tensor], spectrogram: LogMel, model: ConvVQVAE
) -> Iterator[Tensor]:
    """Chunks (C, t) of one waveform at the model's rate → chunks (C, 1, M, f) of the mel of all
    that is coded, on the model's device.
    """
    device = next(model.parameters()).device
    whole = add_silence(waveforms, spectrogram, model)
    return mels_of((chunk.to(device) for chunk in whole), spectrogram)


def mels_of_sound(
    waveforms: Iterable[Tensor], spectrogram: LogMel, model: ConvVQVAE
) -> Iterator[Tensor]:
    """The same of the sound's own frames."""
    samples = done = 0

    def count_samples() -> Iterator[Tensor]:
        nonlocal samples
        for chunk in waveforms:
            samples += chunk.shape[1]
            yield chunk

    before = model.stride
    for mel in mels_between_silence(count_samples(), spectrogram, model):
        mel = mel[..., before:]
        before = max(0, before - mel.shape[-1])
        mel = mel[..., : spectrogram.frames(samples) - done]
        done += mel.shape[-1]
        yield mel


def between_silence(waveform: Tensor, spectrogram: LogMel, model: ConvVQVAE) -> Tensor:
    """A waveform (C, T) → the same with the silence that is coded around it, (C, T')."""
    return torch.cat(list(add_silence([waveform], spectrogram, model)), dim=1)


def cut_out(chunks: Iterable[Tensor], begin: int, total: int) -> Iterator[Tensor]:
    """Leave out the first `begin` items of a stream, along its last axis, and make the rest `total`
    items long.
    """

    def later() -> Iterator[Tensor]:
        left = begin
        for chunk in chunks:
            yield chunk[..., left:]
            left = max(0, left - chunk.shape[-1])

    return cut_or_fill(later(), total)


def require_eval(model: ConvVQVAE) -> None:
    """Raise CodesError while the model is in training mode."""
    if model.training:
        raise CodesError(
            "the network is in training mode, in which its codebooks learn from what they code; "
            "type model.codec.network.eval() first"
        )


@torch.no_grad()
def codes_of(
    mels: Iterable[Tensor],
    model: ConvVQVAE,
    *,
    encode: Callable[[Tensor], Tensor] | None = None,
) -> Iterator[Tensor]:
    """Chunks (C, 1, M, f) of one mel → codes (C, H, w, L) int64, as `encode` makes them of a mel
    (1, 1, M, F); the model's own `encode` if none is given.
    """
    encode = encode or model.encode
    stride = model.stride
    for window in windows(mels, size=COLUMNS * stride, context=model.encoder_context * stride):
        first = window.left // stride
        count = math.ceil(window.core / stride)
        # one channel at a time: its codes do not depend on the others, and memory stays small
        codes = torch.cat([encode(mel) for mel in window.items.split(1)])
        yield codes[:, :, first : first + count]


@torch.no_grad()
def mels_from(codes: Iterable[Tensor], model: ConvVQVAE, *, height: int) -> Iterator[Tensor]:
    """Chunks (C, H, w, l ≤ L) of codes → normalised mel (C, 1, height, f), f = w · stride.

    Raises CodeRangeError for an impossible index.
    """
    stride = model.stride
    for window in windows(codes, size=COLUMNS, context=model.decoder_context, dim=2):
        width = window.items.shape[2] * stride
        mel = torch.cat(
            [model.decode(code, height=height, width=width) for code in window.items.split(1)]
        )
        yield mel.narrow(-1, window.left * stride, window.core * stride)


def cut_or_fill(chunks: Iterable[Tensor], total: int) -> Iterator[Tensor]:
    """Make a stream `total` items long along its last axis: cut it, or add zeros at the end."""
    chunk = torch.zeros(0)
    for chunk in chunks:
        yield chunk[..., :total]
        total -= chunk.shape[-1]
        if total <= 0:
            return
    yield chunk.new_zeros(*chunk.shape[:-1], total)
