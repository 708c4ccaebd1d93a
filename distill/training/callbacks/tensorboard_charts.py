"""each epoch's figures → TensorBoard: curves, one chart with all levels, usage histograms."""

from __future__ import annotations

from typing import Any, cast

import lightning
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard.writer import SummaryWriter

from distill.training.codec.module import DistillModule
from distill.training.schedule import worth_showing

MOST_BINS = 128


class TensorBoardCharts(lightning.Callback):
    """Scalars go to any logger, with the epoch as step; charts and histograms to TensorBoard."""

    def on_fit_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Lay out the charts that show all levels together."""
        levels = range(cast(DistillModule, pl_module).vqvae_config.num_quantizers)
        hint = "(point at a line for its name)"
        charts = {
            f"{figure} {hint}": ["Multiline", [f"codebook/level_{i}/{tag}" for i in levels]]
            for figure, tag in (
                ("perplexity", "perplexity"),
                ("utilization", "utilization"),
                ("dead codes", "dead_codes"),
            )
        }
        losses = {f"loss {hint}": ["Multiline", ["train/loss", "val/loss"]]}
        for writer in writers(trainer):
            writer.add_custom_scalars(
                {"codebooks, all levels": charts, "training and validation": losses}
            )

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write the epoch that was just closed."""
        module = cast(DistillModule, pl_module)
        if trainer.sanity_checking or not module.history.epochs:
            return
        epoch = trainer.current_epoch + 1  # as on the terminal
        metrics = module.history.epoch_metrics() | _health_metrics(module)
        metrics["train/learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        metrics["train/skipped_steps"] = module.skipped_steps
        for logger in trainer.loggers:
            logger.log_metrics(metrics, step=epoch)
        if worth_showing(epoch, 1):
            for writer in writers(trainer):
                self._histograms(writer, module, epoch)

    def _histograms(self, writer: Any, module: DistillModule, epoch: int) -> None:
        """How often each code is used; an even height is a healthy codebook."""
        if module.train_counts is None:
            return
        for level, counts in enumerate(module.train_counts.double()):
            bins = torch.stack([part.sum() for part in counts.chunk(MOST_BINS)])
            edges = torch.linspace(0, len(counts), len(bins) + 1)
            writer.add_histogram_raw(
                f"codebook/level_{level}/usage",
                min=0.0,
                max=float(len(counts)),
                num=int(counts.sum()),
                sum=float((counts * torch.arange(len(counts))).sum()),
                sum_squares=float((counts * torch.arange(len(counts)) ** 2).sum()),
                bucket_limits=edges[1:].tolist(),
                bucket_counts=bins.tolist(),
                global_step=epoch,
            )


def _health_metrics(module: DistillModule) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for side, prefix in ((module.train_health, ""), (module.val_health, "val_")):
        if side is None:
            continue
        metrics[f"codebook/{prefix}positions"] = side.positions
        for level, health in enumerate(side.levels):
            metrics[f"codebook/level_{level}/{prefix}utilization"] = health.utilization
            metrics[f"codebook/level_{level}/{prefix}perplexity"] = health.perplexity
            metrics[f"codebook/level_{level}/{prefix}dead_codes"] = health.dead_codes
    return metrics


def writers(trainer: lightning.Trainer) -> list[SummaryWriter]:
    """Takers of text, sound, pictures and charts: one for each TensorBoard logger."""
    loggers = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    return [logger.experiment for logger in loggers]
