"""Numbers that were typed into fields."""

from __future__ import annotations

import pytest

from distill.dashboard.pages.typed import read_number, read_whole
from distill.errors import DistillError


def test_numbers_from_fields() -> None:
    assert read_number("", "Minutes", 0.01, 9) is None
    assert read_number(" 0,5 ", "Minutes", 0.01, 9) == 0.5
    assert read_whole("12", "Epochs", 1, 99) == 12
    for typed in ("x", "nan", "inf", "-1", "10", "1e9"):
        with pytest.raises(DistillError, match="Minutes: .* is not a number from 0.01 to 9"):
            read_number(typed, "Minutes", 0.01, 9)
    for typed in ("1.5", "0", "100", "²", "9" * 5_000):
        with pytest.raises(DistillError, match="is not a whole number from 1 to 99"):
            read_whole(typed, "Epochs", 1, 99)
