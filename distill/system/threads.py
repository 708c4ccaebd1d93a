"""environment variables → how OpenMP's threads wait; torch reads them when it is imported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

HOW_TO_WAIT = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "5000"}


def limit_spinning() -> None:
    """Set OpenMP's waiting threads to spin only for a moment, unless the user has set this.

    With threads that spin all the time, two processes at once take many times as long as one after
    the other. With threads that never spin, one process is a quarter slower.
    """
    for name, value in HOW_TO_WAIT.items():
        os.environ.setdefault(name, value)


@contextmanager
def little_spinning() -> Iterator[None]:
    """The same for what is imported meanwhile; the environment is put back."""
    before = {name: os.environ.get(name) for name in HOW_TO_WAIT}
    limit_spinning()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
