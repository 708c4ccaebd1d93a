"""mels in dB (M, F) → the same as the judge looks at them, and the figures that need no judge.

Both sides are prepared alike: at one level, from the first frame in which anything is heard to the
last one, at most 1.5 s, faded, and 45 dB deep. What is softer says more of trimming, fades and
noise floors than of the sound.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from distill.bundle.loaded import LoadedModel
from distill.errors import DistillError

HOP_S = 512 / 48_000
BINS = 128
LONGEST_S = 1.5
LEAD, FADE = 2, 2
"""Frames before the first that is heard, and of the fade at the end."""
FRAMES = LEAD + int(LONGEST_S / HOP_S) + 1
DEPTH_DB, HEARD_DB = 45.0, 30.0
"""Under the loudest cell: what is looked at, and what counts as heard."""
FADE_DB = torch.tensor([6.0, 18.0])
ATTACK, SLOW_FADE, SLOW_FADE_DB = 5, 8, 40.0
"""Frames that are left out, and of a slower fade, for those who would tell by them."""
BLOCK = 5
"""Frames of a block of 50 ms."""


def decode(model: LoadedModel, waveforms: Sequence[Tensor]) -> list[Tensor]:
    """Waveforms (T,) at the model's rate → their mels in dB (M, F), coded and decoded."""
    found = []
    for waveform in waveforms:
        codes = model.encode(waveform, model.sample_rate_hz)
        mel = torch.cat(list(model.codec.decoded_mels(codes)), dim=-1)
        found.append(model.codec.spectrogram.to_decibels(mel)[0, 0].cpu())
    return found


def check_mels(model: LoadedModel) -> None:
    """Raise DistillError for a model with other mels than the judge's weights know."""
    config = model.codec.spectrogram.config
    if config.n_mels != BINS or abs(config.hop_length / config.sample_rate_hz - HOP_S) > 1e-6:
        raise DistillError(
            f"the judge looks at mels of {BINS} bins, a frame each 512 samples at 48 kHz; "
            f"this model has {config.n_mels} bins, a frame each {config.hop_length} samples "
            f"at {config.sample_rate_hz:,} Hz"
        )


def prepare(mels: Sequence[Tensor]) -> Tensor:
    """Mels in dB (M, F) → (B, M, FRAMES), in dB under the loudest cell, -DEPTH_DB to 0."""
    longest = max(FRAMES, *(mel.shape[1] for mel in mels))
    low = min(float(mel.min()) for mel in mels) - DEPTH_DB
    padded = [torch.nn.functional.pad(mel, (0, longest - mel.shape[1]), value=low) for mel in mels]
    return prepare_batch(torch.stack(padded))


def prepare_batch(mels: Tensor) -> Tensor:
    """The same for mels of one length (B, M, F)."""
    frames = mels.shape[2]
    mels = mels - mels.amax(dim=(1, 2), keepdim=True)
    heard = (mels.amax(dim=1) > -HEARD_DB).to(torch.uint8)
    first = heard.argmax(dim=1)[:, None]
    last = (frames - 1 - heard.flip(1).argmax(dim=1))[:, None]
    place = torch.arange(FRAMES)[None]
    source = place + first - LEAD
    last = torch.minimum(last, first + FRAMES - LEAD - 1)
    sound = mels.gather(2, source.clamp(0, frames - 1)[:, None].expand(-1, mels.shape[1], -1))
    to_end = last - source
    for step, fade_db in enumerate(FADE_DB.flip(0).tolist()):
        sound = sound - fade_db * (to_end == step)[:, None]
    outside = (source < 0) | (to_end < 0)
    return sound.masked_fill(outside[:, None], -DEPTH_DB).clamp(min=-DEPTH_DB)


def without_ends(prepared: Tensor, random: torch.Generator) -> Tensor:
    """(B, M, F) → the same without the attack, with a slow fade, and moved by a random part of a
    frame: where a sound begins beside the frames, and how it was cut off, is not heard, but told.
    """
    sounds = torch.nn.functional.pad(
        prepared[..., LEAD + ATTACK :], (0, LEAD + ATTACK), value=-DEPTH_DB
    )
    heard = (sounds > -DEPTH_DB).any(dim=1).to(torch.uint8)
    last = sounds.shape[2] - 1 - heard.flip(1).argmax(dim=1)
    to_end = (last[:, None] - torch.arange(sounds.shape[2])).clamp(min=0)
    sounds = sounds - SLOW_FADE_DB * (1 - to_end / SLOW_FADE).clamp(min=0)[:, None]
    share = torch.rand(len(sounds), 1, 1, generator=random)
    later = torch.nn.functional.pad(sounds[..., 1:], (0, 1), value=-DEPTH_DB)
    moved = 20 * torch.lerp(10 ** (sounds / 20), 10 ** (later / 20), share).log10()
    return (moved - moved.amax(dim=(1, 2), keepdim=True)).clamp(min=-DEPTH_DB)


def largest_jumps(prepared: Tensor) -> Tensor:
    """(B, M, F) → (B,): the largest mean change between neighbouring blocks of 50 ms in dB, after
    the first 100 ms, where one of them is heard; 0 for what is shorter.
    """
    sound = prepared[:, :, LEAD:]
    whole = sound.shape[2] // BLOCK * BLOCK
    blocks = sound[:, :, :whole].unflatten(2, (-1, BLOCK)).mean(dim=3)
    jumps = (blocks[:, :, 1:] - blocks[:, :, :-1]).abs().mean(dim=1)
    jumps = jumps.where(blocks.amax(dim=1)[:, 1:] > -HEARD_DB, torch.zeros(()))
    largest: Tensor = jumps[:, 2:].amax(dim=1)
    return largest
