"""A model with a vocoder and a folder → how its vocoder sounds and how fast it is, beside others.

    python scripts/bench/vocoder.py MODEL FOLDER [FOLDER ...] [--minutes 10] [--no-memory]

quality  on the sounds that the model held out, from their true mels and through the codec: ear,
         fine, onset and level errors, rise and pre-ring of the model's vocoder, of Griffin-Lim with
         32 and with 200 rounds, and of oracles, which know the true phase or the true magnitudes
speed    seconds of sound a second, for one file of some minutes and for half-second sounds
memory   how much more a file of sixty minutes takes than one of a minute (Linux)
size     of the vocoder in the model's file

The last line is JSON. `ear` needs the extra `measure`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ears import Ear, zimtohrli
from hearing import (
    choose_pieces,
    compare,
    of_attacks,
    read,
    sound_of,
    true_and_decoded,
    with_phase_of,
)
from torch import Tensor
from torchaudio.functional import griffinlim

import distill
from distill.bundle.loaded import LoadedModel
from distill.codec.hearing import loudness_range
from distill.errors import DistillError
from distill.system.terminal import bar
from distill.vocoder.griffin_lim import GriffinLim
from distill.vocoder.vocoder import Vocoder, vocode

SHOWN = ("mel_db", "onset_db", "fine_512_db", "fine_2048_db", "fine_8192_db", "ear", "ear_mos")
MANY_ROUNDS = 200
SHORT_S, SHORT_SOUNDS = 0.5, 40


def main() -> None:
    """Print each part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--peak", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    try:
        model = distill.load(options.model)
        if options.peak:
            print(peak_mb(model, options.peak))
            return
        pieces, _ = choose_pieces(model, options.folders, every=False)
    except DistillError as error:
        sys.exit(f"bench_vocoder: {error}")
    waveforms = [read(piece, model.sample_rate_hz) for piece in pieces]
    result: dict[str, Any] = {"vocoder": model.vocoder.name, "sounds": len(waveforms)}
    result["quality"] = quality(model, waveforms)
    result["speed"] = speed(model, waveforms, options.minutes)
    if not options.no_memory:
        result["memory_mb"] = {
            minutes: float(
                subprocess.run(
                    [sys.executable, __file__, options.model, "--peak", str(minutes)],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
            for minutes in (1, 60)
        }
        print(f"memory: {result['memory_mb']} MB at most, by minutes", flush=True)
    if model.vocoder_state is not None:
        weights = model.vocoder_state.state_dict.values()
        result["size_mb"] = sum(weight.nbytes for weight in weights) / 1e6
        print(f"size: {result['size_mb']:.1f} MB")
    print(json.dumps(result))


def quality(model: LoadedModel, waveforms: list[np.ndarray]) -> dict[str, dict[str, float]]:
    """Way to the sound → means of its figures over the sounds; of levels and attacks, medians."""
    ears: list[Ear] = [ear for ear in (zimtohrli(),) if ear]
    found: dict[str, list[dict[str, float]]] = {}
    with bar() as progress:
        for waveform in progress.track(waveforms, description="measuring"):
            for way, sound in ways(model, waveform):
                found.setdefault(way, []).append(compare(model, waveform, sound, ears))
    summary = {}
    for way, rows in found.items():
        row = {key: float(np.mean([row[key] for row in rows])) for key in SHOWN if key in rows[0]}
        row["level_db"] = loudness_range(row["level_db"] for row in rows).median_db
        row |= of_attacks(rows)
        summary[way] = row
        print(f"{way:45s} " + "  ".join(f"{k} {v:.4g}" for k, v in row.items()), flush=True)
    return summary


def ways(model: LoadedModel, waveform: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Each way from a sound (T,) to a sound (T,)."""
    samples, spectrogram = len(waveform), model.codec.spectrogram
    original = torch.from_numpy(waveform)[None]
    true, decoded = true_and_decoded(model, original)
    vocoders: dict[str, Vocoder] = {
        model.vocoder.name: model.vocoder,
        "Griffin-Lim": GriffinLim(spectrogram),
        f"Griffin-Lim, {MANY_ROUNDS} rounds": GriffinLim(spectrogram, rounds=MANY_ROUNDS),
    }
    inverse = GriffinLim(spectrogram).inverse
    for side, mel in (("true mel", true), ("codec", decoded)):
        for name, vocoder in vocoders.items():
            yield f"{side}: {name}", sound_of(model, vocoder, mel, samples)
        magnitude = inverse.magnitude(spectrogram.to_magnitude(mel)[:, 0])
        yield f"{side}: inverted, with the true phase", with_phase_of(model, magnitude, original)
    yield "true magnitudes: Griffin-Lim", of_true_magnitudes(model, original)


def of_true_magnitudes(model: LoadedModel, original: Tensor) -> np.ndarray:
    """A sound (1, T) → (T,), by Griffin-Lim from its own magnitudes."""
    config = model.codec.spectrogram.config
    short = max(0, config.n_fft - original.shape[1])
    padded = torch.nn.functional.pad(original, (0, short))
    window = torch.hann_window(config.n_fft)
    options: dict[str, Any] = {"n_fft": config.n_fft, "hop_length": config.hop_length}
    spectrum = torch.stft(padded, window=window, return_complex=True, **options)
    sound = griffinlim(
        spectrum.abs(),
        window=window,
        win_length=config.n_fft,
        power=1.0,
        n_iter=32,
        momentum=0.99,
        length=padded.shape[1],
        rand_init=True,
        **options,
    )
    return np.ascontiguousarray(sound[0, : original.shape[1]].numpy())


def speed(model: LoadedModel, waveforms: list[np.ndarray], minutes: float) -> dict[str, float]:
    """Seconds of sound a second, mel to waveform."""
    rate_hz = model.sample_rate_hz
    joined = np.concatenate(waveforms)
    long = torch.from_numpy(np.resize(joined, round(60 * minutes * rate_hz)))[None]
    mel = torch.cat(list(model.codec.mels(long.split(1 << 20, dim=1), rate_hz)), dim=-1)
    short = mel[..., : round(SHORT_S * rate_hz / model.codec.spectrogram.config.hop_length)]
    found = {}
    for name, vocoder in {
        "own": model.vocoder,
        "griffin_lim": GriffinLim(model.codec.spectrogram),
    }.items():
        vocode(vocoder, short, samples=1)
        found[f"{name}_long"] = 60 * minutes / _took(lambda v=vocoder: _drain(v, mel))
        half = _took(lambda v=vocoder: [_drain(v, short) for _ in range(SHORT_SOUNDS)])
        found[f"{name}_short"] = SHORT_S * SHORT_SOUNDS / half
    text = ", ".join(f"{name} {factor:.1f} x real time" for name, factor in found.items())
    print(f"speed on {torch.get_num_threads()} threads: {text}", flush=True)
    return found


def peak_mb(model: LoadedModel, minutes: float) -> float:
    """The most memory that this process has taken, after these minutes of sound in chunks."""
    chunk = torch.randn(1, 1, model.codec.spectrogram.config.n_mels, 2048) * 0.3
    hop_s = model.codec.spectrogram.config.hop_length / model.sample_rate_hz
    chunks = max(1, round(60 * minutes / (hop_s * chunk.shape[-1])))
    for _ in model.vocoder.stream((chunk for _ in range(chunks)), seed=0):
        pass
    # not ru_maxrss, which begins with what the process that started this one had taken
    status = Path("/proc/self/status").read_text()
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak) / 1024


def _drain(vocoder: Vocoder, mel: Tensor) -> None:
    for _ in vocoder.stream(mel.split(2048, dim=-1), seed=0):
        pass


def _took(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
