"""log records → the run's log file; on a full disk, one warning."""

from __future__ import annotations

import logging


class LogFile(logging.FileHandler):
    """A log file that prints only one line, once, if it can no longer be written."""

    def __init__(self, filename: str, encoding: str = "utf-8") -> None:
        super().__init__(filename, encoding=encoding, delay=True)
        self._refused = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; also handles a file that cannot be opened."""
        try:
            super().emit(record)
        except OSError:  # the file could not be opened
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Print once that records are lost."""
        if not self._refused:
            self._refused = True
            from distill.system.terminal import warn

            warn(f"{self.baseFilename}: cannot be written any more; the training continues")
