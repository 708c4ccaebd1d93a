"""A model with a prior and its folder → how good its new sounds are, and how fast they come.

    python scripts/bench/generate.py MODEL FOLDER [FOLDER ...] [-n 100] [--seed 0] [--no-speed]

bits      what held-out codes cost, beside the bigram and the frequencies alone
sounds    novelty (distance of each new sound's mel to the nearest training sound's, over the median
          of the same for held-out sounds), copies (under 0.3), coverage (share of held-out sounds
          that have a new one, of as many, nearer than their nearest held-out neighbour, on mel
          statistics), silent, clipped and clicking ones, and how many a classifier that was trained
          on the statistics of real mels gives the class that was asked for
ways      --like by amount, --morph, --loop, --continue
speed     100 sounds of a second, and one, each in a process of its own

The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from generate_ways import END_DBFS, end_dbfs, measure_ways, mel_of
from hearing import read, split_of
from torch import Tensor

import distill
from distill.bundle.loaded import LoadedModel
from distill.data.split import Piece
from distill.errors import DistillError
from distill.generation.making import NewSound
from distill.generation.novelty import COPY_SHARE, MelNeighbours
from distill.system.terminal import bar

FOLDS = 5
LARGEST_JUMP = 0.5


def main() -> None:
    """Print each part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-n", "--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-speed", action="store_true")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    try:
        model = distill.load(options.model)
        split, _ = split_of(model, options.folders)
        result: dict[str, Any] = {"bits": bits(model)}
        real = Real(model, split.train, split.val)
        result["sounds"] = measure_sounds(model, real, options.count, options.seed)
        result["ways"] = measure_ways(model, real.waveforms[real.train :])
    except DistillError as error:
        sys.exit(f"bench_generate: {error}")
    if not options.no_speed:
        result["speed"] = speed(options.model)
    print(json.dumps(result))


def bits(model: LoadedModel) -> dict[str, float]:
    """Bits a second, and their share of the bigram's."""
    prior = model.prior
    if prior is None:
        raise DistillError("the model has no prior")
    found = {
        "bits_per_s": prior.bits_per_s,
        "bigram": prior.config.bigram_bits_per_s,
        "unigram": prior.config.unigram_bits_per_s,
        "of_bigram": prior.bits_per_s / prior.config.bigram_bits_per_s,
    }
    print(f"bits a second: {_show(found)}", flush=True)
    return found


class Real:
    """The sounds of the folder: their mels in dB, and the statistics of these."""

    def __init__(
        self, model: LoadedModel, train: Sequence[Piece], held_out: Sequence[Piece]
    ) -> None:
        self.waveforms = [
            torch.from_numpy(read(piece, model.sample_rate_hz)) for piece in (*train, *held_out)
        ]
        self.labels = [Path(piece.sound.path).parent.name for piece in (*train, *held_out)]
        self.mels = [mel_of(model, waveform) for waveform in self.waveforms]
        self.train = len(train)
        values = torch.stack([statistics_of(mel) for mel in self.mels])
        self._mean, self._spread = values.mean(dim=0), values.std(dim=0) + 1e-3
        self.statistics = (values - self._mean) / self._spread
        floor_db = model.codec.spectrogram.config.floor_db
        self.known = MelNeighbours(self.mels[: self.train], floor_db=floor_db)
        held_out_mels = self.mels[self.train :]
        self.usual_db = statistics.median(
            self.known.nearest(mel).distance_db for mel in held_out_mels
        )

    def standard(self, mels: Sequence[Tensor]) -> Tensor:
        """The statistics of other mels, on the same scale."""
        values = torch.stack([statistics_of(mel) for mel in mels])
        return (values - self._mean) / self._spread


def statistics_of(mel: Tensor) -> Tensor:
    """Mel in dB (M, F) → for each bin the mean, the spread and the mean change from frame to frame,
    over the frames with any sound, and how long it is.
    """
    heard = mel[:, (mel > mel.min() + 3).any(dim=0)]
    heard = heard if heard.shape[1] > 1 else mel[:, :2]
    change = (heard[:, 1:] - heard[:, :-1]).abs().mean(dim=1)
    length = torch.tensor([math.log(heard.shape[1])])
    return torch.cat([heard.mean(dim=1), heard.std(dim=1), change, length])


def measure_sounds(model: LoadedModel, real: Real, count: int, seed: int) -> dict[str, float]:
    """This number of sounds at temperature 1."""
    with bar() as shown:
        task = shown.add_task("new sounds", total=count)
        sounds = []
        for sound in model.new_sounds(count, seed=seed):
            sounds.append(sound)
            shown.advance(task)
    mels = [mel_of(model, sound.waveform) for sound in sounds]
    novelties = [real.known.nearest(mel).distance_db / real.usual_db for mel in mels]
    found = {
        "sounds": len(sounds),
        "held_out_db": real.usual_db,
        "novelty": statistics.median(novelties),
        "least_novelty": min(novelties),
        "copies": sum(novelty < COPY_SHARE for novelty in novelties) / len(sounds),
        "coverage": coverage(real.statistics[real.train :], real.standard(mels)),
        "coverage_by_all": share_covered(real.statistics[real.train :], real.standard(mels)),
        "coverage_of_real": coverage(
            real.statistics[real.train :], real.statistics[: real.train][_mix(real.train)]
        ),
        "drawn_anew": sum(sound.attempts > 1 for sound in sounds),
        **{name: sum(map(check, sounds)) for name, check in CHECKS.items()},
        **classes(real, sounds, mels),
    }
    print(f"{len(sounds)} new sounds: {_show(found)}", flush=True)
    return found


def coverage(held_out: Tensor, new: Tensor) -> float:
    """The mean over groups of as many new sounds as there are held-out ones. Real sounds, which are
    not nearer to the held-out ones than these to each other, reach about a half.
    """
    groups = [group for group in new.split(len(held_out)) if len(group) == len(held_out)]
    shares = [share_covered(held_out, group) for group in groups]
    return statistics.mean(shares) if shares else math.nan


def share_covered(held_out: Tensor, new: Tensor) -> float:
    """The share of held-out sounds that a new one is nearer to than any other held-out one."""
    if len(held_out) < 2:
        return math.nan
    apart = torch.cdist(held_out, held_out).fill_diagonal_(math.inf).amin(dim=1)
    return float((torch.cdist(held_out, new).amin(dim=1) < apart).float().mean())


def _mix(count: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).permutation(count))


CHECKS = {
    "silent": lambda sound: float(sound.waveform.abs().max()) < 0.001,
    "clipped": lambda sound: float(sound.waveform.abs().max()) >= 0.999,
    "loud_ends": lambda sound: end_dbfs(sound) > END_DBFS,
    "jumps": lambda sound: bool(
        max(abs(float(sound.waveform[0])), abs(float(sound.waveform[-1]))) > LARGEST_JUMP
    ),
}


def classes(real: Real, sounds: Sequence[NewSound], mels: Sequence[Tensor]) -> dict[str, float]:
    """How many sounds a logistic regression gives their class, real ones that it has not seen
    (several parts of the folder in turn) and new ones.
    """
    names = sorted(set(real.labels))
    if len(names) < 2 or not any(sound.class_name for sound in sounds):
        return {}
    labels = torch.tensor([names.index(label) for label in real.labels])
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(labels)))
    right = 0
    for part in order.chunk(FOLDS):
        others = torch.ones(len(labels), dtype=torch.bool)
        others[part] = False
        classify = _regression(real.statistics[others], labels[others], len(names))
        right += int((classify(real.statistics[part]) == labels[part]).sum())
    classify = _regression(real.statistics[: real.train], labels[: real.train], len(names))
    asked = torch.tensor([names.index(sound.class_name) for sound in sounds])
    given = classify(real.standard(mels))
    on_real, on_new = right / len(labels), float((given == asked).float().mean())
    return {"real_recognised": on_real, "recognised": on_new, "of_real": on_new / on_real}


def _regression(values: Tensor, labels: Tensor, count: int) -> Any:
    """Multinomial logistic regression with a little weight decay → a classifier."""
    with torch.enable_grad():
        weight = torch.zeros(values.shape[1], count, requires_grad=True)
        bias = torch.zeros(count, requires_grad=True)
        optimizer = torch.optim.LBFGS([weight, bias], max_iter=200)

        def loss() -> Tensor:
            optimizer.zero_grad()
            value = torch.nn.functional.cross_entropy(values @ weight + bias, labels)
            value = value + 0.01 * weight.square().sum() / 2
            value.backward()
            return value

        optimizer.step(loss)
    return lambda others: (others @ weight + bias).argmax(dim=1)


def speed(model: str) -> dict[str, float]:
    """Seconds of the command for 100 sounds and for one, and of its imports alone."""
    found = {}
    for name, count in (("hundred_s", 100), ("one_s", 1)):
        with tempfile.TemporaryDirectory() as folder:
            words = ["-n", str(count), "--length", "1", "-o", folder]
            found[name] = _took([sys.executable, "-m", "distill.generate", model, *words])
    code = "import torch, torchaudio, soundfile, PIL.Image, vector_quantize_pytorch, matplotlib"
    found["imports_s"] = _took([sys.executable, "-c", code])
    print(f"speed: {_show(found)}", flush=True)
    return found


def _took(words: Sequence[str]) -> float:
    start_s = time.monotonic()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start_s


def _show(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items())


if __name__ == "__main__":
    main()
