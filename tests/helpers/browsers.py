"""A page in the Chromium of this machine, watched for complaints and for requests to others."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.helpers.extras import require

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
RECORD_SOUNDS = """
  window.sounds = [];
  const Own = window.Audio;
  window.Audio = function () { const made = new Own(); window.sounds.push(made); return made; };
  window.output = [];
  const Context = window.AudioContext;
  window.AudioContext = class extends Context {
    get destination() {
      if (this.tap) return this.tap;
      this.tap = this.createScriptProcessor(4096, 1, 1);
      this.tap.onaudioprocess = ({ inputBuffer }) =>
        window.output.push(...inputBuffer.getChannelData(0));
      this.tap.connect(super.destination);
      return this.tap;
    }
  };
"""
"""Players are not part of the page: this keeps them where a test finds them, and what comes out of
buffers.
"""


def require_browser() -> None:
    """Skip the module where there is no browser; CI has one."""
    require("playwright", "browser")
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("needs Chromium", allow_module_level=True)


def longest_pause(page: Any) -> int:
    """How many samples are silent between two that are not, in what came out of buffers."""
    loud = np.flatnonzero(np.abs(np.array(page.evaluate("window.output"))) > 0.01)
    assert loud.size, "nothing came out"
    return int(np.diff(loud).max())


@contextmanager
def open_page(url: str, *, width: int = 1280, scheme: str = "light") -> Iterator[Any]:
    """The dashboard's page, once its own parts are there; watched as `browse` does."""
    with browse(url, own=(url, f"blob:{url}"), width=width, scheme=scheme) as page:
        page.wait_for_selector(".own.run")
        yield page


@contextmanager
def browse(
    url: str, *, own: Sequence[str], width: int = 1280, scheme: str = "light"
) -> Iterator[Any]:
    """A page. At the end, nothing was complained about, and nothing was asked for but what begins
    with one of `own`.
    """
    troubles: list[str] = []
    allowed = ("data:", *own)
    size: Any = {"width": width, "height": 900}
    context = _chromium().new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.add_init_script(RECORD_SOUNDS)
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(allowed) else troubles.append(r.url))
        page.goto(url)
        yield page
    finally:
        context.close()
    assert troubles == [], "\n".join(troubles)


@functools.cache
def _driver() -> Playwright:
    from playwright.sync_api import sync_playwright

    return sync_playwright().start()


@functools.cache
def _chromium() -> Browser:
    """One for all tests of a module, each of which has a profile of its own in it."""
    return _driver().chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


def end_browser() -> None:
    """If there is one: its driver keeps the thread's event loop to itself."""
    if _chromium.cache_info().currsize:
        _chromium().close()
    if _driver.cache_info().currsize:
        _driver().stop()
    _chromium.cache_clear()
    _driver.cache_clear()
