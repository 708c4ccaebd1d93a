"""What is typed, pasted or dragged into the field for folders, and the folders that are meant."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from distill.dashboard.state.folders import folders_of
from distill.errors import RunError

NAMES = ("drums", "My Sounds (2)", "Trommeln, süß", "it's", 'a "b"', "50% #1?", "null", "a=b")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in NAMES:
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "typed",
    [
        "{path}",
        "  {path}/ ",
        "{name}",
        "~/{name}",
        "file://{address}",
        "file://localhost{address}",
        "{shell}",
        "{shell}, {shell}",
    ],
)
def test_each_way_to_name_a_folder_is_understood(home: Path, name: str, typed: str) -> None:
    path = str(home / name)
    shell = "".join(
        letter if letter.isalnum() or letter == "/" else f"\\{letter}" for letter in path
    )
    text = typed.format(path=path, name=name, address=quote(path), shell=shell)
    assert folders_of(text) == [path]


@pytest.mark.parametrize(
    "typed",
    [
        "{a}, {b}",
        "{a},{b}",
        "'{a}' '{b}'",
        '"{a}", "{b}"',
        "file://{a} , ~/My Sounds (2)",
        "~/drums ~/My\\ Sounds\\ \\(2\\)",
    ],
)
def test_several_folders_are_understood(home: Path, typed: str) -> None:
    both = [str(home / name) for name in NAMES[:2]]
    assert folders_of(typed.format(a=both[0], b=both[1])) == both


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "no folder is given"),
        ("/no/such", "/no/such: no such folder"),
        ("drums, drumz", "drumz: no such folder"),
        ("file:///no%20such", "file:///no%20such: no such folder"),
        (__file__, "is a file; choose its folder"),
        ("a\0b", "no such folder"),
        ("x" * 5_000, "no such folder"),
    ],
)
def test_what_is_no_folder_is_told(home: Path, typed: str, told: str) -> None:
    with pytest.raises(RunError, match=told):
        folders_of(typed)


def test_a_name_that_settings_would_read_is_refused(home: Path) -> None:
    (home / "${oc.env:HOME}").mkdir()
    with pytest.raises(RunError, match="has a meaning in settings"):
        folders_of("${oc.env:HOME}")
