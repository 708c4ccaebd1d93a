"""A waveform as somebody gives it: what is one, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from distill.codec.waveform import check_waveform
from distill.errors import SoundError


@pytest.mark.parametrize(
    ("waveform", "told"),
    [
        (torch.zeros(0), "empty"),
        (torch.zeros(2, 0), "empty"),
        (torch.zeros(0, 100), "empty|\\(0, 100\\)"),
        (np.zeros(0, np.float32), "empty"),
        (torch.tensor([0.0, float("nan")]), "NaN or infinity"),
        (torch.tensor([0.0, float("-inf")]), "NaN or infinity"),
        (np.array([1e300]), "NaN or infinity"),
        (torch.zeros(5, dtype=torch.int16), r"\(5,\) of torch.int16"),
        (np.zeros(5, np.int32), r"\(5,\) of torch.int32"),
        (torch.zeros(1, 2, 5), r"\(1, 2, 5\)"),
        (
            torch.zeros(2_000, 2),
            r"2,000 channels of 2 samples each: .* the shape \(C, T\)",
        ),
        (torch.tensor(0.5), r"\(\) of torch.float32"),
        (torch.zeros(5, dtype=torch.complex64), "complex64"),
    ],
    ids=lambda value: "" if isinstance(value, str) else f"{tuple(value.shape)} {value.dtype}",
)
def test_what_is_no_waveform_is_refused(waveform: Any, told: str) -> None:
    with pytest.raises(SoundError, match=told):
        check_waveform(waveform)
