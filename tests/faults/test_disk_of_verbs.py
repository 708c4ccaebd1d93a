"""Results that find no room: none is torn, the reason is told, and the exit code is 2."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import Any

import pytest

from distill.catalog.catalog import Catalog
from distill.codec import AUDIO_FORMATS
from tests.helpers.disks import Disk, fill
from tests.helpers.forks import start
from tests.helpers.made_bundle import STATES, make_bundle
from tests.helpers.sounds import sound, write_sounds
from tests.helpers.verbs import Run, files, results

pytestmark = pytest.mark.slow

NO_SPACE = "cannot be written: No space left on device"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(9):
        sound(tmp_path / "in" / f"{number}.wav", samples=8_000, hz=200 + 100 * number)
    return tmp_path / "in"


@pytest.mark.parametrize("room_kib", [0, 20])
@pytest.mark.parametrize("verb", ["encode", "reconstruct"])
def test_a_folder_of_sounds(
    run: Run, library: Catalog, folder: Path, disk: Disk, verb: str, room_kib: int
) -> None:
    out = disk(room_kib or 4)
    if not room_kib:
        fill(out)
    told = run(verb, "tiny", folder, "-o", out / "out")
    assert told.exit_code == 2, told
    assert NO_SPACE in told.err[0]
    done = [line for line in told.out if line.startswith(f"{out}/out/")]
    assert told.err[1:] == [f"distill: {len(done)} files done, {9 - len(done)} not done"] or (
        len(done) == 1 and told.err[1:] == ["distill: 1 file done, 8 not done"]
    )
    assert len(results(out / "out")) == len(done)
    assert not [name for name in files(out) if name.endswith(".part")], "nothing half-written"
    (out / "ballast").unlink(missing_ok=True)


@pytest.mark.parametrize("room_kib", [0, 8, 24])
@pytest.mark.parametrize("suffix", AUDIO_FORMATS)
def test_codes_to_sounds(
    run: Run, library: Catalog, folder: Path, disk: Disk, suffix: str, room_kib: int
) -> None:
    """Full before the header, in the samples or the tag."""
    assert run("encode", "tiny", folder, "-o", "codes").exit_code == 0
    out = disk(room_kib or 4)
    if not room_kib:
        fill(out)
    told = run("decode", "codes", "-o", out / "out", "--format", suffix)
    assert told.exit_code == 2, told
    assert NO_SPACE in told.err[0]
    assert len(told.err) == 2
    assert not [name for name in files(out) if name.endswith(".part")]


@pytest.mark.parametrize(
    ("words", "file", "lost"),
    [
        ("generate kit -n 1 --length 0.1", "generate.json", "the sounds are there, but not {}"),
        ("generate kit -n 1 --length 0.1", "generate.png", "the sounds are there, but not {}"),
        ("generate kit -n 1 --length 0.1", "listen.html", "the sounds are there, but not {}"),
        ("kit kit --per-class 1 --amount 1", "kit.json", "the sounds are there, but not {}"),
        ("kit kit --per-class 1 --amount 1", "Tiny.sfz", "the sounds are there, but not {}"),
        ("reconstruct kit in/0.wav", "listen.html", "the results are there, but not all of the"),
    ],
)
def test_what_stands_beside_the_sounds_and_finds_no_room_is_named(
    run: Run,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    file: str,
    lost: str,
) -> None:
    """A script would else take a kit without its presets for whole."""
    make_bundle(Path("kit"), fields=STATES, name="Tiny")
    make: Any = tempfile.mkstemp

    def refuse(**options: Any) -> Any:
        if options["prefix"].startswith(f".{file}."):
            raise OSError(errno.ENOSPC, "No space left on device")
        return make(**options)

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    told = run(*words.split(), "-o", "out")
    told.is_mistake(lost.format(file))
    (warning,) = (line for line in told.out if line.startswith("warning: "))
    assert "No space left on device" in warning
    assert list(Path("out").rglob("*.wav"))
    assert not [name for name in files(Path("out")) if name.endswith((file, ".part"))]


def test_shards_that_find_no_room_are_told_of(tmp_path: Path, disk: Disk) -> None:
    """And not waited for: LitData's processes do, for ever."""
    pytest.importorskip("litdata")
    write_sounds(tmp_path / "sounds")
    out = disk(260) / "out"
    settings = ("mel.sample_rate_hz=16000", "data.segment_s=0.25", "--workers", "1")
    work = start(tmp_path, "shard", "sounds", str(out), *settings)
    _, err = work.communicate(300)
    assert work.wait() == 2, err
    assert err.splitlines()[-1].startswith(f"distill: {out}"), err
    assert not (out / "distill.json").exists()


def test_a_model_for_the_library(run: Run, model: Path, disk: Disk) -> None:
    shelf = disk(16)
    told = run("library", "add", model, "--library", shelf / "library")
    assert told.exit_code == 2
    assert told.err == [f"distill: {model}: not added to {shelf}/library: No space left on device"]
    assert not [name for name in files(shelf) if not name.endswith(".lock")]


def test_no_room_for_temporary_files(
    run: Run, model: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(disk(8)))
    told = run("library", "add", model, "--name", "other")
    assert told.exit_code == 2
    assert told.err[0].endswith("No space left on device")


def test_an_index_that_finds_no_room_stays_as_it_was(run: Run, model: Path, disk: Disk) -> None:
    shelf = disk(1 << 10)
    assert run("library", "add", model, "--library", shelf).exit_code == 0
    before = (shelf / "model_library.json").read_bytes()
    fill(shelf)
    told = run("library", "repair", "--library", shelf)
    assert told.exit_code == 2
    assert told.err == [f"distill: {shelf}: cannot be repaired: No space left on device"]
    assert (shelf / "model_library.json").read_bytes() == before
    assert not [name for name in files(shelf) if name.endswith(".part")]
    assert run("library", "delete", "tiny", "--yes", "--library", shelf).exit_code == 0
    assert run("library", "list", "--library", shelf).out == [f"no models in {shelf}"]
