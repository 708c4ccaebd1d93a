"""number of a collection → the codes of its made-up sounds by codecs that know them: what the
prior's starter weights are trained on.

    python scripts/starter/collections_of_codes.py OUT --count 60 [--first 0]

A collection has families of sounds that are alike (families.py). Its codecs have the starter
weights, and codebooks of their own, as after the first steps of a run; each sound is coded in some
versions, moved a little in time, level and pitch. Writes a file for each collection, which
scripts/starter/train_prior.py reads; those that are there are left alone.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from families import families
from torch import Tensor

from distill.codec.stream import between_silence
from distill.data.segments import shift_mel_bins
from distill.generation.finishing import level_db
from distill.model.config import VQVAEConfig
from distill.model.mel import LogMel, SpectrogramConfig
from distill.model.starter import start_from_starter
from distill.model.vqvae import ConvVQVAE
from distill.system.atomic import whole_file

SOUNDS = (60, 240)
"""Of a collection, at least and at most."""
CODECS, VERSIONS = 2, 2
"""Codecs of a collection, and versions of each sound that each of them codes."""
SIZES = (64, 128, 256, 256, 256, 512)
"""Codes in a codebook, as often as a size stands here."""
MEL = SpectrogramConfig(
    sample_rate_hz=48_000,
    n_fft=2048,
    hop_length=512,
    n_mels=128,
    floor=1e-3,
    mean_db=-33.4,
    std_db=28.4,
)
FRAMES, BATCH, BATCHES = 96, 48, 10
"""Of the crops that a codec's codebooks learn from."""
GAIN_DB, SHIFT_BINS, LATER_SHARE = 3.0, 1, 0.5


@dataclass(frozen=True)
class Collection:
    """Sounds as codes, by several codecs."""

    books: list[list[Tensor]]
    """Of each codec: the codebook of each level (K, D)."""
    codes: list[list[list[Tensor]]]
    """Of each codec, of each sound, its versions: (H, W, L) int16."""
    levels_db: list[float]
    """Of each sound."""


def make(number: int) -> Collection:
    """Make a collection."""
    rng = np.random.default_rng((number, 1))
    torch.manual_seed(number)
    spectrogram = LogMel(MEL)
    waveforms = sounds_of(number, int(rng.integers(*SOUNDS)))
    books, codes = [], []
    for _ in range(CODECS):
        network = ConvVQVAE(config_of(int(rng.choice(SIZES))))
        start_from_starter(network, MEL)
        fill_codebooks(network, spectrogram, waveforms, rng)
        books.append([book.clone() for book in network.codebooks])
        codes.append([versions_of(each, network, spectrogram, rng) for each in waveforms])
    levels = [level_db(torch.from_numpy(each)) for each in waveforms]
    return Collection(books, codes, levels)


def sounds_of(number: int, count: int) -> list[np.ndarray]:
    """That many sounds (T,), whole families of them, and a part of the last one."""
    found: list[np.ndarray] = []
    for family in families(number):
        for sibling in range(family.siblings):
            waveform = family.sound(sibling)
            if np.isfinite(waveform).all() and np.abs(waveform).max() > 1e-3:
                found.append(waveform)
        if len(found) >= count:
            return found[:count]
    return found


def config_of(codes: int) -> VQVAEConfig:
    """The default network, with this number of codes in a codebook."""
    return VQVAEConfig(
        codebook_dim=128,
        codebook_size=codes,
        num_quantizers=3,
        decay=0.8,
        commitment_weight=0.25,
        threshold_ema_dead_code=0.2,
        kmeans_iters=10,
        dropout=0.0,
        channels=128,
        stride=8,
        residual_units=4,
        low_levels=4,
        low_codebook_size=min(codes, 256),
    )


@torch.no_grad()
def fill_codebooks(
    network: ConvVQVAE, spectrogram: LogMel, waveforms: list[np.ndarray], rng: np.random.Generator
) -> None:
    """Let the codebooks learn the sounds; the other weights stay. The network is in eval mode."""
    network.train()
    for _ in range(BATCHES):
        mels, sounding = [], []
        for index in rng.integers(len(waveforms), size=BATCH):
            mel = mel_of(waveforms[index], network, spectrogram)
            begin = int(rng.integers(max(1, mel.shape[-1] - FRAMES)))
            crop = mel[..., begin : begin + FRAMES]
            missing = FRAMES - crop.shape[-1]
            mels.append(torch.nn.functional.pad(crop, (0, missing, 0, 0), mode="replicate"))
            sounding.append(torch.arange(FRAMES) < crop.shape[-1])
        network(torch.cat(mels), torch.stack(sounding))
    network.eval()


@torch.no_grad()
def versions_of(
    waveform: np.ndarray, network: ConvVQVAE, spectrogram: LogMel, rng: np.random.Generator
) -> list[Tensor]:
    """Codes (H, W, L) of a sound, changed a little each time, as a prior's training has them."""
    found = []
    for _ in range(VERSIONS):
        later = int(rng.integers(MEL.hop_length * network.stride)) * (rng.random() < LATER_SHARE)
        gain = 10 ** (GAIN_DB * rng.uniform(-1, 1) / 20)
        moved = np.concatenate([np.zeros(later, np.float32), gain * waveform])
        mel = mel_of(moved, network, spectrogram)
        bins = int(rng.integers(-SHIFT_BINS, SHIFT_BINS + 1))
        if bins:
            mel = shift_mel_bins(mel, torch.tensor([bins]))
        found.append(network.encode(mel)[0].to(torch.int16))
    return found


def mel_of(waveform: np.ndarray, network: ConvVQVAE, spectrogram: LogMel) -> Tensor:
    """A sound (T,) → its mel with the silence that is coded around it, (1, 1, M, F)."""
    sound = torch.from_numpy(waveform.astype(np.float32))[None]
    return spectrogram(between_silence(sound, spectrogram, network)[None])


def read(path: Path) -> Collection:
    """A collection that was written."""
    fields: dict[str, Any] = torch.load(path, weights_only=True)
    return Collection(**fields)


def main() -> None:
    """Make those that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # several of these run side by side
    for number in range(arguments.first, arguments.first + arguments.count):
        path = arguments.out / f"{number:04d}.pt"
        if path.exists():
            continue
        begun_s = time.monotonic()
        made = make(number)
        with whole_file(path) as partial:
            torch.save(vars(made), partial)
        print(
            f"{path.name}: {len(made.levels_db)} sounds, {time.monotonic() - begun_s:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
