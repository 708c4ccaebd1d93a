"""environment variables → how OpenMP's threads wait; torch reads them when it is imported."""

from __future__ import annotations

import os


def limit_spinning() -> None:
    """Set OpenMP's waiting threads to spin only for a moment, unless the user has set this.

    With threads that spin all the time, two processes at once take many times as long as one after
    the other. With threads that never spin, one process is a quarter slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
