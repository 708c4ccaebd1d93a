"""How fast the dashboard starts, what a look at it costs, and how it bears a long run.

    python scripts/bench/dashboard.py

Prints the seconds from start to first page beyond the import of Gradio, the CPU time of a tick with
nothing new and of no page at all, and memory and answers while a run of 2,000 epochs is written.
The last line is JSON.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from distill.runs.progress import ProgressFile
from distill.runs.rows import EpochRow, SoundsRow, StartRow, StepRow

EPOCHS, STEPS_AN_EPOCH, LEVELS = 2_000, 5, 4
"""Eight hours of epochs of 14 s, with a row every three seconds."""
TICKS = 200
ALONE_S = 20.0
EARLY_EPOCHS = 200
"""The number of epochs after which memory is first read."""


def start(folder: Path) -> tuple[subprocess.Popen[bytes], str, float]:
    """A dashboard: its process, its address, and the seconds until its first page was there."""
    log = folder / "log"
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "distill.dashboard", "--port=0"],
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    while not (found := re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())):
        time.sleep(0.02)
        if process.poll() is not None:
            raise SystemExit(log.read_text())
    get(found[0])
    return process, found[0], time.perf_counter() - began


def get(address: str) -> bytes:
    """What an address answers."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return bytes(answer.read())


def seconds_to_import() -> float:
    """How long a new process takes to import Gradio and to end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import gradio"], check=True)
    return time.perf_counter() - began


def cpu_s(process: psutil.Process) -> float:
    """CPU time that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def megabytes(process: psutil.Process) -> float:
    """Memory that a process holds."""
    return float(process.memory_info().rss / 1e6)


def epoch_row(number: int) -> EpochRow:
    """An epoch with the health of four levels."""
    level = {"utilization": 0.9, "perplexity": 150.0, "dead_codes": 20}
    health = {
        "levels": [level] * LEVELS,
        "positions": 5_000,
        "codebook_size": 256,
        "complete": True,
    }
    keys = ("train/loss", "val/loss", "train/reconstruction", "train/commitment", "val/mel_db")
    figures = {key: 1 / (number + offset) for offset, key in enumerate(keys, start=1)}
    news = [f"level 2: only {number % 30}.0% of its codes are used; try rvq.codebook_size=128"] * (
        number % 10 == 0
    )
    return EpochRow(
        "codec",
        number,
        EPOCHS,
        figures,
        {"health": health},
        news,
        0,
        14.0 * number,
        14.0 * (EPOCHS - number),
    )


def long_run(folder: Path, address: str, process: psutil.Process) -> dict[str, float]:
    """Write a run of EPOCHS, look at it after each tenth, and print memory and answers; returns
    them.
    """
    run_dir = folder / "outputs" / "train" / "2026-01-31_14-00-00_long"
    run_dir.mkdir(parents=True)
    rows = ProgressFile(run_dir)
    own = psutil.Process()
    settings: dict[str, Any] = {"rvq": {"levels": LEVELS}, "data": {"root": ["/sounds"]}}
    rows.write(StartRow(os.getpid(), own.create_time(), False, "long", ["codec"], settings))
    rows.write(SoundsRow("long", 1_000, 3_600.0, {}, 900, 100))
    answers: list[float] = []
    seen, early = "", 0.0
    for number in range(1, EPOCHS + 1):
        for step in range(STEPS_AN_EPOCH):
            rows.write(
                StepRow("codec", number, EPOCHS, step, STEPS_AN_EPOCH, 0.5, 14.0 * number, 1.0)
            )
        rows.write(epoch_row(number))
        if number % 10 == 0:
            began = time.perf_counter()
            seen = json.loads(get(f"{address}api/runs?seen={seen}"))["version"]
            answers.append(time.perf_counter() - began)
        if number == EARLY_EPOCHS:
            early = megabytes(process)
    began = time.perf_counter()
    get(address)
    page_s = time.perf_counter() - began
    late = megabytes(process)
    grown = f"{late / early - 1:+.1%}"
    print(
        f"memory  {early:.0f} MB after {EARLY_EPOCHS} epochs, {late:.0f} MB after {EPOCHS}: {grown}"
    )
    middle, most = (1000 * each for each in (statistics.median(answers), max(answers)))
    print(f"answers  {middle:.0f} ms in the median, {most:.0f} ms at most")
    print(f"page  {1000 * page_s:.0f} ms")
    return {"memory, of early": late / early, "answer, ms": middle, "page, ms": 1000 * page_s}


def left_alone(process: psutil.Process) -> float:
    """Print and return the share of a core that it takes when nobody looks."""
    before = cpu_s(process)
    time.sleep(ALONE_S)
    share = (cpu_s(process) - before) / ALONE_S
    print(f"left alone  {share:.2%} of a core")
    return share


def idle(address: str, process: psutil.Process) -> float:
    """Print and return the CPU time of a look with nothing new, in milliseconds."""
    seen = json.loads(get(f"{address}api/runs"))["version"]
    before = cpu_s(process)
    for _ in range(TICKS):
        assert get(f"{address}api/runs?seen={seen}") == b""
    tick_ms = 1000 * (cpu_s(process) - before) / TICKS
    print(f"tick with nothing new  {tick_ms:.1f} ms of CPU")
    return tick_ms


def main() -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        imports = min(seconds_to_import() for _ in range(3))
        process, address, seconds = start(folder)
        try:
            told = f"first page  {seconds:.1f} s, of which importing Gradio {imports:.1f} s"
            print(f"{told}: {seconds - imports:.1f} s beyond it")
            own = psutil.Process(process.pid)
            found = {"first page beyond imports, s": seconds - imports}
            found |= long_run(folder, address, own)
            found |= {"tick, ms": idle(address, own), "left alone, of a core": left_alone(own)}
            print(json.dumps(found))
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
