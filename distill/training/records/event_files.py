"""figures → TensorBoard's event files; where they cannot be written, the run continues."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

log = logging.getLogger(__name__)


class EventFiles(TensorBoardLogger):
    """Lightning's logger, but what cannot be written is left out, with one warning."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.failure: str | None = None
        """Why some of the curves are missing; None if all were written."""
        self._given_up = False

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """TensorBoard's writer; a method that cannot write does nothing."""
        if not self._given_up:
            try:
                if self._experiment is None:
                    _wait_for_a_later_name(Path(self.log_dir))
                return _SafeWriter(super().experiment, self._note_failure)
            except OSError as error:  # each further try would leave another empty file
                self._given_up = True
                self._note_failure(error)
            except UnicodeEncodeError:  # TensorBoard has no way to name such a folder
                self._given_up = True
                log.warning(
                    "%s: TensorBoard cannot write into a folder whose name is not Unicode, so "
                    "there will be no curves; the training continues",
                    self.log_dir,
                )
        return _SafeWriter(None, self._note_failure)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write each metric as a scalar."""
        for name, value in metrics.items():
            self.experiment.add_scalar(name, value, step)

    @rank_zero_only
    def save(self) -> None:
        """Write Lightning's file of hyperparameters, if that is possible."""
        try:
            super().save()
        except OSError as error:
            self._note_failure(error)

    def _note_failure(self, error: OSError) -> None:
        if self.failure is None:
            self.failure = f"TensorBoard's curves not saved: {error.strerror or error}"
            log.warning("%s; the training continues", self.failure)


class _SafeWriter:
    """A writer that passes each OSError to `on_error` instead of raising it."""

    def __init__(self, writer: Any, on_error: Callable[[OSError], None]) -> None:
        self._writer, self._on_error = writer, on_error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._writer, name, None)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs) if method else None
            except OSError as error:
                self._on_error(error)

        return call


def _wait_for_a_later_name(folder: Path) -> None:
    """Until no file there has a name of this second: TensorBoard reads files in the order of their
    names, and of two that are of one second the later may come first ("10" before "9").
    """
    now = time.time()
    if any(folder.glob(f"events.out.tfevents.{int(now)}.*")):
        time.sleep(1 - now % 1)


def keep_writer_threads_quiet() -> None:
    """Print no tracebacks of the threads that write event files: the caller gets the error too."""
    usual = threading.excepthook

    def hook(event: threading.ExceptHookArgs) -> None:
        if not (event.thread and type(event.thread).__name__ == "_AsyncWriterThread"):
            usual(event)

    threading.excepthook = hook
