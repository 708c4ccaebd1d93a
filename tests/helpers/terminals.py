"""What a process does first that begins in a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import signal
import termios


def take_the_terminal() -> None:
    """That of stdout is the process's own, and takes it along when it is closed."""
    os.setsid()
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may outlive terminals


def outlive_it() -> None:
    """As nohup does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
