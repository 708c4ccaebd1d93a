"""an untrusted file → the model that was written, or one line that says why not.

`golden_v1.distillgan` was made by `python -m tests.helpers.golden_bundle`, and stays readable.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from distill.bundle.format import write_bundle
from distill.bundle.loading import load_bundle
from tests.helpers.tiny_bundle import (
    CONFIG,
    SPECTROGRAM,
    Content,
    fields_of,
    mel,
    prior_state,
    refusal,
    save,
    tiny_model,
    vocoder_state,
)

OLD_FORMAT = (
    "This model was saved in v1 format which is no longer supported. Please retrain your model."
)
GOLDEN = Path(__file__).with_name("golden_v1.distillgan")
GOLDEN_CODES = [
    [[3, 3], [5, 7], [7, 2], [2, 5], [1, 2]],
    [[7, 4], [7, 4], [0, 4], [0, 0], [7, 4]],
]


# -- what was written comes back -------------------------------------


def test_model_comes_back_ready_and_identical(written: Path) -> None:
    original, loaded = tiny_model(), load_bundle(written)
    assert not any(module.training for module in loaded.codec.network.modules())
    assert loaded.codec.network.config == CONFIG
    assert loaded.codec.spectrogram.config == SPECTROGRAM
    state = loaded.codec.network.state_dict()
    assert set(state) == set(original.state_dict())
    assert all(torch.equal(state[name], w) for name, w in original.state_dict().items())
    assert torch.equal(loaded.codec.network.encode(mel()), original.encode(mel()))
    assert torch.equal(loaded.codec.network(mel()).mel, original(mel()).mel)


def test_all_that_is_known_of_the_model_comes_back(written: Path) -> None:
    fields, loaded = fields_of(tiny_model()), load_bundle(str(written))
    assert asdict(loaded.metadata) == fields["metadata"]
    health = {level: asdict(figures) for level, figures in loaded.health.items()}
    assert health == fields["codebook_health_snapshot"]
    assert asdict(loaded.history) == fields["loss_curve_history"]
    assert loaded.training_config == fields["training_config"]
    assert loaded.vocoder_state is None
    assert loaded.prior_state is None


@pytest.mark.parametrize("part", ["vocoder", "prior"])
def test_vocoder_and_prior_come_back_unchanged(tmp_path: Path, part: str) -> None:
    states = {"vocoder_state": vocoder_state(), "prior_state": prior_state()}
    path, given = tmp_path / "m.distillgan", states[f"{part}_state"]
    write_bundle(path, {**fields_of(tiny_model()), **states})
    loaded = asdict(getattr(load_bundle(path), f"{part}_state"))
    weights, expected = loaded.pop("state_dict"), given.pop("state_dict")
    assert list(weights) == list(expected)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert loaded == given


def test_a_vocoder_of_an_unknown_type_is_refused_and_can_be_done_without(tmp_path: Path) -> None:
    write_bundle(tmp_path / "a.distillgan", fields_of(tiny_model()))
    default = load_bundle(tmp_path / "a.distillgan").vocoder.name
    state = {**vocoder_state(), "type": "next\nyear"}
    path = tmp_path / "b.distillgan"
    write_bundle(path, {**fields_of(tiny_model()), "vocoder_state": state})
    told = refusal(path)
    assert "of the type 'next\\nyear', which this version of distill does not know" in told
    assert "--vocoder griffin-lim" in told
    assert load_bundle(path, own_vocoder=False).vocoder.name == default


def test_written_again_it_is_the_same_bundle(written: Path, tmp_path: Path) -> None:
    loaded = load_bundle(written)
    again = tmp_path / "again.distillgan"
    write_bundle(again, {**fields_of(loaded.codec.network), "metadata": asdict(loaded.metadata)})
    one, other = (torch.load(path, weights_only=True)["checksum"] for path in (written, again))
    assert one == other


def test_golden_file_stays_readable() -> None:
    assert GOLDEN.stat().st_size < 100_000
    loaded = load_bundle(GOLDEN)
    assert loaded.codec.network.encode(mel())[0].tolist() == GOLDEN_CODES
    assert loaded.metadata.name == "Tiny – 🥁"
    assert loaded.health["level_1"].dead_codes == 0
    assert loaded.history.val_mel_db == [20.0, 10.0]
    assert loaded.codec.spectrogram.config == SPECTROGRAM
    assert loaded.vocoder_state is not None
    assert loaded.vocoder_state.training_metadata.epochs == 200
    assert loaded.prior_state is not None
    assert loaded.prior_state.config["classes"] == ("kick", "snare")
    assert loaded.prior is not None
    assert loaded.prior.config.sounds[4].name == "snare/1.wav"


# -- another format --------------------------------------------------


@pytest.mark.parametrize("name", ["old.distill", "missing.distill"])
def test_old_suffix_is_refused(written: Path, tmp_path: Path, name: str) -> None:
    shutil.copy(written, tmp_path / "old.distill")
    assert refusal(tmp_path / name) == OLD_FORMAT


@pytest.mark.parametrize(
    "content", [{"format": "distill_model"}, {"format": "distill_model", "version": 9}]
)
def test_old_marker_is_refused(tmp_path: Path, content: Content) -> None:
    assert refusal(save(tmp_path / "m.distillgan", content, honest=False)) == OLD_FORMAT


def test_newer_version_is_refused_before_its_content_is_looked_at(
    content: Content, tmp_path: Path
) -> None:
    whole = save(tmp_path / "whole.distillgan", {**content, "version": 2})
    bare = save(
        tmp_path / "bare.distillgan", {"format": "distillgan_model", "version": 17}, honest=False
    )
    assert "version 2, newer than this distill reads (1): please upgrade" in refusal(whole)
    assert "version 17, newer" in refusal(bare)


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, True, None])
def test_impossible_version_is_refused(content: Content, tmp_path: Path, version: object) -> None:
    path = save(tmp_path / "m.distillgan", {**content, "version": version})
    assert "version" in refusal(path)


@pytest.mark.parametrize("marker", ["something_else", None, 5, "distillgan_model2", ["x"] * 99])
def test_other_marker_is_refused(content: Content, tmp_path: Path, marker: object) -> None:
    path = save(tmp_path / "m.distillgan", {**content, "format": marker})
    assert "is not a .distillgan file (its format is" in refusal(path)


@pytest.mark.parametrize("other", [[], "text", 5, None, torch.zeros(3), [{"format": 1}]])
def test_other_saved_things_are_refused(tmp_path: Path, other: object) -> None:
    path = save(tmp_path / "m.distillgan", other, honest=False)
    assert "is not a .distillgan file" in refusal(path)


def test_unknown_model_type_is_refused(content: Content, tmp_path: Path) -> None:
    path = save(tmp_path / "m.distillgan", {**content, "model_type": "gan"})
    assert "unknown type 'gan'" in refusal(path)


# -- not a file at all -----------------------------------------------


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'no.distillgan'}: no such file" in refusal(tmp_path / "no.distillgan")
    assert f"{tmp_path}: is a folder" in refusal(tmp_path)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 4096, b"PK\x03\x04", b"RIFF....WAVEfmt ", b"name: text\n" * 99]
)
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "m.distillgan"
    path.write_bytes(data)
    assert "truncated or not a .distillgan file" in refusal(path)


def test_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.distillgan"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    assert "is not a .distillgan file, but another kind of archive" in refusal(path)


def test_legacy_pickle_before_an_archive_is_refused(written: Path, tmp_path: Path) -> None:
    """One reader would see the archive at the end, the other the pickle at the start."""
    legacy = io.BytesIO()
    torch.save({"format": "distill_model"}, legacy, _use_new_zipfile_serialization=False)
    path = tmp_path / "m.distillgan"
    path.write_bytes(legacy.getvalue() + written.read_bytes())
    assert "truncated or not a .distillgan file" in refusal(path)
