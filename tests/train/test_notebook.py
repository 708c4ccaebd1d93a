"""`distill.fit` in a real notebook kernel, where one is installed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.helpers.runs import environment
from tests.helpers.settings import tiny_settings

SETUP = f"""
import signal, distill
handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
settings = {tiny_settings()!r}
"""
LONG = """
run = distill.fit("sounds", **{**settings, "trainer.max_epochs": 5000})
print("stopped:", run.stopped, run.model)
"""
AFTER = """
print("same handlers:", handlers == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)])
print("finished:", not distill.fit("sounds", **settings).stopped)
"""


@pytest.mark.slow
def test_the_stop_button_saves_the_run_and_the_kernel_lives_on(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("nbclient", "nbformat", "ipykernel"):
        pytest.importorskip(package)
    import nbformat
    from jupyter_client import KernelManager
    from jupyter_client.kernelspec import KernelSpec
    from nbclient import NotebookClient

    kernel = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager = KernelManager()
    monkeypatch.setattr(type(manager), "kernel_spec", KernelSpec(argv=kernel, display_name="x"))
    cells = [nbformat.v4.new_code_cell(text) for text in (SETUP, LONG, AFTER)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook, km=manager, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    done = threading.Event()

    def press_stop() -> None:
        while not done.wait(0.2):
            if "epoch 2" in str(cells[1].get("outputs")):
                os.kill(manager.provisioner.pid, signal.SIGINT)
                return

    button = threading.Thread(target=press_stop)
    button.start()
    try:
        began = time.monotonic()
        paths = environment()["PYTHONPATH"] + os.pathsep + os.environ.get("PYTHONPATH", "")
        client.execute(env={**environment(), "PYTHONPATH": paths})
    finally:
        done.set()
        button.join()
    assert time.monotonic() - began < 300
    assert "stopped: True LoadedModel(" in str(cells[1].outputs)
    assert "same handlers: True" in str(cells[2].outputs)
    assert "finished: True" in str(cells[2].outputs)
    assert "epoch 2/2" in str(cells[2].outputs), "the rows of its epochs are shown"
