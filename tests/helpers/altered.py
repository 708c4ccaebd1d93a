"""The content of a bundle → the same with some of its values altered, as a stranger would."""

from __future__ import annotations

import copy
import math
from random import Random
from typing import Any

import torch

ODD: tuple[Any, ...] = (
    0,
    -1,
    1,
    2,
    3,
    255,
    4_097,
    1 << 31,
    1 << 70,
    0.5,
    -0.0,
    1e-300,
    1e308,
    math.nan,
    math.inf,
    True,
    None,
    "",
    "x",
    "../../x",
    "\x1b[2J",
    b"x",
    [],
    {},
    [[]] * 3,
    torch.zeros(3),
)


def alter(content: dict[str, Any], chance: Random) -> dict[str, Any]:
    """A copy with one value altered, rarely more; most often one of its vocoder or its prior."""
    altered = copy.deepcopy(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        parts = ["vocoder_state", "prior_state"] * 2 + list(altered)
        _alter_below(altered, chance.choice([part for part in parts if part in altered]), chance)
    return altered


def _alter_below(holder: Any, key: Any, chance: Random) -> None:
    """Something at `holder[key]`, or anywhere below it."""
    value = holder[key]
    below = list(value) if isinstance(value, dict) else []
    if isinstance(value, list | tuple):
        below = list(range(len(value)))
    if below and chance.random() < 0.93:
        if isinstance(value, tuple):
            holder[key] = value = list(value)
        _alter_below(value, chance.choice(below), chance)
    elif isinstance(value, torch.Tensor) and chance.random() < 0.8:
        holder[key] = _alter_tensor(value, chance)
    elif isinstance(holder, dict) and chance.random() < 0.1:
        del holder[key]
    elif isinstance(value, int | float) and chance.random() < 0.4:
        holder[key] = chance.choice((value + 1, value - 1, 2 * value, value / 2, -value))
    else:
        holder[key] = chance.choice(ODD)


def _alter_tensor(tensor: torch.Tensor, chance: Random) -> torch.Tensor:
    """Another shape or type, or one number that does not belong."""
    ways = [
        lambda: tensor[..., :-1],
        lambda: tensor[None],
        lambda: torch.cat([tensor, tensor]),
        lambda: tensor.flatten().contiguous(),
        lambda: tensor.double(),
        lambda: tensor.to(torch.int64),
        lambda: tensor.bool(),
        lambda: torch.zeros(1, dtype=tensor.dtype).expand(tensor.shape),
    ]
    if tensor.numel() == 0 or tensor.dim() == 0 or chance.random() < 0.5:
        changed = tensor.clone()
        odd = (math.nan, -math.inf, 6e4, -1e-7) if tensor.is_floating_point() else (-1, 8, 32_767)
        if changed.numel() and tensor.dtype != torch.bool:
            changed.view(-1)[chance.randrange(changed.numel())] = chance.choice(odd)
        return changed
    return chance.choice(ways)()
