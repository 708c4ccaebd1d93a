"""What distill made is known by its mark, wherever it lies: it is named and not learned from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from distill.audio.own_output import FOLDERS
from distill.audio.reasons import Reason
from distill.audio.sound_file import SoundFile
from distill.audio.writer import write_sound
from distill.data.collection import Collection
from distill.errors import CollectionError
from tests.helpers.runs import PREVIEWS, TINY
from tests.helpers.scans import left_out, used_paths
from tests.helpers.sounds import tone
from tests.helpers.verbs import Run

Scan = Callable[..., Collection]


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    (tmp_path / "kit").mkdir()
    soundfile.write(tmp_path / "kit" / "kick.wav", tone(100), 16_000)
    return tmp_path / "kit"


def make_own(path: Path, *, channels: int = 1) -> None:
    waveform = torch.from_numpy(np.tile(tone(300), (channels, 1)).astype(np.float32))
    write_sound(
        path,
        [waveform],
        sample_rate_hz=16_000,
        channels=channels,
        samples=waveform.shape[1],
        model="Drums (0123)",
    )


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tagged_sound_is_left_out(
    kit: Path, scan_folder: Scan, suffix: str, channels: int
) -> None:
    make_own(kit / f"kick again.{suffix}", channels=channels)
    (kit / "renamed").write_bytes((kit / f"kick again.{suffix}").read_bytes())
    collection = scan_folder(kit)
    assert list(used_paths(collection)) == ["kick.wav"]
    assert left_out(collection) == dict.fromkeys(
        (f"kick again.{suffix}", "renamed"), "distill's own output: made with Drums (0123)"
    )


def test_long_ogg_is_known_too(kit: Path, scan_folder: Scan) -> None:
    waveform = torch.from_numpy(tone(300, 9.0).astype(np.float32))[None]
    write_sound(
        kit / "long.ogg", [waveform], sample_rate_hz=16_000, channels=1, samples=144_000, model="m"
    )
    assert left_out(scan_folder(kit)) == {"long.ogg": "distill's own output: made with m"}


def test_only_own_products_is_an_error_that_says_so(tmp_path: Path, scan_folder: Scan) -> None:
    (tmp_path / "out").mkdir()
    make_own(tmp_path / "out" / "a.wav")
    with pytest.raises(CollectionError, match=r"1 distill's own output: made with Drums \(0123\)"):
        scan_folder(tmp_path / "out")


@pytest.mark.parametrize(("files", "kind"), FOLDERS, ids=[kind for _, kind in FOLDERS])
def test_a_folder_with_the_mark_is_not_searched(
    kit: Path, scan_folder: Scan, files: set[str], kind: str
) -> None:
    folder = kit / "anything" / "deep"
    (folder / "inside").mkdir(parents=True)
    for name in files:
        (folder / name).touch()
    soundfile.write(folder / "inside" / "a.wav", tone(200), 16_000)
    collection = scan_folder(kit)
    assert list(used_paths(collection)) == ["kick.wav"]
    (one,) = collection.left_out
    assert (one.path, one.reason) == (str(folder), Reason.OWN_OUTPUT)
    assert one.detail == f"{kind}, not searched"


def test_the_cache_and_the_demo_below_the_sounds(kit: Path, scan_folder: Scan, demo: Path) -> None:
    shutil.copytree(demo, kit / "outputs" / "demo")
    scan_folder(kit, cache_folder=kit / "outputs" / "cache")
    collection = scan_folder(kit, cache_folder=kit / "outputs" / "cache")
    assert list(used_paths(collection)) == ["kick.wav"]
    assert {Path(file.path).name for file in collection.left_out} == {"demo", "cache"}


def test_the_demo_itself_is_used_whole(scan_folder: Scan, demo: Path) -> None:
    collection = scan_folder(demo)
    assert (collection.files, collection.left_out) == (24, ())


@pytest.mark.slow
def test_a_run_among_the_sounds_is_not_learned_from(
    run: Run, sounds: Path, scan_folder: Scan
) -> None:
    runs = [sounds / "runs" / name for name in ("first", "second")]
    for run_dir in runs:
        result = run("train", *TINY, PREVIEWS, f"data.root={sounds}", f"hydra.run.dir={run_dir}")
        assert result.exit_code == 0, result.stderr
        assert "12 files used" in result.stdout
    assert f"left out: {runs[0]}: distill's own output: a run, not searched" in result.stdout
    collection = scan_folder(sounds)
    assert collection.files == 12
    assert {Path(file.path) for file in collection.left_out} == set(runs)
    previews = list(runs[0].rglob("*_original.wav"))
    assert previews
    for number, preview in enumerate(previews):  # as someone does who wants to keep them
        shutil.copy(preview, sounds / f"my favourite {number}.wav")
    names = [f"my favourite {number}.wav" for number in range(len(previews))]
    reasons = left_out(scan_folder(sounds))
    assert all(reasons[name].startswith("distill's own output: made with ") for name in names)


def test_what_the_user_names_is_read(kit: Path) -> None:
    make_own(kit / "a.wav")
    sound = SoundFile.open(kit / "a.wav")
    assert sound.made_with == "Drums (0123)"
    assert sum(block.shape[1] for block in sound.blocks()) == 8_000
    assert SoundFile.open(kit / "kick.wav").made_with is None
    assert os.path.exists(kit / "a.wav")
