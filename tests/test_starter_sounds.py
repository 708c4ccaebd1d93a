"""The sounds that starter weights are trained on: every kind can be heard, the same each time."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.checkout import REPOSITORY


@pytest.fixture(autouse=True)
def scripts_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a script that is run."""
    monkeypatch.setattr(sys, "path", [str(REPOSITORY / "scripts" / "starter"), *sys.path])


def test_every_kind_can_be_heard_and_stays_in_range() -> None:
    from sounds import KINDS, sound

    assert len(KINDS) >= 25
    for kind in KINDS:
        samples, name = sound(3, kind, 1.0)
        assert name == kind
        assert samples.dtype == np.float32
        assert len(samples) == 48_000
        assert 0.005 < np.abs(samples).max() <= 1, kind


def test_a_seed_always_gives_the_same_sound_and_another_seed_another() -> None:
    from sounds import sound

    first, again, other = (sound(seed, duration_s=1.0)[0] for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_some_can_be_written_to_listen_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sounds import main

    monkeypatch.setattr(sys, "argv", ["starter_sounds.py", str(tmp_path), "--count", "3"])
    main()
    assert len(list(tmp_path.glob("00000?_*.wav"))) == 3
