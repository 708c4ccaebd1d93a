"""How the threads of OpenMP wait: a setting in the environment, which torch reads on import."""

from __future__ import annotations

import os


def let_threads_wait() -> None:
    """Choose short spinning, unless the user has chosen already.

    Threads that spin make two processes on one machine many times slower than one after the other,
    threads that never do make one a quarter slower: GNU's OpenMP spins for a moment.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
