"""The tiny configuration as values of Python, for `distill.fit` and `distill.prepare`."""

from __future__ import annotations

from typing import Any

import yaml

from tests.helpers.runs import TINY


def tiny_settings(**more: Any) -> dict[str, Any]:
    """By keys with dots; `more` are added, or replace what is there."""
    words = (word.partition("=") for word in TINY)
    return {key: yaml.safe_load(value) for key, _, value in words} | more
