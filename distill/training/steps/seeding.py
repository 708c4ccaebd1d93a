"""a number → the state of the random generators for one step."""

from __future__ import annotations

import torch


def seed_generators(seed: int, device: torch.device) -> None:
    """Seed the CPU's generator and the device's.

    Not `torch.manual_seed`: without a GPU, it keeps a list of all calls, which would grow with each
    step.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
