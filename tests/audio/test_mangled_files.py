"""Whatever happened to a file: what is used is what an independent decoder reads, or a note says
what is missing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill.audio.reader import SoundReader
from distill.audio.reasons import NoteText, Reason, UnusableError
from tests.helpers.encoded import FORMATS, encode, seconds_by_ffmpeg
from tests.helpers.mangled import MANGLES

EXAMPLES = settings(
    max_examples=int(os.environ.get("DISTILL_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""2,000 of them take a minute."""
DURATIONS_S = (0.05, 0.3, 1.0, 3.0)
MISREAD = (Reason.NOT_FINITE, Reason.OUT_OF_RANGE)
"""Other bytes, read as floating-point samples."""


@dataclass(frozen=True)
class Used:
    """What distill uses of a file."""

    seconds: float
    notes: list[NoteText]
    reason: Reason | None = None


def use(path: Path) -> Used:
    try:
        with SoundReader(path) as reader:
            frames = sum(map(len, reader.blocks()))
            return Used(frames / reader.sample_rate_hz, reader.notes)
    except UnusableError as error:
        return Used(0, [], error.reason)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("duration_s", DURATIONS_S)
def test_whole_files_are_used_whole_without_a_note(
    tmp_path: Path, name: str, duration_s: float
) -> None:
    form = FORMATS[name]
    for rate_hz in form.rates_hz:
        for channels in (1, 2):
            path = tmp_path / f"whole.{form.suffix}"
            path.write_bytes(encode(name, duration_s, rate_hz, channels))
            used = use(path)
            assert used.notes == []
            tolerance_s = 2 * form.frame / rate_hz if form.is_lossy else 0
            assert used.seconds == pytest.approx(duration_s, abs=tolerance_s + 1e-9)


@EXAMPLES
@given(
    name=st.sampled_from(sorted(FORMATS)),
    mangles=st.lists(st.sampled_from(sorted(MANGLES)), min_size=1, max_size=2),
    seed=st.integers(0, 1 << 32),
)
def test_nothing_is_missing_in_silence(
    tmp_path: Path, name: str, mangles: list[str], seed: int
) -> None:
    random, form = Random(seed), FORMATS[name]
    rate_hz, channels = random.choice(form.rates_hz), random.choice((1, 2))
    written_s = random.choice(DURATIONS_S)
    data = encode(name, written_s, rate_hz, channels, random.randrange(3))
    for mangle in mangles:
        if mangle == "join":
            more_s, other_hz = random.choice(DURATIONS_S), random.choice(form.rates_hz)
            data += encode(name, more_s, other_hz, channels, random.randrange(3))
            written_s += more_s
        else:
            data = MANGLES[mangle](data, random)
    path = tmp_path / f"mangled.{form.suffix}"
    path.write_bytes(data)
    used, decoded_s = use(path), seconds_by_ffmpeg(path)
    tolerance_s = 2 * form.frame / rate_hz + 0.002
    if used.reason:
        assert used.reason in MISREAD or decoded_s <= tolerance_s
    elif not used.notes:
        is_whole = not ({"cut", "spoil"} & set(mangles) or {"rehead", "join"} <= set(mangles))
        least_s = written_s if is_whole else min(decoded_s, written_s)
        assert used.seconds >= least_s - tolerance_s
        if set(mangles) == {"rehead"} or "rehead" not in mangles:  # else padding may be sound
            assert used.seconds <= max(decoded_s, written_s) + tolerance_s


def test_a_header_that_names_no_samples_is_unreadable(tmp_path: Path) -> None:
    """FFmpeg finds no codec for samples of no bits, and says so by having none."""
    data = bytearray(encode("wav", 0.5, 16_000, 1))
    data[33:35] = bytes(2)
    path = tmp_path / "no_bits.wav"
    path.write_bytes(data)
    assert use(path).reason == Reason.UNREADABLE
