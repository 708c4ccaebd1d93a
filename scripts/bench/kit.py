"""A model with a prior → how good its kits and its loops in time are.

    python scripts/bench/kit.py MODEL [--per-class 4] [--bpm 90 128 174] [--loops 8]

  begins   when the sounds of a kit reach 10 % of their peak, ms: median and latest
  spread   within a class, of the peaks, dB: largest
  nearest  of the sounds, the distance to the nearest known one over the usual one: least
  plays    pads that a player of SFZ gives with a correlation of at least 0.99 (needs pysfizz)
  onsets   of loops with a beat: median distance from the nearest sixteenth, ms, of each
  length   of loops, samples too many or too few
  seam     of loops: the step from the last sample to the first, over the median step inside
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

import distill
from distill.bundle.loaded import LoadedModel
from distill.errors import DistillError
from distill.generation.known import KnownSounds
from distill.generation.loops import Loops
from distill.generation.making import NewSound
from distill.generation.plans import BEATING
from distill.generation.ranges import BEATS_IN_BAR, SLOTS
from distill.generation.request import Request
from distill.generation.rhythm import onset_times
from distill.kit.__main__ import main as make_kit

BEGUN_SHARE, ALIKE, LATEST = 0.1, 0.99, 8


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--per-class", type=int, default=4)
    parser.add_argument("--bpm", type=float, nargs="+", default=[90.0, 128.0, 174.0])
    parser.add_argument("--loops", type=int, default=8, help="for each tempo, of two bars")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    try:
        model = distill.load(options.model)
        with tempfile.TemporaryDirectory() as folder:
            found = of_kit(options.model, Path(folder) / "kit", options.per_class)
        found["loops"] = {f"{bpm:g}": of_loops(model, bpm, options.loops) for bpm in options.bpm}
        found["loopable"] = loopable(model)
    except DistillError as error:
        sys.exit(f"bench_kit: {error}")
    print(json.dumps(found))


def of_kit(model: str, folder: Path, per_class: int) -> dict[str, Any]:
    """Make a kit, and look at its files."""
    make_kit([model, "-o", str(folder), "--per-class", str(per_class)])
    listed = json.loads((folder / "kit.json").read_text(encoding="utf-8"))
    usual_db = distill.load(model).require_prior().config.held_out_db
    begins, peaks, plays = [], {}, 0
    for facts in listed["sounds"]:
        waveform, rate_hz = soundfile.read(folder / facts["files"][0], dtype="float32")
        share = np.abs(waveform) / np.abs(waveform).max()
        begins.append(1000 * int(np.argmax(share >= BEGUN_SHARE)) / rate_hz)
        peaks.setdefault(facts["class"], []).append(20 * np.log10(np.abs(waveform).max()))
        plays += is_played(next(folder.glob("*.sfz")), facts["key"], waveform, rate_hz)
    found = {
        "files": sum(len(facts["files"]) for facts in listed["sounds"]),
        "missing": listed["missing"],
        "begins_ms": [median(begins), max(begins)],
        "spread_db": max(float(np.ptp(each)) for each in peaks.values()),
        "nearest": min(facts["distance_db"] for facts in listed["sounds"]) / usual_db,
        "plays": plays,
    }
    print(
        f"kit: {found['files']} files of {len(peaks)} classes, {sum(listed['missing'].values())} "
        f"missing; begins {median(begins):.1f} ms, the latest {max(begins):.1f} ms; spread "
        f"{found['spread_db']:.1f} dB; nearest {found['nearest']:.2f}; plays {plays}",
        flush=True,
    )
    return found


def is_played(preset: Path, key: int, waveform: NDArray[np.float32], rate_hz: int) -> bool:
    """Whether a player gives the sound of a pad; once more where it was too slow to load it."""
    try:
        from pysfizz import Synth
    except ImportError:
        return False
    for _ in range(5):
        synth = Synth(rate_hz, 64)
        synth.load_sfz_file(preset)
        heard = np.asarray(synth.render_note(key, 127, 0.02, len(waveform) / rate_hz + 0.1))
        left = heard[0] if len(heard) == 2 else heard[:, 0]
        ways = (left[late : late + len(waveform)] for late in range(LATEST))
        if max(np.corrcoef(waveform, way)[0, 1] for way in ways) >= ALIKE:
            return True
    return False


def of_loops(model: LoadedModel, bpm: float, count: int) -> dict[str, Any]:
    """Make loops of two bars, and look at their onsets, lengths and seams."""
    beats, rate_hz = 2 * BEATS_IN_BAR, model.sample_rate_hz
    try:
        sounds = list(model.new_sounds(count, loop=True, bpm=bpm, beats=beats))
    except DistillError as error:
        print(f"loops at {bpm:g}: {error}")
        return {}
    off = [each for each in (off_grid_ms(sound, rate_hz) for sound in sounds) if each is not None]
    exact = beats * 60 / bpm * rate_hz
    lengths = [len(sound.waveform) - round(exact) for sound in sounds]
    seams = [seam(sound.waveform.numpy()) for sound in sounds]
    print(
        f"loops at {bpm:g}: {len(sounds)}, {len(off)} with a beat; length off by at most "
        f"{max(map(abs, lengths))} samples; onsets {median(off) if off else 0:.1f} ms off the "
        f"grid, the worst loop {max(off, default=0):.1f} ms; seam {median(seams):.2f}, the worst "
        f"{max(seams):.2f} of the median step",
        flush=True,
    )
    return {"onsets_ms": off, "length": lengths, "seam": seams}


def off_grid_ms(sound: NewSound, rate_hz: int) -> float | None:
    """The median distance of a loop's onsets from the grid, heard twice; None without a beat."""
    assert sound.bpm is not None
    once = len(sound.waveform)
    times = onset_times(torch.cat([sound.waveform] * 2).numpy(), rate_hz)
    middle = times[(times >= once / rate_hz / 2) & (times < 1.5 * once / rate_hz)]
    slot_s = 60 / sound.bpm / SLOTS
    if not len(middle) or sound.note != BEATING:
        return None
    return float(1000 * np.median(np.abs(middle - np.round(middle / slot_s) * slot_s)))


def seam(waveform: NDArray[np.float32]) -> float:
    """The step from the end of a loop to its beginning, over the median step inside."""
    steps = np.abs(np.diff(waveform))
    return float(abs(waveform[0] - waveform[-1]) / max(1e-9, np.median(steps[steps > 0])))


def loopable(model: LoadedModel) -> dict[str, list[int]]:
    """Of each class, how many sounds are known, and how many can be repeated."""
    prior = model.require_prior()
    material = Loops(model.codec, KnownSounds(model.codec, prior), Request(loop=True)).material
    found = {}
    for label, name in enumerate(prior.config.classes):
        numbers = prior.sounds_of(label)
        found[name] = [len(numbers), sum(number in material for number in numbers)]
    able = sum(bool(can) for _, can in found.values())
    print(f"{able} of {len(found)} classes have sounds that can be repeated: {found}", flush=True)
    return found


if __name__ == "__main__":
    main()
