"""Where a sound is louder than silence: told from the file's own samples, block by block."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio.reasons import Reason
from distill.data.activity import Activity
from distill.data.cache import CacheConfig, WaveformCache
from distill.data.collection import Collection
from distill.errors import CollectionError
from tests.helpers.sounds import tone


def activity(source_rate_hz: int, target_rate_hz: int) -> Activity:
    return Activity(
        source_rate_hz=source_rate_hz, target_rate_hz=target_rate_hz, silence_dbfs=-80.0
    )


@pytest.mark.parametrize(("source_hz", "target_hz"), [(48_000, 48_000), (11_025, 16_000)])
def test_blocks_do_not_matter(source_hz: int, target_hz: int) -> None:
    sound = np.zeros(2 * source_hz, np.float32)
    sound[source_hz // 3 : source_hz // 2] = tone(300, 1 / 6, source_hz)[: len(sound) // 12]
    told = set()
    for size in (len(sound), 1_000, 777, source_hz // 10):
        listening = activity(source_hz, target_hz)
        for start in range(0, len(sound), size):
            listening.add(sound[start : start + size])
        told.add(listening.windows(2 * target_hz))
    assert told == {bytes([0, 0, 0, 1, 1] + [0] * 15)}


def test_windows_lie_where_the_resampled_sound_has_them() -> None:
    """An hour at 11,025 Hz: windows of a tenth of the source's second would be a second off."""
    listening = activity(11_025, 11_025)  # windows of 1,102 samples, not 1,102.5
    sound = np.zeros(3_600 * 11_025, np.float32)
    sound[-1_000:] = 0.5
    listening.add(sound)
    windows = listening.windows(len(sound))
    assert len(windows) == -(-len(sound) // 1_102)
    assert windows.index(1) == (len(sound) - 1_000) // 1_102


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 96_000])
def test_a_constant_level_is_silent_at_any_rate(
    rate_hz: int, tmp_path: Path, scan_folder: Callable[..., Collection]
) -> None:
    (tmp_path / "sounds").mkdir()
    soundfile.write(tmp_path / "sounds" / "dc.wav", np.full(rate_hz, 0.5), rate_hz)
    with pytest.raises(CollectionError, match="1 silent"):
        scan_folder(tmp_path / "sounds")


def test_a_long_silence_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk without room a silent file is silent all the same, and only a sound asks for
    some.
    """
    resource = pytest.importorskip("resource")
    monkeypatch.setattr("distill.data.cache.LONG_SAMPLES", 10_000)
    silence = np.full(16_000, -0.9)
    soundfile.write(tmp_path / "long.wav", silence, 16_000)
    silence[-1] = 0.0
    soundfile.write(tmp_path / "click.wav", silence, 16_000)
    cache = WaveformCache(tmp_path / "cache", CacheConfig(48_000, 0.01, -80.0))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        assert cache.decode(tmp_path / "long.wav").reason is Reason.SILENT
        with pytest.raises(OSError, match="File too large"):
            cache.decode(tmp_path / "click.wav")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    cache.close()
