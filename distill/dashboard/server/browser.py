"""an address → a window of the user's browser, where there is a screen to show it on."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping


def open_browser(url: str) -> None:
    """Open the page, if somebody sits before this machine; never waits, never fails."""
    if has_screen(os.environ, sys.platform, is_terminal=sys.stdout.isatty()):
        threading.Thread(target=_open, args=(url,), daemon=True).start()


def has_screen(environment: Mapping[str, str], platform: str, *, is_terminal: bool) -> bool:
    """Whether a window would be seen: not from a script, not over SSH, not without a desktop."""
    if not is_terminal or "SSH_CONNECTION" in environment:
        return False
    if platform in ("darwin", "win32"):
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _open(url: str) -> None:
    try:
        webbrowser.open(url)
    except webbrowser.Error:  # none is installed; the address is on the terminal
        return
