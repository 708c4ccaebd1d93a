"""model and what is known of it → one file, written whole or not at all."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle.content import BundleContent
from distill.bundle.format import (
    write_bundle,
)
from distill.codec.description import Metadata
from distill.codec.digest import checksum_of, codec_digest_of
from tests.helpers.tiny_bundle import fields_of, prior_state, tiny_model, vocoder_state

STATES = {"vocoder_state", "prior_state"}


@pytest.fixture
def fields() -> dict[str, Any]:
    return fields_of(tiny_model())


def plain(path: Path) -> dict[str, Any]:
    """The file as anyone reads it, without this project."""
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


def test_file_holds_the_keys_of_the_specification(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = tmp_path / "m.distillgan"
    write_bundle(path, fields)
    content = plain(path)
    assert set(content) == {
        "format",
        "version",
        "model_type",
        "model_state_dict",
        "vqvae_config",
        "spectrogram_config",
        "training_config",
        "codebook_health_snapshot",
        "loss_curve_history",
        "metadata",
        "codec_digest",
        "checksum",
    }
    assert set(content) == {spec.name for spec in dataclass_fields(BundleContent)} - STATES
    assert content["format"] == "distillgan_model"
    assert content["version"] == 1
    assert content["model_type"] == "vqvae"
    assert {
        "codebook_dim",
        "codebook_size",
        "num_quantizers",
        "decay",
        "commitment_weight",
        "threshold_ema_dead_code",
        "dropout",
    } <= set(content["vqvae_config"])
    assert {spec.name for spec in dataclass_fields(Metadata)} == set(content["metadata"])


@pytest.mark.parametrize(
    ("key", "state"), [("vocoder_state", vocoder_state()), ("prior_state", prior_state())]
)
def test_vocoder_and_prior_are_keys_only_if_there_are_such(
    tmp_path: Path, fields: dict[str, Any], key: str, state: dict[str, Any]
) -> None:
    path = tmp_path / "m.distillgan"
    write_bundle(path, fields)
    assert key not in plain(path)
    write_bundle(path, {**fields, key: state})
    assert tuple(plain(path)[key]) == ("type", "state_dict", "config", "training_metadata")
    assert plain(path)[key]["training_metadata"] == state["training_metadata"]


def test_entries_are_stored_not_deflated(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = tmp_path / "m.distillgan"
    write_bundle(path, fields)
    with zipfile.ZipFile(path) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_bundle_of_a_model_in_training_holds_no_gradients(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    model = tiny_model().train()
    model(torch.randn(1, 1, 32, 64)).mel.sum().backward()
    path = tmp_path / "m.distillgan"
    write_bundle(path, {**fields, "model_state_dict": model.state_dict(keep_vars=True)})
    content = plain(path)
    assert not any(weight.requires_grad for weight in content["model_state_dict"].values())
    assert content["checksum"] == checksum_of(content)


def test_view_of_a_large_tensor_is_written_without_the_rest(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    small, large = tmp_path / "small.distillgan", tmp_path / "large.distillgan"
    write_bundle(small, fields)
    state = {
        name: torch.stack([weight, *[weight] * 99], dim=-1)[..., 0]
        for name, weight in fields["model_state_dict"].items()
    }
    write_bundle(large, {**fields, "model_state_dict": state})
    assert large.stat().st_size < 1.1 * small.stat().st_size


def test_what_is_not_plain_is_refused_and_nothing_is_written(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    """So that no run ends with a bundle that cannot be read."""
    with pytest.raises(TypeError, match="Path"):
        write_bundle(tmp_path / "m.distillgan", {**fields, "training_config": {"root": tmp_path}})
    assert list(tmp_path.iterdir()) == []


def test_old_bundle_survives_a_failed_write(
    tmp_path: Path, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.distillgan"
    write_bundle(path, fields)
    before = path.read_bytes()

    def disk_full(partial: Path, content: bytes) -> int:
        with partial.open("wb") as file:
            file.write(b"half of it")
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", disk_full)
    with pytest.raises(OSError, match="no space"):
        write_bundle(path, fields)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.distillgan"]


def test_checksum_depends_on_content_and_not_on_order(fields: dict[str, Any]) -> None:
    backwards = dict(reversed(fields.items()))
    backwards["metadata"] = dict(reversed(fields["metadata"].items()))
    assert checksum_of(backwards) == checksum_of(fields)
    assert checksum_of({**fields, "checksum": "anything"}) == checksum_of(fields)


def test_header_and_digests_are_written_anew(tmp_path: Path, fields: dict[str, Any]) -> None:
    """What was read from one bundle can be written as another."""
    stale = {"format": "x", "version": 9, "model_type": "y", "codec_digest": "", "checksum": ""}
    write_bundle(tmp_path / "a.distillgan", fields)
    write_bundle(tmp_path / "b.distillgan", {**stale, **fields, **stale})
    one, other = (plain(tmp_path / f"{name}.distillgan") for name in "ab")
    assert {key: one[key] for key in stale} == {key: other[key] for key in stale}
    assert one.keys() == other.keys()


OF_THE_CODEC: list[Callable[[dict[str, Any]], object]] = [
    lambda fields: fields["vqvae_config"].update(decay=0.9),
    lambda fields: fields["spectrogram_config"].update(mean_db=-31.0),
    lambda fields: next(iter(fields["model_state_dict"].values())).view(-1)[0].add_(1),
]
NOT_OF_THE_CODEC: list[Callable[[dict[str, Any]], object]] = [
    lambda fields: fields["metadata"].update(name="Other", tags=["a"], description="b"),
    lambda fields: fields["training_config"].update(seed=1),
    lambda fields: fields["loss_curve_history"]["val_losses"].append(0.25),
    lambda fields: fields.update(vocoder_state=vocoder_state(), prior_state=prior_state()),
]


@pytest.mark.parametrize("change", OF_THE_CODEC + NOT_OF_THE_CODEC)
def test_codec_digest_is_that_of_weights_and_configurations(
    tmp_path: Path, fields: dict[str, Any], change: Callable[[dict[str, Any]], object]
) -> None:
    path, other = tmp_path / "a.distillgan", copy.deepcopy(fields)
    change(other)
    assert checksum_of(other) != checksum_of(fields)
    assert (codec_digest_of(other) == codec_digest_of(fields)) == (change in NOT_OF_THE_CODEC)
    write_bundle(path, other)
    assert plain(path)["codec_digest"] == codec_digest_of(other)


DIFFERENT: list[tuple[Any, Any]] = [
    (1, 2),
    (1, 1.0),
    (1, "1"),
    (1, True),
    (5, "i5"),
    (0, False),
    (0, None),
    (0.0, -0.0),
    ("", None),
    ("a", b"a"),
    ("\u00e9", "e\u0301"),
    ([], {}),
    ([1, 2], [2, 1]),
    ([[1], [2]], [[1, 2]]),
    ([1, [2]], [[1], 2]),
    (["ab", "c"], ["a", "bc"]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"b": 1}),
    ({"a": {"b": 1}}, {"a": {}, "b": 1}),
    (torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0])),
    (torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 2.0]])),
    (torch.tensor([0, 0]), torch.tensor([0.0])),
    (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64)),
    (torch.tensor([0.0]), torch.tensor([-0.0])),
    (torch.tensor(1.0), 1.0),
    (torch.zeros(0), torch.zeros(0, 3)),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_any_difference_changes_the_checksum(one: Any, other: Any) -> None:
    assert checksum_of({"x": one}) != checksum_of({"x": other})


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**80,
        -(2**63),
        "\ud800",
        (1, 2),
        torch.eye(3).T,
        torch.tensor(3),
    ],
)
def test_unusual_plain_values_have_a_checksum_that_survives_the_file(
    tmp_path: Path, value: Any
) -> None:
    path = tmp_path / "value"
    torch.save({"x": value}, path)
    assert checksum_of(torch.load(path, weights_only=True)) == checksum_of({"x": value})


def test_every_torch_load_of_the_project_is_weights_only() -> None:
    """One that is not would run whatever a stranger's file says."""
    package = Path(__file__).resolve().parents[2] / "distill"
    calls = []
    for module in package.rglob("*.py"):
        source = module.read_text(encoding="utf-8")
        for start in range(len(source)):
            if source.startswith("torch.load(", start):
                call = source[start : source.index(")", source.index("(", start))]
                calls.append((module.name, call))
        assert "weights_only=False" not in source, module
        assert "pickle.load" not in source, module
        assert "allow_pickle=True" not in source, module
    assert any(name == "reader.py" for name, _ in calls)
    assert [(name, call) for name, call in calls if "weights_only=True" not in call] == []
