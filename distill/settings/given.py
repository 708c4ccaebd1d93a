"""settings as values of Python → words KEY=VALUE in Hydra's grammar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from distill.errors import ConfigError
from distill.settings.quoting import quote
from distill.settings.schema import REMOVABLE

FREE = "callbacks.extra"
"""The only key whose own keys no schema knows."""


def words_of(settings: Mapping[str, Any]) -> list[str]:
    """Settings by key, with dots (`"rvq.levels": 4`) or as dictionaries (`rvq={"levels": 4}`) → the
    words to compose. Raises ConfigError for a value that is no text, number, truth, path or list.
    """
    return [_word(key, value) for key, value in _leaves("", settings)]


def _leaves(place: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        key = f"{place}.{name}" if place else str(name)
        if isinstance(value, Mapping) and value:
            yield from _leaves(key, value)
        else:
            yield key, value


def _word(key: str, value: Any) -> str:
    if value is None and key in REMOVABLE:
        return f"~{key}"
    plus = "++" if key.startswith(f"{FREE}.") else ""
    return f"{plus}{key}={_text(key, value)}"


def _text(key: str, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool) or type(value).__name__ == "bool":  # NumPy's
        return str(bool(value)).lower()
    if isinstance(value, str | Path):
        return quote(str(value))
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return f"[{','.join(_text(key, each) for each in value)}]"
    if isinstance(value, Mapping):
        return "{}"
    raise ConfigError(key, value, "must be a text, a number, true or false, None, a path or a list")
