"""A folder of sounds → what a whole run of so many minutes brings, and whether it took them.

    python scripts/bench/budget.py FOLDER ... [--minutes 0 1 2 4 8] [--seeds 0] [--json FILE]
                                   [--words KEY=VALUE ...]

0 minutes stands for a default run. For each folder and each time: the mel error and the artificial
ear of the held-out sounds by the run's own vocoder (extra `measure`), the bits that their codes
need by its prior, over those of a bigram, the minutes of each stage and of the process, what it
said before it began, and how far the time left in all was off while more than 20 s were left, in
the middle and at worst. Prints Markdown, and writes JSON. Nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from results import Row, ear_of, markdown, show
from training import machine

from distill.bundle.loading import load_bundle
from distill.system.threads import limit_spinning

limit_spinning()
LEAST_LEFT_S = 20.0
STAGES = ("codec", "vocoder", "prior")


def main() -> None:
    """Run them all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--minutes", type=float, nargs="+", default=[0, 1, 2, 4, 8])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--words", nargs="+", default=[], help="more settings of each run")
    parser.add_argument("--json", type=Path, default=Path("bench_budget.json"))
    options = parser.parse_args()
    target = options.json.absolute()
    result: dict[str, Any] = {"machine": machine(), "found": {}}
    print(result["machine"], flush=True)
    folders = [folder.absolute() for folder in options.folders]
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for folder in folders:
            found: dict[str, list[Row]] = {}
            for minutes in options.minutes:
                name = f"{minutes:g} minutes" if minutes else "default"
                words = [*options.words, *([f"minutes={minutes}"] if minutes else [])]
                for seed in options.seeds:
                    run = Path(f"{folder.name}_{minutes}_{seed}").absolute()
                    found.setdefault(name, []).append(row_of(run, folder, seed, words))
                    show(f"{folder.name}, {name}", seed, found[name][-1])
            result["found"][folder.name] = found
            target.write_text(json.dumps(result, indent=1))
            print(f"\n{folder.name}\n\n{markdown(found)}\n", flush=True)


def row_of(run_dir: Path, folder: Path, seed: int, words: Iterable[str]) -> Row:
    """Train, and measure what came of it."""
    overrides = [f"data.root='{folder}'", f"seed={seed}", "name=bench", *words]
    overrides += [f"hydra.run.dir='{run_dir}'", f"library.dir='{run_dir.parent / 'library'}'"]
    overrides.append(f"data.cache_dir='{run_dir}_cache'")  # each reads its sounds anew
    command = [sys.executable, "-m", "distill.train", *overrides]
    begun_s = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    took_s = time.monotonic() - begun_s
    if done.returncode:
        sys.exit(f"failed: {' '.join(command)}\n{done.stderr}")
    stages = json.loads((run_dir / "summary.json").read_text())["stages"]
    rows = [json.loads(line) for line in (run_dir / "progress.jsonl").read_text().splitlines()]
    model = load_bundle(run_dir / "best.distillgan")
    codec, prior = stages["codec"], stages["prior"]
    return {
        "mel error, dB": codec["best"]["val/mel_db"],
        **ear_of(model, folder, model.vocoder),
        "bits/s": prior["bits_per_s"],
        "over a bigram's": prior["bits_per_s"] / prior["bigram_bits_per_s"],
        **{f"{name}, min": stages[name]["elapsed_s"] / 60 for name in STAGES},
        "all, min": took_s / 60,
        **times_said(rows),
    }


def times_said(rows: list[dict[str, Any]]) -> Row:
    """What a run said of its time, beside the truth."""
    end_s = rows[-1]["time_s"]
    plan = next(row for row in rows if row["event"] == "plan")
    off = [
        abs(row["left_in_all_s"] / (end_s - row["time_s"]) - 1)
        for row in rows
        if row.get("left_in_all_s") is not None and end_s - row["time_s"] > LEAST_LEFT_S
    ]
    return {
        "said at first, of the truth": plan["total_s"] / (end_s - plan["time_s"]),
        "time left off by, %": 100 * statistics.median(off),
        "at worst, %": 100 * max(off),
    }


if __name__ == "__main__":
    main()
