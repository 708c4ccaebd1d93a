"""a module in training → the same as it is used, for a while that leaves no traces in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def aside(module: nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradients, and random generators that go on afterwards as if nothing had
    been drawn.
    """
    modes = [(each, each.training) for each in module.modules()]
    device = next((value.device for value in module.parameters()), torch.device("cpu"))
    module.eval()
    try:
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            yield
    finally:
        for each, was_training in modes:
            each.training = was_training
