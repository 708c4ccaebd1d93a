"""A long run → whether memory, open files, step time and what it writes grow with its epochs.

    python scripts/bench/endurance.py FOLDER [--epochs 2000] [--out endurance]
        [--stages codec vocoder prior]

Trains small networks, because what could grow does not depend on their size, and notes after each
epoch what the process holds. Prints, for each stage, the medians over 20 epochs at a time and,
against those of epochs 181 to 200, by how much the last differ.

A processor that others use too is not as fast after some minutes as it was before: for the time of
a step of the codec, the same run is started anew when the long one nears the end of that stage, and
its epochs 11 to 30 and the long one's last 20 take turns, an epoch each. Compared is the
processor's time, pair by pair.
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

SMALL = (
    "trainer.accelerator=cpu",
    "mel.sample_rate_hz=16000",
    "mel.n_fft=512",
    "mel.hop_length=128",
    "mel.n_mels=32",
    "model.channels=8",
    "rvq.codebook_dim=8",
    "rvq.codebook_size=32",
    "rvq.levels=2",
    "data.segment_s=0.5",
    "data.batch_size=32",
    "data.epoch_segments=64",
    "model.starter=null",
    "vocoder.channels=8",
    "vocoder.blocks=1",
    "vocoder.starter=null",
    "vocoder.max_minutes=null",
    "prior.width=32",
    "prior.layers=1",
    "prior.epoch_sounds=32",
    "prior.max_minutes=null",
)
STAGES = {"codec": "trainer", "vocoder": "vocoder", "prior": "prior"}
"""Each stage, and the group of the settings with its limits."""
WINDOW = 20
YOUNG, EARLY = 30, 200
"""The last epochs of the windows that the end is compared with: for steps, and for what is held."""
FIGURES = ("memory_mib", "open_files", "step_ms", "events_kib", "previews")


class Watch(lightning.Callback):
    """A callback of the run that is watched: a line of JSON an epoch, in a file for each stage.

    From epoch `turns_from` of the codec on, waits before each for a byte in the pipe `mine`, and
    writes one into `other` after it.
    """

    def __init__(self, run_dir: str, turns_from: int, mine: int, other: int) -> None:
        self.run_dir = Path(run_dir)
        self.turns_from, self.mine, self.other = turns_from, mine, other
        self.steps: list[float] = []
        self.began = 0.0

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Wait for the turn."""
        if self.takes_turns(trainer, pl_module):
            os.read(self.mine, 1)

    def on_train_batch_start(self, *_: Any) -> None:
        """Begin a step."""
        self.began = time.process_time()

    def on_train_batch_end(self, *_: Any) -> None:
        """End it."""
        self.steps.append(1000 * (time.process_time() - self.began))

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Note what the process holds, and pass the turn on."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        events = sum(path.stat().st_size for path in self.run_dir.rglob("events.out.tfevents.*"))
        values = (
            pages * os.sysconf("SC_PAGESIZE") / (1 << 20),
            len(os.listdir("/proc/self/fd")),
            statistics.median(self.steps),
            events / 1024,
            len(list(self.run_dir.glob("previews/*"))),
        )
        with lines_of(self.run_dir, pl_module.stage).open("a") as file:
            file.write(json.dumps(dict(zip(FIGURES, values, strict=True))) + "\n")
        self.steps.clear()
        if self.takes_turns(trainer, pl_module):
            os.write(self.other, b".")

    def takes_turns(self, trainer: lightning.Trainer, pl_module: Any) -> bool:
        """Whether this epoch is one of those that two runs take turns with."""
        return pl_module.stage == "codec" and trainer.current_epoch >= self.turns_from


def lines_of(run_dir: Path, stage: str) -> Path:
    """The file of a stage's lines."""
    return run_dir / f"endurance_{stage}.jsonl"


def main() -> None:
    """Train, then print what was noted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=2000)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--out", type=Path, default=Path("endurance"))
    options = parser.parse_args()
    if options.epochs < EARLY + WINDOW:
        parser.error(f"--epochs: at least {EARLY + WINDOW}")
    if "codec" not in options.stages:
        parser.error("--stages: the codec is what the others are trained on")
    old_turn, young_turn = os.pipe(), os.pipe()
    old_dir, young_dir = options.out / "run", options.out / "anew"

    def start(run_dir: Path, turns_from: int, mine: int, other: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distill.train", *SMALL]
        command += [f"data.root={options.folder.absolute()}", f"hydra.run.dir={run_dir}"]
        command += [f"stages=[{','.join(options.stages)}]", f"library.dir={options.out / 'lib'}"]
        command += [f"{STAGES[stage]}.max_epochs={options.epochs}" for stage in options.stages]
        command += ["+callbacks.extra.watch._target_=endurance.Watch"]
        watch = {"run_dir": run_dir, "turns_from": turns_from, "mine": mine, "other": other}
        command += [f"+callbacks.extra.watch.{key}={value}" for key, value in watch.items()]
        here = str(Path(__file__).resolve().parent)
        paths = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, pass_fds=(mine, other)
        )

    old = start(old_dir, options.epochs - WINDOW, old_turn[0], young_turn[1])
    while old.poll() is None and len(noted(old_dir, "codec")) < options.epochs - WINDOW:
        time.sleep(1)
    young = start(young_dir, YOUNG - WINDOW, young_turn[0], old_turn[1])
    os.write(young_turn[1], b".")
    status = old.wait()
    young.kill()
    young.wait()
    if status:
        sys.exit(f"the run ended with exit code {status}")
    pairs = zip(
        noted(old_dir, "codec")[-WINDOW:],
        noted(young_dir, "codec")[YOUNG - WINDOW : YOUNG],
        strict=True,
    )
    turns = statistics.median(old["step_ms"] / young["step_ms"] for old, young in pairs)
    changes = {stage: report(stage, noted(old_dir, stage)) for stage in options.stages}
    print(json.dumps({"epochs": options.epochs, **changes, "codec_step": round(turns - 1, 4)}))


def noted(run_dir: Path, stage: str) -> list[dict[str, float]]:
    """What a run has told of its epochs so far."""
    try:
        return [json.loads(line) for line in lines_of(run_dir, stage).read_text().splitlines()]
    except FileNotFoundError:
        return []


def report(stage: str, epochs: list[dict[str, float]]) -> dict[str, float]:
    """Print the table of a stage, and return by how much what it holds has grown."""
    print(f"{stage:8s}{'epoch':>8s}" + "".join(f"{figure:>14s}" for figure in FIGURES))
    ends = [YOUNG, *(end for end in (100, EARLY, 500, 1000) if end < len(epochs)), len(epochs)]
    rows = {}
    for end in ends:
        window = epochs[end - WINDOW : end]
        rows[end] = {f: statistics.median(epoch[f] for epoch in window) for f in FIGURES}
        print(f"{end:16d}" + "".join(f"{rows[end][figure]:14.2f}" for figure in FIGURES))
    first, last = rows[EARLY], rows[ends[-1]]
    return {figure: round(last[figure] / first[figure] - 1, 4) for figure in FIGURES[:2]}


if __name__ == "__main__":
    main()
