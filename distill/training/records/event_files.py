"""TensorBoard's event files, which a full disk may cost but not the run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

log = logging.getLogger(__name__)


class EventFiles(TensorBoardLogger):
    """Lightning's logger; what cannot be written is left out, and said once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.failure: str | None = None
        self._given_up = False

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The writer; any of its methods does nothing once the disk refuses."""
        if not self._given_up:
            try:
                return _Sparing(super().experiment, self._refused)
            except OSError as error:  # each further try would leave another empty file
                self._given_up = True
                self._refused(error)
        return _Sparing(None, self._refused)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Each as a scalar."""
        for name, value in metrics.items():
            self.experiment.add_scalar(name, value, step)

    @rank_zero_only
    def save(self) -> None:
        """Hyperparameters as Lightning keeps them, if they can be."""
        try:
            super().save()
        except OSError as error:
            self._refused(error)

    def _refused(self, error: OSError) -> None:
        if self.failure is None:
            self.failure = f"TensorBoard's curves not saved: {error.strerror or error}"
            log.warning("%s; the training goes on", self.failure)


class _Sparing:
    """A writer whose OSErrors go to `refused`."""

    def __init__(self, writer: Any, refused: Callable[[OSError], None]) -> None:
        self._writer, self._refused = writer, refused

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._writer, name, None)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs) if method else None
            except OSError as error:
                self._refused(error)

        return call


def keep_writer_threads_quiet() -> None:
    """Event files are written by a thread, whose traceback the caller's error says already."""
    usual = threading.excepthook

    def hook(event: threading.ExceptHookArgs) -> None:
        if not (event.thread and type(event.thread).__name__ == "_AsyncWriterThread"):
            usual(event)

    threading.excepthook = hook
