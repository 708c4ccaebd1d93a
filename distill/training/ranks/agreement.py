"""what each rank sees → what all ranks act on; with one rank, the same.

Every rank must call these at the same place: they wait for each other.
"""

from __future__ import annotations

import lightning
import torch
from torch import Tensor, distributed, nn

from distill.errors import RunError
from distill.training.steps.schedule import RunClock


def summed(trainer: lightning.Trainer, values: Tensor) -> Tensor:
    """The sum over all ranks, on the trainer's device."""
    if trainer.world_size == 1:
        return values
    total = values.to(trainer.strategy.root_device, copy=True)
    distributed.all_reduce(total)
    return total


def largest(trainer: lightning.Trainer, value: float) -> float:
    """The largest over all ranks."""
    if trainer.world_size == 1:
        return value
    shared = torch.tensor(value, dtype=torch.float64, device=trainer.strategy.root_device)
    distributed.all_reduce(shared, op=distributed.ReduceOp.MAX)
    return float(shared)


def agree_on_time(trainer: lightning.Trainer, clock: RunClock) -> None:
    """Let the clocks of all ranks decide by the one that is furthest."""
    if trainer.world_size > 1:
        clock.agree(largest(trainer, clock.elapsed_s))


def require_same(trainer: lightning.Trainer, mine: object) -> None:
    """Raise RunError on a rank that would train something else than the first."""
    if trainer.world_size > 1 and trainer.strategy.broadcast(mine) != mine:
        raise RunError(
            f"rank {trainer.global_rank} has other sounds or settings than rank 0: "
            "all ranks need the same command, folders and collection"
        )


def no_loss(model: nn.Module) -> Tensor:
    """A loss that no weight matters to: where ranks wait for each other's gradients, a step cannot
    be left out.
    """
    return torch.stack([weight.sum() * 0 for weight in model.parameters()]).sum()
