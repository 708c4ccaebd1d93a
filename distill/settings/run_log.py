"""settings under hydra.job_logging → the log file of this process, in the run folder."""

from __future__ import annotations

from pathlib import Path

from hydra.core.utils import configure_log
from omegaconf import open_dict, read_write

from distill.settings.compose import Settings
from distill.system.run_parts import LOG


def start_log(settings: Settings, run_dir: Path, *, file_name: str = LOG) -> None:
    """Write all log records of this process to a file in the run folder."""
    hydra = settings.hydra
    with read_write(hydra), open_dict(hydra):
        hydra.runtime.output_dir = str(run_dir.absolute())
        if file_name != LOG:
            hydra.job_logging.handlers.file.filename = str(run_dir.absolute() / file_name)
    configure_log(hydra.job_logging, hydra.verbose)
