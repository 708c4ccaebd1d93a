"""channels, and what is left of them without copies of another → how much is heard of the rest, and
how much would be heard that is not in them.
"""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW = 2048
BANDS = 24
FLOOR = 10**-7.0
"""Power of a band in a window that is not heard."""


def surplus_db(channels: Tensor, rests: Tensor, copies: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Channels, rests and copies (C, t), which begin at a multiple of WINDOW → sums over all bands
    and windows that are heard: by how much a channel and its rest together are louder than the
    channel (C,), by how much the copy and the rest are louder or softer (C,), in dB; and the number
    of those bands and windows (C,).
    """
    own, rest, copy = (_powers(each) for each in (channels, rests, copies))
    heard = (torch.maximum(own, copy) > FLOOR) | (rest > FLOOR)
    floored = own + FLOOR
    more = 10 * ((floored + rest) / floored).log10()
    other = 10 * ((copy + rest + FLOOR) / floored).log10().abs()
    sums = ((each * heard).sum(dim=(1, 2)) for each in (more, other, heard.double()))
    first, second, third = sums
    return first, second, third


def _powers(channels: Tensor) -> Tensor:
    """(C, t) → the mean power of each window in each band (C, W, BANDS)."""
    whole = torch.nn.functional.pad(channels, (0, -channels.shape[1] % WINDOW))
    shape = torch.hann_window(WINDOW)
    spectra = torch.fft.rfft(whole.view(len(whole), -1, WINDOW) * shape)[..., 1:]
    powers = spectra.abs().square().double() * 2 / (WINDOW * shape.square().sum())
    places = torch.arange(1, WINDOW // 2 + 1)
    bands = (places.double().log2() / 10 * BANDS).long().clamp(max=BANDS - 1)
    summed: Tensor = powers.new_zeros(*powers.shape[:2], BANDS).index_add_(2, bands, powers)
    return summed
