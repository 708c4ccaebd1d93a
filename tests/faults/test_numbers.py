"""NaN and infinity in a model end its run by name, and are not saved; steps are skipped by every
stage, which its contract shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from distill.bundle.reader import read_content
from distill.errors import RunError
from distill.training.interrupt import RunStopped
from tests.helpers.runs import Train
from tests.helpers.spoiling import spoil
from tests.helpers.stop_at import stop_at

RUN = ("data.root=sounds",)
STEP, LAST = 5, 7
"""In the second of two epochs, each of four steps."""


@pytest.mark.parametrize(
    ("what", "step", "named", "value", "stop"),
    [
        ("weight", STEP, "decoder", float("nan"), []),
        ("codebook", STEP, "quantizer", float("inf"), []),
        pytest.param("after", LAST, "encoder", float("nan"), [], id="before it is measured"),
        pytest.param("after", STEP, "encoder", float("nan"), stop_at(STEP), id="before a save"),
    ],
)
def test_a_spoilt_model_ends_the_run_by_name_and_is_not_saved(
    sounds: Path,
    train_here: Train,
    what: str,
    step: int,
    named: str,
    value: float,
    stop: list[str],
) -> None:
    with pytest.raises(RunError, match=rf"{named}.* holds NaN or infinity"):
        train_here("run", *RUN, *spoil(what, value, step), *stop, "trainer.max_bad_steps=2")
    for which in ("best", "last"):
        content = read_content(Path("run") / f"{which}.distillgan")
        assert len(content["loss_curve_history"]["val_losses"]) == 1
        weights = content["model_state_dict"].values()
        assert all(bool(torch.isfinite(values).all()) for values in weights)


def test_an_epoch_without_one_finite_step_is_told_as_such(sounds: Path, train_here: Train) -> None:
    with pytest.raises(RunError, match="no step of the first epoch was finite"):
        train_here("run", *RUN, *spoil("batch", float("nan"), *range(4)))


def test_stopped_before_one_finite_step_a_run_ends_with_nothing_saved(
    sounds: Path, train_here: Train
) -> None:
    with pytest.raises(RunStopped):
        train_here("run", *RUN, *spoil("batch", float("nan"), 0, 1, 2), *stop_at(1))
    assert not list(Path("run").rglob("*.ckpt"))
    assert not list(Path("run").glob("*.distillgan"))
