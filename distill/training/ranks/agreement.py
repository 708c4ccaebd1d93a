"""each rank's values → values that are the same on all ranks; with one rank, unchanged.

Every rank must call these functions at the same point, because each call waits for all ranks.
"""

from __future__ import annotations

import lightning
import torch
from torch import Tensor, distributed, nn

from distill.errors import RunError
from distill.training.steps.schedule import RunClock


def sum_over_ranks(trainer: lightning.Trainer, values: Tensor) -> Tensor:
    """The sum of the values of all ranks, on the trainer's device."""
    if trainer.world_size == 1:
        return values
    total = values.to(trainer.strategy.root_device, copy=True)
    distributed.all_reduce(total)
    return total


def largest_over_ranks(trainer: lightning.Trainer, value: float) -> float:
    """The largest of the values of all ranks."""
    if trainer.world_size == 1:
        return value
    shared = torch.tensor(value, dtype=torch.float64, device=trainer.strategy.root_device)
    distributed.all_reduce(shared, op=distributed.ReduceOp.MAX)
    return float(shared)


def agree_on_time(trainer: lightning.Trainer, clock: RunClock) -> None:
    """Set the clocks of all ranks to the one that is furthest, so that they decide alike."""
    if trainer.world_size > 1:
        clock.agree(largest_over_ranks(trainer, clock.elapsed_s))


def require_same(trainer: lightning.Trainer, mine: object) -> None:
    """Raise RunError on a rank whose `mine` differs from the first rank's."""
    if trainer.world_size > 1 and trainer.strategy.broadcast(mine) != mine:
        raise RunError(
            f"rank {trainer.global_rank} has different sounds or settings from rank 0: "
            "start all ranks with the same command, on the same folders and files"
        )


def no_loss(model: nn.Module) -> Tensor:
    """A zero loss with zero gradients, for a skipped step: other ranks wait for these gradients."""
    return torch.stack([weight.sum() * 0 for weight in model.parameters()]).sum()
