"""a stage's module while it trains → the rows that say where it is."""

from __future__ import annotations

from typing import Any

from distill.runs.rows import EpochRow, StepRow
from distill.training.stage_module import StageModule


def step_row(module: StageModule, outputs: Any) -> StepRow:
    """How far the stage is, after a step with these outputs."""
    trainer = module.trainer
    return StepRow(
        module.stage,
        trainer.current_epoch + 1,
        module.limits.max_epochs,
        trainer.fit_loop.epoch_loop.batch_idx + 1,
        int(trainer.num_training_batches),
        float(outputs["loss"]) if outputs else None,
        module.clock.elapsed_s,
        module.left_s,
        module.is_trained,
        _left_in_all_s(module),
    )


def epoch_row(module: StageModule) -> EpochRow | None:
    """The epoch that just ended; None if none has."""
    if module.trainer.sanity_checking or not module.history.epochs:
        return None
    epoch = module.trainer.current_epoch + 1
    return EpochRow(
        module.stage,
        epoch,
        module.limits.max_epochs,
        module.history.last(),
        module.epoch_details(),
        [event.text for event in module.events if event.epoch == epoch],
        module.skipped_steps,
        module.clock.elapsed_s,
        module.left_s,
        module.is_trained,
        _left_in_all_s(module),
    )


def _left_in_all_s(module: StageModule) -> float | None:
    """The time until the run has finished; None if that is not known."""
    left_s, after_s = module.left_s, module.after_s
    return None if left_s is None or after_s is None else left_s + after_s
