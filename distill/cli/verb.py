"""what all verbs share: their setup, exit codes, one-line error messages, and common arguments."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from distill.catalog.index import DEFAULT_FOLDER
from distill.errors import DistillError
from distill.system import stopping, terminal
from distill.system.paths import path_of
from distill.system.threads import limit_spinning

INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line, as all other mistakes."""

    def error(self, message: str) -> NoReturn:
        """Raise DistillError instead of printing the usage and exiting."""
        raise DistillError(f"{message}; see {self.prog} --help")


def whole_to(most: int) -> Callable[[str], int]:
    """What reads a whole number from 1 to `most`, as the type of an argument."""

    def read(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 to {most:,}")
        return int(text)

    return read


def add_library(parser: argparse.ArgumentParser) -> None:
    """Add the argument `--library DIR`."""
    parser.add_argument(
        "--library",
        type=path_of,
        default=DEFAULT_FOLDER,
        metavar="DIR",
        help=f"the library folder (default: {DEFAULT_FOLDER})",
    )


@contextmanager
def verb_entry() -> Iterator[None]:
    """Set up threads, warnings and signals of this process for a verb, and handle its errors.

    A user's mistake prints one line and exits with 2; a signal exits with 130 or 143; a bug is
    raised. With `HYDRA_FULL_ERROR=1` in the environment, mistakes are raised too.
    """
    limit_spinning()
    terminal.show_warnings()
    stopping.listen()
    try:
        yield
        sys.stdout.flush()
    except DistillError as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        terminal.fail(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        terminal.fail("interrupted; everything saved before is kept")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of the output, such as `head`, has ended
        terminal.drop_output(sys.stdout)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO) or error.filename is not None:
            raise
        terminal.drop_output(sys.stdout)
        terminal.fail(f"the output could not be written: {error.strerror}")
        sys.exit(DistillError.exit_code)
