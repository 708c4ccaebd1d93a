"""settings → a run folder with a trained model: read the sounds, train each stage, summarise."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from omegaconf import OmegaConf

from distill.runs.folder import BASE, STOP, newest_bundle
from distill.runs.progress import ProgressFile
from distill.runs.rows import EndRow, StartRow
from distill.runs.summary import Summary
from distill.settings.compose import settings_to_keep
from distill.settings.schema import TrainConfig
from distill.system.paths import from_here
from distill.training.folder import prepare_folder, remove_useless_checkpoints
from distill.training.interrupt import RunStopped, StopRequest
from distill.training.ranks.processes import Ranks, is_first
from distill.training.sounds import changed_sounds, open_sounds

if TYPE_CHECKING:
    from distill.training.saved import Saved

log = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    run_dir: Path,
    *,
    resume: bool = False,
    in_sweep: bool = False,
    stop_files: Sequence[Path] = (),
    typed: Collection[str] = (),
    heading: str = "",
) -> Summary | None:
    """Train the stages of `config.stages` in `run_dir`; the first rank returns the summary, the
    others None.

    Fills in what is null in `config`, in place. What a sweep says once for all of its jobs is only
    logged `in_sweep`. `typed` are the keys that the user gave, which a run with a base does not
    change; `heading` are comment lines for the top of the settings that the run keeps. A file
    `stop` in the run folder, or one of `stop_files`, stops the run as Ctrl-C does. Raises
    DistillError for what the user can correct, RunStopped after a stop.
    """
    stop_files = (run_dir / STOP, *stop_files)
    progress = ProgressFile(run_dir if is_first() else None)
    if is_first():
        (run_dir / STOP).unlink(missing_ok=True)  # it was for an earlier process
    work = _Work(resume=resume)
    with _record_end(progress, run_dir, stop_files, work):
        progress.write(_start_row(config, resume=resume))
        # before the sounds are read: there may be nothing left to train
        left, begun = _find_stages(
            config, run_dir, resume=resume, typed=typed, stop_files=stop_files
        )
        source, data = open_sounds(config, run_dir, progress, resume=resume, stop_files=stop_files)
        config.name = config.name or f"{source.name}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"

        # torch and Lightning are slow to import: only now, when the sounds were read without errors
        from distill.training.base import warn_of_other_sounds
        from distill.training.callbacks.extra import extra_callbacks
        from distill.training.codec.device import choose_device
        from distill.training.sequence import complete_stages, tell_choice, train_stages
        from distill.training.session import Session, check_devices
        from distill.training.stages import STAGES

        if config.base is not None and not (run_dir / BASE).is_file() and is_first():
            warn_of_other_sounds(run_dir, source)
        stages = [STAGES[name](config, source, data, run_dir) for name in left]
        timetable = complete_stages(stages, progress, saved=left, begun=begun)
        if left and (choice := choose_device(config)) is not None:
            tell_choice(choice, next(iter(left)), progress)
        _report_empty_filters(config, resume=resume, in_sweep=in_sweep)
        settings = heading + settings_to_keep(config, run_dir)
        check_devices(config.trainer)
        extra_callbacks(config.callbacks.extra)  # made once now, to tell of mistakes
        work.has_begun = True
        if is_first():
            prepare_folder(run_dir, settings, resume=resume)
            remove_useless_checkpoints(run_dir, left)
        for_ranks = OmegaConf.to_yaml(OmegaConf.structured(config))
        with StopRequest(*stop_files) as request, Ranks(for_ranks, run_dir, resume=resume) as ranks:
            session = Session(
                config=config,
                settings=settings,
                run_dir=run_dir,
                sounds=source.folders,
                request=request,
                ranks=ranks,
                progress=progress,
                timetable=timetable,
            )
            summary = train_stages(stages, session, left)
        if summary is not None:
            progress.write(EndRow("finished", "", summary.bundle, summary.published))
        return summary


def _find_stages(
    config: TrainConfig,
    run_dir: Path,
    *,
    resume: bool,
    typed: Collection[str],
    stop_files: Sequence[Path],
) -> tuple[Mapping[str, Saved | None], Collection[str]]:
    """The stages to train, and how far each is; and which of them begin with the weights of a model
    that a new run trains again.
    """
    if resume:
        from distill.training.saved import find_stages_left
        from distill.training.stages import STAGES

        changes = partial(changed_sounds, config, run_dir, stop_files)
        return find_stages_left(config, run_dir, STAGES, changes=changes), ()
    begun: Collection[str] = ()
    if config.base is not None:
        from distill.training.base import adopt_base
        from distill.training.renewal import renew
        from distill.training.saved import CODEC

        if CODEC in config.stages:
            begun = renew(config, run_dir, typed)
        else:
            adopt_base(config, run_dir)
    return dict.fromkeys(config.stages), begun


def _report_empty_filters(config: TrainConfig, *, resume: bool, in_sweep: bool) -> None:
    from distill.training.codec.filters import describe_empty_filters

    if line := describe_empty_filters(config.mel, fixed=resume or config.base is not None):
        log.log(logging.INFO if in_sweep else logging.WARNING, line)


def _start_row(config: TrainConfig, *, resume: bool) -> StartRow:
    return StartRow(
        pid=os.getpid(),
        pid_started_s=psutil.Process().create_time(),
        resumed=resume,
        name=config.name,
        stages=list(config.stages),
        settings=asdict(config),
    )


@dataclass
class _Work:
    """How far a process is with a run."""

    resume: bool
    has_begun: bool = False
    """Whether the run is another one by now."""

    def reason(self, reason: str) -> str:
        """How its end is recorded: what a process has not touched is as it was."""
        return reason if self.has_begun or not self.resume else "unchanged"


@contextmanager
def _record_end(
    progress: ProgressFile, run_dir: Path, stop_files: Sequence[Path], work: _Work
) -> Iterator[None]:
    """Record in the progress file how the process ended, unless it finished the run."""
    try:
        yield
    except (RunStopped, KeyboardInterrupt, SystemExit) as stopped:
        asked = any(file.exists() for file in stop_files)
        detail = "stop file" if asked else str(stopped)
        progress.write(EndRow(work.reason("stopped"), detail, _newest_model(run_dir)))
        raise
    except BaseException as error:
        detail = str(error) or type(error).__name__
        progress.write(EndRow(work.reason("failed"), detail, _newest_model(run_dir)))
        raise


def _newest_model(run_dir: Path) -> str | None:
    """The bundle that the run has left, if any."""
    path = newest_bundle(run_dir)
    return str(from_here(path)) if path else None
