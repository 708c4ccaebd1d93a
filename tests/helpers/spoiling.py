"""A callback for `callbacks.extra` that puts NaN or infinity into a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning
import torch

SKIPPED = ("batch", "gradient")
"""What costs a step and no more."""


class Spoil(lightning.Callback):
    """Puts a value where it does not belong, at some of the steps, or after them into a weight; a
    step that is to be skipped must leave every weight as it was.
    """

    def __init__(self, what: str, value: float, steps: list[int]) -> None:
        self.what, self.value, self.steps = what, value, list(steps)
        self.before: dict[str, torch.Tensor] = {}

    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        if pl_module.step not in self.steps:
            return
        self.before = {name: each.detach().clone() for name, each in self.kept(pl_module)}
        if self.what == "batch" and isinstance(batch, Mapping):
            batch["waveform"][0, 0, 7] = self.value
        elif self.what == "batch":  # numbers of what the module draws by itself
            spoil_losses(pl_module, self.value)
        if self.what == "codebook":
            pl_module.model.quantizer.rvq.layers[1].codebook[3] = self.value
        if self.what == "weight":
            next(pl_module.model.decoder.parameters()).data.view(-1)[0] = self.value

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.what in SKIPPED and pl_module.step in self.steps:
            for name, weight in self.kept(pl_module):
                assert torch.equal(weight, self.before[name]), f"{name} has changed"
        if self.what == "after" and pl_module.step in self.steps:
            next(pl_module.model.encoder.parameters()).data.view(-1)[0] = self.value

    def kept(self, module: Any) -> list[tuple[str, torch.Tensor]]:
        """What the step must leave as it was: the codebooks follow a batch, not its gradient."""
        if self.what == "batch":
            return list(module.model.state_dict().items())
        return list(module.model.named_parameters())

    def on_after_backward(self, trainer: Any, pl_module: Any) -> None:
        if self.what == "gradient" and pl_module.step in self.steps:
            # of the network or, in its turn, of what it is trained against
            gradients = (each.grad for each in pl_module.parameters() if each.grad is not None)
            next(gradients).view(-1)[0] = self.value


def spoil_losses(module: Any, value: float) -> None:
    """Have the module find this loss, once."""
    losses = module.losses

    def spoilt(batch: Any) -> Any:
        del module.losses
        found, count = losses(batch)
        return {**found, "loss": found["loss"] * value}, count

    module.losses = spoilt


def spoil(what: str, value: float, *steps: int) -> list[str]:
    """Overrides that spoil these steps, counted from 0."""
    key = f"+callbacks.extra.spoil_{what.replace(' ', '_')}"
    return [
        f"{key}._target_=tests.helpers.spoiling.Spoil",
        f"{key}.what='{what}'",
        f"{key}.value={value}",
        f"{key}.steps={list(steps)}".replace(" ", ""),
    ]
