"""short held-out sounds that begin anywhere in a segment → previews that hold most of a sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from distill.training.clips import clip_labels
from tests.helpers.runs import PREVIEWS, Train

RATE_HZ = 16_000


def test_sounds_of_one_name_have_labels_of_their_own() -> None:
    names = ["kick.wav", "kick.flac", "snäre 1.wav", "kick_2.wav", "kick.aif"]
    assert clip_labels(names) == ["kick", "kick_2", "snäre_1", "kick_2_2", "kick_3"]


def test_previews_hold_most_of_a_sound(train_here: Train, tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    for number in range(40):
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, RATE_HZ // 5)
        soundfile.write(tmp_path / "short" / f"{number}.wav", noise, RATE_HZ)
    words = ("data.root=short", "data.val_fraction=0.5", "trainer.max_epochs=1")
    run = train_here("run", *words, PREVIEWS)
    clips = sorted((run / "previews").rglob("*.wav"))
    assert len(clips) >= 4
    for clip in clips:
        assert 0.15 < soundfile.info(clip).duration <= 0.2, "of the sound's 0.2 s, without silence"
