"""a hostile file → one line that says why not, and nothing run."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle import reader
from tests.helpers.tiny_bundle import (
    Content,
    change_content,
    refusal,
    repack,
    save,
    vocoder_state,
)


class Evil:
    """Would create a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.target), "w")


@pytest.mark.parametrize("part", ["metadata", "model_state_dict", "training_config"])
def test_hostile_pickle_is_refused_and_not_run(content: Content, tmp_path: Path, part: str) -> None:
    target = tmp_path / "was_run"
    hostile = change_content(content, lambda other: other[part].update({"x": Evil(target)}))
    path = save(tmp_path / "m.distillgan", hostile, honest=False)
    assert "holds more than plain data and was not opened" in refusal(path)
    assert not target.exists()
    pickle.loads(pickle.dumps(Evil(target))).close()
    assert target.exists()  # the trap does work where it is let


@pytest.mark.parametrize("value", [{1, 2}, complex(1, 2), torch.float32, torch.device("cpu")])
def test_value_that_is_loadable_but_not_plain_is_refused(
    content: Content, tmp_path: Path, value: object
) -> None:
    other = change_content(content, lambda other: other["metadata"].update(description=value))
    path = save(tmp_path / "m.distillgan", other, honest=False)
    assert "where only plain values are allowed" in refusal(path)


def test_deflated_archive_is_refused(written: Path, tmp_path: Path) -> None:
    path = repack(written, tmp_path / "m.distillgan", lambda _, data: data, zipfile.ZIP_DEFLATED)
    assert "compressed entries" in refusal(path)


def test_bomb_is_refused_unopened(content: Content, tmp_path: Path) -> None:
    big = save(
        tmp_path / "big", {**content, "vocoder_state": {"x": torch.zeros(5_000_000)}}, honest=False
    )
    path = repack(big, tmp_path / "m.distillgan", lambda _, data: data, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    assert "compressed entries" in refusal(path)


@pytest.mark.parametrize("part", ["model_state_dict", "metadata", "vocoder_state"])
def test_tensor_that_repeats_one_element_is_refused(
    content: Content, tmp_path: Path, part: str
) -> None:
    huge = torch.zeros(1).expand(10**9)
    other = change_content(content, lambda other: other.setdefault(part, {}).update(x=huge))
    path = save(tmp_path / "m.distillgan", other, honest=False)
    assert path.stat().st_size < 200_000
    assert "claims more elements than it has bytes" in refusal(path)


@pytest.mark.parametrize("length", [124, 100_000, 2**31 - 1])
@pytest.mark.parametrize("suffix", [b"\x85", b"t"])
def test_tensor_longer_than_its_bytes_is_refused(
    content: Content, tmp_path: Path, length: int, suffix: bytes
) -> None:
    """The number of elements altered: that of the tensor, a tuple, or that of its storage."""
    marked = change_content(content, lambda other: other["metadata"].update(x=torch.zeros(123)))
    source = save(tmp_path / "source", marked, honest=False)

    def claim(name: str, data: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return data
        assert data.count(b"K{" + suffix) == 1
        return data.replace(b"K{" + suffix, b"J" + length.to_bytes(4, "little") + suffix)

    refused = refusal(repack(source, tmp_path / "m.distillgan", claim))
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
    other = change_content(content, lambda other: other["metadata"].update(x=[large] * 20_000))
    path = save(tmp_path / "m.distillgan", other, honest=False)
    assert "nested too deeply or holds too many values" in refusal(path)


def test_deep_nesting_is_refused(content: Content, tmp_path: Path) -> None:
    nested: list[Any] = []
    for _ in range(100):
        nested = [nested]
    other = change_content(content, lambda other: other["metadata"].update(x=nested))
    assert "nested too deeply" in refusal(save(tmp_path / "a.distillgan", other))


def test_very_deep_nesting_is_refused(content: Content, tmp_path: Path) -> None:
    """Deeper than Python's stack; written by hand, because nothing can pickle it."""
    source = save(tmp_path / "source", {"x": "here"}, honest=False)

    def dig(name: str, data: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return data
        here = b"X\x04\x00\x00\x00here"
        assert here in data
        return data.replace(here, b"]" * 50_000 + here + b"a" * 50_000)

    refused = refusal(repack(source, tmp_path / "m.distillgan", dig))
    assert "nested too deeply" in refused or "truncated or damaged" in refused


def test_list_that_holds_itself_is_refused(content: Content, tmp_path: Path) -> None:
    circle: list[Any] = []
    circle.append(circle)
    other = change_content(content, lambda other: other["metadata"].update(x=circle))
    assert "nested too deeply" in refusal(save(tmp_path / "m.distillgan", other, honest=False))


def test_many_doublings_are_refused(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few bytes that would take 2^25 steps to walk."""
    assert reader.MOST_VALUES < 2**25
    monkeypatch.setattr(reader, "MOST_VALUES", 10_000)  # the same in less time
    doubled: list[Any] = []
    for _ in range(25):
        doubled = [doubled, doubled]
    other = change_content(content, lambda other: other["metadata"].update(x=doubled))
    assert "nested too deeply" in refusal(save(tmp_path / "m.distillgan", other, honest=False))


def test_a_sample_rate_too_low_for_any_sound_is_refused(content: Content, tmp_path: Path) -> None:
    """The shortest sounds would have no samples, and be divided by."""
    other = change_content(
        content, lambda other: other["spectrogram_config"].update(sample_rate_hz=3)
    )
    assert "sample_rate_hz" in refusal(save(tmp_path / "m.distillgan", other))


def test_a_refusal_shows_no_control_characters(content: Content, tmp_path: Path) -> None:
    other = change_content(content, lambda other: other["vqvae_config"].update(quantizer="\x1b[2J"))
    refused = refusal(save(tmp_path / "m.distillgan", other))
    assert "is not installed" in refused
    assert refused.isprintable()
