"""What a person reads while a verb works: one console, shared by tables, bars and warnings."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

log = logging.getLogger(__name__)

if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be Unicode

# piped output keeps its width, so that no table row is folded in a log
console = Console(
    width=None if sys.stdout.isatty() else 120,
    highlight=False,
    soft_wrap=not sys.stdout.isatty(),
    emoji=False,  # :x: in a name stays :x:
)


class _WarningLines(logging.Handler):
    """Each warning as one line, above any live display."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        self._show(record.getMessage())


def show_warnings(*, on_stderr: bool = False) -> None:
    """Print warnings of distill's own loggers, on the console or on stderr."""
    logger = logging.getLogger("distill")
    logger.handlers = [_WarningLines(warn_on_stderr if on_stderr else warn)]
    logger.setLevel(logging.INFO)


def say(line: str) -> None:
    """One line on the console, as it is, however long."""
    console.print(plain(line), markup=False, soft_wrap=True)


def warn(message: str) -> None:
    """One line on the console."""
    console.print(f"warning: {plain(message)}", style="yellow", markup=False, soft_wrap=True)


def warn_on_stderr(message: str) -> None:
    """One line on stderr."""
    _print_apart(f"warning: {plain(message)}")


def fail(message: str) -> None:
    """One line on stderr."""
    _print_apart(f"distill: {plain(' '.join(message.splitlines()))}")


def say_at_once(line: str, *, apart: bool = False) -> None:
    """One line from inside a signal handler, without rich, streams and their locks: the interrupted
    code may hold them, and would wait for itself.
    """
    if console.quiet and not apart:
        return
    stream = sys.stderr if apart else sys.stdout
    with suppress(OSError, ValueError):  # nobody reads it, or a stream without a file
        over_a_bar = "\r\x1b[2K" if stream.isatty() else ""
        os.write(stream.fileno(), f"{over_a_bar}{plain(line)}\n".encode())


def _print_apart(line: str) -> None:
    with suppress(OSError):  # nobody reads it: the exit code still says it
        print(line, file=sys.stderr)


class _LastingStream:
    """A stream that throws away what is written once nobody reads it or its disk is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As of any stream."""
        with self._drop_on_error():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As of any stream."""
        with self._drop_on_error():
            self._stream.flush()

    @contextmanager
    def _drop_on_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            drop_output(self._stream)
            reason = error.strerror
            log.info("nobody reads what is printed any more (%s): the work continues", reason)


@contextmanager
def outlive_readers() -> Iterator[None]:
    """Work for hours, even when the terminal or the reader of the output is gone."""
    before = sys.stdout
    sys.stdout = _LastingStream(before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = before


def drop_output(stream: TextIO) -> None:
    """Throw away all that is written to a stream from now on, and what it still holds."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def plain(text: str) -> str:
    """Text from files and names in one line, without what a terminal would obey."""
    return "".join(
        letter
        if letter.isprintable() or "\udc80" <= letter <= "\udcff"  # bytes that are no Unicode
        else " "
        if letter.isspace()
        else "\ufffd"
        for letter in text
    )


def bar() -> Progress:
    """A progress bar for countable work; silent when piped."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def counted(number: int, noun: str) -> str:
    """1 file, 2 files, 1,000 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """Seconds → 7.1 s, 3:05, 1:02:03."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
