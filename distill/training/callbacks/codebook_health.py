"""health figures → a warning when a level's utilization is low, a line when it recovers, charts."""

from __future__ import annotations

import logging
from typing import Any, cast

import lightning
import torch

from distill.codec.level_health import SideHealth, show_share
from distill.system.terminal import console
from distill.training.callbacks.tensorboard_charts import writers
from distill.training.codec.health import remedy
from distill.training.codec.module import CodecModule
from distill.training.steps.schedule import is_shown

MOST_BINS = 128
log = logging.getLogger("distill.health")


class CodebookHealthMonitor(lightning.Callback):
    """Warns once when a level's utilization is under the threshold, and reports its recovery."""

    def __init__(self, *, min_utilization: float, fitting_codebook_size: int) -> None:
        self.min_utilization = min_utilization
        self.fitting_codebook_size = fitting_codebook_size
        self.ill: dict[int, int] = {}
        """Level → epoch since which its utilization is low, from 0."""

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Compare each level with the threshold, and report what changed."""
        module = cast(CodecModule, pl_module)
        if trainer.sanity_checking or module.train_health is None:
            return
        side, epoch = module.train_health, trainer.current_epoch
        ill_now = side.ill_levels(self.min_utilization)
        newly_ill = [level for level in ill_now if level not in self.ill]
        if newly_ill:
            warning = self._warning(module, side, newly_ill, ill_now)
            self._report(trainer, module, warning, is_warning=True)
        self.ill |= dict.fromkeys(newly_ill, epoch)
        for level in [level for level in self.ill if level not in ill_now]:
            since = self.ill.pop(level)
            share = side.every_level[level].utilization
            text = (
                f"{side.name(level)} recovered: {share:.0%} utilization "
                f"(low since epoch {since + 1})"
            )
            self._report(trainer, module, text, is_warning=False)
        if module.train_counts is not None and is_shown(epoch + 1, 1):
            for writer in writers(trainer):
                _draw_usage(writer, module.train_counts, side, epoch + 1)

    def _warning(
        self, module: CodecModule, side: SideHealth, newly_ill: list[int], ill: tuple[int, ...]
    ) -> str:
        levels = ", ".join(
            f"{side.name(level)} uses {show_share(side.every_level[level].utilization)} "
            f"of {side.part_of(level).codebook_size:,} codes"
            for level in newly_ill
        )
        advice = remedy(
            side,
            ill,
            fitting_codebook_size=self.fitting_codebook_size,
            dead_code_threshold=module.vqvae_config.threshold_ema_dead_code,
            commitment_weight=module.vqvae_config.commitment_weight,
            learns_by_use=module.model.quantizer.learns_by_use,
        )
        return (
            f"low codebook utilization: {levels} "
            f"(threshold {self.min_utilization:.0%}, {side.positions:,} positions). Try {advice}"
        )

    def _report(
        self, trainer: lightning.Trainer, module: CodecModule, text: str, *, is_warning: bool
    ) -> None:
        event = module.report(text, is_warning=is_warning)
        log.log(logging.WARNING if is_warning else logging.INFO, event.line)
        if not is_warning and trainer.is_global_zero:
            console.print(event.line)
        for writer in writers(trainer):
            writer.add_text("codebook/warnings", event.line, event.epoch)

    def state_dict(self) -> dict[str, Any]:
        """The levels under the threshold, so that a resumed run does not warn again."""
        return {"ill": self.ill}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the levels that were under the threshold."""
        self.ill = dict(state_dict["ill"])


def _draw_usage(writer: Any, counts_of_levels: torch.Tensor, side: SideHealth, epoch: int) -> None:
    """Write a histogram for each level of counts (L, K); equal heights mean a healthy codebook."""
    names = side.snapshot()
    for number, (name, counts) in enumerate(zip(names, counts_of_levels.double(), strict=True)):
        counts = counts[: side.part_of(number).codebook_size]
        bins = torch.stack([part.sum() for part in counts.chunk(MOST_BINS)])
        edges = torch.linspace(0, len(counts), len(bins) + 1)
        writer.add_histogram_raw(
            f"codebook/{name}/usage",
            min=0.0,
            max=float(len(counts)),
            num=int(counts.sum()),
            sum=float((counts * torch.arange(len(counts))).sum()),
            sum_squares=float((counts * torch.arange(len(counts)) ** 2).sum()),
            bucket_limits=edges[1:].tolist(),
            bucket_counts=bins.tolist(),
            global_step=epoch,
        )
