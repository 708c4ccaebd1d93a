"""`encode --to npz` and `--to parquet`: the codes of a folder as one array or table."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import distill
from distill.bundle.format import write_bundle
from distill.bundle.loaded import LoadedModel
from distill.codec.codes import Codes
from distill.codec.gathered import GatheredCodes
from tests.helpers.disks import Disk, disk, fill
from tests.helpers.extras import require
from tests.helpers.low_rows import low_fields
from tests.helpers.sounds import sound
from tests.helpers.verbs import Run, files

__all__ = ["disk"]
NAMES = ("in/kick/1.wav", "in/kick/2.wav", "in/snare/a b.wav")


@pytest.fixture
def low_model(tmp_path: Path) -> Path:
    """Its low rows have levels of their own."""
    write_bundle(tmp_path / "low.distillgan", low_fields())
    return tmp_path / "low.distillgan"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sounds of two classes, one of them of two channels, and what is none."""
    for number, name in enumerate(NAMES):
        sound(tmp_path / name, samples=3_000 + 2_000 * number, channels=1 + number // 2)
    (tmp_path / "in" / "notes.txt").write_text("no sound")
    return tmp_path / "in"


def arrays(path: Path) -> dict[str, np.ndarray]:
    """As a stranger reads them."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def test_an_array_has_the_codes_of_all_sounds(
    run: Run, low_model: Path, folder: Path, tmp_path: Path
) -> None:
    told = run("encode", low_model, folder, "-o", "out", "--to", "npz")
    assert (told.exit_code, told.err) == (0, [])
    assert any("notes.txt: not audio" in line for line in told.out)
    assert files(tmp_path / "out") == ["codes.npz"]
    size = (tmp_path / "out/codes.npz").stat().st_size
    assert told.line_of("out/codes.npz").endswith(f": 3 sounds, 15 columns, {size:,} bytes")
    assert run("encode", low_model, folder, "-o", "single").exit_code == 0
    data = arrays(tmp_path / "out" / "codes.npz")
    model = distill.load(low_model)
    assert data["names"].tolist() == ["kick/1", "kick/2", "snare/a b"]
    assert data["classes"][data["labels"]].tolist() == ["kick", "kick", "snare"]
    assert data["codes"].dtype == np.int16
    for number, name in enumerate(data["names"]):
        codes = Codes.load(tmp_path / "single" / f"{name}.distillcodes")
        own = data["codes"][data["starts"][number] : data["starts"][number + 1]]
        shape = (data["channels"][number], data["columns"][number], *own.shape[1:])
        as_coded = own.reshape(shape).transpose(0, 2, 1, 3)
        assert np.array_equal(as_coded, codes.indices.numpy())
        assert data["samples"][number] == codes.samples
        assert data["sample_rates_hz"][number] == codes.sample_rate_hz
        assert model.decode(as_coded).shape[0] == codes.indices.shape[0]
    assert str(data["codec_digest"]) == model.codec.digest
    assert str(data["model_name"]) == model.metadata.name
    assert (data["levels"], data["low_levels"], data["codebook_size"]) == (2, 2, 8)
    assert data["column_samples"] == model.codec.column_samples


def test_a_table_has_the_same(run: Run, low_model: Path, folder: Path, tmp_path: Path) -> None:
    require("pyarrow", "parquet")
    from pyarrow import parquet

    assert run("encode", low_model, folder, "-o", "out", "--to", "npz").exit_code == 0
    told = run("encode", low_model, folder, "-o", "out", "--to", "parquet")
    assert (told.exit_code, told.err) == (0, [])
    table = parquet.read_table(tmp_path / "out" / "codes.parquet")
    data = arrays(tmp_path / "out" / "codes.npz")
    assert table["name"].to_pylist() == data["names"].tolist()
    assert table["class"].to_pylist() == ["kick", "kick", "snare"]
    assert np.array_equal(table["codes"].combine_chunks().flatten(), data["codes"].reshape(-1))
    for key in ("samples", "channels", "columns"):
        assert table[key].to_pylist() == data[key].tolist()
    assert table.schema.metadata[b"codec_digest"].decode() == str(data["codec_digest"])
    assert set(told.out) >= {"kick/1: 0.2 s"}


def test_levels_are_those_that_were_asked_for(
    run: Run, low_model: Path, folder: Path, tmp_path: Path
) -> None:
    words = ("--levels", "1", "--to", "npz", "-o", "out")
    assert run("encode", low_model, folder, *words).exit_code == 0
    data = arrays(tmp_path / "out" / "codes.npz")
    assert data["codes"].shape[1:] == (4, 1)
    assert (data["levels"], data["low_levels"]) == (1, 0)
    assert data["codes"].min() >= 0


def test_nothing_is_overwritten(run: Run, model: Path, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "codes.npz"
    target.parent.mkdir()
    target.write_text("mine")
    words = ("encode", model, folder, "-o", "out", "--to", "npz")
    run(*words).is_mistake("out/codes.npz", "already exists", "--overwrite")
    assert target.read_text() == "mine"
    assert run(*words, "--overwrite").exit_code == 0
    assert len(arrays(target)["names"]) == 3


def test_a_named_file_that_fails_costs_only_itself(
    run: Run, model: Path, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.wav").write_text("no sound")
    told = run("encode", model, "broken.wav", folder, "-o", "more", "--to", "npz")
    assert told.exit_code == 2
    assert told.err[0].startswith("distill: broken.wav: ")
    assert arrays(tmp_path / "more" / "codes.npz")["names"].tolist() == [
        "kick/1",
        "kick/2",
        "snare/a b",
    ]


def test_no_sound_makes_no_file(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_text("no sound")
    told = run("encode", model, "broken.wav", "-o", "out", "--to", "npz")
    told.is_mistake("broken.wav")
    assert not list(tmp_path.glob("out/*"))


def test_parquet_without_pyarrow_is_one_line(
    run: Run, model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill.encode.arrays.find_spec", lambda name: None)
    told = run("encode", model, folder, "-o", "out", "--to", "parquet")
    told.is_mistake("--to parquet needs pyarrow", "make parquet")


def test_a_full_disk_is_one_line_and_leaves_nothing(
    run: Run, model: Path, folder: Path, disk: Disk
) -> None:
    full = disk(64)
    fill(full)
    told = run("encode", model, folder, "-o", full, "--to", "npz")
    assert told.exit_code == 2
    assert len([line for line in told.err if "No space left" in line]) == 1
    assert os.listdir(full) == ["ballast"]


def test_memory_does_not_grow_with_the_codes(tmp_path: Path, model: Path) -> None:
    """Of a long file, no more is held than a piece."""
    loaded: LoadedModel = distill.load(model)
    long = loaded.codes(np.zeros((2, 200_000, 2), np.int64))
    with GatheredCodes(model_sample_rate_hz=16_000, column_samples=2_048) as gathered:
        for number in range(3):
            gathered.add(f"{number}", tmp_path / "a.wav", long, folder=tmp_path)
        pieces = list(gathered.values())
        assert sum(map(len, pieces)) == 3 * long.indices.numel()
        assert max(map(len, pieces)) <= 1 << 20
    assert files(tmp_path) == [model.name], json.dumps(files(tmp_path))
