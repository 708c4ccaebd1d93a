"""How the dashboard bears many runs and many requests.

    python scripts/bench/dashboard_load.py [--runs 1000] [--rate 200] [--seconds 60]

Makes the folders of so many runs, starts a dashboard, and sends it requests at even times over
connections that stay open, as the pages of many tabs do: looks with nothing new, looks at one run,
and the list of models. Prints the latency from the moment at which each request was due, how many
failed, what a request costs in CPU time, and the memory before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from dashboard import cpu_s, epoch_row, get, megabytes, start

from distill.runs.progress import ProgressFile
from distill.runs.rows import EndRow, SoundsRow, StartRow

EPOCHS = 20
WAITS_S = 30.0


def make_runs(folder: Path, count: int) -> None:
    """The folders of runs that have ended."""
    for number in range(count):
        run_dir = folder / "outputs" / "train" / f"2026-01-31_14-00-00_run{number:04d}"
        run_dir.mkdir(parents=True)
        rows = ProgressFile(run_dir)
        settings = {"rvq": {"levels": 4}, "data": {"root": ["/sounds"]}}
        rows.write(StartRow(os.getpid(), 1.0, False, f"run{number}", ["codec"], settings))
        rows.write(SoundsRow("kit", 1_000, 3_600.0, {}, 900, 100))
        for epoch in range(1, EPOCHS + 1):
            rows.write(epoch_row(epoch))
        rows.write(EndRow("finished", ""))


class Tab:
    """A connection that stays open."""

    def __init__(self, address: str) -> None:
        self.host, self.port = urlsplit(address).hostname, urlsplit(address).port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str) -> int:
        """The status of a request; 0 if none came back."""
        is_open = self._streams is not None
        status = await self._ask(path)
        return status or (await self._ask(path) if is_open else 0)  # idle ones are closed in time

    async def _ask(self, path: str) -> int:
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self.host, self.port)
            reader, writer = self._streams
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n\r\n".encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAITS_S)
            lines = head.decode("latin-1").lower().splitlines()
            sizes = [line.split(":")[1] for line in lines if line.startswith("content-length:")]
            await reader.readexactly(int(sizes[0]) if sizes else 0)
            return int(lines[0].split()[1])
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self._streams = None
            return 0


async def load(address: str, rate: float, seconds: float) -> tuple[list[float], Counter[int]]:
    """Latencies in seconds and statuses of requests at even times."""
    seen = json.loads(get(f"{address}api/runs"))["version"]
    runs = [each["id"] for each in json.loads(get(f"{address}api/runs"))["runs"]]
    free: asyncio.LifoQueue[Tab] = asyncio.LifoQueue()
    latencies: list[float] = []
    statuses: Counter[int] = Counter()

    async def request(number: int, due: float) -> None:
        paths = (
            f"/api/runs?seen={seen}",
            f"/api/runs?seen={seen}",
            f"/api/runs?run={runs[number % len(runs)]}",
            "/api/models",
        )
        tab = Tab(address) if free.empty() else free.get_nowait()
        statuses[await tab.ask(paths[number % len(paths)])] += 1
        latencies.append(time.perf_counter() - due)
        free.put_nowait(tab)

    began = time.perf_counter()
    tasks = []
    for number in range(round(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(request(number, due)))
    await asyncio.gather(*tasks)
    return latencies, statuses


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_runs(folder, options.runs)
        server, address, seconds = start(folder)
        process = psutil.Process(server.pid)
        try:
            print(f"first page  {seconds:.1f} s with {options.runs:,} runs")
            get(f"{address}api/runs")
            before, began_s = megabytes(process), cpu_s(process)
            latencies, statuses = asyncio.run(load(address, options.rate, options.seconds))
            cost = 1000 * (cpu_s(process) - began_s) / len(latencies)
            ranked = sorted(1000 * each for each in latencies)
            print(
                f"{len(latencies):,} requests at {options.rate:g} a second: "
                f"{statistics.median(ranked):.0f} ms in the median, "
                f"{ranked[int(0.99 * (len(ranked) - 1))]:.0f} ms at 99 %, {ranked[-1]:.0f} ms at "
                f"most; answers by status: {dict(statuses)}"
            )
            print(f"CPU  {cost:.2f} ms a request")
            print(f"memory  {before:.0f} MB before, {megabytes(process):.0f} MB after")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
