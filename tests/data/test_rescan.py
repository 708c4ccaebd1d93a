"""A scan after the first: what is cached is not read again, and what is not whole is made anew."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from distill.data.collection import Collection
from tests.helpers.runs import environment
from tests.helpers.scans import used_paths
from tests.helpers.sounds import tone

Scan = Callable[..., Collection]


def test_second_scan_opens_nothing(sounds: Path, scan_folder: Scan, opened: list[str]) -> None:
    first = scan_folder(sounds)
    assert len(opened) == 12
    opened.clear()
    assert scan_folder(sounds) == first
    assert opened == []


@pytest.mark.parametrize("same_size", [True, False])
def test_changed_file_is_read_again(
    sounds: Path, scan_folder: Scan, opened: list[str], same_size: bool
) -> None:
    before = used_paths(scan_folder(sounds))
    opened.clear()
    stat = (sounds / "3.wav").stat()
    soundfile.write(sounds / "3.wav", tone(50, 0.5 if same_size else 0.6), 16_000)
    if same_size:
        os.utime(sounds / "3.wav", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    else:
        os.utime(sounds / "3.wav", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    opened.clear()
    after = used_paths(scan_folder(sounds))
    assert opened == ["3.wav"]
    assert {name for name in before if before[name] != after[name]} == {"3.wav"}


def test_new_and_removed_files_are_seen(sounds: Path, scan_folder: Scan, opened: list[str]) -> None:
    before = scan_folder(sounds)
    (sounds / "3.wav").unlink()
    soundfile.write(sounds / "new.flac", tone(50), 16_000)
    opened.clear()
    after = scan_folder(sounds)
    assert opened == ["new.flac"]
    assert used_paths(after).keys() ^ used_paths(before).keys() == {"3.wav", "new.flac"}


def test_lost_waveform_is_made_again(sounds: Path, scan_folder: Scan, opened: list[str]) -> None:
    first = scan_folder(sounds)
    first.sounds[4].waveform.unlink()
    os.truncate(first.sounds[5].waveform, 8)
    opened.clear()
    assert scan_folder(sounds) == first
    assert sorted(opened) == sorted(Path(sound.path).name for sound in first.sounds[4:6])
    assert all(sound.waveform.stat().st_size == 4 * sound.samples for sound in first.sounds)


def _garbage(index: Path) -> None:
    index.write_bytes(b"no database at all" * 1_000)


def _cut_short(index: Path) -> None:
    os.truncate(index, index.stat().st_size // 2)


def _hole_in_the_middle(index: Path) -> None:
    damaged = bytearray(index.read_bytes())
    damaged[4_096:] = os.urandom(16) * (len(damaged[4_096:]) // 16)
    index.write_bytes(damaged)


@pytest.mark.parametrize("damage", [_garbage, _cut_short, _hole_in_the_middle])
def test_damaged_index_is_rebuilt(
    tmp_path: Path, sounds: Path, scan_folder: Scan, damage: Callable[[Path], None]
) -> None:
    first = scan_folder(sounds)
    index = tmp_path / "cache" / "index.sqlite"
    damage(index)
    assert scan_folder(sounds) == first
    rows = sqlite3.connect(index).execute("SELECT count(*) FROM sounds").fetchone()
    assert rows == (12,)


def test_two_processes_at_once_agree(tmp_path: Path, sounds: Path) -> None:
    for number in range(60):
        soundfile.write(sounds / f"more {number}.wav", tone(99 + number, 0.2, 44_100), 44_100)
    script = f"""
from pathlib import Path
from distill.data.cache import CacheConfig
from distill.data.scan import scan
found = scan([Path({str(sounds)!r})], name="both", cache_folder=Path({str(tmp_path / "cache")!r}),
             config=CacheConfig(16_000, 0.01, -80.0))
print(len(found.sounds), found.fingerprint)
"""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    assert outputs[0] == outputs[1]
    assert outputs[0][0].startswith("72 ")
    assert list((tmp_path / "cache").rglob("*.part")) == []


def test_a_file_with_its_old_time_stamp_and_size_is_read_again(
    sounds: Path, scan_folder: Scan
) -> None:
    """As `mp3gain -p` leaves it, or a copy that restores time stamps."""
    before = used_paths(scan_folder(sounds))
    path = sounds / "3.wav"
    status = path.stat()
    other = (sounds / "4.wav").read_bytes()[:1_000]
    path.write_bytes(path.read_bytes()[:-1_000] + other)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert path.stat().st_size == status.st_size
    after = used_paths(scan_folder(sounds))
    assert {name for name in before if before[name] != after[name]} == {"3.wav"}
