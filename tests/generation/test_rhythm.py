"""Which sounds can be repeated, and how they come onto a grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from distill.generation.finishing import cut_beat
from distill.generation.operators import Mel
from distill.generation.rhythm import (
    beat_of,
    fit_tempo,
    on_grid,
    onset_times,
    onsets_of,
    steady_part,
)

FRAME_S, FLOOR_DB, RATE_HZ = 0.01, -80.0, 16_000


def strokes(places: list[int], frames: int, fall_db: float = 4.0, bins: int = 20) -> Mel:
    """A mel with strokes that die away, at these frames."""
    level = np.full(frames, FLOOR_DB)
    for place in places:
        dying = -fall_db * np.arange(frames - place)
        level[place:] = np.maximum(level[place:], dying)
    return np.repeat(level[None], bins, axis=0).astype(np.float32)


def noises(times: list[float], seconds: float, softer: float = 1.0) -> NDArray[np.float32]:
    """Bursts of noise; all but the first are louder by the factor `softer`."""
    random = np.random.default_rng(0)
    waveform = np.zeros(round(seconds * RATE_HZ), np.float32)
    for number, time in enumerate(times):
        place = round(time * RATE_HZ)
        burst = np.exp(-np.arange(2_000) / 500) * random.standard_normal(2_000) / 4
        room = waveform[place : place + 2_000]
        room += (burst * (softer if number else 1.0))[: len(room)].astype(np.float32)
    return waveform


def test_a_single_stroke_can_not_be_repeated() -> None:
    hit = strokes([3], 60)
    assert steady_part(hit, FRAME_S) is None
    assert beat_of(hit, FRAME_S) is None


def test_what_goes_on_is_found_between_its_beginning_and_its_end() -> None:
    held = np.full((20, 200), FLOOR_DB, np.float32)
    held[:, 20:160] = -10.0 + 2 * np.sin(np.arange(140) / 7)
    part = steady_part(held, FRAME_S)
    assert part is not None
    assert 12 <= part.start <= 28
    assert 150 <= part.stop <= 170


def test_strokes_on_a_beat_are_put_on_another_one() -> None:
    """16 frames a sixteenth, which is 94 beats a minute, on 125 beats: 12 frames."""
    mel = strokes([4, 36, 68, 84, 116], 140)
    beat = beat_of(mel, FRAME_S)
    assert beat is not None
    assert np.abs(np.array(beat.onsets) - (4, 36, 68, 84, 116)).max() <= 0.5
    beat = fit_tempo(beat, 12.0)
    assert beat.slots == (0, 2, 4, 5, 7)
    assert beat.length == 8
    grid = on_grid(mel, beat, slot_frames=12.0, slots=16, frame_s=FRAME_S, frames=16 * 12)
    found = np.array(onsets_of(grid, FRAME_S))
    slots = np.array((0, 2, 4, 5, 7, 8, 10, 12, 13, 15))
    assert np.abs(found - found[0] - 12 * slots).max() <= 1


def test_a_little_unevenness_is_evened_out() -> None:
    mel = strokes([4, 38, 67, 99, 134], 160)
    beat = beat_of(mel, FRAME_S)
    assert beat is not None
    grid = on_grid(
        mel, fit_tempo(beat, 15.0), slot_frames=15.0, slots=8, frame_s=FRAME_S, frames=120
    )
    found = np.array(onsets_of(grid, FRAME_S))
    since = found - found[0]
    assert np.abs(since - 15 * (since / 15).round()).max() <= 1


def test_a_stroke_begins_where_it_does_whatever_is_before_it() -> None:
    """After silence, it was found a frame sooner than in the fading of another one."""
    alone, among = strokes([40], 80), strokes([3, 40], 80, fall_db=0.5)
    found = [onsets_of(mel, FRAME_S)[-1] for mel in (alone, among)]
    assert abs(found[0] - found[1]) <= 0.5


@pytest.mark.parametrize("softer", [1.0, 4.0])
def test_a_loop_begins_with_its_first_onset_also_a_soft_one(softer: float) -> None:
    times = [0.02 + 0.125 * slot for slot in (0, 2, 4, 7)]
    waveform = noises(times, 1.2, softer)
    found = onset_times(waveform, RATE_HZ)
    assert np.abs(found[-3:] - np.array(times)[1:]).max() < 0.008
    loop = cut_beat(torch.from_numpy(waveform), RATE_HZ, RATE_HZ)
    assert len(loop) == RATE_HZ
    share = loop.abs() / loop[:1_500].abs().max()
    assert int((share > 0.1).int().argmax()) <= 0.001 * RATE_HZ
    assert float(loop[0].abs()) < 1e-3
    assert float(loop[-1].abs()) < 1e-3
