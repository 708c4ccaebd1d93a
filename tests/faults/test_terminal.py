"""A terminal that is closed, a reader of the output that goes, no room for it: nothing is lost."""

from __future__ import annotations

import json
import os
import pty
import signal
from pathlib import Path

import pytest

from distill.bundle.reader import read_content
from tests.helpers.forks import Fork, start
from tests.helpers.runs import TINY, wait_for
from tests.helpers.summaries import codec_summary

pytestmark = pytest.mark.slow

RUN = [*TINY, "data.root=sounds", "hydra.run.dir=run"]


def in_a_terminal(folder: Path, *overrides: str, more: tuple[str, ...] = ()) -> tuple[Fork, int]:
    """A run in a terminal of its own, and the other end of that."""
    outer, inner = pty.openpty()
    prepare = [f"tests.helpers.terminals:{name}" for name in ("take_the_terminal", *more)]
    words = ("train", *RUN, *overrides)
    run = start(folder, *words, one_stream=True, given=inner, prepare=prepare)
    os.close(inner)
    return run, outer


def epochs_in_the_log(folder: Path) -> int:
    log = folder / "run" / "train.log"
    return log.read_text().count("epoch ") if log.exists() else 0


def test_a_terminal_that_is_closed_stops_the_run_saved(sounds: Path, tmp_path: Path) -> None:
    run, outer = in_a_terminal(tmp_path, "trainer.max_epochs=100000")
    wait_for(lambda: epochs_in_the_log(tmp_path) >= 2)
    os.close(outer)
    assert run.wait(60) == 128 + signal.SIGHUP
    summary = codec_summary(tmp_path / "run")
    assert summary["epochs"] >= 2
    history = read_content(tmp_path / "run" / "last.distillgan")["loss_curve_history"]
    assert len(history["val_losses"]) == summary["epochs"]


def test_with_nohup_it_goes_on(sounds: Path, tmp_path: Path) -> None:
    run, outer = in_a_terminal(tmp_path, "trainer.max_epochs=15", more=("outlive_it",))
    wait_for(lambda: epochs_in_the_log(tmp_path) >= 2)
    os.close(outer)
    assert run.wait(120) == 0
    assert epochs_in_the_log(tmp_path) == 15
    assert "the output can no longer be printed" in (tmp_path / "run" / "train.log").read_text()


@pytest.mark.parametrize("out", ["nobody reads", "no room"])
def test_output_that_cannot_be_written_does_not_end_a_run(
    sounds: Path, tmp_path: Path, out: str
) -> None:
    if out == "nobody reads":
        read, write = os.pipe()
        os.close(read)
    else:
        write = os.open("/dev/full", os.O_WRONLY)
    run = start(tmp_path, "train", *RUN, "trainer.max_epochs=2", given=write)
    os.close(write)
    assert (run.communicate()[1], run.wait()) == ("", 0)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["finished"]


def test_other_verbs_tell(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        listing = start(tmp_path, "library", "list", given=full.fileno())
    _, told = listing.communicate()
    assert listing.wait() == 2
    assert told.startswith("distill: the output could not be written")
    assert len(told.splitlines()) == 1
