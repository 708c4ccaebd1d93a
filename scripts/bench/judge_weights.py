"""synthesised sounds → `judge.pt`: what the judge of new sounds begins with.

    python scripts/bench/judge_weights.py OUT [--sounds 4000] [--steps 3000]

It learns to tell false sounds, made of two of them, from single ones, altered alike.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from judge_controls import LONGEST_S, RATE_HZ, prepare
from judge_mels import BINS
from judge_mixes import Mixes, bank
from judge_network import Judge, learn
from torch import Tensor

from distill.model.mel import LogMel, SpectrogramConfig
from distill.system.terminal import bar

SHORTEST_S, LONGER = 0.2, 1.5
RATE = 3e-3


def main() -> None:
    """Write the weights, in half precision."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--sounds", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    with bar() as progress:
        numbers = progress.track(range(options.sounds), description="synthesising")
        mels = [mel for mel in map(mel_of, numbers) if mel is not None]
    judge = Judge()
    learn(judge, Mixes(bank(mels), seed=0), steps=options.steps, rate=RATE, seed=0)
    torch.save({name: value.half() for name, value in judge.state_dict().items()}, options.out)


def mel_of(seed: int) -> Tensor | None:
    """A synthesised sound's mel in dB (M, F); None if it is all but silent. Layers are left out."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "starter"))
    from sounds import KINDS, sound

    random = np.random.default_rng((seed, 1))
    kinds = [kind for kind in KINDS if kind != "mix"]
    length = np.exp(random.uniform(np.log(SHORTEST_S), np.log(LONGER * LONGEST_S)))
    waveform, _ = sound(seed, str(random.choice(kinds)), float(length))
    if np.abs(waveform).max() < 1e-3:
        return None
    silence = SPECTROGRAM.config.n_fft
    padded = np.pad(prepare(waveform), (0, silence))
    magnitude = SPECTROGRAM.magnitude(torch.from_numpy(padded)[None, None])
    return SPECTROGRAM.decibels(magnitude)[0, 0]


SPECTROGRAM = LogMel(SpectrogramConfig(RATE_HZ, 2048, 512, BINS, 1e-3, 0.0, 1.0))


if __name__ == "__main__":
    main()
