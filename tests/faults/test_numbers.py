"""NaN and infinity: a batch or a gradient is skipped, a weight or a codebook ends the run."""

from __future__ import annotations

from pathlib import Path

import lightning
import pytest
import torch

from distill.bundle.reader import read_content
from distill.errors import RunError
from tests.training.conftest import Train, train_here  # noqa: F401

pytestmark = pytest.mark.slow

NAN, INFINITY = float("nan"), float("inf")
STEP = 12
SPOILT = [("weight", "decoder"), ("codebook", "quantizer"), ("last step", "encoder")]
"""What is spoilt, and the module that the message names."""


class Spoil(lightning.Callback):
    """Puts a value where it does not belong, once, in the second epoch or the third."""

    def __init__(self, what: str, value: float) -> None:
        self.what, self.value = what, value

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):  # type: ignore[no-untyped-def]
        if pl_module.step != STEP:
            return
        if self.what == "batch":
            batch["waveform"][0, 0, 7] = self.value
        if self.what == "codebook":
            pl_module.model.quantizer.rvq.layers[1]._codebook.embed[0, 3] = self.value
        if self.what == "weight":
            next(pl_module.model.decoder.parameters()).data.view(-1)[0] = self.value

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):  # type: ignore[no-untyped-def]
        last = batch_idx + 1 == trainer.num_training_batches
        if self.what == "last step" and pl_module.step > STEP and last:
            next(pl_module.model.encoder.parameters()).data.view(-1)[0] = self.value

    def on_after_backward(self, trainer, pl_module):  # type: ignore[no-untyped-def]
        if self.what == "gradient" and pl_module.step == STEP:
            next(pl_module.model.parameters()).grad.view(-1)[0] = self.value


def spoilt(what: str, value: float) -> list[str]:
    return [
        "+callbacks.extra.spoil._target_=tests.faults.test_numbers.Spoil",
        f"+callbacks.extra.spoil.what='{what}'",
        f"+callbacks.extra.spoil.value={value}",
        "data.root=sounds",
        "trainer.max_epochs=4",
        "callbacks.previews=null",
    ]


def saved_codebooks_are_finite(run_dir: Path) -> bool:
    weights = read_content(run_dir / "last.distillgan")["model_state_dict"]
    return all(bool(torch.isfinite(values).all()) for values in weights.values())


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY])
@pytest.mark.parametrize("what", ["batch", "gradient"])
def test_a_spoilt_step_is_skipped_and_counted(
    sounds: Path,
    train_here: Train,  # noqa: F811
    what: str,
    value: float,
) -> None:
    run_dir = train_here("run", *spoilt(what, value))
    assert '"skipped_steps": 1' in (run_dir / "summary.json").read_text()
    assert saved_codebooks_are_finite(run_dir)


@pytest.mark.parametrize("value", [NAN, INFINITY])
@pytest.mark.parametrize(("what", "named"), SPOILT)
def test_a_spoilt_model_ends_the_run_by_name_and_is_not_saved(
    sounds: Path,
    tmp_path: Path,
    train_here: Train,  # noqa: F811
    what: str,
    named: str,
    value: float,
) -> None:
    with pytest.raises(RunError, match=rf"{named}.* holds NaN or infinity"):
        train_here("run", *spoilt(what, value))
    assert saved_codebooks_are_finite(tmp_path / "run")
