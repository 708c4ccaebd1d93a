"""log records → the run's log file, always in UTF-8; on a full disk, one warning."""

from __future__ import annotations

import logging
import sys


class LogFile(logging.FileHandler):
    """A log file that prints only one line, once, if it can no longer be written.

    Text that is not Unicode, such as a file name from another system, is written escaped.
    """

    def __init__(self, filename: str) -> None:
        super().__init__(filename, encoding="utf-8", errors="backslashreplace", delay=True)
        self._refused = False

    def format(self, record: logging.LogRecord) -> str:
        """The record as text; unformatted if its arguments do not fit its text."""
        try:
            return super().format(record)
        except Exception:  # a mistake in a library's call must not lose what it has to say
            record.msg, record.args = f"{record.msg!s} {record.args!r}", None
            return super().format(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; also handles a file that cannot be opened."""
        try:
            super().emit(record)
        except OSError:  # the file could not be opened
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Print once that records are lost, and why."""
        if not self._refused:
            self._refused = True
            from distill.system.terminal import warn

            error = sys.exception()
            reason = error.strerror if isinstance(error, OSError) else error
            warn(
                f"{self.baseFilename}: cannot be written any more: {reason}; the training continues"
            )
