"""folder of a run → its settings as one level of keys, and their values as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from distill.system.run_parts import CONFIG


def resolved_settings(run_dir: Path) -> dict[str, Any]:
    """`rvq.levels` → 3 and so on, with the sizes that the run chose; empty if the run has left no
    settings that can be read.
    """
    try:
        values = yaml.safe_load((run_dir / CONFIG).read_text("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return dict(flat(values)) if isinstance(values, dict) else {}


def flat(values: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    """Nested groups of settings → each key with its groups before it, and its value."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{group}{name}.")
        else:
            yield f"{group}{name}", value


def setting_text(value: object) -> str:
    """A value as it is typed: `null`, `true`, `[codec,prior]`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{','.join(map(setting_text, value))}]"
    return str(value)
