"""folders → collection: every file is used or left out with its reason; scans that read once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio.reasons import Reason
from distill.data.cache import CacheConfig
from distill.data.collection import Collection
from distill.data.scan import scan
from tests.helpers.scans import left_out, used_paths
from tests.helpers.sounds import tone

Scan = Callable[..., Collection]

LEFT_OUT = {
    "zero bytes.wav": "empty",
    "header only.wav": "empty",
    "half a header.wav": "unreadable",
    "notes.txt": "not audio",
    "text.wav": "unreadable",
    "text.mp3": "unreadable",
    "samples.raw": "not audio",
    "nan.wav": "not finite",
    "inf.wav": "not finite",
    "silence.wav": "silent",
    "one millisecond.wav": "too short: 1.0 ms",
    "copy.wav": "duplicate of ",
    "z same samples.flac": "duplicate of ",
    "z both channels the same.aiff": "duplicate of ",
    "dangling.wav": "broken link",
    "loop.wav": "unreadable",
    "pipe.wav": "not audio",
}
"""Each of these files in the messy folder is left out for a reason that starts like this."""

FORMATS = [
    ("wav", "PCM_U8", 8_000, 1),
    ("wav", "PCM_16", 11_025, 2),
    ("wav", "PCM_24", 16_000, 1),
    ("wav", "PCM_32", 22_050, 1),
    ("wav", "FLOAT", 32_000, 2),
    ("wav", "DOUBLE", 44_100, 1),
    ("wav", "PCM_16", 44_101, 6),
    ("wav", "PCM_16", 48_000, 24),
    ("wav", "PCM_16", 96_000, 1),
    ("aiff", "PCM_16", 44_100, 2),
    ("aif", "PCM_24", 48_000, 1),
    ("flac", "PCM_16", 44_100, 1),
    ("flac", "PCM_24", 96_000, 2),
    ("ogg", "VORBIS", 44_100, 1),
    ("ogg", "OPUS", 48_000, 2),
    ("mp3", "MPEG_LAYER_III", 44_100, 2),
    ("au", "ULAW", 8_000, 1),
]
NAMES = [
    "with space.wav",
    "new\nline.wav",
    "Klänge 音 🥁.wav",
    "no ending",
    "UPPER.WAV",
    ".hidden.wav",
    "really a flac.wav",
    "'quote\".wav",
]
NO_UNICODE = os.fsdecode(b"caf\xe9.wav")


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as people have them."""
    folder = tmp_path_factory.mktemp("messy") / "sounds"
    (folder / "deep" / "er").mkdir(parents=True)
    for number, (ending, subtype, rate_hz, channels) in enumerate(FORMATS):
        samples = tone(200 + 10 * number, 0.2, rate_hz, seed=number)
        soundfile.write(
            folder / "deep" / f"{subtype} {rate_hz}.{ending}",
            np.stack([samples] * channels, axis=1),
            rate_hz,
            subtype=subtype,
            format="AIFF" if ending == "aif" else None,
        )
    for number, name in enumerate(NAMES):
        kind = "FLAC" if "flac" in name else "WAV"
        plain = folder / "plain.tmp"
        soundfile.write(plain, tone(500 + 10 * number, 0.2, seed=number), 16_000, format=kind)
        plain.rename(folder / "deep" / "er" / name)
    soundfile.write(folder / "plain.wav", tone(800, 0.2), 16_000)
    os.rename(folder / "plain.wav", folder / NO_UNICODE)
    _write_files_to_leave_out(folder)
    return folder


def _write_files_to_leave_out(folder: Path) -> None:
    samples = np.round(tone(900, 1.0) * 32_000).astype(np.int16)
    soundfile.write(folder / "a.wav", samples, 16_000)
    soundfile.write(folder / "z same samples.flac", samples, 16_000)
    both = np.stack([samples, samples], axis=1)
    soundfile.write(folder / "z both channels the same.aiff", both, 16_000)
    whole = (folder / "a.wav").read_bytes()
    (folder / "copy.wav").write_bytes(whole)
    (folder / "half a header.wav").write_bytes(whole[:20])
    (folder / "cut in half.wav").write_bytes(whole[: len(whole) // 2])
    flac = (folder / "z same samples.flac").read_bytes()
    (folder / "cut.flac").write_bytes(flac[: len(flac) // 2])
    (folder / "zero bytes.wav").touch()
    soundfile.write(folder / "header only.wav", np.zeros(0), 16_000)
    for name in ("notes.txt", "text.wav", "text.mp3", "samples.raw", "text.gsm"):
        (folder / name).write_text("To do: record the kettle. " * 300)
    for name, value in (("nan", np.nan), ("inf", -np.inf)):
        broken = tone(700)
        broken[-1] = value
        soundfile.write(folder / f"{name}.wav", broken, 16_000, subtype="FLOAT")
    soundfile.write(folder / "silence.wav", np.zeros(8_000), 16_000)
    soundfile.write(folder / "one millisecond.wav", tone(600, 0.001), 16_000)
    (folder / "dangling.wav").symlink_to("nothing.wav")
    (folder / "loop.wav").symlink_to("loop.wav")
    (folder / "deep" / "back up").symlink_to("..")
    os.mkfifo(folder / "pipe.wav")


@pytest.fixture(scope="module")
def messy_scan(messy: Path) -> Collection:
    config = CacheConfig(sample_rate_hz=16_000, min_duration_s=0.01, silence_dbfs=-80.0)
    return scan([messy], name="messy", cache_folder=messy.parent / "cache", config=config)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_left_out_for_the_right_reason(messy_scan: Collection, name: str) -> None:
    assert left_out(messy_scan)[name].startswith(LEFT_OUT[name])


def test_duplicates_name_the_file_that_is_used(messy: Path, messy_scan: Collection) -> None:
    for name in ("copy.wav", "z same samples.flac", "z both channels the same.aiff"):
        assert left_out(messy_scan)[name] == f"duplicate of {messy / 'a.wav'}"


@pytest.mark.parametrize("ending", FORMATS, ids=str)
def test_every_format_is_used(messy_scan: Collection, ending: tuple[str, str, int, int]) -> None:
    name = f"{ending[1]} {ending[2]}.{ending[0]}"
    (sound,) = [sound for sound in messy_scan.sounds if Path(sound.path).name == name]
    assert (sound.source_rate_hz, sound.channels) == (ending[2], ending[3])
    assert sound.duration_s == pytest.approx(0.2, abs=0.05)
    assert sound.waveform.stat().st_size == 4 * sound.samples


@pytest.mark.parametrize(
    "name", [*NAMES, NO_UNICODE, "a.wav", "cut in half.wav", "cut.flac"], ids=ascii
)
def test_every_name_is_used(messy_scan: Collection, name: str) -> None:
    assert name in used_paths(messy_scan)


def test_nothing_is_dropped_in_silence(messy: Path, messy_scan: Collection) -> None:
    there = [
        os.path.join(parent, name)
        for parent, folders, names in os.walk(messy)
        for name in [*names, *folders]
        if not os.path.isdir(os.path.join(parent, name))
    ]
    listed = [sound.path for sound in messy_scan.sounds]
    listed += [file.path for file in messy_scan.left_out]
    assert sorted(listed) == sorted(there)
    assert all(file.text for file in messy_scan.left_out)


def test_report_is_json_and_complete(messy_scan: Collection, tmp_path: Path) -> None:
    messy_scan.write_report(tmp_path / "collection.json")
    report = json.loads((tmp_path / "collection.json").read_bytes())
    assert report["files_used"] == len(messy_scan.sounds) == len(report["used"])
    assert [row["path"] for row in report["used"]] == [sound.path for sound in messy_scan.sounds]
    reasons = {row["path"]: row["reason"] for row in report["left_out"]}
    assert reasons == {file.path: file.text for file in messy_scan.left_out}
    kinds = {row["path"]: row["kind"] for row in report["left_out"]}
    assert kinds == {file.path: file.reason.value for file in messy_scan.left_out}
    assert report["duration_s"] == pytest.approx(messy_scan.duration_s, abs=0.001)
    assert report["fingerprint"] == messy_scan.fingerprint


def test_reasons_are_counted_and_broken_files_come_first(messy_scan: Collection) -> None:
    counted = dict(messy_scan.reasons())
    assert counted[Reason.DUPLICATE] == 3
    assert counted[Reason.NOT_FINITE] == 2
    assert counted[Reason.SILENT] == 1
    assert sum(counted.values()) == len(messy_scan.left_out)
    order = list(dict.fromkeys(file.reason for file in messy_scan.left_out))
    assert order == [reason for reason, _ in messy_scan.reasons()]
    assert order[0] is Reason.UNREADABLE
    assert order[-1] is Reason.NOT_AUDIO


def test_second_scan_opens_only_what_could_not_be_read(
    messy: Path, messy_scan: Collection, opened: list[str]
) -> None:
    config = CacheConfig(sample_rate_hz=16_000, min_duration_s=0.01, silence_dbfs=-80.0)
    again = scan([messy], name="messy", cache_folder=messy.parent / "cache", config=config)
    assert again == messy_scan
    unreadable = {
        name for name, reason in left_out(again).items() if reason.startswith("unreadable")
    }
    assert set(opened) <= unreadable


def test_order_and_fingerprint_do_not_depend_on_names(
    tmp_path: Path, sounds: Path, scan_folder: Scan
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for number, path in enumerate(sorted(sounds.iterdir(), reverse=True)):
        (other / f"take {number}.wav").write_bytes(path.read_bytes())
    first, second = scan_folder(sounds), scan_folder(other)
    assert first.fingerprint == second.fingerprint
    (other / "take 0.wav").unlink()
    assert scan_folder(other).fingerprint != first.fingerprint


def test_folders_that_overlap_count_once(sounds: Path, scan_folder: Scan) -> None:
    (sounds / "sub").mkdir()
    (sounds / "0.wav").rename(sounds / "sub" / "0.wav")
    collection = scan_folder(sounds, sounds / "sub", sounds)
    assert len(collection.sounds) == 12
    assert collection.left_out == ()


def test_same_sound_in_two_folders_is_a_duplicate(
    tmp_path: Path, sounds: Path, scan_folder: Scan
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "again.wav").write_bytes((sounds / "0.wav").read_bytes())
    collection = scan_folder(sounds, other)
    assert left_out(collection) == {"again.wav": f"duplicate of {sounds / '0.wav'}"}


def test_progress_counts_every_file_once(tmp_path: Path, sounds: Path) -> None:
    (sounds / "notes.txt").write_text("no sound")
    told: list[tuple[int, int]] = []
    config = CacheConfig(sample_rate_hz=16_000, min_duration_s=0.01, silence_dbfs=-80.0)
    scan(
        [sounds],
        name="sounds",
        cache_folder=tmp_path / "cache",
        config=config,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == sorted(told)
    assert told[-1] == (13, 13)


def test_real_recordings_are_all_accounted_for(shared_instruments: Path, scan_folder: Scan) -> None:
    collection = scan_folder(shared_instruments)
    there = sum(path.is_file() for path in shared_instruments.rglob("*"))
    assert len(collection.sounds) + len(collection.left_out) == there
    assert len(collection.sounds) > 200
    assert Reason.NOT_AUDIO in dict(collection.reasons())
