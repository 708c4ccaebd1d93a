"""settings under hydra.job_logging → the log file of this process, in the run folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.core.utils import configure_log
from omegaconf import open_dict, read_write

from distill.settings.compose import Settings
from distill.system.log_file import LogFile
from distill.system.run_parts import LOG

OF_A_RUN = ("distill", "lightning", "py")
"""The first parts of the names of loggers whose records belong in the log of a run."""


@contextmanager
def guest_log(settings: Settings, run_dir: Path) -> Iterator[None]:
    """The same as `start_log` for a while, in a process that is somebody else's: its handlers stay
    as they are, and get no records of the run.
    """
    root, file = logging.getLogger(), LogFile(str(run_dir.absolute() / LOG))
    file.setFormatter(logging.Formatter(settings.hydra.job_logging.formatters.dated.format))
    theirs = list(root.handlers)

    def is_theirs(record: logging.LogRecord) -> bool:
        return record.name.partition(".")[0] not in OF_A_RUN

    for handler in theirs:
        handler.addFilter(is_theirs)
    root.addHandler(file)
    try:
        yield
    finally:
        root.removeHandler(file)
        file.close()
        for handler in theirs:
            handler.removeFilter(is_theirs)


def start_log(settings: Settings, run_dir: Path, *, file_name: str = LOG) -> None:
    """Write all log records of this process to a file in the run folder."""
    hydra = settings.hydra
    with read_write(hydra), open_dict(hydra):
        hydra.runtime.output_dir = str(run_dir.absolute())
        if file_name != LOG:
            hydra.job_logging.handlers.file.filename = str(run_dir.absolute() / file_name)
    configure_log(hydra.job_logging, hydra.verbose)
