"""What was typed into fields, and what of it arrives in the settings of a run or a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from distill.dashboard.pages.typed import read_number, read_whole
from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import RunRequest
from distill.dashboard.state.sounds_request import SoundsRequest
from distill.errors import DistillError
from distill.generate.arguments import parser_of_generate
from distill.settings.compose import load_config
from distill.settings.overrides import parse_overrides
from distill.settings.quoting import quote_text
from distill.train.command import read_command

PLACES = Places(Path("/out, [puts]"), Path("/lib 'rary'"))
ODD = (
    "null",
    '"q"',
    "'q'",
    "${oc.env:HOME}",
    "a,b",
    "[a]",
    "{a: 1}",
    "~",
    "808",
    "1e5",
    "true",
    "a=b",
)
TEXTS = (
    st.text(max_size=12)
    | st.text("'\"\\\\,[]{}()$:=~ 1ae.\n\t-", max_size=8)
    | st.sampled_from(ODD)
)
"""What somebody may type, and above all what settings would take for something else."""


def test_numbers_from_fields() -> None:
    assert read_number("", "Minutes", 0.01, 9) is None
    assert read_number(" 0,5 ", "Minutes", 0.01, 9) == 0.5
    assert read_whole("12", "Epochs", 1, 99) == 12
    assert read_number("0,125", "Minutes", 0.01, 9) == 0.125
    with pytest.raises(DistillError, match="1,000 can be read in two ways"):
        read_number("1,000", "Minutes", 0.01, 9_999)
    for typed in ("x", "nan", "inf", "-1", "10", "1e9", "1_0", "1,0,0", "1.000,5"):
        with pytest.raises(DistillError, match="Minutes: .* is not a number from 0.01 to 9"):
            read_number(typed, "Minutes", 0.01, 9)
    for typed in ("1.5", "0", "100", "²", "9" * 5_000):
        with pytest.raises(DistillError, match="is not a whole number from 1 to 99"):
            read_whole(typed, "Epochs", 1, 99)


def words_of(**typed: Any) -> list[str]:
    """The words KEY=VALUE of a run whose fields say this; raises DistillError for what cannot
    be.
    """
    from distill.dashboard.pages.fields import Form
    from distill.dashboard.pages.train_fields import FIELDS

    said = Form(FIELDS).read([typed.get(field.key, field.value) for field in FIELDS])
    command = read_command(RunRequest(**said).words(PLACES, Path("/runs/a, b"))[1:])
    assert (command.folders, command.show, command.sweep) == ((), "", False)
    return [quote_text(word) for word in command.overrides]


def arrived(**typed: Any) -> dict[str, Any] | str:
    """Each key and its value, or why what was typed is refused."""
    try:
        words = words_of(folder="/sounds", **typed)
    except DistillError as error:
        return str(error)
    return {each.key_or_group: each.value() for each in parse_overrides(words)}


@settings(deadline=None, max_examples=300)
@given(TEXTS)
@example("${oc.env:HOME}")
def test_a_name_arrives_as_it_was_typed_or_is_refused(typed: str) -> None:
    values = arrived(name=typed)
    if isinstance(values, str):
        assert "cannot be in it" in values
        return
    assert values.get("name") == (typed.strip() or None)
    assert values["library.dir"] == "/lib 'rary'"
    assert values["data.cache_dir"] == "/out, [puts]/cache"
    assert values["hydra.run.dir"] == "/runs/a, b"


@pytest.mark.parametrize("typed", ["null", '"q"', "a=b, [c], '\\", "808"])
def test_a_name_is_in_the_settings_as_it_was_typed(typed: str) -> None:
    assert load_config(words_of(folder="/sounds", name=typed), sweep=False).name == typed


NUMBERS = {"minutes": "minutes", "learning_rate": "optimizer.lr"}
NUMBERS["epochs"] = "trainer.max_epochs"


@pytest.mark.parametrize("field", NUMBERS)
@settings(deadline=None, max_examples=100)
@given(TEXTS | st.from_regex(r"[0-9]{1,3}([.,][0-9]{0,3}|e-?[0-9]|_[0-9])?", fullmatch=True))
@example("1,000")
def test_a_number_arrives_as_it_was_typed_or_is_refused(field: str, typed: str) -> None:
    values = arrived(**{field: typed})
    if isinstance(values, str):
        assert any(words in values for words in ("number from", "two ways"))
        return
    text = typed.strip().replace(",", ".")
    assert values.get(NUMBERS[field]) == (float(text) if text else None)


@settings(deadline=None, max_examples=40)
@given(TEXTS.filter(lambda text: "\0" not in text), TEXTS)
def test_classes_and_paths_arrive_as_they_are(name: str, path: str) -> None:
    sounds = (Path(f"/{path}"), Path("/b"))
    begun = {"like": str(sounds[0]), "continue": str(sounds[0]), "morph": [*map(str, sounds)]}
    for way in ("like", "continue", "morph", "new", "loop"):
        request = SoundsRequest(way=way, class_name=name, sounds=sounds)
        words = request.words(Path("/kit"), Path(f"/out/{path}"), 3)
        options = vars(parser_of_generate().parse_args(words[1:]))
        assert options["class_name"] == (name or None)
        assert (options["out"], options["model"]) == (Path(f"/out/{path}"), "/kit")
        given_here = {each: options["beginning" if each == "continue" else each] for each in begun}
        assert given_here == {each: begun[each] if each == way else None for each in begun}
