"""the demo collection: the same 24 sounds every time, as files of many kinds that a scan takes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from distill.data import demo as demo_module
from distill.data.collection import Collection
from distill.data.demo import write_demo_collection


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_collection(tmp_path_factory.mktemp("again") / "sounds")


@pytest.fixture
def copied(demo: Path, tmp_path: Path) -> Path:
    """A demo folder to change."""
    return Path(shutil.copytree(demo, tmp_path / "copied"))


def test_written_twice_gives_the_same_sounds(demo: Path, again: Path) -> None:
    assert [path.name for path in sorted(demo.iterdir())] == [
        path.name for path in sorted(again.iterdir())
    ]
    for path in demo.iterdir():
        first, rate = soundfile.read(path)
        second, rate_again = soundfile.read(again / path.name)
        assert rate == rate_again
        np.testing.assert_array_equal(first, second)


def test_a_scan_uses_all_24(demo: Path, scan_folder: Callable[..., Collection]) -> None:
    collection = scan_folder(demo)
    assert len(collection.sounds) == 24
    assert collection.left_out == ()
    assert 20 < collection.duration_s < 120
    assert all(0.1 < sound.duration_s < 4 for sound in collection.sounds)


def test_second_machine_gets_the_same_fingerprint(
    demo: Path, again: Path, scan_folder: Callable[..., Collection]
) -> None:
    assert scan_folder(demo).fingerprint == scan_folder(again).fingerprint


def test_formats_rates_and_channels_are_mixed(demo: Path) -> None:
    infos = [soundfile.info(path) for path in demo.iterdir()]
    assert {"WAV", "FLAC", "OGG", "AIFF", "MP3"} <= {info.format for info in infos}
    assert {"PCM_16", "PCM_24", "FLOAT"} <= {info.subtype for info in infos}
    assert len({info.samplerate for info in infos}) >= 4
    assert {info.channels for info in infos} == {1, 2}
    assert {path.suffix[1:].upper() for path in demo.iterdir()} == {info.format for info in infos}


def test_sounds_are_loud_enough_and_not_clipped(demo: Path) -> None:
    for path in demo.iterdir():
        samples, _ = soundfile.read(path)
        assert 0.3 < np.abs(samples).max() < 1, path.name
        assert np.sqrt(np.mean(samples**2)) > 0.01, path.name


def test_sounds_differ_in_pitch_and_noisiness(demo: Path) -> None:
    """Spectral centroids from drums to hats, so that a model has something to tell apart."""
    centroids = []
    for path in demo.iterdir():
        samples, rate = soundfile.read(path, always_2d=True)
        power = np.abs(np.fft.rfft(samples[:, 0])) ** 2
        hz = np.fft.rfftfreq(len(samples), 1 / rate)
        centroids.append(float((power * hz).sum() / power.sum()))
    assert min(centroids) < 200
    assert max(centroids) > 5_000
    assert len({round(np.log2(centroid) * 4) for centroid in centroids}) >= 10


def test_what_is_there_is_kept_and_what_is_missing_is_made_again(copied: Path) -> None:
    paths = sorted(copied.iterdir())
    before = {path: path.read_bytes() for path in paths}
    paths[0].write_bytes(b"the user's own")
    paths[1].unlink()
    (copied / "mine.wav").write_bytes(b"the user's own")
    write_demo_collection(copied)
    assert paths[0].read_bytes() == (copied / "mine.wav").read_bytes() == b"the user's own"
    assert soundfile.info(paths[1]).frames > 0
    assert sorted(copied.iterdir()) == sorted([*paths, copied / "mine.wav"])
    assert all(path.read_bytes() == before[path] for path in paths[2:])


def test_interruption_leaves_no_torn_file(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = sorted(copied.iterdir())[15:19]
    for path in missing:
        path.unlink()
    open_to_write = demo_module.open_to_write
    begun: list[Path] = []

    @contextmanager
    def interrupted(path: Path, **settings: Any) -> Iterator[soundfile.SoundFile]:
        begun.append(path)
        with open_to_write(path, **settings) as file:
            yield file
            if len(begun) == 3:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(demo_module, "open_to_write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_demo_collection(copied)
    assert [path.exists() for path in missing] == [True, True, False, False]
    assert len(list(copied.iterdir())) == 22, "and no remains of the third"
    write_demo_collection(copied)
    assert all(soundfile.info(path).frames > 0 for path in missing)
    assert len(list(copied.iterdir())) == 24
