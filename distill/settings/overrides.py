"""words KEY=VALUE as typed → overrides in Hydra's grammar, with keys that exist."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException

from distill import plugins
from distill.errors import ConfigError, DistillError, UnknownKeyError
from distill.settings.allowed import keys_of
from distill.settings.conf_files import config_dir, files_of
from distill.settings.quoting import (
    TEXT_KEYS,
    quote,
    quote_folders,
    read_override,
    several_folders,
    to_type,
)
from distill.settings.schema import FOLDERS, REMOVABLE, TrainConfig
from distill.settings.vocoders import OF_ONE_TYPE
from distill.system.paths import exists, path_of
from distill.system.ranges import is_nullable
from distill.system.run_parts import run_of

HOW_TO_TYPE = "settings are typed as KEY=VALUE, without spaces or dashes, such as rvq.levels=4"
LISTS = ("optimizer.betas", "trainer.devices", "stages")


def parse_overrides(overrides: Sequence[str]) -> list[Override]:
    """Parse words in Hydra's override grammar; raises DistillError if one is not KEY=VALUE."""
    parser = OverridesParser.create()
    parsed = []
    for override in overrides:
        try:
            parsed += parser.parse_overrides([override])
        except HydraException as error:
            if "=" not in override:
                raise DistillError(_not_a_setting(override)) from error
            raise DistillError(_unreadable(override)) from error
    return parsed


def _unreadable(override: str) -> str:
    """What to type for a value that is not in Hydra's grammar."""
    key, _, value = override.partition("=")
    problem = f"{override}: cannot be read as KEY=VALUE"
    quoted = f"{key}={quote(value)}"
    if key not in TEXT_KEYS and any(value.count(a) != value.count(b) for a, b in ("[]", "{}")):
        return f"{problem}: a bracket has no partner; a list is typed as KEY=[1,2]"
    if read_override(quoted) is None:
        return f"{problem}; {HOW_TO_TYPE}"
    return (
        f"{problem}; text with brackets, quotes, ~ or letters other than a-z needs quotes: "
        f"{to_type(quoted)}"
    )


def _not_a_setting(word: str) -> str:
    if run := run_of(path_of(word)):
        resume = to_type(f"resume={quote(str(run))}")
        return f"{word}: is in the folder of a run; to continue the run, type {resume}"
    if exists(word):
        return f"{word}: is a file; give its folder instead ({HOW_TO_TYPE})"
    return f"{word}: no such folder; {HOW_TO_TYPE}"


def check_override(
    override: Override,
    *,
    sweep: bool = True,
    searching: bool = False,
    own: Sequence[Path] = (),
) -> None:
    """Raise DistillError for a key or group file that does not exist, for several values without
    `sweep`, and for an interval outside a search (`searching`). Group files may lie in the folders
    `own`, too.
    """
    _check_key(override, own)
    if override.is_interval_sweep() and not searching:
        raise DistillError(
            f"{override.input_line}: an interval works only in a search: add hydra/sweeper=search; "
            "a sweep needs a list such as 1,2,3, or range(1,4)"
        )
    if override.is_sweep_override() and not sweep:
        raise DistillError(
            f"{override.input_line}: for a sweep over several values, add -m{_as_list(override)}"
        )


def _as_list(override: Override) -> str:
    """What to type if the values of a sweep were meant as one list, for a key that can have one."""
    key = override.key_or_group
    assert override.input_line is not None
    value = override.input_line.partition("=")[2]
    if key == FOLDERS:
        return (
            f"; for several folders together, type {to_type(quote_folders(several_folders(value)))}"
        )
    if key in LISTS:
        return f"; for one list, type {to_type(f'{key}=[{value}]')}"
    return ""


def _check_key(override: Override, own: Sequence[Path]) -> None:
    key = override.key_or_group
    if key.startswith("hydra"):
        return
    if override.is_delete():
        if key in REMOVABLE:
            return
        raise DistillError(
            f"{override.input_line}: only {', '.join(REMOVABLE)} can be removed; some other keys "
            "can be turned off with KEY=null"
        )
    if key and (config_dir() / key).is_dir():
        files = files_of(key, own)
        files += plugins.installed(key) if key in plugins.GROUPS else []
        if override.is_sweep_override():
            wanted: Any = list(override.sweep_string_iterator())
        else:
            wanted = override.value()
        chosen = wanted if isinstance(wanted, list) else [wanted]
        if not (isinstance(wanted, dict) or set(map(str, chosen)) <= set(files)):
            off = f"; to turn it off: ~{key}" if key in REMOVABLE else ""
            raise ConfigError(key, wanted, f"must be one of {', '.join(files)}{off}")
        return
    node: Any = TrainConfig
    walked: list[str] = []
    for part in key.split("."):
        if not is_dataclass(node):
            if node is dict or node is Any:
                return
            raise UnknownKeyError(
                f"{key}: no such key; {'.'.join(walked)} is a single value without keys of its own"
            )
        keys = keys_of(node)
        if part not in keys:
            names = [name for name in keys if name != "_target_"]
            near = difflib.get_close_matches(part, names, n=1)
            where = ".".join(walked)
            hint = f"did you mean {where + '.' if where else ''}{near[0]}? " if near else ""
            known = f"{'Keys of ' + where if where else 'Top-level keys'}: {', '.join(names)}"
            if not names:
                known = f"{where} has no keys of its own"
            raise UnknownKeyError(f"{override.input_line}: no such key. {hint}{known}")
        walked.append(part)
        node = class_of(keys[part][0])


def class_of(hint: Any) -> Any:
    """The class in a type hint: `X | None` → X, `dict[str, X]` → dict."""
    if is_nullable(hint):
        hint = next(part for part in get_args(hint) if part is not type(None))
    return getattr(hint, "__origin__", hint)


def to_compose(override: Override) -> str:
    """The override with its first value only: `rvq.levels=2,3,4` → `rvq.levels=2`. A key that only
    one type of vocoder has, or one part as an option, is added where it is missing: the check says
    then what it belongs to.
    """
    line = override.input_line
    assert line is not None
    key = override.get_key_element()
    if override.is_interval_sweep():
        interval = override.value()
        assert isinstance(interval, IntervalSweep)
        line = f"{key}={interval.start}"
    elif override.is_sweep_override():
        line = f"{key}={next(iter(override.sweep_string_iterator()))}"
    return f"++{line}" if key in OF_ONE_TYPE or "options" in key.split(".") else line
