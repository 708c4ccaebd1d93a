"""What a vocoder is found to be worth."""

from __future__ import annotations

from functools import partial

import pytest

from tests.helpers.stage_cases import Judge, judge_vocoders


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Have the vocoder judged as if its sounds had this mel error, and those before it 2 dB."""
    return partial(judge_vocoders, monkeypatch)
