"""Clips: one of each class, the same every time; previews hold most of a sound, and come early."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from distill.training.callbacks import previews
from distill.training.clips import Clip, choose_clips, told_apart
from tests.helpers.runs import PREVIEWS, Train
from tests.helpers.stage_cases import CODEC, assert_equal, prepare, state_of
from tests.helpers.whole_runs import Whole

RATE_HZ = 16_000


class Side:
    """Segments of files, each of a class; every third one is full of sound."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = list(files)
        self.classes = files

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"waveform": torch.full((1, 100), 0.5 if index % 3 == 2 else -0.1)}

    def name(self, index: int) -> str:
        return self.files[index]


class Data:
    """The two sides of a collection."""

    def __init__(self, train: dict[str, str], val: dict[str, str]) -> None:
        self.train, self.val = Side(train), Side(val)

    def segments_by_class(self, *, held_out: bool) -> dict[str, list[int]]:
        side, found = self.val if held_out else self.train, dict[str, list[int]]()
        for number, file in enumerate(side.files):
            found.setdefault(side.classes[file], []).append(number)
        return found


def titles(data: Any, *, most: int, wanted: int = 1) -> list[str]:
    clips = choose_clips(data, most=most, wanted=wanted)
    assert [clip.title for clip in choose_clips(data, most=most, wanted=wanted)] == [
        clip.title for clip in clips
    ], "the same every time"
    return [clip.title for clip in clips]


def test_sounds_of_one_name_have_labels_of_their_own() -> None:
    names = ["kick.wav", "kick.flac", "snäre 1.wav", "kick_2.wav", "kick.aif"]
    labels = [Clip({}, name, is_known=False).label for name in names]  # type: ignore[typeddict-item]
    assert told_apart(labels) == ["kick", "kick_2", "snäre_1", "kick_2_2", "kick_3"]


def test_each_class_has_a_clip_and_what_was_trained_on_is_marked() -> None:
    trained = {f"{name} {number}.wav": name for name in ("bell", "kick") for number in range(4)}
    held_out = {"kick a.wav": "kick", "kick b.wav": "kick", "x.wav": "Snare"}
    data = Data({**trained, "y.wav": "Snare"}, held_out)
    assert titles(data, most=12) == ["Snare/x.wav", "bell 2.wav (known)", "kick a.wav"]
    assert titles(data, most=12, wanted=6) == [
        "Snare/x.wav",
        "bell 2.wav (known)",
        "kick a.wav",
        "kick b.wav",
    ]
    assert titles(data, most=2) == ["Snare/x.wav", "kick a.wav"], "those held out come first"
    (_, known, _) = choose_clips(data, most=12, wanted=1)  # type: ignore[arg-type]
    assert known.label == "bell_2_known"


def test_of_many_classes_some_are_shown_evenly_and_without_classes_several_sounds() -> None:
    many = {f"{number}.wav": f"{number}" for number in range(40)}
    assert titles(Data(many, many), most=4) == ["0.wav", "10.wav", "20.wav", "30.wav"]
    none = {f"{number}.wav": "all" for number in range(90)}
    assert titles(Data(none, none), most=12, wanted=3) == ["2.wav", "32.wav", "62.wav"]


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


def test_a_long_first_epoch_has_a_preview_within_it_that_changes_nothing(
    train_here: Train,
    whole: Whole,
    all_sounds: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(previews, "EARLY_S", 0.0)
    prepare(monkeypatch)
    run_dir = train_here("run", *CODEC.words, *all_sounds, PREVIEWS)
    made = [path.parent.name for path in sorted(run_dir.glob("previews/*/mels.png"))]
    assert made == ["epoch_0000", "epoch_0001", "epoch_0002"]
    early, later = (
        [path.name for path in sorted((run_dir / "previews" / name).glob("*.wav"))]
        for name in made[:2]
    )
    assert early == later
    assert "first preview to listen to: run/previews/epoch_0000" in capsys.readouterr().out
    assert_equal(state_of(whole(CODEC) / "run", CODEC), state_of(run_dir, CODEC))
