"""Training runs: the tiny configuration, the command line, and how long to wait for them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.helpers.checkout import REPOSITORY

Train = Callable[..., Path]
TINY = (
    "stages=[codec]",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=2",
    "trainer.precision=32-true",
    "mel.n_mels=32",
    "mel.sample_rate_hz=16000",
    "mel.n_fft=512",
    "mel.hop_length=128",
    "model.channels=8",
    "model.stride=16",
    "model.residual_units=1",
    "model.starter=null",
    "rvq.codebook_dim=8",
    "rvq.codebook_size=16",
    "rvq.levels=2",
    "rvq.low_levels=2",
    "rvq.low_codebook_size=8",
    "data.segment_s=0.25",
    "data.batch_size=4",
    "data.epoch_segments=16",
    "callbacks.previews=null",
)
"""Overrides that make a run take a second once torch is imported."""
PREVIEWS = (
    "callbacks.previews={_target_:distill.training.callbacks.Previews,every_n_epochs:10,clips:3}"
)
"""Brings the usual previews back, for a second more each time."""
TINY_VOCODER = (
    "stages=[codec,vocoder]",
    "vocoder.channels=8",
    "vocoder.blocks=1",
    "vocoder.starter=null",
    "vocoder.max_epochs=2",
    "vocoder.max_minutes=null",
)
"""The same for a vocoder after it."""
TINY_PRIOR = (
    "stages=[codec,prior]",
    "prior.width=32",
    "prior.layers=1",
    "prior.starter=null",
    "prior.epoch_sounds=32",
    "prior.batch_size=4",
    "prior.max_epochs=2",
    "prior.max_minutes=null",
)
"""The same for a prior."""


def train_command(overrides: Sequence[str]) -> list[str]:
    """The command line of a training run."""
    return [sys.executable, "-m", "distill.train", *overrides]


def environment() -> dict[str, str]:
    """This process's environment with the checkout importable."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


def wait_for(condition: Callable[[], object], *, within_s: float = 300) -> None:
    """Until it holds; fails when it does not in time."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)
