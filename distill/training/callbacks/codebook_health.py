"""health figures → a warning when a level falls ill, and word when it recovers."""

from __future__ import annotations

import logging
from typing import Any, cast

import lightning

from distill.system.terminal import console
from distill.training.callbacks.tensorboard_charts import writers
from distill.training.codec.health import SideHealth, remedy
from distill.training.codec.module import DistillModule

log = logging.getLogger("distill.health")


class CodebookHealthMonitor(lightning.Callback):
    """Says once that a level's utilization is under the threshold, and once that it is back."""

    def __init__(self, *, min_utilization: float, fitting_codebook_size: int) -> None:
        self.min_utilization = min_utilization
        self.fitting_codebook_size = fitting_codebook_size
        self.ill: dict[int, int] = {}
        """Level → epoch in which it fell ill."""
        self.events: list[str] = []
        """All that was said, in order."""

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Compare each level with the threshold."""
        module = cast(DistillModule, pl_module)
        if trainer.sanity_checking or module.train_health is None:
            return
        side, epoch = module.train_health, trainer.current_epoch
        ill_now = side.ill_levels(self.min_utilization)
        began = [level for level in ill_now if level not in self.ill]
        if began:
            self._say(trainer, epoch, self._warning(module, side, began, ill_now), logging.WARNING)
        self.ill |= dict.fromkeys(began, epoch)
        for level in [level for level in self.ill if level not in ill_now]:
            since = self.ill.pop(level)
            share = side.levels[level].utilization
            self._say(
                trainer,
                epoch,
                f"level {level} is back at {share:.0%} utilization (low since epoch {since + 1})",
            )

    def _warning(
        self, module: DistillModule, side: SideHealth, began: list[int], ill: tuple[int, ...]
    ) -> str:
        levels = ", ".join(
            f"level {level} uses {side.levels[level].utilization:.1%}" for level in began
        )
        advice = remedy(
            side,
            ill,
            fitting_codebook_size=self.fitting_codebook_size,
            dead_code_threshold=module.vqvae_config.threshold_ema_dead_code,
            commitment_weight=module.vqvae_config.commitment_weight,
        )
        return (
            f"low codebook utilization: {levels} of {side.codebook_size:,} codes "
            f"(threshold {self.min_utilization:.0%}, {side.positions:,} positions). Try {advice}"
        )

    def _say(
        self, trainer: lightning.Trainer, epoch: int, text: str, level: int = logging.INFO
    ) -> None:
        line = f"epoch {epoch + 1}: {text}"
        self.events.append(line)
        log.log(level, line)
        if level < logging.WARNING and trainer.is_global_zero:
            console.print(line)
        for writer in writers(trainer):
            writer.add_text("codebook/warnings", line, epoch + 1)

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"ill": self.ill, "events": self.events}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The values of `state_dict`."""
        self.ill, self.events = dict(state_dict["ill"]), list(state_dict["events"])
