"""plain values → plain values that JSON can hold."""

from __future__ import annotations

import math
from typing import Any


def without_nan(value: Any) -> Any:
    """Plain values; numbers that JSON does not have become null."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
