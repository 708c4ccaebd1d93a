"""KEY=VALUE as typed, with names of any letters → the same in Hydra's quotes, where it needs them.

Hydra's grammar takes `kit/kick 1` as text, but not `kït`, `kit (2)`, `it's`, `~/kit` or `a=b`; it
takes `a,b` for a sweep, `[a,b]` for a list, `808` and `1e5` for numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString, ValueType
from hydra.errors import HydraException

from distill.settings.own_folders import SEARCHPATH
from distill.settings.schema import FOLDERS, PATH_KEYS
from distill.system.paths import exists
from distill.system.shell import shell_word

OF_HYDRA = ("hydra.run.dir", "hydra.sweep.dir", SEARCHPATH)
TEXT_KEYS = (*PATH_KEYS, "name", *OF_HYDRA)
NEVER_SWEPT = ("resume", *OF_HYDRA)
QUOTES = "'\""


def quote(text: str) -> str:
    """Text in Hydra's quotes, in which only quotes, and backslashes before them, are escaped."""
    escaped = re.sub(r"(\\*)('|$)", lambda found: 2 * found[1] + "\\'" * bool(found[2]), text)
    return f"'{escaped}'"


def quote_list(key: str, texts: Sequence[str]) -> str:
    """Texts → the override of a key with the list of them."""
    return f"{key}=[{','.join(map(quote, texts))}]"


def quote_folders(folders: Sequence[str]) -> str:
    """Folders as typed → the override of data.root with these folders."""
    return f"{FOLDERS}={quote(folders[0])}" if len(folders) == 1 else quote_list(FOLDERS, folders)


def quote_text(argument: str, *, sweep: bool = False) -> str:
    """Add the quotes that Hydra needs: `data.root=~/Klänge (2)` → `data.root='~/Klänge (2)'`, and
    `data.root=[kit,kït]` → `data.root=['kit','kït']`. Other words are unchanged.

    In a sweep, each of the values between commas is a text of its own. What exists is one path,
    whatever is in its name.
    """
    typed, _, value = argument.partition("=")
    key = typed.lstrip("+")
    if key not in TEXT_KEYS or not value:
        return argument
    parsed = read_override(argument)
    if parsed and value[0] in QUOTES and not parsed.is_sweep_override():
        return argument
    whole = f"{typed}={quote(value)}"
    if key in PATH_KEYS and "${" not in value and exists(value):
        return whole
    is_list = key in (FOLDERS, SEARCHPATH) and value[0] == "[" and value[-1] == "]"
    several = sweep and key not in NEVER_SWEPT
    if parsed is None:
        return f"{typed}={_quote_each(value)}" if is_list or several else whole
    if parsed.is_sweep_override():
        if several and parsed.value_type == ValueType.SIMPLE_CHOICE_SWEEP:
            values = parsed.sweep_iterator()
            is_text = all(isinstance(item, str | QuotedString | int) for item in values)
            return argument if is_text else f"{typed}={_quote_each(value)}"
        return argument if several or key == FOLDERS else whole
    return _quote_value(argument, parsed.value(), is_list=is_list)


def read_override(argument: str) -> Override | None:
    """The argument in Hydra's grammar; None if it is not in it."""
    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None


def several_folders(value: str) -> list[str]:
    """The folders between the commas of a value, with or without brackets around it."""
    inner = value[1:-1] if value[:1] == "[" and value[-1:] == "]" else value
    return [unquote(part) for part in _split(inner) if part]


def to_type(override: str) -> str:
    """The words to type in a shell for an override in Hydra's grammar."""
    safe = override.isprintable() and not set(override) & set('"$`\\!')
    return f'"{override}"' if safe else shell_word(override)


def _quote_value(argument: str, read: object, *, is_list: bool) -> str:
    """Quote a value that Hydra reads, but perhaps not as the text that was typed."""
    typed, _, value = argument.partition("=")
    if isinstance(read, list) and is_list:
        is_text = all(isinstance(item, str) for item in read)
        return argument if is_text else f"{typed}={_quote_each(value)}"
    as_typed = read is None or read == value or (isinstance(read, str) and "\\" in value)
    return argument if as_typed else f"{typed}={quote(value)}"


def _quote_each(value: str) -> str:
    """Quote each text in a list, or in a sweep of texts and lists."""
    return ",".join(
        f"[{_quote_each(part[1:-1])}]"
        if part[0] == "[" and part[-1] == "]"
        else "null"
        if part == "null"
        else quote(unquote(part))
        for part in _split(value)
        if part
    )


def _split(value: str) -> list[str]:
    """The parts between commas that are not in quotes or brackets, and have no backslash."""
    parts, depth, inside = [""], 0, ""
    before = ""
    for letter in value:
        if inside:
            inside = "" if letter == inside and before != "\\" else inside
        elif letter in QUOTES and not parts[-1].strip():
            inside = letter
        elif letter in "[]":
            depth += 1 if letter == "[" else -1
        if letter == "," and not inside and depth <= 0 and before != "\\":
            parts.append("")
        elif letter == "," and before == "\\":
            parts[-1] = parts[-1][:-1] + ","
        else:
            parts[-1] += letter
        before = letter
    return [part.strip() for part in parts]


def unquote(part: str) -> str:
    """Text in quotes → the text; other text is unchanged."""
    if len(part) > 1 and part[0] in QUOTES and part[0] == part[-1]:
        return part[1:-1].replace(f"\\{part[0]}", part[0])
    return part
