"""a number → the random state of a step."""

from __future__ import annotations

import torch


def seed_generators(seed: int, device: torch.device) -> None:
    """Seed what draws random numbers in a step.

    `torch.manual_seed` would, on a machine without a GPU, remember each call for the day that there
    is one.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
