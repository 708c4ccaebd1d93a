"""A folder of sounds → every figure of quality and speed, in one table.

    python scripts/bench/all.py FOLDER [--seeds 0 1 2] [--only NAME ...] [--brief] [--out DIR]

Trains a default run for each seed, and runs each benchmark of this folder, one after the other:
those of a model for each seed, those that train by themselves with all seeds, and the others once.
What each prints is in a text file of OUT, and OUT/table.md has all their figures: the middle one of
the seeds, with the lowest and the highest. A benchmark that fails is named at the end, and the
others go on. With --brief, each is as short as it can be, to see whether all of them run. Nothing
else should run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results import markdown
from training import machine

HERE = Path(__file__).resolve().parent
RUN, SEEDS, ONCE = "for each seed", "with all seeds", "once"
FIGURE = "figure"


@dataclass(frozen=True)
class Benchmark:
    """How a script of this folder is called."""

    script: str
    times: str
    words: tuple[str, ...]
    brief: tuple[str, ...] = ()
    """Words that make it short."""
    file: str | None = None
    """Where it writes its JSON; None: it is the last line."""


MODEL = ("{model}", "{folder}")
BENCHMARKS = {
    "hearing": Benchmark("hearing", RUN, MODEL, ("--limit", "2")),
    "vocoder": Benchmark("vocoder", RUN, MODEL, ("--minutes", "0.2", "--no-memory")),
    "generate": Benchmark("generate", RUN, MODEL, ("-n", "8", "--no-speed")),
    "judge": Benchmark("judge", RUN, MODEL, ("-n", "24", "--seeds", "1")),
    "kit": Benchmark(
        "kit", RUN, ("{model}",), ("--per-class", "1", "--loops", "1", "--bpm", "128")
    ),
    "codec": Benchmark("codec", ONCE, MODEL, ("--minutes", "0.2"), "bench_codec.json"),
    "results": Benchmark(
        "results",
        SEEDS,
        ("{folder}",),
        ("--parts", "codecs", "--minutes", "0.05"),
        "bench_results.json",
    ),
    "budget": Benchmark("budget", SEEDS, ("{folder}",), ("--minutes", "0.3"), "bench_budget.json"),
    "training": Benchmark(
        "training",
        ONCE,
        ("{folder}",),
        ("--seconds", "5", "--repeats", "1", "--parts", "step"),
        "bench_training.json",
    ),
    "intake": Benchmark("intake", ONCE, ("{folder}",), ("--times", "2")),
    "library": Benchmark("library", ONCE, (), ("--models", "20")),
    "dashboard": Benchmark("dashboard", ONCE, ()),
    "endurance": Benchmark("endurance", ONCE, ("{folder}",), ("--epochs", "60")),
}


def main() -> None:
    """Run them, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("bench_all"))
    options = parser.parse_args()
    folder = options.folder.absolute()
    options.out.mkdir(parents=True, exist_ok=True)
    os.chdir(options.out)
    table = [f"{machine()}; {folder.name}; {time.strftime('%Y-%m-%d')}", ""]
    print(table[0], flush=True)
    chosen = {name: BENCHMARKS[name] for name in options.only}
    needs_models = any(each.times == RUN for each in chosen.values())
    models = {
        seed: train(folder, seed, brief=options.brief) if needs_models or not index else None
        for index, seed in enumerate(options.seeds)
    }
    failed = []
    for name, benchmark in chosen.items():
        begun_s = time.monotonic()
        seeds = options.seeds if benchmark.times == RUN else options.seeds[:1]
        rows = []
        for seed in seeds:
            words = words_of(benchmark, folder, models[seed], options)
            found = run(benchmark, words, Path(f"{name}_{seed}.txt"))
            if found is None:
                failed.append(f"{name}, seed {seed}")
            else:
                rows.append(dict(flat(found)))
        minutes = (time.monotonic() - begun_s) / 60
        print(f"{name}: {minutes:.1f} minutes", flush=True)
        keys = dict.fromkeys(key for row in rows for key in row)
        figures = {key: [{FIGURE: row[key]} for row in rows if key in row] for key in keys}
        table += [f"## {name}", "", markdown(figures), ""]
        Path("table.md").write_text("\n".join(table))
    print(f"all figures: {Path('table.md').absolute()}")
    if failed:
        sys.exit(f"failed: {'; '.join(failed)}")


def train(folder: Path, seed: int, *, brief: bool) -> Path:
    """A default run → its model."""
    run_dir = Path(f"run_{seed}").absolute()
    model = run_dir / "best.distillgan"
    if not model.exists():
        words = [f"data.root='{folder}'", f"seed={seed}", f"name=bench-{seed}"]
        words += [f"hydra.run.dir='{run_dir}'", f"library.dir='{run_dir.parent / 'library'}'"]
        words += ["minutes=0.3"] if brief else []
        with Path(f"run_{seed}.txt").open("w") as log:
            command = [sys.executable, "-m", "distill.train", *words]
            subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)
    return model


def words_of(
    benchmark: Benchmark, folder: Path, model: Path | None, options: argparse.Namespace
) -> list[str]:
    """The words of its command."""
    words = [word.format(folder=folder, model=model) for word in benchmark.words]
    if options.brief:
        words += benchmark.brief
    if benchmark.times == SEEDS:
        words += ["--seeds", *map(str, options.seeds)]
    return words


def run(benchmark: Benchmark, words: list[str], log: Path) -> Mapping[str, Any] | None:
    """Run it, and return its figures; None if it failed."""
    command = [sys.executable, str(HERE / f"{benchmark.script}.py"), *words]
    with log.open("w") as target:
        done = subprocess.run(command, stdout=target, stderr=subprocess.STDOUT)
    if done.returncode:
        return None
    lines = log.read_text().splitlines()
    try:
        text = Path(benchmark.file).read_text() if benchmark.file else lines[-1]
        found = json.loads(text)
    except (OSError, ValueError, IndexError):
        return None
    return found if isinstance(found, dict) else {"": found}


def flat(found: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Nested figures → `outer, inner` and a number; what is no number is left out."""
    if isinstance(found, bool | str) or found is None:
        return
    if isinstance(found, int | float):
        yield name, float(found)
        return
    pairs = found.items() if isinstance(found, dict) else enumerate(found, start=1)
    for key, value in pairs:
        yield from flat(value, f"{name}, {key}" if name else str(key))


if __name__ == "__main__":
    main()
