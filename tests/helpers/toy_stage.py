"""A second stage, as small as one can be: a single number that learns how loud the sounds are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from distill.data.segments import Segment
from distill.model.sizing import Choice
from distill.runs.folder import best_bundle
from distill.settings.schema import TrainConfig
from distill.training.stage import Closed, Ended, Prepared, Stage
from distill.training.stage_module import StageModule
from distill.training.steps.schedule import StageLimits

EPOCHS = 4


class Loudness(nn.Module):
    """One weight, (1,)."""

    def __init__(self) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.randn(1))


class ToyModule(StageModule):
    """Learns the mean absolute sample."""

    stage = "toy"
    model: Loudness
    terms = ("loss",)

    def build(self) -> Loudness:
        return Loudness()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.model.parameters(), lr=0.1)

    @property
    def identity(self) -> object:
        return "toy"

    def losses(self, batch: Segment) -> tuple[dict[str, Tensor], int]:
        noise = torch.rand(1)  # drawn anew each step: a resumed run must draw the same
        loss = (self.model.level - batch["waveform"].abs().mean() - 0.01 * noise).square().mean()
        return {"loss": loss}, len(batch["waveform"])

    def add_held_out(self, batch: Segment) -> None:
        self.error = float((self.model.level - batch["waveform"].abs().mean()).square())

    def close_held_out(self) -> dict[str, float]:
        return {"val/loss": self.error}

    def bundle_fields(self) -> dict[str, Any]:
        return {"epochs": self.history.epochs}


class ToyStage(Stage[Prepared]):
    """Adds a made-up prior to the bundle."""

    name = ToyModule.stage
    monitor = "val/loss"
    limits_in = "toy"

    @classmethod
    def limits(cls, config: TrainConfig) -> StageLimits:
        return StageLimits(EPOCHS, None, gradient_clip_val=1.0, max_bad_steps=3)

    def complete(self) -> list[Choice[float | str]]:
        return [Choice("toy size", 1, "one number is enough")]

    def prepare(self) -> Prepared:
        assert best_bundle(self.run_dir).exists(), "the codec, or a base, comes first"
        optimizer = replace(self.config.optimizer, lr=0.01)
        module = ToyModule(limits=self.limits(self.config), optimizer=optimizer, seed=1)
        return Prepared(module=module, data=self.data)

    def close(self, prepared: Prepared, ended: Ended) -> Closed:
        if not ended.finished:
            return Closed("stopped", {"size": 1})
        module = prepared.module
        ended.load_best(module)
        weights = {key: value.clone() for key, value in module.model.state_dict().items()}
        training = {
            "epochs": module.history.epochs,
            "final_bits_per_s": module.history["val/loss"][-1],
            "training_date": "2026-01-31T14:00:00+0000",
        }
        state = {"type": "toy", "state_dict": weights, "config": {"size": 1}}
        addition = {"prior_state": {**state, "training_metadata": training}}
        return Closed("learnt", {"size": 1}, addition=addition)
