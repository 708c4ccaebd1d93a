"""settings → a run folder with a trained model: read the sounds, train each stage, summarise."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from omegaconf import OmegaConf

from distill.errors import RunError, WriteError
from distill.runs.folder import (
    STOP,
    best_bundle,
    checkpoint_path,
    newest_bundle,
)
from distill.runs.progress import ProgressFile
from distill.runs.rows import ChoiceRow, EndRow, StartRow
from distill.runs.summary import Summary, stages_ended
from distill.settings.schema import TrainConfig
from distill.system.atomic import remove_partial_files, write_text
from distill.system.paths import from_here
from distill.system.run_parts import CHECKPOINTS, CONFIG
from distill.system.terminal import counted, say, say_figures
from distill.training.interrupt import RunStopped, StopRequest
from distill.training.ranks.processes import Ranks, is_first
from distill.training.sounds import open_sounds

if TYPE_CHECKING:
    from distill.runs.summary import StageSummary
    from distill.training.session import Saved
    from distill.training.stage import Stage

log = logging.getLogger(__name__)
CODEC = "codec"


def train(
    config: TrainConfig,
    run_dir: Path,
    *,
    resume: bool = False,
    in_sweep: bool = False,
    stop_files: Sequence[Path] = (),
) -> Summary | None:
    """Train the stages of `config.stages` in `run_dir`; the first rank returns the summary, the
    others None.

    Fills in what is null in `config`, in place. What a sweep says once for all of its jobs is only
    logged `in_sweep`. A file `stop` in the run folder, or one of
    `stop_files`, stops the run as Ctrl-C does. Raises DistillError for what the user can correct,
    RunStopped after a stop.
    """
    stop_files = (run_dir / STOP, *stop_files)
    progress = ProgressFile(run_dir if is_first() else None)
    if is_first():
        (run_dir / STOP).unlink(missing_ok=True)  # it was for an earlier process
    with _record_end(progress, run_dir, stop_files):
        progress.write(_start_row(config, resume=resume))
        if config.base is not None and not resume:
            from distill.training.base import adopt_base

            adopt_base(config, run_dir)
        # before the sounds are read: there may be nothing left to train
        left = _find_stages_left(config, run_dir) if resume else dict.fromkeys(config.stages)
        source, data = open_sounds(config, run_dir, progress, resume=resume, stop_files=stop_files)
        config.name = config.name or f"{source.name}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"

        # torch and Lightning are slow to import: only now, when the sounds were read without errors
        from distill.training.closing import close_stage
        from distill.training.codec.filters import describe_empty_filters
        from distill.training.session import Session, train_stage
        from distill.training.stages import STAGES

        stages = {name: STAGES[name](config, source, data, best_bundle(run_dir)) for name in left}
        _complete(stages, progress)
        if line := describe_empty_filters(config.mel, fixed=resume or config.base is not None):
            log.log(logging.INFO if in_sweep else logging.WARNING, line)
        settings = OmegaConf.to_yaml(OmegaConf.structured(config))
        if is_first():
            _prepare_folder(run_dir, settings, resume=resume)
            _remove_useless_checkpoints(run_dir, left)
        summaries: dict[str, StageSummary] = {}
        summary = None
        with StopRequest(*stop_files) as request, Ranks(settings, run_dir, resume=resume) as ranks:
            session = Session(config, run_dir, request, ranks, progress)
            names = list(stages)
            for number, stage in enumerate(stages.values(), start=1):
                outcome = train_stage(stage, session, saved=left[stage.name])
                if is_first():
                    _restore_folder(run_dir, settings, outcome.failures)
                    summary = close_stage(
                        stage,
                        outcome,
                        session,
                        before=summaries,
                        stages_after=names[number:],
                        sounds=source.folders,
                    )
                if outcome.stopped:
                    raise outcome.stopped
        if summary is not None:
            progress.write(EndRow("finished", "", summary.bundle, summary.published))
        return summary


def _start_row(config: TrainConfig, *, resume: bool) -> StartRow:
    return StartRow(
        pid=os.getpid(),
        pid_started_s=psutil.Process().create_time(),
        resumed=resume,
        name=config.name,
        stages=list(config.stages),
        settings=asdict(config),
    )


@contextmanager
def _record_end(
    progress: ProgressFile, run_dir: Path, stop_files: Sequence[Path]
) -> Iterator[None]:
    """Record in the progress file how the process ended, unless it finished the run."""
    try:
        yield
    except (RunStopped, KeyboardInterrupt, SystemExit) as stopped:
        asked = any(file.exists() for file in stop_files)
        progress.write(EndRow("stopped", "stop file" if asked else str(stopped), _saved(run_dir)))
        raise
    except BaseException as error:
        detail = str(error) or type(error).__name__
        progress.write(EndRow("failed", detail, _saved(run_dir)))
        raise


def _saved(run_dir: Path) -> str | None:
    """The bundle that the run has left, if any."""
    path = newest_bundle(run_dir)
    return str(from_here(path)) if path else None


def _find_stages_left(config: TrainConfig, run_dir: Path) -> dict[str, Saved | None]:
    """The stages that are not complete, and how far each is; raises RunError if there is none."""
    from distill.training.session import read_saved
    from distill.training.stages import STAGES

    ended = stages_ended(run_dir)
    left: dict[str, Saved | None] = {}
    complete = []
    groups = " or ".join(f"{STAGES[name].limits_in}.max_minutes=" for name in config.stages)
    for name in config.stages:
        saved = read_saved(run_dir, name)
        if saved and saved.codec_digest and _is_of_another_codec(saved, run_dir, left):
            say(f"the codec is another one by now: the {name} is trained anew")
            saved = None
        limits = STAGES[name].limits(config)
        if saved and name in ended and limits.are_reached(saved.epochs, saved.elapsed_s):
            minutes = f"{saved.elapsed_s / 60:.1f} minutes"
            complete.append(f"{name}: {counted(saved.epochs, 'epoch')}, {minutes}")
            continue
        left[name] = saved
        if saved:
            say(f"continuing the {name} after {counted(saved.epochs, 'epoch')}: {run_dir}")
    if not left:
        raise RunError(
            f"{run_dir}: this run is complete ({'; '.join(complete)}); "
            f"to train longer, give a larger {groups}, or max_epochs="
        )
    return left


def _is_of_another_codec(saved: Saved, run_dir: Path, left: Mapping[str, object]) -> bool:
    """Whether what was saved of a later stage is of no use: its codec is trained further now, or
    was in the meantime.
    """
    from distill.bundle.reader import read_bundle

    bundle = newest_bundle(run_dir)
    digest = read_bundle(bundle, weights=False).codec_digest if bundle else None
    return CODEC in left or saved.codec_digest != digest


def _complete(stages: dict[str, Stage], progress: ProgressFile) -> None:
    for name, stage in stages.items():
        for choice in stage.complete():
            row = ChoiceRow(name, choice.key, choice.value, choice.reason)
            progress.write(row)
            log.info(row.line())
            if not choice.is_detail:
                say_figures(row.line())


def _prepare_folder(run_dir: Path, settings: str, *, resume: bool) -> None:
    """Write the settings, which resuming needs, and delete half-written files."""
    try:
        write_text(run_dir / CONFIG, settings)
    except OSError as error:
        if not resume:
            raise WriteError(run_dir / CONFIG, error) from error
        log.warning("%s: cannot be updated: %s", run_dir / CONFIG, error.strerror)
    remove_partial_files(run_dir)
    remove_partial_files(run_dir / CHECKPOINTS)


def _remove_useless_checkpoints(run_dir: Path, left: Mapping[str, Saved | None]) -> None:
    """Delete those of stages that begin anew; only now, when nothing stands in their way."""
    for name, saved in left.items():
        if saved is None:
            for which in ("best", "last"):
                with suppress(OSError):
                    checkpoint_path(run_dir, name, which).unlink()


def _restore_folder(run_dir: Path, settings: str, failures: list[str]) -> None:
    """Make the run folder again if it was deleted or moved while the run trained."""
    if (run_dir / CONFIG).exists():
        return
    failures.append(f"{run_dir} was deleted or moved during the run, and is made again")
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        write_text(run_dir / CONFIG, settings)
    except OSError as error:
        failures.append(f"{CONFIG} not saved: {error.strerror}")
