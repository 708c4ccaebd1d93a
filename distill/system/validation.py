"""untrusted plain values, from a file's pickle or JSON → an instance of a dataclass, or an error
that names the key.

What a field allows is given by its annotation, and by its metadata from `distill.system.ranges` if
it has any. The annotations can be str, int, float, bool, Any, list[X], tuple[X, ...], dict[str, X],
other dataclasses, unions of these such as `float | str`, and `| None` of one of them. A key of a
field with a default can be missing; if the default is None, the key must be missing instead of
null, but with `or_null`. Keys without a field are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from distill.system.ranges import describe, is_nullable, is_union, without_null

LARGEST_NUMBER = 10**18
LONGEST_TEXT = 1 << 20
MOST_ENTRIES = 1 << 20
LONGEST_SHOWN = 60
T = TypeVar("T")
Check = Callable[[Any], Any]
"""A plain value → the field's value; raises InvalidError."""


class InvalidError(ValueError):
    """The value of a key is not valid; `key` is the path of keys that leads to it."""

    def __init__(self, key: str, problem: str | None = None) -> None:
        name = key or "it"
        super().__init__(f"the key {name} is missing" if problem is None else f"{name} {problem}")
        self.key, self.problem = key, problem

    def inside(self, key: str) -> InvalidError:
        """The same error, with `key` of the surrounding dictionary or list before its own key."""
        path = self.key if not self.key or self.key.startswith("[") else f".{self.key}"
        return InvalidError(key + path, self.problem)


def instance_of(kind: type[T], value: object) -> T:
    """Make a dataclass from a dictionary of plain values; raises InvalidError."""
    return cast(T, _check_of(cast(Any, kind))(value))


def _show_value(value: object) -> str:
    """An invalid value as a short text without control characters."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        huge = isinstance(value, int) and abs(value) > LARGEST_NUMBER
        return "a number far outside" if huge else f"{value:,}"
    text = repr(value[:LONGEST_SHOWN]) if isinstance(value, str) else type(value).__name__
    return "null" if value is None else text


def _show_key(key: str) -> str:
    return key if key.isprintable() and len(key) <= LONGEST_SHOWN else repr(key[:LONGEST_SHOWN])


@cache
def _check_of(kind: type[Any]) -> Check:
    return _dataclass_check(kind, {})


def _dataclass_check(kind: type[Any], of_parts: Mapping[str, Mapping[str, Any]]) -> Check:
    hints = get_type_hints(kind)
    assert of_parts.keys() <= hints.keys(), f"{kind.__name__} lacks {of_parts.keys()}"
    plan = []
    for spec in fields(kind):
        hint = hints[spec.name]
        if spec.default is None and not spec.metadata.get("or_null"):
            hint = without_null(hint)
        required = spec.default is MISSING and spec.default_factory is MISSING
        check = _check(hint, {**spec.metadata, **of_parts.get(spec.name, {})})
        plan.append((spec.name, check, required))

    def build(value: Any) -> Any:
        if not isinstance(value, dict):
            raise InvalidError("", f"must be a dictionary, not {_show_value(value)}")
        arguments = {}
        for name, check, required in plan:
            if name in value:
                try:
                    arguments[name] = check(value[name])
                except InvalidError as error:
                    raise error.inside(name) from None
            elif required:
                raise InvalidError(name)
        return kind(**arguments)

    return build


def _check(hint: Any, metadata: Mapping[str, Any]) -> Check:
    """Make the check for the values of a field; done once for each field."""
    kind = without_null(hint)
    if kind in (int, float):
        return _number_check(hint, metadata)
    if is_nullable(hint):
        check = _check(kind, metadata)
        return lambda value: None if value is None else check(value)
    origin, arguments = get_origin(hint), get_args(hint)
    if is_union(hint):
        return _union_check([_check(each, metadata) for each in arguments], hint, metadata)
    if hint is Any:
        return lambda value: value
    if is_dataclass(hint):
        return _dataclass_check(cast(type, hint), metadata.get("parts", {}))
    if origin is dict:
        return _dictionary_check(_check(arguments[1], metadata))
    if origin in (list, tuple):
        return _list_check(origin, _check(arguments[0], metadata), hint, metadata)
    assert hint in (str, bool), f"no check for {hint}"
    return _word_check(hint, metadata)


def _number_check(hint: Any, metadata: Mapping[str, Any]) -> Check:
    kinds = (int,) if without_null(hint) is int else (float, int)
    nullable = is_nullable(hint)
    low, high = metadata.get("low", -LARGEST_NUMBER), metadata.get("high", LARGEST_NUMBER)
    is_open, any_float = metadata.get("open", False), metadata.get("any_float", False)
    null = math.nan if metadata.get("nan_as_null") and not nullable else None

    def check(value: Any) -> Any:
        kind = type(value)
        if kind in kinds:
            if low <= value <= high and not (is_open and value == low):
                return value
            if any_float and kind is float:
                return value
        elif value is None and (nullable or null is not None):
            return null
        raise InvalidError("", f"{describe(hint, metadata)}, not {_show_value(value)}")

    return check


def _union_check(checks: list[Check], hint: Any, metadata: Mapping[str, Any]) -> Check:
    def check(value: Any) -> Any:
        for each in checks:
            with suppress(InvalidError):
                return each(value)
        raise InvalidError("", f"{describe(hint, metadata)}, not {_show_value(value)}")

    return check


def _word_check(hint: Any, metadata: Mapping[str, Any]) -> Check:
    choices, is_filled = metadata.get("choices"), metadata.get("filled", False)

    def check(value: Any) -> Any:
        fits = type(value) is hint
        if fits and hint is str:
            fits = len(value) <= LONGEST_TEXT and (choices is None or value in choices)
            fits = fits and (not is_filled or bool(value.strip()))
        if fits:
            return value
        raise InvalidError("", f"{describe(hint, metadata)}, not {_show_value(value)}")

    return check


def _list_check(origin: Any, of_entry: Check, hint: Any, metadata: Mapping[str, Any]) -> Check:
    kinds = (list, tuple) if origin is tuple else (list,)

    def check(value: Any) -> Any:
        if not isinstance(value, kinds):
            raise InvalidError("", f"{describe(hint, metadata)}, not {_show_value(value)}")
        if len(value) > MOST_ENTRIES:
            raise InvalidError("", f"must have at most {MOST_ENTRIES:,} entries")
        try:
            return origin(map(of_entry, value))
        except InvalidError:
            for index, entry in enumerate(value):  # again, to find out which entry it was
                try:
                    of_entry(entry)
                except InvalidError as error:
                    raise error.inside(f"[{index}]") from None
            raise

    return check


def _dictionary_check(of_value: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise InvalidError("", f"must be a dictionary, not {_show_value(value)}")
        if len(value) > MOST_ENTRIES:
            raise InvalidError("", f"must have at most {MOST_ENTRIES:,} entries")
        checked = {}
        for key, item in value.items():
            if type(key) is not str:
                raise InvalidError("", f"must have text as its keys, not {_show_value(key)}")
            try:
                checked[key] = of_value(item)
            except InvalidError as error:
                raise error.inside(_show_key(key)) from None
        return checked

    return check
