"""A page in the Chromium of this machine, watched for complaints and for requests to others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tests.helpers.extras import require

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
    require("gradio", "dashboard")
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
    from playwright.sync_api import sync_playwright

    troubles: list[str] = []
    allowed = ("data:", *own)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        size: Any = {"width": width, "height": 900}
        page = browser.new_context(viewport=size, color_scheme=scheme).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(30_000)
        page.add_init_script(RECORD_SOUNDS)
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(allowed) else troubles.append(r.url))
        page.goto(url)
        yield page
        browser.close()
    assert troubles == [], "\n".join(troubles)
