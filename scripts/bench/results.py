"""A folder of sounds → the tables of docs/results.md, each row by three seeds.

    python scripts/bench/results.py FOLDER [--parts rows quantizers codecs] [--seeds 0 1 2]
                                    [--minutes 1] [--epochs 3] [--prior-epochs 3] [--json FILE]

rows        the codec after no step at all (starter weights and k-means alone), after a quarter of
            the time, after the whole, without starter weights, and the usual design of
            reference_design.py, from random weights and from weights that it learnt for as long on
            the synthesised sounds of scripts/starter/sounds.py
quantizers  each kind of quantizer after the same epochs, at the number of codes nearest to the
            usual one: mel error, the artificial ear, the levels' use, and the bits that a prior of
            a few epochs needs, also over those of a bigram
codecs      distill's codec, trained for the whole time, beside Opus on the same held-out sounds

The ear (extra `measure`) hears the whole path by the starter weights of distill's vocoder, not
trained further, so that it is the codec alone that differs. Prints Markdown, and writes JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ears import for_ears, zimtohrli
from hearing import read, sound_of, split_of, true_and_decoded
from published import OPUS_HZ, opus
from training import machine

from distill import plugins
from distill.bundle.loaded import LoadedModel
from distill.bundle.loading import load_bundle
from distill.system.threads import limit_spinning
from distill.vocoder.phase_gradient import PhaseGradient
from distill.vocoder.phase_network import PhaseNetwork, PhaseNetworkConfig
from distill.vocoder.starter import start_from_starter
from distill.vocoder.vocoder import Vocoder

limit_spinning()
HERE = Path(__file__).resolve().parent
QUIET = ("callbacks.previews=null", "~logger")
STEPLESS = ("trainer.max_minutes=1e-6", "optimizer.lr=1e-9", "data.batch_size=64")
"""Ends after the first step, whose rate is nothing: k-means alone."""
STARTER_SOUNDS = 200
OPUS = (6, 12, 24)
"""kbit/s."""
COMPARED = ("mel error, dB", "kbit/s", "ear, of 5")
Row = dict[str, float]


def main() -> None:
    """Run the parts and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parts: dict[str, Callable[[argparse.Namespace, Path], dict[str, list[Row]]]]
    parts = {"rows": rows_of_codec, "quantizers": rows_of_quantizers, "codecs": rows_of_codecs}
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--prior-epochs", type=int, default=3, help="0: no prior")
    kinds = plugins.names(plugins.QUANTIZER)
    parser.add_argument("--quantizers", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--json", type=Path, default=Path("bench_results.json"))
    options = parser.parse_args()
    options.folder, options.json = options.folder.absolute(), options.json.absolute()
    result: dict[str, Any] = {"machine": machine(), "folder": options.folder.name}
    print(result["machine"], flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for part in options.parts:
            result[part] = parts[part](options, Path(scratch))
            options.json.write_text(json.dumps(result, indent=1) + "\n")
            print("\n" + markdown(result[part]), flush=True)


def rows_of_codec(options: argparse.Namespace, scratch: Path) -> dict[str, list[Row]]:
    """The codec after more and more time, and the usual design."""
    minutes = options.minutes
    settings = {
        "no step": STEPLESS,
        f"{60 * minutes / 4:g} s": (f"trainer.max_minutes={minutes / 4}",),
        f"{60 * minutes:g} s": (f"trainer.max_minutes={minutes}",),
        f"{60 * minutes:g} s, model.starter=null": (
            f"trainer.max_minutes={minutes}",
            "model.starter=null",
        ),
    }
    found: dict[str, list[Row]] = {name: [] for name in settings}
    usual = f"usual design, {60 * minutes:g} s"
    found |= {usual: [], f"{usual}, after as long on synthesised sounds": []}
    sounds = scratch / "starter"
    script = HERE.parent / "starter" / "sounds.py"
    subprocess.run(
        [sys.executable, script, sounds, "--count", str(STARTER_SOUNDS)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for seed in options.seeds:
        for name, words in settings.items():
            run = train(options.folder, scratch, seed, ("stages=[codec]", *words))
            found[name].append(figures_of(run, options.folder))
            show(name, seed, found[name][-1])
        for name, first in ((usual, ()), (list(found)[-1], ("--first", str(sounds)))):
            command = [sys.executable, str(HERE / "reference_design.py"), str(options.folder)]
            command += [f"--seed={seed}", "--seconds", str(60 * minutes), *first]
            points = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            found[name].append({"mel error, dB": points[0]["mel_db"]})
            show(name, seed, found[name][-1])
    return found


def rows_of_quantizers(options: argparse.Namespace, scratch: Path) -> dict[str, list[Row]]:
    """Each kind of quantizer."""
    found: dict[str, list[Row]] = {name: [] for name in options.quantizers}
    words = ["stages=[codec]", f"trainer.max_epochs={options.epochs}"]
    if options.prior_epochs:
        words = ["stages=[codec,prior]", *words[1:], "prior.max_minutes=null"]
        words.append(f"prior.max_epochs={options.prior_epochs}")
    for seed in options.seeds:
        for name, rows in found.items():
            run = train(options.folder, scratch, seed, (f"quantizer={name}", *words))
            rows.append(figures_of(run, options.folder))
            show(name, seed, rows[-1])
    return found


def rows_of_codecs(options: argparse.Namespace, scratch: Path) -> dict[str, list[Row]]:
    """distill beside a codec that knows no collection."""
    found: dict[str, list[Row]] = {"distill": [], **{f"Opus, {kbit} kbit/s": [] for kbit in OPUS}}
    for seed in options.seeds:
        words = ("stages=[codec]", f"trainer.max_minutes={options.minutes}")
        run = train(options.folder, scratch, seed, words)
        model = load_bundle(run / "best.distillgan")
        row = figures_of(run, options.folder)
        found["distill"].append({key: row[key] for key in row if key in COMPARED})
        waveforms = [read(p, OPUS_HZ) for p in split_of(model, [options.folder])[0].val]
        for kbit in OPUS:
            rows = [opus_row(model, waveform, kbit) for waveform in waveforms]
            means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
            found[f"Opus, {kbit} kbit/s"].append(means)
            show(f"Opus, {kbit} kbit/s", seed, means)
    return found


@torch.inference_mode()
def opus_row(model: LoadedModel, waveform: np.ndarray, kbit: float) -> Row:
    """A sound (T,) at 48 kHz through Opus, measured as distill's sounds are."""
    sound, taken = opus(waveform, kbit)
    spectrogram = model.codec.spectrogram
    mels = [
        spectrogram.to_decibels(spectrogram(torch.from_numpy(each)[None, None]))
        for each in (waveform, sound)
    ]
    row = {"mel error, dB": float((mels[0] - mels[1]).abs().mean()), "kbit/s": taken}
    if (ear := zimtohrli()) is not None:
        row["ear, of 5"] = ear(*(for_ears(e, OPUS_HZ, samples=16384) for e in (waveform, sound)))[
            "ear_mos"
        ]
    return row


def train(folder: Path, scratch: Path, seed: int, words: Iterable[str]) -> Path:
    """A run with these settings → its folder."""
    run_dir = scratch / f"run_{len(list(scratch.iterdir()))}"
    overrides = [f"data.root='{folder}'", f"seed={seed}", "name=bench", *QUIET, *words]
    overrides += [f"hydra.run.dir='{run_dir}'", f"library.dir='{scratch / 'library'}'"]
    command = [sys.executable, "-m", "distill.train", *overrides]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"failed: {' '.join(command)}\n{done.stderr}")
    return run_dir


def figures_of(run_dir: Path, folder: Path) -> Row:
    """What a run's summary and its best model say."""
    stages = json.loads((run_dir / "summary.json").read_text())["stages"]
    codec = stages["codec"]
    health = codec["health"]
    own = [level for name, level in health.items() if name.startswith("level")]
    row = {
        "mel error, dB": codec["best"]["val/mel_db"],
        "onset error, dB": codec["best"]["val/onset_db"],
        "kbit/s": codec["bitrate_kbps"],
        "codes": float(codec["codebook_size"]),
        "least used level, %": 100 * min(level["utilization"] for level in own),
        "perplexity / K": statistics.mean(
            level["perplexity"] / codec["codebook_size"] for level in own
        ),
    }
    model = load_bundle(run_dir / "best.distillgan")
    row |= ear_of(model, folder, starter_vocoder(model))
    if "prior" in stages:
        prior = stages["prior"]
        row["prior, bits/s"] = prior["bits_per_s"]
        row["over a bigram's"] = prior["bits_per_s"] / prior["bigram_bits_per_s"]
    return row


def starter_vocoder(model: LoadedModel) -> Vocoder:
    """distill's vocoder by its starter weights alone."""
    mel = model.codec.spectrogram.config
    network = PhaseNetwork(PhaseNetworkConfig(mel.n_mels, mel.n_fft // 2 + 1, 256, 768, 4))
    start_from_starter(network)
    return PhaseGradient(model.codec.spectrogram, network.eval())


@torch.inference_mode()
def ear_of(model: LoadedModel, folder: Path, vocoder: Vocoder) -> Row:
    """The opinion score of the held-out sounds by this vocoder; empty without an ear."""
    ear = zimtohrli()
    if ear is None:
        return {}
    scores = []
    for piece in split_of(model, [folder])[0].val:
        waveform = read(piece, model.sample_rate_hz)
        _, decoded = true_and_decoded(model, torch.from_numpy(waveform)[None])
        sound = sound_of(model, vocoder, decoded, len(waveform))
        pair = (for_ears(each, model.sample_rate_hz, samples=16384) for each in (waveform, sound))
        scores.append(ear(*pair)["ear_mos"])
    return {"ear, of 5": float(np.mean(scores))}


def show(name: str, seed: int, row: Row) -> None:
    """A line as soon as a run is done."""
    print(
        f"  seed {seed}, {name}: " + ", ".join(f"{k} {v:.3g}" for k, v in row.items()), flush=True
    )


def markdown(found: dict[str, list[Row]]) -> str:
    """The middle value of the seeds, with the lowest and the highest."""
    columns = list(dict.fromkeys(key for rows in found.values() for row in rows for key in row))
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, rows in found.items():
        cells = []
        for column in columns:
            values = [row[column] for row in rows if column in row]
            cells.append(_cell(values) if values else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    places = 0 if max(values) >= 100 else 2
    middle, low, high = (
        f"{value:,.{places}f}" for value in (statistics.median(values), min(values), max(values))
    )
    return middle if low == high else f"{middle} ({low}–{high})"


if __name__ == "__main__":
    main()
