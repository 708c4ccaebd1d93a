"""a waveform as somebody gives it → (C, T) float32 on the CPU, or an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.audio.reader import LARGEST_SAMPLE, SAMPLE_RATES_HZ
from distill.errors import SoundError
from distill.system.given import LARGEST_SEED, shown, whole

MANY_CHANNELS = 64


def check_rate(sample_rate_hz: Any) -> int:
    """A sample rate as a whole number of Hz; raises SoundError for any other value."""
    rate_hz = whole(sample_rate_hz, *SAMPLE_RATES_HZ)
    if rate_hz is None:
        low, high = SAMPLE_RATES_HZ
        raise SoundError(
            f"a sample rate must be a whole number of Hz from {low:,} to {high:,}, "
            f"not {shown(sample_rate_hz)}"
        )
    return rate_hz


def check_seed(seed: Any) -> int:
    """A seed for a vocoder; raises SoundError for what is none."""
    number = whole(seed, 0, LARGEST_SEED)
    if number is None:
        raise SoundError(
            f"a seed must be a whole number from 0 to {LARGEST_SEED}, not {shown(seed)}"
        )
    return number


def check_waveform(waveform: Tensor | NDArray[Any]) -> Tensor:
    """Waveform (T,) or (C, T), floating point → (C, T) float32 on the CPU. Raises SoundError for
    another shape or type, and for one that is empty, not finite or far above full scale.
    """
    if isinstance(waveform, np.ndarray) and waveform.dtype.kind == "f":
        with np.errstate(over="ignore"):  # infinity is refused below
            waveform = np.ascontiguousarray(waveform, np.float32)  # torch takes none reversed
    try:
        given = torch.as_tensor(waveform)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SoundError(
            "a waveform must be an array or a tensor of floating-point numbers, "
            f"not {shown(waveform)}"
        ) from error
    if not given.is_floating_point() or given.ndim not in (1, 2):
        raise SoundError(
            "a waveform must have the shape (T,) or (C, T) and be floating point, "
            f"not {tuple(given.shape)} of {given.dtype}"
        )
    given = given.detach().cpu().float()
    if not given.numel():
        raise SoundError("the waveform is empty")
    given = given.reshape(-1, given.shape[-1])
    if len(given) > max(MANY_CHANNELS, given.shape[1]):
        raise SoundError(
            f"{len(given):,} channels of {given.shape[1]:,} samples each: "
            "a waveform must have the shape (C, T), not (T, C)"
        )
    if not torch.isfinite(given).all():
        raise SoundError("the waveform holds NaN or infinity")
    if (peak := float(given.abs().max())) > LARGEST_SAMPLE:
        raise SoundError(f"the waveform's samples reach {peak:,.5g} where 1 is full scale")
    return given
