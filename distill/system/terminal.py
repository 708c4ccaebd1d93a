"""lines, tables, bars and warnings → the terminal, through one shared console."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from rich.console import Console
from rich.progress import Progress

from distill.system.bars import file_columns
from distill.system.encoding import HANDLER, escape_unknown
from distill.system.narrow import fit_line

log = logging.getLogger(__name__)

for _stream in (sys.stdout, sys.stderr):
    escape_unknown(_stream)  # file names need not be Unicode

# piped output has a fixed width, so that table rows are not folded in a log
console = Console(
    width=None if sys.stdout.isatty() else 120,
    highlight=False,
    soft_wrap=not sys.stdout.isatty(),
    emoji=False,  # :x: in a name stays :x:
)


class _WarningLines(logging.Handler):
    """Prints each warning as one line, above a live progress bar."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show(record.getMessage())


def show_warnings(*, on_stderr: bool = False) -> None:
    """Print the warnings of distill's loggers from now on, on the console or on stderr."""
    logger = logging.getLogger("distill")
    logger.handlers = [_WarningLines(warn_on_stderr if on_stderr else warn)]
    logger.setLevel(logging.INFO)


def say(line: str) -> None:
    """Print one line on the console, without formatting or line breaks."""
    console.print(plain(line), markup=False, soft_wrap=True)


def say_figures(line: str, *, shorten: bool = False) -> None:
    """Print one line, on a narrow terminal broken between its parts; with `shorten`, well-known
    labels are shortened there. Not for a line to copy.
    """
    lines = fit_line(plain(line), console.width, shorten=shorten) if console.is_terminal else [line]
    for part in lines:
        say(part)


def warn(message: str) -> None:
    """Print one line, marked as a warning, on the console."""
    console.print(f"warning: {plain(message)}", style="yellow", markup=False, soft_wrap=True)


def warn_on_stderr(message: str) -> None:
    """Print one line, marked as a warning, on stderr."""
    _print_apart(f"warning: {plain(message)}")


def fail(message: str) -> None:
    """Print an error message as one line on stderr."""
    _print_apart(f"distill: {plain(' '.join(message.splitlines()))}")


def say_at_once(line: str, *, apart: bool = False) -> None:
    """Print one line from inside a signal handler, on stderr if `apart`.

    Not through rich or a stream: the interrupted code may hold their locks, and the process would
    wait for itself.
    """
    if console.quiet and not apart:
        return
    stream = sys.stderr if apart else sys.stdout
    with suppress(OSError, ValueError):  # the reader is gone, or the stream has no file
        over_a_bar = "\r\x1b[2K" if stream.isatty() else ""
        encoding = stream.encoding or "utf-8"  # a bar's stream names none
        os.write(stream.fileno(), f"{over_a_bar}{plain(line)}\n".encode(encoding, HANDLER))


def _print_apart(line: str) -> None:
    with suppress(OSError):  # the reader is gone; there is still the exit code
        print(line, file=sys.stderr)


class _LastingStream:
    """A stream that discards its output after a write has failed: no reader, or a full disk."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text, or discard it."""
        with self._drop_on_error():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, or discard what it holds."""
        with self._drop_on_error():
            self._stream.flush()

    @contextmanager
    def _drop_on_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            drop_output(self._stream)
            reason = error.strerror
            log.info("the output can no longer be printed (%s); the work continues", reason)


@contextmanager
def outlive_readers() -> Iterator[None]:
    """Let the work continue when the terminal or the reader of the output is closed."""
    before = sys.stdout
    sys.stdout = _LastingStream(before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = before


def drop_output(stream: TextIO) -> None:
    """Discard what a stream still holds, and everything written to it from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def plain(text: str) -> str:
    """Text from files and names as one line, without control characters for the terminal; bytes
    that are not Unicode are escaped.
    """
    return "".join(
        letter
        if letter.isprintable()
        else f"\\udc{ord(letter) & 0xFF:02x}"
        if "\udc80" <= letter <= "\udcff"
        else " "
        if letter.isspace()
        else "\ufffd"
        for letter in text
    )


def bar() -> Progress:
    """A progress bar for work that can be counted; not shown in piped output."""
    return Progress(
        *file_columns(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def quantity(number: int, noun: str) -> str:
    """A number with its noun: 1 file, 2 files, 1,000 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """Seconds → 7.1 s, 3:05, 1:02:03."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
