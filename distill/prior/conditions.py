"""what a prior is told of the sounds that it is to draw."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

UNKNOWN = -1
"""In place of a class or length."""
TIMES = 48
"""Steps in which the time since the beginning, and that to the end, are told."""
EXACT_TIMES = 16
"""The first block columns, this number of them, have a step each; after them, an octave has four.
"""


class Conditions(NamedTuple):
    """What is known of B sounds; all (B,)."""

    first: Tensor
    """int64: the block column of the sound that the codes begin with."""
    columns: Tensor
    """int64: block columns of the whole sound, or UNKNOWN."""
    label: Tensor
    """int64: number of its class, or UNKNOWN."""
    level_db: Tensor
    """float32: its level in dBFS, or NaN where it is unknown."""


def time_step(columns: Tensor) -> Tensor:
    """Times in block columns → the steps in which they are told."""
    columns = columns.clamp(min=0)
    octaves = torch.log2(columns.clamp(min=EXACT_TIMES) / EXACT_TIMES)
    far = EXACT_TIMES + (4 * octaves).long()
    return torch.where(columns < EXACT_TIMES, columns, far).clamp(max=TIMES - 1)
