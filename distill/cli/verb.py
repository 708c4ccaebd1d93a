"""what all verbs share: one line for a mistake, and exit codes."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from distill.catalog.index import DEFAULT_FOLDER
from distill.errors import DistillError
from distill.system import stopping, terminal
from distill.system.paths import path_of

MISTAKE = 2


class Parser(argparse.ArgumentParser):
    """Arguments whose mistakes are told in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise DistillError."""
        raise DistillError(f"{message}; {self.prog} --help tells more")


def add_library(parser: argparse.ArgumentParser) -> None:
    """`--library DIR`."""
    parser.add_argument(
        "--library",
        type=path_of,
        default=DEFAULT_FOLDER,
        metavar="DIR",
        help=f"the library folder: {DEFAULT_FOLDER}",
    )


def let_threads_wait() -> None:
    """Settle how OpenMP's threads wait for each other; torch reads it when it is imported.

    Threads that spin make two processes on one machine many times slower than one after the other,
    threads that never do make one a quarter slower: GNU's OpenMP spins for a moment.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")


@contextmanager
def answering() -> Iterator[None]:
    """Exit with 2 and one line on a user's mistake, with 130 or 143 on a signal; a bug is raised.

    `HYDRA_FULL_ERROR=1` shows where a mistake was found.
    """
    let_threads_wait()
    terminal.show_warnings()
    stopping.listen()
    try:
        yield
        sys.stdout.flush()
    except DistillError as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        terminal.fail(str(error))
        sys.exit(MISTAKE)
    except KeyboardInterrupt:
        terminal.fail("interrupted; what was saved before is kept")
        sys.exit(130)
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        terminal.drop_output(sys.stdout)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO) or error.filename is not None:
            raise
        terminal.drop_output(sys.stdout)
        terminal.fail(f"what was to be printed could not be written: {error.strerror}")
        sys.exit(MISTAKE)
