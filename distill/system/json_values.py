"""plain values → plain values that JSON can hold."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any


def without_nan(value: Any) -> Any:
    """The same values with None (null in JSON) in place of NaN and infinity."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if there is none that can be read."""
    try:
        return parse_object(path.read_bytes())
    except OSError:
        return {}


def parse_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in a text, or in UTF-8; empty if it is not one, or only a part of one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
