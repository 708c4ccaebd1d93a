"""Segments of made-up sounds, and what is heard in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from distill.data.collection import Sound
from distill.data.segments import Segments
from distill.data.split import Piece
from distill.settings.schema import AugmentConfig, DataConfig

LENGTH = 100
RATE_HZ = 1_000
OFF = AugmentConfig(enabled=False, gain_db=6.0, flip_polarity=True, shift_bins=2, extra=[])
ON = AugmentConfig(enabled=True, gain_db=6.0, flip_polarity=True, shift_bins=2, extra=[])
Make = Callable[..., Sound]
"""The fixture `cached_sound`."""


def ramp(samples: int) -> np.ndarray:
    """Sample t is t + 1: each segment shows where it comes from, and no sample is silence."""
    return np.arange(1, samples + 1, dtype=np.float32)


def segments_of(
    *pieces: Piece, held_out: bool = False, augment: AugmentConfig = OFF, seed: int = 0
) -> Segments:
    return Segments(
        pieces,
        held_out=held_out,
        segment_samples=LENGTH,
        sample_rate_hz=RATE_HZ,
        seed=seed,
        augment=augment,
    )


def whole(sound: Sound) -> Piece:
    return Piece(sound, 0, sound.samples)


def sound_of(item: Any) -> np.ndarray:
    """The samples of an item, (T,)."""
    assert item["waveform"].shape == (1, LENGTH)
    assert item["waveform"].dtype == torch.float32
    return item["waveform"].numpy()[0]


def same(first: Any, second: Any) -> bool:
    return (
        torch.equal(first["waveform"], second["waveform"])
        and first["sound_begin"] == second["sound_begin"]
        and first["sound_end"] == second["sound_end"]
        and first["shift_bins"] == second["shift_bins"]
    )


def data_config(*, workers: int = 0, epoch_segments: int | None = 12) -> DataConfig:
    """Segments of LENGTH samples, four in a batch."""
    return DataConfig(
        source="folder",
        root=None,
        val_fraction=0.1,
        segment_s=0.1,
        batch_size=4,
        epoch_segments=epoch_segments,
        num_workers=workers,
        min_duration_s=0.01,
        silence_dbfs=-80.0,
        cache_dir="unused",
        augment=AugmentConfig(True, 3.0, True, 1, []),
    )
