"""an untrusted file → the model that was written, or one line that says why not.

`golden_v1.distillgan` was made once by `python tests/bundle/make_golden.py` and must stay readable.
"""

from __future__ import annotations

import copy
import io
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_bundle import CONFIG, SPECTROGRAM, fields_of, mel, tiny_model, vocoder_state

from distill.bundle import reader
from distill.bundle.format import HISTORY_KEYS, METADATA_KEYS, checksum_of, write_bundle
from distill.bundle.loaded import LoadedModel, load_bundle
from distill.errors import BundleError

OLD_FORMAT = (
    "This model was saved in v1 format which is no longer supported. Please retrain your model."
)
GOLDEN = Path(__file__).with_name("golden_v1.distillgan")
GOLDEN_CODES = [
    [[7, 2], [1, 2], [7, 4], [1, 6], [5, 6]],
    [[4, 7], [6, 7], [7, 5], [0, 5], [3, 7]],
]
Content = dict[str, Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good bundle; read only."""
    path = tmp_path_factory.mktemp("bundle") / "good.distillgan"
    write_bundle(path, fields_of(tiny_model()))
    return path


@pytest.fixture(scope="module")
def content(written: Path) -> Content:
    """What is in the good bundle; copy before changing it."""
    loaded: Content = torch.load(written, weights_only=True)
    return loaded


def save(path: Path, content: Any, *, honest: bool = True) -> Path:
    """Write as an attacker could: any content, with a checksum that fits if it can be had."""
    if honest:
        content = {**content, "checksum": checksum_of(content)}
    torch.save(content, path)
    return path


def refusal(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def changed(content: Content, change: Callable[[Content], object]) -> Content:
    """A copy, changed."""
    other = copy.deepcopy(content)
    change(other)
    return other


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
    assert "truncated or damaged" in refusal(path)


def test_legacy_pickle_before_an_archive_is_refused(written: Path, tmp_path: Path) -> None:
    """One reader would see the archive at the end, the other the pickle at the start."""
    legacy = io.BytesIO()
    torch.save({"format": "distill_model"}, legacy, _use_new_zipfile_serialization=False)
    path = tmp_path / "m.distillgan"
    path.write_bytes(legacy.getvalue() + written.read_bytes())
    assert "truncated or not a .distillgan file" in refusal(path)


# -- damage ----------------------------------------------------------


def test_truncated_file_is_refused_at_any_length(written: Path, tmp_path: Path) -> None:
    data, path = written.read_bytes(), tmp_path / "m.distillgan"
    lengths = {0, 1, 4, 30, len(data) // 2, *range(len(data) - 66, len(data))}
    lengths |= set(range(7, len(data), len(data) // 100))
    for length in lengths:
        path.write_bytes(data[:length])
        assert "truncated" in refusal(path), length


def test_grown_file_is_refused_or_the_same(written: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.distillgan"
    for extra in (b"\0", b"more", b"\0" * 70_000):
        path.write_bytes(written.read_bytes() + extra)
        assert outcome(path, load_bundle(written)) in ("refused", "same")


def outcome(path: Path, good: LoadedModel) -> str:
    """`refused`, or `same` if all of the model came back; anything else is an error."""
    try:
        loaded = load_bundle(path)
    except BundleError:
        return "refused"
    weights = good.model.state_dict()
    assert all(torch.equal(w, weights[name]) for name, w in loaded.model.state_dict().items())
    assert (loaded.metadata, loaded.health) == (good.metadata, good.health)
    assert (loaded.history, loaded.training_config) == (good.history, good.training_config)
    assert loaded.model.config == good.model.config
    assert loaded.spectrogram.config == good.spectrogram.config
    assert loaded.vocoder_state == good.vocoder_state
    return "same"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["bit", "byte", "block", "swap"])
def test_damaged_copies_are_refused_or_load_the_same(
    written: Path, tmp_path: Path, kind: str
) -> None:
    """Same: the damage hit the padding between entries, which holds nothing."""
    good, data, path = load_bundle(written), written.read_bytes(), tmp_path / "m.distillgan"
    chance = random.Random(kind)
    outcomes = []
    for _ in range(60):
        damaged = bytearray(data)
        place = chance.randrange(len(damaged))
        if kind == "bit":
            damaged[place] ^= 1 << chance.randrange(8)
        elif kind == "byte":
            damaged[place] = (damaged[place] + chance.randrange(1, 256)) % 256
        elif kind == "block":
            damaged[place : place + 32] = chance.randbytes(32)
        else:
            other = chance.randrange(len(damaged) - 64)
            damaged[place : place + 64] = data[other : other + 64]
        path.write_bytes(damaged)
        outcomes.append(outcome(path, good))
    assert outcomes.count("refused") > 10


@pytest.mark.filterwarnings("ignore")
def test_damage_to_the_description_is_refused_or_loads_the_same(
    written: Path, tmp_path: Path
) -> None:
    """With its checks in the archive made good again, as someone who edits a bundle would."""
    good, path, chance = load_bundle(written), tmp_path / "m.distillgan", random.Random(0)
    outcomes = []
    for _ in range(100):

        def flip(name: str, data: bytes) -> bytes:
            if not name.endswith("data.pkl"):
                return data
            damaged = bytearray(data)
            damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            return bytes(damaged)

        outcomes.append(outcome(repacked(written, path, flip), good))
    assert outcomes.count("refused") > 50


def repacked(
    source: Path,
    target: Path,
    edit: Callable[[str, bytes], bytes],
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """The same archive with its entries edited."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, edit(entry.filename, old.read(entry)))
    return target


def test_repacked_unchanged_it_still_loads(written: Path, tmp_path: Path) -> None:
    """So the tests that repack fail for what they edit."""
    path = repacked(written, tmp_path / "m.distillgan", lambda _, data: data)
    assert outcome(path, load_bundle(written)) == "same"


def test_flipped_weight_with_a_good_archive_is_seen(written: Path, tmp_path: Path) -> None:
    def flip(name: str, data: bytes) -> bytes:
        return bytes([data[0] ^ 1, *data[1:]]) if name.endswith("data/0") else data

    path = repacked(written, tmp_path / "m.distillgan", flip)
    assert "was altered or damaged: its checksum does not fit" in refusal(path)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("metadata", "name", "Someone else's"),
        ("metadata", "final_val_loss", 0.0),
        ("metadata", "tags", []),
        ("metadata", "extra", 1),
        ("training_config", "seed", 1),
        ("spectrogram_config", "mean_db", -30.000001),
        ("vqvae_config", "decay", 0.9),
        ("loss_curve_history", "val_losses", [1.25, 0.7]),
    ],
)
def test_altered_value_is_seen(
    content: Content, tmp_path: Path, part: str, key: str, value: object
) -> None:
    altered = changed(content, lambda other: other[part].update({key: value}))
    path = save(tmp_path / "m.distillgan", altered, honest=False)
    assert "was altered or damaged: its checksum does not fit" in refusal(path)


# -- hostility -------------------------------------------------------


class Evil:
    """Would create a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.target), "w")


@pytest.mark.parametrize("part", ["metadata", "model_state_dict", "training_config"])
def test_hostile_pickle_is_refused_and_not_run(content: Content, tmp_path: Path, part: str) -> None:
    target = tmp_path / "was_run"
    hostile = changed(content, lambda other: other[part].update({"x": Evil(target)}))
    path = save(tmp_path / "m.distillgan", hostile, honest=False)
    assert "holds more than plain data and was not opened" in refusal(path)
    assert not target.exists()
    pickle.loads(pickle.dumps(Evil(target))).close()
    assert target.exists()  # the trap does work where it is let


@pytest.mark.parametrize("value", [{1, 2}, complex(1, 2), torch.float32, torch.device("cpu")])
def test_value_that_is_loadable_but_not_plain_is_refused(
    content: Content, tmp_path: Path, value: object
) -> None:
    other = changed(content, lambda other: other["metadata"].update(description=value))
    path = save(tmp_path / "m.distillgan", other, honest=False)
    assert "where only plain values are allowed" in refusal(path)


def test_deflated_archive_is_refused(written: Path, tmp_path: Path) -> None:
    path = repacked(written, tmp_path / "m.distillgan", lambda _, data: data, zipfile.ZIP_DEFLATED)
    assert "compressed entries" in refusal(path)


def test_bomb_is_refused_unopened(content: Content, tmp_path: Path) -> None:
    big = save(
        tmp_path / "big", {**content, "vocoder_state": {"x": torch.zeros(5_000_000)}}, honest=False
    )
    path = repacked(big, tmp_path / "m.distillgan", lambda _, data: data, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    assert "compressed entries" in refusal(path)


@pytest.mark.parametrize("part", ["model_state_dict", "metadata", "vocoder_state"])
def test_tensor_that_repeats_one_element_is_refused(
    content: Content, tmp_path: Path, part: str
) -> None:
    huge = torch.zeros(1).expand(10**9)
    other = changed(content, lambda other: other.setdefault(part, {}).update(x=huge))
    path = save(tmp_path / "m.distillgan", other, honest=False)
    assert path.stat().st_size < 200_000
    assert "claims more elements than it has bytes" in refusal(path)


@pytest.mark.parametrize("length", [124, 100_000, 2**31 - 1])
@pytest.mark.parametrize("suffix", [b"\x85", b"t"])
def test_tensor_longer_than_its_bytes_is_refused(
    content: Content, tmp_path: Path, length: int, suffix: bytes
) -> None:
    """The number of elements altered: that of the tensor, a tuple, or that of its storage."""
    marked = changed(content, lambda other: other["metadata"].update(x=torch.zeros(123)))
    source = save(tmp_path / "source", marked, honest=False)

    def claim(name: str, data: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return data
        assert data.count(b"K{" + suffix) == 1
        return data.replace(b"K{" + suffix, b"J" + length.to_bytes(4, "little") + suffix)

    refused = refusal(repacked(source, tmp_path / "m.distillgan", claim))
    assert "truncated or damaged" in refused or "claims more" in refused


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "tensor",
    [
        torch.eye(3).to_sparse(),
        torch.empty(10**9, device="meta"),
        torch.ones(4, 3).T,
    ],
    ids=["sparse", "meta", "transposed"],
)
@pytest.mark.parametrize("part", ["model_state_dict", "vocoder_state"])
def test_tensors_of_other_kinds_are_refused(
    content: Content, tmp_path: Path, part: str, tensor: torch.Tensor
) -> None:
    other = {**content, "vocoder_state": vocoder_state()}
    other[part] = {**other[part], "x": tensor}
    path = save(tmp_path / "m.distillgan", other, honest=False)
    refused = refusal(path)
    assert "truncated or damaged" in refused or "claims more" in refused


def test_one_tensor_named_again_and_again_is_refused(content: Content, tmp_path: Path) -> None:
    """80 GB to read, from a file of 4 MB."""
    large = torch.zeros(1 << 20)
    other = changed(content, lambda other: other["metadata"].update(x=[large] * 20_000))
    path = save(tmp_path / "m.distillgan", other, honest=False)
    assert "nested or repeated beyond reason" in refusal(path)


def test_deep_nesting_is_refused(content: Content, tmp_path: Path) -> None:
    nested: list[Any] = []
    for _ in range(100):
        nested = [nested]
    other = changed(content, lambda other: other["metadata"].update(x=nested))
    assert "nested or repeated" in refusal(save(tmp_path / "a.distillgan", other))


def test_very_deep_nesting_is_refused(content: Content, tmp_path: Path) -> None:
    """Deeper than Python's stack; written by hand, because nothing can pickle it."""
    source = save(tmp_path / "source", {"x": "here"}, honest=False)

    def dig(name: str, data: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return data
        here = b"X\x04\x00\x00\x00here"
        assert here in data
        return data.replace(here, b"]" * 50_000 + here + b"a" * 50_000)

    refused = refusal(repacked(source, tmp_path / "m.distillgan", dig))
    assert "nested or repeated" in refused or "truncated or damaged" in refused


def test_list_that_holds_itself_is_refused(content: Content, tmp_path: Path) -> None:
    circle: list[Any] = []
    circle.append(circle)
    other = changed(content, lambda other: other["metadata"].update(x=circle))
    assert "nested or repeated" in refusal(save(tmp_path / "m.distillgan", other, honest=False))


def test_many_doublings_are_refused(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few bytes that would take 2^25 steps to walk."""
    assert reader.MOST_VALUES < 2**25
    monkeypatch.setattr(reader, "MOST_VALUES", 10_000)  # the same in less time
    doubled: list[Any] = []
    for _ in range(25):
        doubled = [doubled, doubled]
    other = changed(content, lambda other: other["metadata"].update(x=doubled))
    assert "nested or repeated" in refusal(save(tmp_path / "m.distillgan", other, honest=False))


# -- what is missing or does not fit ---------------------------------

NESTED = [
    *(("metadata", key) for key in METADATA_KEYS),
    *(("loss_curve_history", key) for key in HISTORY_KEYS),
    *(("vqvae_config", key) for key in vars(CONFIG)),
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


@pytest.mark.parametrize(("part", "key"), NESTED)
def test_missing_nested_key_is_named(content: Content, tmp_path: Path, part: str, key: str) -> None:
    other = changed({**content, "vocoder_state": vocoder_state()}, lambda c: c[part].pop(key))
    path = save(tmp_path / "m.distillgan", other)
    assert f"the key {part}.{key} is missing" in refusal(path)


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
