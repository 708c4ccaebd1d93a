"""NaN and infinity: a batch or a gradient is skipped, a weight or a codebook ends the run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from distill.bundle.reader import read_content
from distill.errors import RunError
from tests.helpers.runs import Train

pytestmark = pytest.mark.slow

NAN, INFINITY = float("nan"), float("inf")
SPOILT = [("weight", "decoder"), ("codebook", "quantizer"), ("last step", "encoder")]
"""What is spoilt, and the module that the message names."""


def spoilt(what: str, value: float) -> list[str]:
    return [
        "+callbacks.extra.spoil._target_=tests.helpers.spoiling.Spoil",
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
    train_here: Train,
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
    train_here: Train,
    what: str,
    named: str,
    value: float,
) -> None:
    with pytest.raises(RunError, match=rf"{named}.* holds NaN or infinity"):
        train_here("run", *spoilt(what, value))
    assert saved_codebooks_are_finite(tmp_path / "run")
