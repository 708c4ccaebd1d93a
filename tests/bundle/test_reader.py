"""an untrusted file → the model that was written, or one line that says why not.

`golden_v1.distillgan` was made by `python -m tests.helpers.golden_bundle`, and stays readable.
"""

from __future__ import annotations

import copy
import io
import random
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from distill.bundle.format import HISTORY_KEYS, METADATA_KEYS, write_bundle
from distill.bundle.loading import load_bundle
from distill.codec.loaded import LoadedModel
from distill.errors import BundleError
from tests.helpers.tiny_bundle import (
    CONFIG,
    SPECTROGRAM,
    Content,
    changed,
    fields_of,
    mel,
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
    [[7, 2], [1, 2], [7, 4], [1, 6], [5, 6]],
    [[4, 7], [6, 7], [7, 5], [0, 5], [3, 7]],
]


# -- what was written comes back -------------------------------------


def test_model_comes_back_ready_and_identical(written: Path) -> None:
    original, loaded = tiny_model(), load_bundle(written)
    assert not any(module.training for module in loaded.model.modules())
    assert loaded.model.config == CONFIG
    assert loaded.spectrogram.config == SPECTROGRAM
    state = loaded.model.state_dict()
    assert set(state) == set(original.state_dict())
    assert all(torch.equal(state[name], w) for name, w in original.state_dict().items())
    assert torch.equal(loaded.model.encode(mel()), original.encode(mel()))
    assert torch.equal(loaded.model(mel()).mel, original(mel()).mel)


def test_all_that_is_known_of_the_model_comes_back(written: Path) -> None:
    fields, loaded = fields_of(tiny_model()), load_bundle(str(written))
    assert loaded.metadata == fields["metadata"]
    assert loaded.health == fields["codebook_health_snapshot"]
    assert loaded.history == fields["loss_curve_history"]
    assert loaded.training_config == fields["training_config"]
    assert loaded.vocoder_state is None


def test_vocoder_comes_back_unchanged(tmp_path: Path) -> None:
    path, given = tmp_path / "m.distillgan", vocoder_state()
    write_bundle(path, {**fields_of(tiny_model()), "vocoder_state": given})
    loaded = load_bundle(path).vocoder_state
    assert loaded is not None
    weight = loaded["state_dict"].pop("conv.weight")
    assert torch.equal(weight, given["state_dict"].pop("conv.weight"))
    assert loaded == given


def test_written_again_it_is_the_same_bundle(written: Path, tmp_path: Path) -> None:
    loaded = load_bundle(written)
    again = tmp_path / "again.distillgan"
    write_bundle(again, {**fields_of(loaded.model), "metadata": loaded.metadata})
    one, other = (torch.load(path, weights_only=True)["checksum"] for path in (written, again))
    assert one == other


def test_golden_file_stays_readable() -> None:
    assert GOLDEN.stat().st_size < 100_000
    loaded = load_bundle(GOLDEN)
    assert loaded.model.encode(mel())[0].tolist() == GOLDEN_CODES
    assert loaded.metadata["name"] == "Tiny – 🥁"
    assert loaded.health["level_1"]["dead_codes"] == 0
    assert loaded.history["val_mel_db"] == [20.0, 10.0]
    assert loaded.spectrogram.config == SPECTROGRAM
    assert loaded.vocoder_state is not None
    assert loaded.vocoder_state["training_metadata"]["epochs"] == 200


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
    assert "is not a .distillgan file, but an archive of other things" in refusal(path)


def test_legacy_pickle_before_an_archive_is_refused(written: Path, tmp_path: Path) -> None:
    """One reader would see the archive at the end, the other the pickle at the start."""
    legacy = io.BytesIO()
    torch.save({"format": "distill_model"}, legacy, _use_new_zipfile_serialization=False)
    path = tmp_path / "m.distillgan"
    path.write_bytes(legacy.getvalue() + written.read_bytes())
    assert "truncated or not a .distillgan file" in refusal(path)


# -- what is missing or does not fit ---------------------------------

NESTED = [
    *(("metadata", key) for key in METADATA_KEYS),
    *(("loss_curve_history", key) for key in HISTORY_KEYS),
    *(("vqvae_config", key) for key in vars(CONFIG) if key != "stem_stride"),
    *(("spectrogram_config", key) for key in vars(SPECTROGRAM)),
    *(("vocoder_state", key) for key in ("type", "state_dict", "config", "training_metadata")),
]


@pytest.mark.parametrize(
    "key",
    [
        "version",
        "model_type",
        "model_state_dict",
        "vqvae_config",
        "spectrogram_config",
        "training_config",
        "codebook_health_snapshot",
        "loss_curve_history",
        "metadata",
        "checksum",
    ],
)
def test_missing_key_is_named(content: Content, tmp_path: Path, key: str) -> None:
    other = {name: value for name, value in content.items() if name != key}
    path = save(tmp_path / "m.distillgan", other, honest=key != "checksum")
    assert f"the key {key} is missing" in refusal(path)
    wrong = save(tmp_path / "n.distillgan", {**content, key: [1]}, honest=key != "checksum")
    assert f"{key} must be" in refusal(wrong)


def test_network_that_does_not_say_its_first_stride_has_halvings_only(
    content: Content, tmp_path: Path
) -> None:
    older = changed(content, lambda c: c["vqvae_config"].pop("stem_stride"))
    model = load_bundle(save(tmp_path / "m.distillgan", older)).model
    assert model.config.stem_stride == 2


@pytest.mark.parametrize(("part", "key"), NESTED)
def test_missing_nested_key_is_named(content: Content, tmp_path: Path, part: str, key: str) -> None:
    other = changed({**content, "vocoder_state": vocoder_state()}, lambda c: c[part].pop(key))
    path = save(tmp_path / "m.distillgan", other)
    assert f"the key {part}.{key} is missing" in refusal(path)


@pytest.mark.parametrize("key", ["model_id", "name"])
def test_what_a_model_is_called_must_be_text(content: Content, tmp_path: Path, key: str) -> None:
    other = changed(content, lambda c: c["metadata"].update({key: ["x"]}))
    path = save(tmp_path / "m.distillgan", other)
    assert f"metadata.{key} must be str" in refusal(path)


@pytest.mark.parametrize("key", ["utilization", "perplexity", "dead_codes"])
def test_missing_health_figure_is_named(content: Content, tmp_path: Path, key: str) -> None:
    other = changed(content, lambda c: c["codebook_health_snapshot"]["level_1"].pop(key))
    path = save(tmp_path / "m.distillgan", other)
    assert f"codebook_health_snapshot.level_1.{key} is missing" in refusal(path)


def test_missing_and_unknown_weights_are_named(content: Content, tmp_path: Path) -> None:
    name = "decoder.stages.0.weight"
    missing = changed(content, lambda c: c["model_state_dict"].pop(name))
    assert f"the weight {name} is missing" in refusal(save(tmp_path / "a.distillgan", missing))
    extra = changed(content, lambda c: c["model_state_dict"].update(more=torch.zeros(1)))
    assert "the weight more has no place" in refusal(save(tmp_path / "b.distillgan", extra))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("codebook_size", 16),
        ("codebook_dim", 8),
        ("channels", [4, 4, 4, 8]),
        ("channels", [8, 4, 4, 4]),
    ],
)
def test_shapes_that_do_not_fit_the_config_are_refused(
    content: Content, tmp_path: Path, key: str, value: object
) -> None:
    other = changed(content, lambda c: c["vqvae_config"].update({key: value}))
    path = save(tmp_path / "m.distillgan", other)
    assert "does not fit vqvae_config" in refusal(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_quantizers", 3), ("residual_units", 2), ("channels", [4, 4, 4, 4, 4])],
)
def test_config_that_asks_for_more_weights_is_refused(
    content: Content, tmp_path: Path, key: str, value: object
) -> None:
    other = changed(content, lambda c: c["vqvae_config"].update({key: value}))
    refused = refusal(save(tmp_path / "m.distillgan", other))
    assert "weight" in refused
    assert "is missing" in refused or "does not fit" in refused


@pytest.mark.parametrize(
    "weight",
    [
        torch.zeros(4, 4, 1),
        torch.zeros(4, 4, 1, 1, dtype=torch.float64),
        torch.full((4, 4, 1, 1), float("nan")),
        "text",
        None,
        [0.0] * 16,
    ],
)
def test_weight_that_is_none_is_refused(content: Content, tmp_path: Path, weight: object) -> None:
    name = "encoder.to_latent.1.weight"
    assert content["model_state_dict"][name].shape == (4, 4, 1, 1)
    other = changed(content, lambda c: c["model_state_dict"].update({name: weight}))
    assert f"the weight {name}" in refusal(save(tmp_path / "m.distillgan", other))


IMPOSSIBLE = [
    ("vqvae_config", "codebook_dim", value) for value in (0, -1, 4.0, "4", None, True, [4], 10**9)
]
IMPOSSIBLE += [("vqvae_config", "dropout", value) for value in (-0.1, 1.5, float("nan"), "0")]
IMPOSSIBLE += [("vqvae_config", "decay", value) for value in (float("inf"), 10**400, None, [0.5])]
IMPOSSIBLE += [
    ("vqvae_config", "channels", value) for value in (4, [], [4] * 17, [0], [4.5], "4444", [[4]])
]
IMPOSSIBLE += [("vqvae_config", "num_quantizers", value) for value in (0, 1000, 10**6)]
IMPOSSIBLE += [("vqvae_config", "residual_units", value) for value in (-1, 10**6)]
IMPOSSIBLE += [("vqvae_config", "stem_stride", value) for value in (0, 3, 2.0, None, 10**6)]
IMPOSSIBLE += [("spectrogram_config", "n_fft", value) for value in (0, -2, 10**7, 512.5, 10**400)]
IMPOSSIBLE += [("spectrogram_config", "hop_length", value) for value in (0, None)]
IMPOSSIBLE += [("spectrogram_config", "n_mels", value) for value in (0, 10**6)]
IMPOSSIBLE += [("spectrogram_config", "std_db", value) for value in (0, -1, float("nan"))]
IMPOSSIBLE += [("spectrogram_config", "floor", value) for value in (0, -1e-3)]


@pytest.mark.parametrize(("part", "key", "value"), IMPOSSIBLE, ids=lambda value: str(value)[:20])
def test_impossible_setting_is_refused(
    content: Content, tmp_path: Path, part: str, key: str, value: object
) -> None:
    other = changed(content, lambda c: c[part].update({key: value}))
    refused = refusal(save(tmp_path / "m.distillgan", other))
    assert key in refused


@pytest.mark.filterwarnings("ignore")
def test_strange_settings_load_or_are_refused(content: Content, tmp_path: Path) -> None:
    """Whatever stands in the two configurations, nothing but a BundleError comes out."""
    chance, path = random.Random(0), tmp_path / "m.distillgan"
    values = [
        1,
        2,
        3,
        1e-300,
        0.5,
        1e6,
        10**6,
        64,
        -1,
        -1e6,
        5,
        None,
        "x",
        {},
        [10**6] * 8,
        [1] * 8,
    ]
    ends = []
    for _ in range(60):
        other = copy.deepcopy(content)
        part = other[chance.choice(["vqvae_config", "spectrogram_config"])]
        part[chance.choice(list(part))] = chance.choice(values)
        save(path, other)
        try:
            ends.append(type(load_bundle(path)))
        except BundleError:
            ends.append(BundleError)
    assert set(ends) == {LoadedModel, BundleError}


def test_settings_unknown_to_this_version_are_ignored(content: Content, tmp_path: Path) -> None:
    other = changed(content, lambda c: c["vqvae_config"].update(later="more"))
    assert load_bundle(save(tmp_path / "m.distillgan", other)).model.config == CONFIG


def test_refusals_name_the_file(content: Content, tmp_path: Path) -> None:
    other = changed(content, lambda c: c["metadata"].pop("name"))
    for path in (
        save(tmp_path / "my model.distillgan", other),
        save(
            tmp_path / "my model.distillgan", changed(content, lambda c: c["vqvae_config"].clear())
        ),
    ):
        assert refusal(path).startswith("my model.distillgan: ")
