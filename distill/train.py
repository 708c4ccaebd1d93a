"""`python -m distill.train`: a folder of sounds → a trained, watched, saved model."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from distill.cli.train_arguments import prepared, sweep_folder
from distill.cli.verb import MISTAKE, answering
from distill.errors import DistillError
from distill.settings.compose import CONFIG_NAME, checked, resumed
from distill.settings.overrides import config_dir
from distill.settings.schema import TrainConfig
from distill.sweep.job import STOP
from distill.system import terminal
from distill.system.paths import is_address, path_of
from distill.system.terminal import console
from distill.training.interrupt import RunStopped
from distill.training.ranks.processes import is_first
from distill.training.records.run_folder import alone_in, check_unused
from distill.training.run import train

if TYPE_CHECKING:
    from distill.training.records.summary import Summary

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake, 130 or 143 when stopped by a signal."""
    with answering(), terminal.outlasted():
        sys.argv[1:] = prepared(list(sys.argv[1:] if arguments is None else arguments))
        decorated = hydra.main(
            version_base="1.3", config_path=str(config_dir()), config_name=CONFIG_NAME
        )
        if folder := sweep_folder(sys.argv[1:]):
            from distill.sweep.launch import launch

            chosen = [word for word in sys.argv[1:] if word.startswith("hydra/launcher=")]
            launcher = chosen[-1].partition("=")[2] if chosen else "basic"
            launch(decorated(_job), folder, launcher=launcher)
        else:
            decorated(_job)()


def _job(composed: DictConfig) -> float | None:
    """One run, as Hydra calls it, by itself or as a job of a sweep."""
    terminal.show_warnings()
    hydra_config = HydraConfig.get()
    run_dir = Path(hydra_config.runtime.output_dir)
    overrides = list(hydra_config.overrides.task)
    log.info("distill train %s", " ".join(overrides))
    if hydra_config.mode == RunMode.MULTIRUN:
        from distill.sweep.launch import run_job, threads_of

        number = int(hydra_config.job.num)
        return run_job(
            lambda: _in_sweep(composed, run_dir, number),
            run_dir,
            number=number,
            overrides=overrides,
            in_turn=hydra_config.launcher._target_.endswith(".BasicLauncher"),
            threads=threads_of(hydra_config),
        )
    console.quiet = not is_first()
    try:
        with alone_in(run_dir) if is_first() else nullcontext():
            if composed.resume is not None:
                return _figure(
                    train(resumed(run_dir / "config.yaml", overrides), run_dir, resume=True)
                )
            if is_first():
                check_unused(run_dir)
            return _figure(train(_rooted(composed), run_dir))
    except RunStopped as stopped:
        sys.exit(stopped.exit_code)
    except DistillError as error:
        log.info("ended with an error: %s", error)
        terminal.fail(str(error))
        sys.exit(MISTAKE)


def _in_sweep(composed: DictConfig, run_dir: Path, number: int) -> float:
    """The job's run; the models of a sweep have its number in their names."""
    config = _rooted(composed)
    name = config.name or f"{config.data.collection_name}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"
    config.name = f"{name}-{number}"
    with alone_in(run_dir):
        check_unused(run_dir)
        return _figure(train(config, run_dir, stop_files=[run_dir.parent / STOP]))


def _figure(summary: Summary | None) -> float:
    """What a sweep minimises: the best held-out mel error in dB."""
    codec = summary and summary.stages.get("codec")
    return codec.best.get("val/mel_db", float("inf")) if codec else float("inf")


def _rooted(composed: DictConfig) -> TrainConfig:
    """Checked, and its folders absolute, so that the run can be resumed from anywhere."""
    config = checked(composed)
    folders = config.data.folders
    config.data.root = [
        folder if is_address(folder) else str(path_of(folder).absolute()) for folder in folders
    ] or None
    return config


if __name__ == "__main__":
    from distill.train import main as run  # by its name, under which other processes find its jobs

    run()
