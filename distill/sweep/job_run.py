"""a job's configuration, as Hydra composed it → its run, its record and its held-out error."""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from distill.runs.folder import STOP, check_unused, lock_run_dir
from distill.settings.check import check_config
from distill.settings.compose import make_roots_absolute
from distill.settings.heading import heading_of
from distill.settings.own_files import used_files
from distill.sweep.job import SweepStopped, keep_record
from distill.sweep.stop import IN_TURN, INTERRUPTED
from distill.system import terminal
from distill.system.stopping import stop_signal
from distill.system.terminal import console, say
from distill.training.interrupt import RunStopped
from distill.training.run import train

if TYPE_CHECKING:
    from distill.runs.summary import Summary

log = logging.getLogger(__name__)
CONFIG_DIR = "--config-dir"


def run_job(composed: DictConfig) -> float:
    """Do one job, in the process that the launcher chose. Returns its held-out error, infinite if
    it failed, so that no failure ends the sweep.

    Jobs that run at the same time print one line each. After a stop, raises SweepStopped, or exits
    if the job runs in the sweep's own process.
    """
    hydra = HydraConfig.get()
    run_dir, number = Path(hydra.runtime.output_dir), int(hydra.job.num)
    overrides = list(hydra.overrides.task)
    in_turn = hydra.launcher._target_.endswith(f".{IN_TURN}")
    terminal.show_warnings()
    log.info("distill train %s", " ".join(overrides))
    console.quiet = not in_turn
    if threads := threads_of(hydra):
        import torch

        torch.set_num_threads(threads)
    error_db = float("inf")
    try:
        with keep_record(run_dir, number, overrides):
            error_db = _train(composed, run_dir, number, heading=_heading(hydra))
            end = f"{error_db:.2f} dB"
    except SweepStopped as stop:
        if in_turn:
            cause = stop.__cause__
            sys.exit(cause.exit_code if isinstance(cause, RunStopped) else INTERRUPTED)
        raise
    except KeyboardInterrupt:
        if in_turn:
            raise
        raise SweepStopped("stopped before its first save") from None
    except Exception as error:
        log.info("failed", exc_info=error)
        end = f"failed: {' '.join(str(error).split()) or type(error).__name__}"
    finally:
        console.quiet = False
    say(f"job {number} ({' '.join(overrides)}): {end}")
    if in_turn and (signal := stop_signal()):  # it came when this job was already complete
        sys.exit(128 + signal)
    return error_db


def threads_of(hydra: Any) -> int | None:
    """A job's share of the cores if submitit starts it; the other launchers set it themselves."""
    launcher = hydra.launcher
    if launcher.get("cpus_per_task") is not None:
        return int(launcher.cpus_per_task)
    if launcher._target_.endswith(".LocalLauncher"):
        at_once = hydra.sweeper.get("max_batch_size") or 1_000  # without a limit: many
        return max(1, (os.cpu_count() or 1) // int(at_once))
    return None


def _heading(hydra: Any) -> str:
    """What to type for this job's run alone."""
    folders = list(map(str, hydra.searchpath))
    words = [word for folder in folders for word in (CONFIG_DIR, folder)]
    own_files = used_files(list(map(Path, folders)), hydra.runtime.choices)
    return heading_of([*words, *hydra.overrides.task], own_files)


def _train(composed: DictConfig, run_dir: Path, number: int, *, heading: str) -> float:
    """Train the job's run; its model's name ends with the job's number."""
    config = check_config(composed)
    make_roots_absolute(config)
    name = config.name or f"{config.data.collection_name}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"
    config.name = f"{name}-{number}"
    try:
        with lock_run_dir(run_dir):
            check_unused(run_dir)
            stop_files = [run_dir.parent / STOP]
            return _held_out_error(
                train(config, run_dir, in_sweep=True, stop_files=stop_files, heading=heading)
            )
    except RunStopped as stopped:
        if stopped.exit_code == INTERRUPTED:  # Ctrl-C means all of them
            (run_dir.parent / STOP).touch()
        raise SweepStopped("saved before it stopped") from stopped


def _held_out_error(summary: Summary | None) -> float:
    """The best held-out mel error in dB, which a search minimises."""
    codec = summary and summary.stages.get("codec")
    return codec.best.get("val/mel_db", float("inf")) if codec else float("inf")
