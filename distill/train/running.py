"""the sorted words of `distill train` → one run in its own folder, or a sweep; its exit code."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path

from distill.cli.leaderboard_view import show_sweep_end
from distill.errors import ConfigError, DistillError, RunError, WriteError
from distill.runs.folder import RUNS, check_unused, lock_run_dir, new_run_dir
from distill.settings.compose import Settings
from distill.settings.heading import heading_of
from distill.settings.run_log import start_log
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


def train_alone(command: TrainCommand) -> int:
    """Do one run, new or resumed; raises DistillError for what the user can correct."""
    settings = compose_command(command)
    config, resumed = configuration_of(settings)
    resume = resumed is not None
    run_dir, is_new = (resumed, False) if resumed else _new_run_dir(settings)
    _start_log(settings, run_dir)
    console.quiet = not is_first()
    try:
        with lock_run_dir(run_dir, is_new=is_new) if is_first() else nullcontext():
            if is_first() and not resume:
                check_unused(run_dir)
            heading = heading_of(command.typed, settings.own_files, resumed)
            train(config, run_dir, resume=resume, typed=settings.typed, heading=heading)
    except RunStopped as stopped:
        return stopped.exit_code
    except DistillError as error:
        log.info("ended with an error: %s", error)
        raise
    return 0


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
    terminal.show_warnings()
    log.info("distill train %s", " ".join(settings.overrides))
    for file in settings.own_files:
        log.info("settings of your own: %s", file)
