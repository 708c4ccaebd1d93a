"""A folder of everything that a folder can hold is trained on, each bad file told, none touched."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.data.cache import CacheConfig
from distill.data.scan import scan
from tests.helpers.runs import TINY
from tests.helpers.sounds import tone

pytestmark = pytest.mark.slow

Train = Callable[..., subprocess.CompletedProcess[str]]
Expected = dict[str, str]
"""File in the folder → what its reason must match; "used" for good ones, "" for either."""
USED, EITHER = "used", ""


def hostile(folder: Path) -> Iterator[tuple[str, str]]:
    """Make the files one by one; each with what is expected of it."""
    yield from whole(folder)
    yield from damaged(folder)
    yield from spoilt_samples(folder)
    yield from odd_names(folder)
    yield from no_files_at_all(folder)


def whole(folder: Path) -> Iterator[tuple[str, str]]:
    for number in range(12):
        soundfile.write(folder / f"good_{number}.wav", tone(200 + 50 * number, seed=number), 16_000)
        yield f"good_{number}.wav", USED
    for channels in range(1, 33):
        sound = np.stack([tone(300 + 7 * channels, seed=channels)] * channels, axis=1)
        soundfile.write(folder / f"channels_{channels}.wav", sound, 16_000)
        yield f"channels_{channels}.wav", USED
    for number, subtype in enumerate(("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")):
        soundfile.write(folder / f"{subtype}.wav", tone(900 + number), 16_000, subtype=subtype)
        yield f"{subtype}.wav", USED
    for rate_hz, expected in ((1, "sample rate of 1 Hz"), (768_000, EITHER), (4_000, USED)):
        soundfile.write(folder / f"rate_{rate_hz}.wav", tone(440, rate_hz=rate_hz, seed=5), rate_hz)
        yield f"rate_{rate_hz}.wav", expected


def damaged(folder: Path) -> Iterator[tuple[str, str]]:
    for suffix in ("wav", "flac", "ogg", "mp3", "aiff"):
        (folder / f"nothing.{suffix}").touch()
        yield f"nothing.{suffix}", "^empty"
        original = folder.parent / f"original.{suffix}"
        soundfile.write(original, tone(500, seed=len(suffix)), 16_000)
        data = original.read_bytes()
        for length in range(10, 600, 10):
            (folder / f"cut_{length}.{suffix}").write_bytes(data[:length])
            yield f"cut_{length}.{suffix}", EITHER
        (folder / f"text.{suffix}").write_text("this is no sound\n" * 50)
        yield f"text.{suffix}", "^(unreadable|not audio)"
    soundfile.write(folder / "header_only.wav", np.zeros(0), 16_000)
    yield "header_only.wav", "^empty: a header"
    soundfile.write(folder / "one_sample.wav", np.array([0.5]), 16_000)
    yield "one_sample.wav", "^too short"
    soundfile.write(folder / "really.wav", tone(612), 16_000)
    (folder / "really.wav").rename(folder / "a_wav.flac")
    yield "a_wav.flac", USED
    (folder / "readme.txt").write_text("hello")
    yield "readme.txt", "^not audio"


def spoilt_samples(folder: Path) -> Iterator[tuple[str, str]]:
    for name, value, expected in (
        ("nan", np.nan, "^not finite"),
        ("infinity", np.inf, "^not finite"),
        ("huge", 1e30, "^out of range"),
        ("minus_huge", -1e30, "^out of range"),
    ):
        sound = tone(700, seed=9)
        sound[100] = value
        soundfile.write(folder / f"{name}.wav", sound, 16_000, subtype="DOUBLE")
        yield f"{name}.wav", expected
    soundfile.write(folder / "silence.wav", np.zeros(8_000), 16_000)
    yield "silence.wav", "^silent"
    for rate_hz in (16_000, 44_100):  # the second is resampled
        soundfile.write(folder / f"dc_{rate_hz}.wav", np.full(8_000, 0.5), rate_hz)
        yield f"dc_{rate_hz}.wav", "^silent"
    soundfile.write(folder / "twin.wav", tone(200, seed=0), 16_000)
    yield "twin.wav", "^duplicate of "


def odd_names(folder: Path) -> Iterator[tuple[str, str]]:
    names = [
        "line\nbreak",
        "\N{SAXOPHONE}",
        "x" + "ü" * 125,
        "\x1b[2J",
        "=x,y",
        "[a]{b}",
        " ",
        "-rf",
    ]
    for number, name in enumerate(names):
        soundfile.write(folder / "x.wav", tone(1_000 + 10 * number, seed=50 + number), 16_000)
        (folder / "x.wav").rename(folder / f"{name}.wav")
        yield f"{name}.wav", USED
    raw = os.fsencode(folder) + b"/\xff\xfe.wav"
    soundfile.write(folder / "x.wav", tone(1_500, seed=70), 16_000)
    os.rename(folder / "x.wav", raw)
    yield os.fsdecode(b"\xff\xfe.wav"), USED


def no_files_at_all(folder: Path) -> Iterator[tuple[str, str]]:
    (folder / "dangling.wav").symlink_to("nowhere.wav")
    yield "dangling.wav", "^broken link"
    (folder / "a\nnew \x1b[2J.wav").symlink_to("nowhere.wav")
    yield "a\nnew \x1b[2J.wav", "^broken link"
    (folder / "here.wav").symlink_to("there.wav")
    (folder / "there.wav").symlink_to("here.wav")
    yield "here.wav", "^(unreadable|broken link)"
    yield "there.wav", "^(unreadable|broken link)"
    (folder / "sub").mkdir()
    (folder / "sub" / "up").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "fifo.wav")
    yield "fifo.wav", "not a regular file"
    with socket.socket(socket.AF_UNIX) as ear:
        before = os.getcwd()
        os.chdir(folder)  # such an address may have only a hundred letters
        ear.bind("socket.wav")
        os.chdir(before)
    yield "socket.wav", "not a regular file"
    with (folder / "sparse.wav").open("wb") as file:
        file.truncate(10 << 30)
    yield "sparse.wav", "^(unreadable|not audio)"
    with (folder / "sparse_silence.wav").open("wb") as file:
        size = 1 << 30
        file.write(b"RIFF" + struct.pack("<I", size - 8) + b"WAVEfmt ")
        file.write(struct.pack("<IHHIIHH", 16, 1, 1, 44_100, 88_200, 2, 16))
        file.write(b"data" + struct.pack("<I", size - 44))
        file.truncate(size)
    yield "sparse_silence.wav", "^silent"
    if os.geteuid() == 0:
        os.mknod(folder / "device.wav", 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero
        yield "device.wav", "not a regular file"
    else:
        (folder / "secret.wav").touch(0)
        yield "secret.wav", "^unreadable"


def hashes(folder: Path) -> dict[bytes, str]:
    return {
        os.fsencode(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and not path.name.startswith("sparse")
        and os.access(path, os.R_OK)
    }


def test_a_hostile_folder_is_trained_on(tmp_path: Path, distill_train: Train) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    expected: Expected = dict(hostile(folder))
    assert len(expected) >= 300
    before = hashes(folder)
    answer = distill_train(*TINY, "data.root=hostile", "hydra.run.dir=run", timeout_s=180)
    assert answer.returncode == 0, answer.stderr
    assert "\x1b[2J" not in answer.stdout + answer.stderr
    report = json.loads((tmp_path / "run" / "collection.json").read_text("utf-8"))
    reasons = {os.path.relpath(one["path"], folder): one["reason"] for one in report["left_out"]}
    used = {os.path.relpath(one["path"], folder): one.get("notes") for one in report["used"]}
    for name, wanted in expected.items():
        shown = name.encode("utf-8", "backslashreplace").decode()
        if wanted == USED:
            assert {name, shown} & used.keys(), f"{name!r}: {reasons.get(name)}"
        else:
            assert name in reasons or (wanted == EITHER and name in used), name
            assert re.search(wanted, reasons.get(name, "")), f"{name!r}: {reasons[name]}"
    cut = [name for name in used if name.startswith("cut_")]
    assert cut, "the part that is there is used"
    assert all(used[name] for name in cut), "and noted"
    assert len(reasons) + len(used) == len(expected), "each file once, and none through a loop"
    assert hashes(folder) == before


def test_files_that_change_between_being_found_and_being_read(tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    (folder / "sub").mkdir(parents=True)
    names = ("kept.wav", "deleted.wav", "emptied.wav", "cut.wav", "grown.wav", "sub/gone.wav")
    for number, name in enumerate(names):
        soundfile.write(folder / name, tone(200 + 50 * number), 16_000)

    def at_the_first_step(done: int, total: int) -> None:
        if done == 0:
            (folder / "deleted.wav").unlink()
            os.truncate(folder / "emptied.wav", 0)
            os.truncate(folder / "cut.wav", 30)
            soundfile.write(folder / "grown.wav", tone(330, duration_s=2.0), 16_000)
            shutil.rmtree(folder / "sub")

    found = scan(
        [folder],
        name="sounds",
        cache_folder=tmp_path / "cache",
        config=CacheConfig(16_000, min_duration_s=0.01, silence_dbfs=-80.0),
        progress=at_the_first_step,
    )
    reasons = {Path(one.path).name: one.text for one in found.left_out}
    assert reasons.keys() == {"deleted.wav", "emptied.wav", "cut.wav", "gone.wav"}
    assert reasons["deleted.wav"] == reasons["gone.wav"] == "unreadable: No such file or directory"
    assert reasons["emptied.wav"] == "empty"
    assert reasons["cut.wav"].startswith("unreadable")
    assert {Path(one.path).name: one.samples for one in found.sounds} == {
        "kept.wav": 8_000,
        "grown.wav": 32_000,
    }
