"""the sorted words of `distill train` → one run in its own folder, or a sweep; its exit code."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from distill.cli.leaderboard_view import show_sweep_end
from distill.errors import ConfigError, DistillError, RunError, WriteError
from distill.runs.folder import RUNS, check_unused, lock_run_dir, new_run_dir
from distill.settings.compose import Settings
from distill.settings.heading import heading_of
from distill.settings.parts import packages_of
from distill.settings.run_log import start_log
from distill.settings.schema import TrainConfig
from distill.sweep.launch import launch
from distill.sweep.mels import mels_of
from distill.sweep.plan import plan_sweep
from distill.system import terminal
from distill.system.run_parts import LOG
from distill.system.terminal import console, say
from distill.train.command import TrainCommand
from distill.train.composing import compose_command, configuration_of
from distill.training.interrupt import RunStopped
from distill.training.ranks.processes import is_first, rank_name
from distill.training.run import train

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlannedRun:
    """A run that is about to begin or to go on."""

    settings: Settings
    config: TrainConfig
    run_dir: Path
    is_new: bool
    """Whether its folder was made for it."""
    heading: str
    """Comment lines at the top of its settings: what was typed."""

    @property
    def resume(self) -> bool:
        """Whether it goes on."""
        return self.settings.config.resume is not None


def train_alone(command: TrainCommand) -> int:
    """Do one run, new or resumed; raises DistillError for what the user can correct."""
    run = plan_run(compose_command(command), command.typed)
    _start_log(run.settings, run.run_dir)
    try:
        do_run(run)
    except RunStopped as stopped:
        return stopped.exit_code
    return 0


def plan_run(settings: Settings, typed: Sequence[str] | None = None) -> PlannedRun:
    """Find the folder of a run, or make it, for settings that were typed in these words; raises
    DistillError for what the user can correct.
    """
    config, resumed = configuration_of(settings)
    words = settings.overrides if typed is None else typed
    heading = heading_of(words, settings.own_files, resumed, packages_of(config))
    run_dir, is_new = (resumed, False) if resumed else _new_run_dir(settings)
    return PlannedRun(settings, config, run_dir, is_new, heading)


def do_run(run: PlannedRun) -> None:
    """Do a run whose log is open. Raises DistillError, and RunStopped after a stop, when everything
    is saved.
    """
    terminal.show_warnings()
    log.info("distill train %s", " ".join(run.settings.overrides))
    for file in run.settings.own_files:
        log.info("settings of your own: %s", file)
    for package in packages_of(run.config):
        log.info("parts of the package: %s", package)
    console.quiet = not is_first()
    run_dir, resume = run.run_dir, run.resume
    try:
        with lock_run_dir(run_dir, is_new=run.is_new) if is_first() else nullcontext():
            if is_first() and not resume:
                check_unused(run_dir)
            train(
                run.config,
                run_dir,
                resume=resume,
                typed=run.settings.typed,
                heading=run.heading,
            )
    except DistillError as error:
        log.info("ended with an error: %s", error)
        raise


def train_sweep(command: TrainCommand) -> int:
    """Do a run for each combination of values; raises DistillError for a user's mistake."""
    settings = compose_command(command, stages="codec")
    if settings.config.base is not None and "codec" in settings.config.stages:
        raise ConfigError("base", settings.config.base, "no sweep trains a model again; train once")
    plan = plan_sweep(settings)
    _report_empty_filters(settings)
    if settings.config.stages == ["codec"]:
        say("each run trains the codec alone; type stages=[codec,vocoder,prior] for the rest, too")
    end = launch(plan)
    show_sweep_end(end)
    return end.exit_code


def _report_empty_filters(settings: Settings) -> None:
    """Warn once of what several jobs share."""
    from distill.training.codec.filters import describe_empty_filters  # torch: only here

    for mel in mels_of(settings):
        if line := describe_empty_filters(mel, fixed=False):
            log.warning(line)


def _new_run_dir(settings: Settings) -> tuple[Path, bool]:
    """The folder of a new run, and whether it was made for it; raises RunError."""
    config = settings.config
    if "hydra.run.dir" in settings.typed:
        run_dir = Path(settings.hydra.run.dir)
        is_new = not run_dir.exists()
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(run_dir, error) from error
        return run_dir.absolute(), is_new
    if not is_first():
        raise RunError(
            f"{rank_name()}: when several processes train one run, give all of them the same run "
            "folder with hydra.run.dir=FOLDER"
        )
    return new_run_dir(RUNS, config.name or config.data.collection_name).absolute(), True


def _start_log(settings: Settings, run_dir: Path) -> None:
    """Open the log file; each process of a run has its own."""
    start_log(settings, run_dir, file_name=LOG if is_first() else f"train.{rank_name()}.log")
