"""A long run → whether memory, open files, step time and what it writes grow with its epochs.

    python scripts/bench_endurance.py FOLDER [--epochs 2000] [--out endurance]

Trains a small network, because what could grow does not depend on its size, and notes after each
epoch what the process holds. Prints the medians over 20 epochs at a time and, against those of
epochs 11 to 30, by how much the last differ. A step's time is the processor's; `step_ratio` is that
time over the one of a fixed piece of work done just before it, because a processor that others use
too is not always as fast.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lightning
import torch

SMALL = (
    "trainer.accelerator=cpu",
    "mel.sample_rate_hz=16000",
    "mel.n_fft=512",
    "mel.hop_length=128",
    "mel.n_mels=32",
    "model.channels=[8,8,8]",
    "rvq.codebook_dim=8",
    "rvq.codebook_size=32",
    "rvq.levels=2",
    "data.segment_s=0.5",
    "data.batch_size=64",
    "data.min_epoch_segments=1",
)
WINDOW = 20
FIGURES = ("memory_mib", "open_files", "step_ms", "step_ratio", "events_kib", "previews")


class Watch(lightning.Callback):
    """A callback of the run that is watched: a line of JSON an epoch."""

    def __init__(self, run_dir: str) -> None:
        self.run_dir = Path(run_dir)
        self.lines = self.run_dir / "endurance.jsonl"
        self.steps: list[float] = []
        self.ratios: list[float] = []
        self.began = self.fixed_s = 0.0
        self.factor, self.product = torch.ones(512, 512), torch.empty(512, 512)

    def on_train_batch_start(self, *_: Any) -> None:
        """Do the fixed work, then begin a step."""
        began = time.process_time()
        for _ in range(2):  # into memory that it has: fetching some would not be fixed work
            torch.mm(self.factor, self.factor, out=self.product)
        self.began = time.process_time()
        self.fixed_s = self.began - began

    def on_train_batch_end(self, *_: Any) -> None:
        """End it."""
        step_s = time.process_time() - self.began
        self.steps.append(1000 * step_s)
        self.ratios.append(step_s / self.fixed_s)

    def on_train_epoch_end(self, *_: Any) -> None:
        """Note what the process holds."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        events = sum(path.stat().st_size for path in self.run_dir.rglob("events.out.tfevents.*"))
        values = (
            pages * os.sysconf("SC_PAGESIZE") / (1 << 20),
            len(os.listdir("/proc/self/fd")),
            statistics.median(self.steps),
            statistics.median(self.ratios),
            events / 1024,
            len(list(self.run_dir.glob("previews/*"))),
        )
        with self.lines.open("a") as file:
            file.write(json.dumps(dict(zip(FIGURES, values, strict=True))) + "\n")
        self.steps.clear()
        self.ratios.clear()


def main() -> None:
    """Train, then print what was noted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("endurance"))
    options = parser.parse_args()
    here = str(Path(__file__).resolve().parent)
    command = [sys.executable, "-m", "distill.train", *SMALL]
    command += [f"data.root={options.folder.absolute()}", f"hydra.run.dir={options.out}"]
    command += [f"trainer.max_epochs={options.epochs}", "library.dir=" + str(options.out / "lib")]
    command += ["+callbacks.extra.watch._target_=bench_endurance.Watch"]
    command += [f"+callbacks.extra.watch.run_dir={options.out}"]
    paths = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    lines = (options.out / "endurance.jsonl").read_text().splitlines()
    report([json.loads(line) for line in lines])


def report(epochs: list[dict[str, float]]) -> None:
    """Print the table, and a last line of JSON."""
    print(f"{'epoch':>8s}" + "".join(f"{figure:>14s}" for figure in FIGURES))
    ends = [30, *(end for end in (100, 250, 500, 1000) if end < len(epochs)), len(epochs)]
    rows = {}
    for end in ends:
        window = epochs[max(0, end - WINDOW) : end]
        rows[end] = {f: statistics.median(epoch[f] for epoch in window) for f in FIGURES}
        print(f"{end:8d}" + "".join(f"{rows[end][figure]:14.2f}" for figure in FIGURES))
    first, last = rows[ends[0]], rows[ends[-1]]
    change = {figure: round(last[figure] / first[figure] - 1, 4) for figure in FIGURES[:4]}
    print(json.dumps({"epochs": len(epochs), "change": change, **last}))


if __name__ == "__main__":
    main()
