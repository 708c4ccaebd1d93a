"""a group of settings → its keys and what each allows, and the first value that is not allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

from distill.errors import ConfigError
from distill.settings.vocoders import VOCODERS, PluginVocoderConfig, VocoderConfig
from distill.system import ranges
from distill.system.ranges import is_nullable, without_null


def keys_of(kind: Any) -> dict[str, tuple[Any, Mapping[str, Any]]]:
    """The keys of a group, each with its type and what it allows; for the vocoder, those of all
    types.
    """
    every: Any = [*VOCODERS.values(), PluginVocoderConfig]
    kinds = every if kind is VocoderConfig else [kind]
    return {
        spec.name: (_hints_of(each)[spec.name], spec.metadata)
        for each in kinds
        for spec in fields(each)
    }


@cache
def _hints_of(kind: Any) -> dict[str, Any]:
    """The types of a group's keys; the same each time, and slow."""
    return get_type_hints(kind)


def check_ranges(config: Any, prefix: str = "") -> None:
    """Raise ConfigError for the first value that its field does not allow."""
    kind: Any = type(config)
    hints = _hints_of(kind)
    for spec in fields(config):
        key, value = f"{prefix}{spec.name}", getattr(config, spec.name)
        if is_dataclass(value):
            check_ranges(value, f"{key}.")
        elif not _is_allowed(value, spec.metadata, nullable=is_nullable(hints[spec.name])):
            raise ConfigError(key, value, describe(hints[spec.name], spec.metadata))


def describe(hint: Any, metadata: Any) -> str:
    """What a field allows, in words."""
    kind = without_null(hint)
    if is_dataclass(kind):
        return "is a group of settings; give each of them separately: " + ", ".join(
            f.name for f in fields(kind)
        )
    return ranges.describe(hint, metadata)


def _is_allowed(value: Any, metadata: Any, *, nullable: bool) -> bool:
    if value is None:
        return nullable or not metadata
    if "low" in metadata:
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(number, int | float) for number in values):
            return False
        above = (
            metadata["low"] < number if metadata["open"] else metadata["low"] <= number
            for number in values
        )
        return bool(values) and all(above) and all(number <= metadata["high"] for number in values)
    if "choices" in metadata:
        chosen = value if isinstance(value, list) else [value]
        return bool(chosen) and all(choice in metadata["choices"] for choice in chosen)
    return not (metadata.get("filled") and not value.strip())
