"""the run folder → ready for a run, and made again where it vanished during one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from distill.errors import WriteError
from distill.runs.folder import checkpoint_path
from distill.system.atomic import remove_partial_files, write_text
from distill.system.run_parts import CHECKPOINTS, CONFIG

log = logging.getLogger(__name__)


def prepare_folder(run_dir: Path, settings: str, *, resume: bool) -> None:
    """Write the settings, which resuming needs, and delete half-written files."""
    try:
        write_text(run_dir / CONFIG, settings)
    except OSError as error:
        if not resume:
            raise WriteError(run_dir / CONFIG, error) from error
        log.warning("%s: cannot be updated: %s", run_dir / CONFIG, error.strerror)
    remove_partial_files(run_dir)
    remove_partial_files(run_dir / CHECKPOINTS)


def remove_useless_checkpoints(run_dir: Path, left: Mapping[str, object]) -> None:
    """Delete those of stages that begin anew; only now, when nothing stands in their way."""
    for name, saved in left.items():
        if saved is None:
            for which in ("best", "last"):
                with suppress(OSError):
                    checkpoint_path(run_dir, name, which).unlink()


def restore_folder(run_dir: Path, settings: str) -> list[str]:
    """Make the run folder again if it was deleted or moved while the run trained; return what went
    wrong.
    """
    if (run_dir / CONFIG).exists():
        return []
    failures = [f"{run_dir} was deleted or moved during the run, and is made again"]
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        write_text(run_dir / CONFIG, settings)
    except OSError as error:
        failures.append(f"{CONFIG} not saved: {error.strerror}")
    return failures
