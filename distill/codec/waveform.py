"""a waveform as somebody gives it → (C, T) float32 on the CPU, or an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.errors import SoundError

MANY_CHANNELS = 64


def check_waveform(waveform: Tensor | NDArray[Any]) -> Tensor:
    """Waveform (T,) or (C, T), floating point → (C, T) float32 on the CPU. Raises SoundError for
    another shape or type, and for one that is empty or not finite.
    """
    if isinstance(waveform, np.ndarray):
        waveform = np.ascontiguousarray(waveform)  # torch takes no array that is reversed
    whole = torch.as_tensor(waveform)
    if not whole.is_floating_point() or whole.ndim not in (1, 2):
        raise SoundError(
            "a waveform must have the shape (T,) or (C, T) and be floating point, "
            f"not {tuple(whole.shape)} of {whole.dtype}"
        )
    whole = whole.detach().cpu().float()
    if not whole.numel():
        raise SoundError("the waveform is empty")
    whole = whole.reshape(-1, whole.shape[-1])
    if len(whole) > max(MANY_CHANNELS, whole.shape[1]):
        raise SoundError(
            f"{len(whole):,} channels of {whole.shape[1]:,} samples each: "
            "a waveform must have the shape (C, T), not (T, C)"
        )
    if not torch.isfinite(whole).all():
        raise SoundError("the waveform holds NaN or infinity")
    return whole
