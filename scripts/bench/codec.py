"""A model and a folder of sounds → peak memory and speed of encode, decode and reconstruct.

    python scripts/bench/codec.py MODEL FOLDER [--minutes 1 10 60] [--json FILE]

Joins the folder's sounds, over and over, to one file of each length (mono, 44.1 kHz), runs the
three verbs on it, and compares what coding it in chunks gives with coding it whole (first length
only). Then how fast the model itself is with one and two threads, on half-second files and on a
file of ten minutes.
Prints tables and writes JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile
import soxr

RATE_HZ = 44_100
SHORT_S, SHORT_FILES, LONG_S = 0.5, 40, 600
REPEATS = 3
VERBS = {
    "encode": ["{model}", "{sound}", "-v", "-o", "codes"],
    "decode": ["codes", "--model", "{model}", "-v", "-o", "decoded"],
    "reconstruct": ["{model}", "{sound}", "-v", "-o", "reconstructed"],
}


def main() -> None:
    """Run the verbs on each length and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 60])
    parser.add_argument("--json", type=Path, default=Path("bench_codec.json"))
    options = parser.parse_args()
    model = options.model.absolute()
    results: dict[str, dict[str, float]] = {}
    print(f"{'':14s}{'minutes':>8s}{'peak memory':>14s}{'wall time':>12s}{'x real time':>13s}")
    with tempfile.TemporaryDirectory() as scratch:
        for minutes in options.minutes:
            work = Path(scratch) / f"{minutes:g}"
            work.mkdir()
            sound = _join(options.folder, work / "joined.wav", minutes)
            for verb, words in VERBS.items():
                wall_s, peak_mib, told = _run(verb, words, work, model=model, sound=sound)
                factors = [float(factor) for factor in re.findall(r"([\d.]+) x real time", told)]
                results[f"{verb} {minutes:g} min"] = {
                    "peak_mib": round(peak_mib),
                    "wall_s": round(wall_s, 1),
                    "x_real_time": factors,
                }
                shown = " / ".join(f"{factor:g}" for factor in factors)
                print(
                    f"{verb:14s}{minutes:8g}{peak_mib:10.0f} MiB{wall_s:10.1f} s{shown:>13s}",
                    flush=True,
                )
            if minutes == options.minutes[0]:
                difference, changed = _chunked_against_whole(model, sound)
                results["chunked against whole"] = {"mel": difference, "codes": changed}
        results |= _speeds(model, _join(options.folder, Path(scratch) / "long.wav", LONG_S / 60))
    print(f"chunked against whole: {changed} codes differ, largest mel difference {difference:.1e}")
    for verb in VERBS:
        peaks = [results[f"{verb} {minutes:g} min"]["peak_mib"] for minutes in options.minutes]
        growth = peaks[-1] / peaks[0] - 1
        results[f"{verb} memory growth"] = round(growth, 3)
        print(f"{verb}: memory grows by {growth:.1%} from the first length to the last")
    options.json.write_text(json.dumps(results, indent=1) + "\n")


def _join(folder: Path, target: Path, minutes: float) -> Path:
    """The folder's sounds one after the other, again and again until the file is long enough."""
    left = round(minutes * 60 * RATE_HZ)
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() == ".wav"]
    with soundfile.SoundFile(target, "w", RATE_HZ, 1, "PCM_16") as file:
        for path in cycle(paths):
            samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
            mono = soxr.resample(np.mean(samples, axis=1), rate_hz, RATE_HZ)[:left]
            file.write(mono)
            left -= len(mono)
            if left <= 0:
                break
    return target


def _run(
    verb: str, words: list[str], work: Path, *, model: Path, sound: Path
) -> tuple[float, float, str]:
    """Seconds, peak resident memory in MiB and what was printed."""
    arguments = [word.format(model=model, sound=sound) for word in words]
    started = time.monotonic()
    with (work / f"{verb}.log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distill.{verb}", *arguments], cwd=work, stdout=log
        )
        _, status, usage = os.wait4(process.pid, 0)
        log.seek(0)
        told = log.read()
    if status:
        sys.exit(f"failed: {verb}")
    return time.monotonic() - started, usage.ru_maxrss / 1024, told


def _speeds(model: Path, sound: Path) -> dict[str, dict[str, float]]:
    """Seconds of sound a second: coding, decoding to mels, and the vocoder on a part of them."""
    from distill.system.threads import limit_spinning

    limit_spinning()
    import torch

    import distill

    loaded = distill.load(model)
    vocoder = loaded.vocoder
    samples, _ = soundfile.read(sound, dtype="float32", always_2d=True)
    whole = torch.from_numpy(samples.T.copy())
    cases = {
        "long": [whole],
        "short": list(whole.split(round(SHORT_S * RATE_HZ), dim=1)[:SHORT_FILES]),
    }
    print(f"{'':8s}{'threads':>8s}{'encode':>12s}{'decode mel':>12s}{vocoder.name:>13s}")
    speeds: dict[str, dict[str, float]] = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for name, waveforms in cases.items():
            duration_s = sum(waveform.shape[1] for waveform in waveforms) / RATE_HZ
            best = {"encode": 0.0, "decode mel": 0.0, vocoder.name: 0.0}
            for _ in range(REPEATS):
                times = [time.perf_counter()]
                codes = [loaded.encode(waveform, RATE_HZ) for waveform in waveforms]
                times.append(time.perf_counter())
                mels = [list(loaded.codec.decoded_mels(one)) for one in codes]
                times.append(time.perf_counter())
                heard_s = 0.0
                for chunk in vocoder.stream(mels[0][:1], seed=0):
                    heard_s += chunk.shape[-1] / loaded.sample_rate_hz
                times.append(time.perf_counter())
                done = (duration_s, duration_s, heard_s)
                for part, seconds, start, end in zip(best, done, times, times[1:], strict=False):
                    best[part] = max(best[part], round(seconds / (end - start), 1))
            speeds[f"{name}, {threads} threads"] = best
            shown = "".join(f"{factor:10.1f} x" for factor in best.values())
            print(f"{name:8s}{threads:8d}{shown}", flush=True)
    return speeds


def _chunked_against_whole(model: Path, sound: Path) -> tuple[float, int]:
    """Largest difference of the normalised mel, and how many codes differ."""
    import torch

    import distill
    from distill.audio.sound_file import SoundFile
    from distill.codec.stream import codes_of, mels_from

    loaded = distill.load(model)
    with torch.no_grad():
        mels = list(loaded.codec.mels(SoundFile.open(sound).blocks(), RATE_HZ))
        whole = torch.cat(mels, dim=-1)
        chunked_codes = torch.cat(list(codes_of(mels, loaded.codec.network)), dim=2)
        whole_codes = loaded.codec.network.encode(whole)
        height, width = whole.shape[-2:]
        decoded = mels_from(chunked_codes.split(100, dim=2), loaded.codec.network, height=height)
        chunked = torch.cat(list(decoded), dim=-1)[..., :width]
        difference = chunked - loaded.codec.network.decode(whole_codes, height=height, width=width)
    return float(difference.abs().max()), int((chunked_codes != whole_codes).sum())


if __name__ == "__main__":
    main()
