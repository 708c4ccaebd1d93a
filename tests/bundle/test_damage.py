"""a spoilt file → one line that says why not."""

from __future__ import annotations

import random
import resource
import zipfile
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
import torch

from distill.bundle.loading import load_bundle
from distill.codec.digest import checksum_of
from distill.model.config import VQVAEConfig
from tests.helpers.tiny_bundle import (
    Content,
    change_content,
    outcome,
    refusal,
    repack,
    save,
)

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


def key_removed(content: Content, chance: random.Random) -> None:
    parts = [content, content["codebook_health_snapshot"]["level_1"]]
    parts += [value for key, value in content.items() if key in NO_KEY_MAY_BE_MISSING]
    part = chance.choice(parts)
    optional = {spec.name for spec in fields(VQVAEConfig) if spec.default is not MISSING}
    optional |= {"quantizer_options", "packages"}
    part.pop(chance.choice([key for key in part if key not in optional]))


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


@pytest.mark.parametrize("copies", [10, pytest.param(40, marks=pytest.mark.slow)])
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
        edited = change_content(content, lambda other: damage(other, chance))
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

        outcomes.append(outcome(repack(written, path, flip), good))
    assert outcomes.count("refused") > 50


def test_repacked_unchanged_it_still_loads(written: Path, tmp_path: Path) -> None:
    """So the tests that repack fail for what they edit."""
    path = repack(written, tmp_path / "m.distillgan", lambda _, data: data)
    assert outcome(path, load_bundle(written)) == "same"


def test_flipped_weight_with_a_good_archive_is_seen(written: Path, tmp_path: Path) -> None:
    def flip(name: str, data: bytes) -> bytes:
        return bytes([data[0] ^ 1, *data[1:]]) if name.endswith("data/0") else data

    path = repack(written, tmp_path / "m.distillgan", flip)
    assert "was altered or damaged: its checksum does not match" in refusal(path)


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
    altered = change_content(content, lambda other: other[part].update({key: value}))
    path = save(tmp_path / "m.distillgan", altered, honest=False)
    assert "was altered or damaged: its checksum does not match" in refusal(path)


def test_digest_of_another_codec_is_seen(content: Content, tmp_path: Path) -> None:
    """Else a library could hand a model out for the codes of another."""
    other = {**content, "codec_digest": "ab" * 32}
    other["checksum"] = checksum_of(other)
    path = save(tmp_path / "m.distillgan", other, honest=False)
    assert "was altered: its codec_digest does not match" in refusal(path)


def test_file_without_a_seal_is_refused(content: Content, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "m.distillgan")
    assert "truncated or altered: its seal is missing" in refusal(tmp_path / "m.distillgan")
