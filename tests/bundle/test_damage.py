"""a spoilt or hostile file → one line that says why not, and nothing run."""

from __future__ import annotations

import pickle
import random
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle import reader
from distill.bundle.loading import load_bundle
from tests.helpers.tiny_bundle import (
    Content,
    changed,
    outcome,
    refusal,
    repacked,
    save,
    vocoder_state,
)

# -- damage ----------------------------------------------------------


NO_KEY_MAY_BE_MISSING = (
    "model_state_dict",
    "vqvae_config",
    "spectrogram_config",
    "loss_curve_history",
    "metadata",
)


def test_truncated_file_is_refused_at_any_length(written: Path, tmp_path: Path) -> None:
    data, path = written.read_bytes(), tmp_path / "m.distillgan"
    lengths = {0, 1, 4, 30, len(data) // 2, *range(len(data) - 66, len(data))}
    lengths |= set(range(7, len(data), len(data) // 100))
    for length in lengths:
        path.write_bytes(data[:length])
        assert "truncated" in refusal(path), length


def test_grown_file_is_refused(written: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.distillgan"
    for extra in (b"\0", b"more", b"\0" * 70_000, written.read_bytes()):
        path.write_bytes(written.read_bytes() + extra)
        refusal(path)


def bits_flipped(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 8])):
        damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def hole(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) - 64)
    return data[:start] + data[start + chance.randrange(1, 64) :]


def spliced(data: bytes, chance: random.Random) -> bytes:
    start, other = chance.randrange(len(data) - 512), chance.randrange(len(data) - 512)
    length = chance.randrange(1, 512)
    return data[:start] + data[other : other + length] + data[start + length :]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("damage", [bits_flipped, cut, hole, spliced])
def test_every_damaged_copy_is_refused(
    written: Path, tmp_path: Path, damage: Callable[[bytes, random.Random], bytes]
) -> None:
    """Wherever it was hit: the seal is over each byte."""
    data, path, chance = written.read_bytes(), tmp_path / "m.distillgan", random.Random(0)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(350):
        damaged = damage(data, chance)
        if damaged != data:
            path.write_bytes(damaged)
            refusal(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kib < 1 << 20


MAY_BE_MISSING = ("val_mel_db", "stem_stride")


def key_removed(content: Content, chance: random.Random) -> None:
    parts = [content, content["codebook_health_snapshot"]["level_1"]]
    parts += [value for key, value in content.items() if key in NO_KEY_MAY_BE_MISSING]
    part = chance.choice(parts)
    part.pop(chance.choice([key for key in part if key not in MAY_BE_MISSING]))


def shape_changed(content: Content, chance: random.Random) -> None:
    weights = content["model_state_dict"]
    name = chance.choice(list(weights))
    weights[name] = chance.choice(
        [weights[name][None], weights[name].flatten()[:-1], weights[name].double().half()]
    )


def type_changed(content: Content, chance: random.Random) -> None:
    content[chance.choice([key for key in content if key != "checksum"])] = chance.choice(
        [None, 5, "text", [1], torch.zeros(2)]
    )


@pytest.mark.parametrize("copies", [10, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize("damage", [key_removed, shape_changed, type_changed])
def test_every_edited_copy_is_refused(
    content: Content,
    tmp_path: Path,
    damage: Callable[[Content, random.Random], None],
    honest: bool,
    copies: int,
) -> None:
    """Saved again by someone who knows the format, with a checksum that fits or the old one."""
    path, chance = tmp_path / "m.distillgan", random.Random(1)
    for _ in range(copies):
        edited = changed(content, lambda other: damage(other, chance))
        save(path, edited, honest=honest and "checksum" in edited)
        refusal(path)


def test_copies_with_a_deflated_entry_are_refused(written: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.distillgan"
    with zipfile.ZipFile(written) as archive:
        names = archive.namelist()
    for deflated in names:
        with zipfile.ZipFile(written) as old, zipfile.ZipFile(path, "w") as new:
            for name in names:
                kind = zipfile.ZIP_DEFLATED if name == deflated else zipfile.ZIP_STORED
                new.writestr(name, old.read(name), kind)
        assert "compressed entries" in refusal(path)


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
