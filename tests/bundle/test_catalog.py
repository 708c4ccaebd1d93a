"""bundle → library folder: names that are safe, and nothing of another model overwritten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from distill.bundle.library import file_stem, publish


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("My Kit 7", "my_kit_7"),
        ("../../etc/passwd", "etc_passwd"),
        ("Küche", "k_che"),
        ("—", "untitled"),
        ("", "untitled"),
        ("x" * 300, "x" * 100),
        ("a-b_c", "a-b_c"),
    ],
)
def test_names_become_safe_file_names(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def test_runs_that_publish_at_once_all_keep_their_model(tmp_path: Path) -> None:
    bundles = []
    for number in range(16):
        bundles.append(tmp_path / f"{number}.distillgan")
        bundles[-1].write_bytes(bytes([number]) * 1000)
    library = tmp_path / "library"
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda bundle: publish(bundle, library, name="kit"), bundles))
    assert len(set(places)) == 16
    for bundle, place in zip(bundles, places, strict=True):
        assert place.read_bytes() == bundle.read_bytes()
    assert sorted(path.name for path in library.iterdir())[:2] == [
        "kit.distillgan",
        "kit_1.distillgan",
    ]


def test_a_run_that_goes_on_replaces_its_own_model_only(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"first")
    second.write_bytes(b"second")
    library = tmp_path / "library"
    place = publish(first, library, name="kit")
    assert publish(second, library, name="kit", earlier=place) == place
    assert place.read_bytes() == b"second"
    elsewhere = publish(first, tmp_path / "other", name="kit", earlier=place)
    assert elsewhere.parent.name == "other"
    assert place.read_bytes() == b"second"
