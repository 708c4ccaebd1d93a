"""Batches and gradients that are not finite never reach codebooks or weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import distill
from distill.data.segments import Draw, Segment, Segments
from distill.errors import RunError
from distill.training.codec.module import CodecModule
from tests.helpers.runs import Train
from tests.helpers.summaries import codec_summary


def spoil(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    """Put a NaN into every so many-th training segment."""
    read = Segments.__getitem__
    drawn = iter(range(10**9))

    def spoiled(self: Segments, draw: Draw | int) -> Segment:
        segment = read(self, draw)
        if isinstance(draw, Draw) and next(drawn) % every == 0:
            segment["waveform"][0, 7] = np.nan
        return segment

    monkeypatch.setattr(Segments, "__getitem__", spoiled)


def test_a_batch_with_nan_is_skipped_counted_and_reported(
    sounds: Path,
    train_here: Train,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(monkeypatch, every=8)  # batches of four: every second one
    run_dir = train_here("run", "data.root=sounds")
    summary = codec_summary(run_dir)
    assert summary["skipped_steps"] == 6  # of twelve
    assert "skipped" in capsys.readouterr().out
    assert np.isfinite(summary["final"]["val/loss"])
    distill.load(run_dir / "last.distillgan")  # refuses weights that are not finite


def test_many_in_a_row_stop_the_run_with_a_clear_message(
    sounds: Path, train_here: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, every=1)
    with pytest.raises(RunError, match="3 steps in a row were skipped"):
        train_here("run", "data.root=sounds", "trainer.max_bad_steps=3")


def test_a_gradient_with_infinity_changes_no_weight(
    sounds: Path, train_here: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    clip = CodecModule.configure_gradient_clipping

    def spoiled(self: CodecModule, optimizer: torch.optim.Optimizer, **_: object) -> None:
        weight = self.model.decoder.from_latent.weight
        if len(seen) == 2:
            assert weight.grad is not None
            weight.grad[0] = torch.inf
        before = weight.detach().clone()
        clip(self, optimizer)
        optimizer.step()
        seen.append(torch.equal(before, weight))
        optimizer.zero_grad(set_to_none=True)

    monkeypatch.setattr(CodecModule, "configure_gradient_clipping", spoiled)
    run_dir = train_here("run", "data.root=sounds")
    assert seen[:4] == [False, False, True, False]
    assert codec_summary(run_dir)["skipped_steps"] == 1


def test_an_epoch_without_one_finite_step_is_told_as_such(
    sounds: Path, train_here: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, every=1)
    with pytest.raises(RunError, match="no step of the first epoch was finite"):
        train_here("run", "data.root=sounds", "trainer.max_bad_steps=1000")


def test_gradients_that_stay_infinite_stop_the_run(
    sounds: Path, train_here: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = CodecModule.configure_gradient_clipping

    def spoiled(self: CodecModule, optimizer: torch.optim.Optimizer, **_: object) -> None:
        weight = self.model.decoder.from_latent.weight
        if weight.grad is not None:
            weight.grad[0] = torch.inf
        clip(self, optimizer)

    monkeypatch.setattr(CodecModule, "configure_gradient_clipping", spoiled)
    with pytest.raises(
        RunError, match="3 steps in a row were skipped, the last because the gradient"
    ):
        train_here("run", "data.root=sounds", "trainer.max_bad_steps=3")
