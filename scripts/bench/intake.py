"""A folder of sounds → how fast a run starts, and whether its memory grows with the collection.

    python scripts/bench/intake.py FOLDER [--times 10]
    python scripts/bench/intake.py --files 1000 10000 50000

With a FOLDER, trains a few steps three times: with an empty cache, again with the cache filled, and
on FOLDER repeated under other names with changed content (each copy's first sample differs). With
--files, on as many short made files, with an empty cache and again; they are removed after.
Prints a table and a last line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

LIBRARIES = "import torch, torchaudio, lightning, hydra, vector_quantize_pytorch, tensorboard"


def main() -> None:
    """Run the three cases and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--files", type=int, nargs="+", default=[])
    arguments = parser.parse_args()
    if not (arguments.folder or arguments.files):
        parser.error("a FOLDER, or --files")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        imports_s = min(_time([sys.executable, "-c", LIBRARIES], work)[0] for _ in range(3))
        print(f"importing the libraries: {imports_s:.1f} s")
        print(f"{'':28s}{'files':>8s}{'first step after imports':>28s}{'peak memory':>16s}")
        results = {"imports_s": round(imports_s, 2)}
        for name, source in _cases(arguments, work):
            results[name] = case = _start(source, work, imports_s)
            print(
                f"{name:28s}{case['files']:8d}{case['first_step_after_imports_s']:26.1f} s"
                f"{case['peak_mib']:12.0f} MiB",
                flush=True,
            )
    print(json.dumps(results))


def _cases(arguments: argparse.Namespace, work: Path) -> Iterator[tuple[str, Path]]:
    if arguments.folder:
        folder = arguments.folder.absolute()
        yield "first start", folder
        yield "second start", folder
        times = arguments.times
        yield f"{times} times the files", _repeat(folder, work / "repeated", times)
    for files in arguments.files:
        folder = _synthesise(work / f"{files}_files", files)
        yield f"{files:,} files, first start", folder
        yield f"{files:,} files, second start", folder
        shutil.rmtree(folder)


def _start(folder: Path, work: Path, imports_s: float) -> dict[str, float]:
    """Train one epoch of a few steps; the first step's moment is in the log."""
    run_dir = work / f"run_{time.monotonic_ns()}"
    overrides = [
        f"data.root='{folder}'",
        "stages=[codec]",
        "trainer.accelerator=cpu",
        "trainer.max_minutes=0.05",
        "rvq.codebook_size=64",
        "callbacks.previews=null",
        f"hydra.run.dir='{run_dir}'",
    ]
    started = time.time()
    _, peak_mib = _time([sys.executable, "-m", "distill.train", *overrides], work)
    line = next(
        line
        for line in (run_dir / "train.log").read_text().splitlines()
        if "first step done" in line
    )
    moment = time.mktime(time.strptime(line[:19], "%Y-%m-%d %H:%M:%S")) + int(line[20:23]) / 1000
    report = json.loads((run_dir / "collection.json").read_text())
    return {
        "files": report["files_used"],
        "first_step_after_imports_s": round(moment - started - imports_s, 2),
        "peak_mib": round(peak_mib, 1),
    }


def _time(command: list[str], work: Path) -> tuple[float, float]:
    """Seconds and peak resident memory in MiB of a command that must succeed."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def _repeat(folder: Path, target: Path, times: int) -> Path:
    """The folder's sounds several times over, each copy with another first sample."""
    for path in sorted(folder.rglob("*")):
        try:
            samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, IsADirectoryError):
            continue
        for copy in range(times):
            samples[0] = copy / 1000
            copied = target / str(copy) / path.relative_to(folder).with_suffix(".wav")
            copied.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(copied, samples, rate_hz, subtype="FLOAT")
    return target


def _synthesise(folder: Path, files: int) -> Path:
    """Decaying bursts of noise, from a fifth to half a second long, a thousand to a subfolder."""
    random = np.random.default_rng(0)
    for number in range(files):
        subfolder = folder / f"{number // 1000:03d}"
        subfolder.mkdir(parents=True, exist_ok=True)
        time_s = np.arange(random.integers(8_820, 22_050)) / 44_100
        burst = random.standard_normal(len(time_s)) * np.exp(-time_s * random.uniform(3, 30))
        soundfile.write(subfolder / f"{number:06d}.wav", 0.2 * burst, 44_100, subtype="PCM_16")
    return folder


if __name__ == "__main__":
    main()
