"""plain values → plain values that JSON can hold."""

from __future__ import annotations

import math
from typing import Any


def without_nan(value: Any) -> Any:
    """The same values with None (null in JSON) in place of NaN and infinity."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
