"""A folder of sounds → how well and how fast distill trains on it, beside the usual design.

    python scripts/bench/training.py FOLDER [--seconds 60 180 600] [--repeats 3] [--json FILE]
                                     [--parts error framework step]

error      held-out mel error after a given time of training, distill's default run and the
           design in reference_design.py on the same split, at the same time and on half of the
           cores each, so that what else the machine does meets both
framework  time of a bare loop on the same network, loss and batches over that of a default run with
           all its callbacks; the share of time that each callback and waiting for data take
step       where a step's time goes, and what its matrix products would take at the rate that this
           machine multiplies matrices with

Prints tables and writes JSON. Medians of the repeats; the spread is the largest difference.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distill.system.threads import limit_spinning

limit_spinning()

import lightning  # noqa: E402
import torch  # noqa: E402
from bare_loop import BareLoop, prepared  # noqa: E402
from lightning.pytorch.profilers import SimpleProfiler  # noqa: E402

from distill.settings.compose import load_config  # noqa: E402
from distill.system.terminal import console  # noqa: E402
from distill.training import session  # noqa: E402
from distill.training.run import train  # noqa: E402

EPOCHS = 10
"""Of the part framework; the last one makes previews, as every tenth does."""
SHOWN = 12
CODEC = "stages=[codec]"


def main() -> None:
    """Run the parts and print what they gave."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, nargs="+", default=[60, 180, 600])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("bench_training.json"))
    parts = {"error": _error, "framework": _framework, "step": _step}
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    options = parser.parse_args()
    options.folder = options.folder.absolute()
    result: dict[str, Any] = {"machine": machine(), "folder": options.folder.name}
    print(result["machine"])
    target = options.json.absolute()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for part in options.parts:
            print(f"\n{part}", flush=True)
            result[part] = parts[part](options)
            target.write_text(json.dumps(result, indent=1) + "\n")


def machine() -> str:
    """What it is measured on."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    features = torch.cpu.get_capabilities()
    name = features.get("cpu_name") or platform.processor() or platform.machine()
    amx = ", AMX" if features.get("amx_bf16") else ""
    return f"{name}, {os.cpu_count()} cores{amx}, torch {torch.__version__}"


def _error(options: argparse.Namespace) -> list[dict[str, Any]]:
    runs: list[dict[float, dict[str, float]]] = []
    cores = sorted(os.sched_getaffinity(0))
    ours, theirs = cores[: len(cores) // 2] or cores, cores[len(cores) // 2 :]
    for seed in range(options.repeats):
        marks = [f"{seconds:g}" for seconds in options.seconds]
        script = str(Path(__file__).with_name("reference_design.py"))
        command = [sys.executable, script, str(options.folder), f"--seed={seed}", "--seconds"]
        reference = _start([*command, *marks], theirs, stdout=subprocess.PIPE)
        stolen_s = _stolen_s()
        summaries = [_default_run(options.folder, s, seed, ours) for s in options.seconds]
        points = json.loads(reference.communicate()[0])
        stolen_s = _stolen_s() - stolen_s
        run: dict[float, dict[str, float]] = {}
        for seconds, summary, point in zip(options.seconds, summaries, points, strict=True):
            codec = summary["stages"]["codec"]
            health = codec["health"].items()
            sizes = {"level": codec["codebook_size"], "low": codec["low_codebook_size"]}
            run[seconds] = {
                "mel_db": codec["final"]["val/mel_db"],
                "reference_mel_db": point["mel_db"],
                "reference_audio_s_per_s": point["audio_s_per_s"],
                "utilization": min(level["utilization"] for _, level in health),
                "perplexity": min(
                    level["perplexity"] / sizes[name.split("_")[0]] for name, level in health
                ),
            }
            print(f"  seed {seed}, {seconds:g} s: {_round(run[seconds])}", flush=True)
        print(f"  seed {seed}: {stolen_s:.0f} core seconds went to other machines", flush=True)
        runs.append(run)
    print(f"{'':>8s}{'distill':>18s}{'reference':>18s}{'ratio':>8s}{'utilization':>13s}", end="")
    print(f"{'perplexity':>12s}")
    table = []
    for seconds in options.seconds:
        columns = {key: [run[seconds][key] for run in runs] for key in runs[0][seconds]}
        row: dict[str, Any] = {key: statistics.median(values) for key, values in columns.items()}
        row |= {"seconds": seconds, "ratio": row["mel_db"] / row["reference_mel_db"]}
        row |= {f"{key}_spread": max(values) - min(values) for key, values in columns.items()}
        table.append(_round(row))
        print(
            f"{seconds:6g} s{row['mel_db']:8.2f} ± {row['mel_db_spread'] / 2:4.2f} dB"
            f"{row['reference_mel_db']:8.2f} ± {row['reference_mel_db_spread'] / 2:4.2f} dB"
            f"{row['ratio']:8.2f}{row['utilization']:13.1%}{row['perplexity']:10.2f} K",
            flush=True,
        )
    return table


def _default_run(folder: Path, seconds: float, seed: int, cores: list[int]) -> dict[str, Any]:
    run_dir = Path(f"run_{time.monotonic_ns()}")
    overrides = [f"data.root='{folder}'", f"trainer.max_minutes={seconds / 60}", f"seed={seed}"]
    overrides.append(CODEC)
    command = [sys.executable, "-m", "distill.train", *overrides, f"hydra.run.dir={run_dir}"]
    if _start(command, cores, stdout=subprocess.DEVNULL).wait():
        sys.exit(f"failed: {' '.join(command)}")
    summary: dict[str, Any] = json.loads((run_dir / "summary.json").read_text())
    return summary


def _start(command: list[str], cores: list[int], *, stdout: int) -> subprocess.Popen[bytes]:
    """A process that keeps to these cores."""
    return subprocess.Popen(
        command, stdout=stdout, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )


def _stolen_s() -> float:
    """Core seconds so far in which a virtual machine's host served others."""
    return int(Path("/proc/stat").read_text().split()[8]) / os.sysconf("SC_CLK_TCK")


class _InTurn(lightning.Callback):
    """Before each epoch of a run, one of a bare loop: what else the machine does meets both."""

    def __init__(self, bare: BareLoop) -> None:
        self.bare = bare
        self.bare_s: list[float] = []
        self.full_s: list[float] = []

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: object) -> None:
        """Close the full run's epoch, saving and all, and run a bare one."""
        if self.bare_s:
            self.full_s.append(time.perf_counter() - self._full_since)
        start = time.perf_counter()
        self.bare.epoch()
        self._full_since = time.perf_counter()
        self.bare_s.append(self._full_since - start)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: object) -> None:
        """Close the last epoch."""
        self.full_s.append(time.perf_counter() - self._full_since)


def _framework(options: argparse.Namespace) -> dict[str, Any]:
    """A full run and a bare loop, an epoch each in turn; the first of each does not count."""
    shares: list[float] = []
    speeds: dict[str, list[float]] = {"bare": [], "full": []}
    time_of: dict[str, list[float]] = {}
    for repeat in range(options.repeats):
        config, data, spectrogram = prepared(options.folder)
        turn = _InTurn(BareLoop(config, data, spectrogram))
        profiler = SimpleProfiler()
        _train_here(options.folder, Path(f"full_{repeat}"), turn, profiler)
        later_s = {"bare": sum(turn.bare_s[1:]), "full": sum(turn.full_s[1:])}
        audio_s = turn.bare.segments * turn.bare.segment_s * (EPOCHS - 1)
        for name, seconds in later_s.items():
            speeds[name].append(audio_s / seconds)
        shares.append(later_s["bare"] / later_s["full"])
        for name, values in profiler.recorded_durations.items():
            if values and _InTurn.__name__ not in name and name != "run_training_epoch":
                late = values[round(len(values) / EPOCHS) :]  # without the first epoch's
                time_of.setdefault(name, []).append(sum(late) / later_s["full"])
    result: dict[str, Any] = {
        f"{name}_audio_s_per_s": statistics.median(values) for name, values in speeds.items()
    }
    result |= {"share": statistics.median(shares), "share_spread": max(shares) - min(shares)}
    result["time"] = {name: statistics.median(values) for name, values in time_of.items()}
    print(
        f"  bare {result['bare_audio_s_per_s']:.1f}, full {result['full_audio_s_per_s']:.1f} "
        f"seconds of audio a second; framework share {result['share']:.3f} "
        f"(from {min(shares):.3f} to {max(shares):.3f})"
    )
    for name, share in sorted(result["time"].items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"  {share:7.2%} {name[:90]}", flush=True)
    return _round(result)


def _train_here(folder: Path, run_dir: Path, turn: _InTurn, profiler: SimpleProfiler) -> None:
    """A default run of a few epochs in this process, its display left out."""
    run_dir.mkdir()
    overrides = [f"data.root='{folder}'", f"trainer.max_epochs={EPOCHS}", "name=bench", CODEC]
    trainer_class = session.lightning.Trainer

    def watched(
        callbacks: Sequence[lightning.Callback] = (), **settings: Any
    ) -> lightning.Trainer:  # without any, when devices are checked
        return trainer_class(callbacks=[turn, *callbacks], profiler=profiler, **settings)

    session.lightning.Trainer = watched
    console.quiet = True
    try:
        train(load_config(overrides), run_dir)
    finally:
        session.lightning.Trainer = trainer_class
        console.quiet = False


def _step(options: argparse.Namespace) -> dict[str, Any]:
    config, data, spectrogram = prepared(options.folder)
    bare = BareLoop(config, data, spectrogram)
    bare.epoch()
    bare.parts_s.clear()
    speed = bare.epoch()
    steps = bare.segments / config.data.batch_size
    parts = {name: 1000 * seconds / steps for name, seconds in bare.parts_s.items()}
    network, optimizer = bare.operations()
    rates = {dtype: _multiplications(dtype, bare.device) for dtype in {bare.dtype, torch.float32}}
    floor_ms = 1000 * (network / rates[bare.dtype] + optimizer / rates[torch.float32])
    total_ms = sum(parts.values())
    for name, milliseconds in parts.items():
        print(f"  {milliseconds:7.1f} ms {milliseconds / total_ms:6.1%} {name}")
    print(
        f"  {total_ms:7.1f} ms a step of {config.data.batch_size}, {speed:.1f} seconds of audio a "
        f"second\n  {floor_ms:7.1f} ms for its {network / 1e9:.1f} + {optimizer / 1e9:.1f} (Muon) "
        f"GFLOP at {rates[bare.dtype] / 1e9:.0f} GFLOP/s in {bare.dtype} and "
        f"{rates[torch.float32] / 1e9:.0f} in float32: {total_ms / floor_ms:.1f} times the floor"
    )
    return _round(
        {
            "parts_ms": parts,
            "audio_s_per_s": speed,
            "floor_ms": floor_ms,
            "times_floor": total_ms / floor_ms,
            "gflop": network / 1e9,
            "muon_gflop": optimizer / 1e9,
            "gflop_per_s": {str(dtype): rate / 1e9 for dtype, rate in rates.items()},
        }
    )


def _multiplications(dtype: torch.dtype, device: torch.device, size: int = 1024) -> float:
    """Operations a second of a matrix product, the best of a second's worth of them."""
    matrix = torch.randn(size, size, device=device).to(dtype)
    best_s, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < 1:
        before = time.perf_counter()
        matrix @ matrix
        if device.type == "cuda":
            torch.cuda.synchronize()
        best_s = min(best_s, time.perf_counter() - before)
    return 2 * size**3 / best_s


def _round(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _round(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_round(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
