"""seeds → synthesised sounds, made by workers while a network trains on them, and crops of them."""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.pool import IMapIterator

import numpy as np
import torch
from parts import Samples
from sounds import sound
from torch import Tensor

RATE_HZ, SOUND_S, SEGMENT_S = 48_000, 4.0, 1.0
HELD_OUT = range(10**6, 10**6 + 256)
"""Seeds of the sounds that the error is measured on."""
HEADROOM_DB = (-12.0, 6.0)
"""Crops are made louder or softer by this."""


@contextmanager
def open_ring(arguments: argparse.Namespace, device: torch.device) -> Iterator[tuple[Ring, Tensor]]:
    """A ring with its first sounds, and the held-out ones (N, T); while it is open, workers make
    more.
    """
    with multiprocessing.get_context("spawn").Pool(arguments.workers, _start_worker) as pool:
        held_out = torch.from_numpy(np.stack(pool.map(_waveform, HELD_OUT))).to(device)
        made = pool.imap_unordered(_waveform, range(arguments.seed, HELD_OUT.start))
        ring = Ring(made, arguments.sounds, device)
        ring.fill(arguments.first_sounds)
        yield ring, held_out
        pool.terminate()


class Ring:
    """The newest sounds, in the device's memory; new ones take the place of the oldest."""

    def __init__(self, made: IMapIterator[Samples], sounds: int, device: torch.device) -> None:
        self.made = made
        self.waveforms = torch.zeros(sounds, round(SOUND_S * RATE_HZ), device=device)
        self.count = 0

    def fill(self, sounds: int) -> None:
        """Take sounds until this number is there; waits for them."""
        while self.count < sounds:
            self.add(next(self.made))

    def take_ready(self) -> None:
        """Take the sounds that are ready; waits for none."""
        while True:
            try:
                self.add(self.made.next(timeout=0))
            except multiprocessing.TimeoutError:
                return

    def add(self, waveform: Samples) -> None:
        """Put in one sound (T,)."""
        self.waveforms[self.count % len(self.waveforms)] = torch.from_numpy(waveform)
        self.count += 1

    def draw(self, crops: int) -> Tensor:
        """Random crops (B, 1, T), at random levels."""
        return crop(self.waveforms[: self.count], crops)


def crop(waveforms: Tensor, crops: int) -> Tensor:
    """Waveforms (N, T) → random crops (B, 1, SEGMENT_S)."""
    samples, device = round(SEGMENT_S * RATE_HZ), waveforms.device
    which = torch.randint(len(waveforms), (crops, 1), device=device)
    begin = torch.randint(waveforms.shape[1] - samples + 1, (crops, 1), device=device)
    gain_db = torch.empty(crops, 1, device=device).uniform_(*HEADROOM_DB)
    chosen = waveforms[which, begin + torch.arange(samples, device=device)]
    return (chosen * 10 ** (gain_db / 20)).clamp(-1, 1)[:, None]


def _waveform(seed: int) -> Samples:
    return sound(seed, duration_s=SOUND_S)[0]


def _start_worker() -> None:
    torch.set_num_threads(1)
    os.nice(5)


def add_ring_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `open_ring`."""
    parser.add_argument("--sounds", type=int, default=20_000, help="kept at most")
    parser.add_argument("--first-sounds", type=int, default=2_000, help="before training begins")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--seed", type=int, default=0)
