"""The seeds that a library's models were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.listen.seeds import LOCK, NAME, Seeds


def test_each_model_has_its_own(tmp_path: Path) -> None:
    one, other = Seeds(tmp_path, "1"), Seeds(tmp_path, "2")
    assert one.asked() == set()
    for seed in (0, 5, 5):
        one.note(seed)
    other.note(1)
    assert one.asked() == {0, 5}
    assert other.asked() == {1}


def test_without_a_library_nothing_is_noted_or_made(tmp_path: Path) -> None:
    seeds = Seeds(tmp_path / "none", "1")
    seeds.note(3)
    assert seeds.asked() == set()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("text", ["", "[1]", '{"1": 3}', '{"1": ["a", true, 4]}', "[" * 100_000])
def test_a_damaged_file_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    seeds = Seeds(tmp_path, "1")
    assert seeds.asked() <= {4}
    seeds.note(7)
    assert 7 in seeds.asked()


def test_where_nothing_can_be_written_seeds_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()
    Seeds(tmp_path, "1").note(3)
    assert Seeds(tmp_path, "1").asked() == set()
