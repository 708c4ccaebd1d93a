"""Names of any letters in settings: they work as typed, or the answer is what to type."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.settings.compose import compose_settings, load_config
from distill.settings.overrides import parse_overrides
from distill.settings.quoting import TEXT_KEYS, quote, quote_folders, quote_text
from distill.sweep.job import DONE, Job
from distill.sweep.results import Result
from distill.train.command import read_command
from distill.train.composing import compose_command

NAMES = [
    *("kit", "kït", "my kit", " kit ", "Kit (2)", "a=b", "it's", 'say "x"', "~", "~kit", "$HOME"),
    *("a\\", "it's\\", "C:\\x\\", "a;b", "#1", "808", "1e5", "1_000", "3.0", "true", "nan", "007"),
    *("[a", "a]", "{a}", "{a:1}", "a{b}", "a&b", "a!b", "a*b", "@x", "-kit", "日本", "k\udcff"),
]


@pytest.mark.parametrize("key", TEXT_KEYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_as_typed(key: str, name: str) -> None:
    for sweep in (False, True):
        (parsed,) = parse_overrides([quote_text(f"{key}={name}", sweep=sweep)])
        assert not parsed.is_sweep_override()
        assert parsed.value() == name


@pytest.mark.parametrize("name", [*NAMES, "a, b", "[a,b]", "\\", "\\'", "\\\\'\\"])
def test_quoted_text_is_read_as_it_was(name: str) -> None:
    (parsed,) = parse_overrides([f"name={quote(name)}"])
    assert parsed.value() == name
    for folders in ([name], [name, "b"]):
        (parsed,) = parse_overrides([quote_folders(folders)])
        assert parsed.value() == (name if len(folders) == 1 else folders)


@pytest.mark.parametrize(
    ("typed", "folders"),
    [
        ("[kit,kït]", ["kit", "kït"]),
        ("[kit, my kït (2)]", ["kit", "my kït (2)"]),
        ("['kit','kït']", ["kit", "kït"]),
        ("[kït,'a, b']", ["kït", "a, b"]),
        ('[kït,"a, b"]', ["kït", "a, b"]),
        ("[~/kit,b]", ["~/kit", "b"]),
        ("[it's,rock'n'roll]", ["it's", "rock'n'roll"]),
        ("[a=b,$c,d\\]", ["a=b", "$c", "d\\"]),
        ("[808,1e5,true]", ["808", "1e5", "true"]),
        ("[kït,]", ["kït"]),
    ],
)
def test_a_list_of_folders_needs_no_quotes_of_hydras(typed: str, folders: list[str]) -> None:
    (parsed,) = parse_overrides([quote_text(f"data.root={typed}")])
    assert parsed.value() == folders


def test_folders_called_by_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("808", "1e5"):
        Path(name).mkdir()
    assert load_config(["data.root=[808,808]"]).data.folders == ["808", "808"]
    assert load_config([quote_text("data.root=1e5")]).data.folders == ["1e5"]


@pytest.mark.parametrize("name", ["a, b", "[kit,kït]", "range(1,3)", "a,b"])
def test_a_folder_that_exists_is_no_list_and_no_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    for sweep in (False, True):
        words = [quote_text(f"data.root={name}", sweep=sweep)]
        assert load_config(words, sweep=sweep).data.folders == [name]


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("data.root=kit,kït", ["kit", "'kït'"]),
        ("data.root=[a,ü],[b]", ["['a','ü']", "['b']"]),
        ("name=a,Müll (2)", ["'a'", "'Müll (2)'"]),
        ("name=1e5,2e5", ["'1e5'", "'2e5'"]),
        ("name=a,b", ["a", "b"]),
    ],
)
def test_a_sweep_over_names(typed: str, values: list[str]) -> None:
    (parsed,) = parse_overrides([quote_text(typed, sweep=True)])
    assert parsed.is_sweep_override()
    strip = [value.replace("'", "") for value in values]
    assert [value.replace("'", "") for value in parsed.sweep_string_iterator()] == strip


def test_a_comma_in_a_name_is_no_sweep_without_m() -> None:
    assert load_config([quote_text("name=drums, loud")], sweep=False).name == "drums, loud"


def test_the_leaderboard_shows_names_without_quotes() -> None:
    job = Job(0, ["name='a (2)'", "data.root=['x','y']", "rvq.levels=2"], DONE)
    shown = Result(job, Path()).settings
    assert shown == {"name": "a (2)", "data.root": "['x','y']", "rvq.levels": "2"}


MISTAKES = [
    ("data.root=kit,kït",),
    ("data.root='kit,snare'",),
    ("data.root='[kit,kït]'",),
    ("data.root=kit,snare",),
    ("data.root=[kit,a, b]",),
    ("data.root=[kit,", "kït]"),
    ("data.root=[kit,", "my", "kit,snare]"),
    ("data.root=my", "kit"),
    ("my", "kit"),
    ("kit", "my", "kit"),
    ("my", "big", "kit (2)"),
    ("name=my", "drums", "data.root=kit"),
    ("logger.name=kït", "data.root=kit"),
]
"""What the shell hands over → an answer that says what to type instead."""


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_what_the_answer_says_to_type_works_in_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("kit", "kït", "snare", "my kit", "a, b", "my big kit (2)"):
        (tmp_path / name).mkdir()

    def answer(command: str) -> list[str] | str:
        """The folders that are trained on, or what is said of the command."""
        handed_over = subprocess.run(
            ["bash", "-c", f"printf '%s\\0' {command}"], stdout=subprocess.PIPE, check=True
        ).stdout
        words = os.fsdecode(handed_over).split("\0")[:-1]
        try:
            return compose_command(read_command(words)).config.data.folders
        except DistillError as error:
            return str(error)

    line = answer(" ".join("'" + word.replace("'", "'\\''") + "'" for word in words))
    assert isinstance(line, str), line
    assert len(line.splitlines()) == 1, line
    wanted = re.search(r"(?:type|quotes:) (\S.*)$", line)
    assert wanted, line
    folders = answer(wanted[1])
    assert isinstance(folders, list), f"{line}: {folders}"
    if "data.root" in wanted[1] or "=" not in wanted[1]:
        assert folders


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("data.root=$SOUNDS", "outside of '...'"),
        ("optimizer.betas=[4,8", "a bracket has no partner"),
        ("name=${nope}", "Interpolation key 'nope' not found"),
        ("stages=a,b", '"stages=[a,b]"'),
        ("rvq.levels=2,3", "add -m"),
    ],
)
def test_other_mistakes_name_the_way_out(word: str, part: str) -> None:
    with pytest.raises(DistillError) as error:
        compose_settings([quote_text(word)], sweep=False)
    assert part in str(error.value)
    assert "=[...]" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("word", ["{}", "data.root={}", "data.root=[{},b]", "data.root={} b"])
def test_what_is_too_long_for_a_name_is_no_folder(word: str) -> None:
    with pytest.raises(DistillError, match="no such folder"):
        compose_command(read_command([word.format("a" * 300)]))
