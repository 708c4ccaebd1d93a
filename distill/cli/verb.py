"""what all verbs share: their entry, one line and an exit code for a mistake, and arguments."""

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
from distill.system.threads import let_threads_wait

INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Arguments whose mistakes are one line, in plain words."""

    def error(self, message: str) -> NoReturn:
        """Raise DistillError."""
        raise DistillError(f"{message}; see {self.prog} --help")


def add_library(parser: argparse.ArgumentParser) -> None:
    """`--library DIR`."""
    parser.add_argument(
        "--library",
        type=path_of,
        default=DEFAULT_FOLDER,
        metavar="DIR",
        help=f"the library folder (default: {DEFAULT_FOLDER})",
    )


@contextmanager
def verb_entry() -> Iterator[None]:
    """Set up this process for a verb: threads, warnings and signals. Exit with 2 and one line on a
    user's mistake, with 130 or 143 on a signal; a bug is raised.

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
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        terminal.fail("interrupted; everything saved before is kept")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        terminal.drop_output(sys.stdout)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO) or error.filename is not None:
            raise
        terminal.drop_output(sys.stdout)
        terminal.fail(f"the output could not be written: {error.strerror}")
        sys.exit(DistillError.exit_code)
