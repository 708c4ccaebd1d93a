"""what became of each file ↔ rows that outlive the process, and lock no other out."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import soundfile

from distill.audio.reasons import Reason
from distill.data.cache import CacheConfig, WaveformCache
from distill.data.cache_index import Decoded, FileState
from tests.helpers.sounds import tone

CONFIG = CacheConfig(sample_rate_hz=16_000, min_duration_s=0.01, silence_dbfs=-80.0)


def test_settings_have_caches_of_their_own(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440), 16_000)
    lengths = []
    for rate_hz in (16_000, 8_000):
        opened = WaveformCache(tmp_path / "cache", CacheConfig(rate_hz, 0.01, -80.0))
        assert opened.index.rows() == {}
        decoded = opened.decode(tmp_path / "a.wav")
        opened.index.remember("a.wav", FileState(1, 2, 0), decoded)
        opened.index.flush()
        assert opened.index.rows() == {("a.wav", FileState(1, 2, 0)): decoded}
        lengths.append(decoded.samples)
        opened.close()
    assert lengths == [8_000, 4_000]


def test_rows_outlive_the_process_and_do_not_lock_others_out(tmp_path: Path) -> None:
    """A process that decodes for minutes between two flushes must not stop another's."""
    row = Decoded(Reason.SILENT)
    first, second = (WaveformCache(tmp_path / "cache", CONFIG) for _ in range(2))
    first.index.remember("first.wav", FileState(1, 1, 0), row)
    second.index.remember("second.wav", FileState(2, 2, 0), row)
    second.index.flush()
    assert first.index.rows() == {("second.wav", FileState(2, 2, 0)): row}
    first.close()
    second.close()
    third = WaveformCache(tmp_path / "cache", CONFIG)
    assert third.index.rows() == {
        ("first.wav", FileState(1, 1, 0)): row,
        ("second.wav", FileState(2, 2, 0)): row,
    }
    third.close()


def test_an_index_of_other_columns_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    old = sqlite3.connect(tmp_path / "cache" / "index.sqlite")
    with old:
        old.execute("CREATE TABLE sounds (path TEXT, reason TEXT)")
        old.execute("INSERT INTO sounds VALUES ('a.wav', 'silent')")
    old.close()
    row = Decoded(Reason.TOO_SHORT, "1.0 ms")
    for known in ({}, {("a.wav", FileState(1, 1, 0)): row}):
        opened = WaveformCache(tmp_path / "cache", CONFIG)
        assert opened.index.rows() == known
        opened.index.remember("a.wav", FileState(1, 1, 0), row)
        opened.close()
