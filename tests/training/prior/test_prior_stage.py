"""A run that goes on to a prior: it comes into the file, and makes new sounds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import distill
from distill.catalog.catalog import Catalog
from distill.catalog.facts import facts_of
from distill.errors import DistillError
from distill.settings.compose import load_config
from distill.training.interrupt import RunStopped
from distill.training.prior.comparison import Contest
from tests.helpers.runs import TINY_PRIOR, Train
from tests.helpers.sounds import sound
from tests.helpers.stage_cases import PRIOR
from tests.helpers.stop_at import stop_at
from tests.helpers.whole_runs import Whole

SMALL = (*TINY_PRIOR, "data.root=sounds", "data.val_fraction=0.4")


def prior_of(bundle: Path) -> dict[str, Any] | None:
    state: dict[str, Any] | None = torch.load(bundle, weights_only=True).get("prior_state")
    return state


def in_folders(sounds: Path) -> None:
    """Put the sounds into two folders."""
    for number, path in enumerate(sorted(sounds.glob("*.wav"))):
        folder = sounds / ("low" if number % 2 else "high")
        folder.mkdir(exist_ok=True)
        shutil.move(path, folder / path.name)


@pytest.mark.slow
def test_a_prior_comes_into_the_file_and_makes_sounds(
    sounds: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    in_folders(sounds)
    run_dir = train_here("run", *SMALL, "name=kit")
    told = capsys.readouterr().out
    state = prior_of(run_dir / "best.distillgan")
    assert state is not None
    assert state["type"] == "transformer"
    assert state["training_metadata"]["epochs"] == 2
    assert state["config"]["classes"] == ("high", "low")
    folders = {Path(sound["name"]).parent.name for sound in state["config"]["sounds"]}
    assert folders == {"high", "low"}
    stage = json.loads((run_dir / "summary.json").read_text())["stages"]["prior"]
    assert stage["bits_per_s"] == state["training_metadata"]["final_bits_per_s"]
    assert stage["bits_per_s"] == min(stage["final"]["val/bits_per_s"], stage["bits_per_s"])
    assert stage["bigram_bits_per_s"] > 0
    assert "in 2 classes to learn from" in told
    assert "verdict on the prior: " in told
    assert "bits a second" in told
    model = distill.load("outputs/library/kit.distillgan")
    assert model.prior is not None
    before = model.prior.config.unigram_bits_per_s
    assert stage["unigram_bits_per_s"] == pytest.approx(before)
    assert 0.3 * before < stage["bits_per_s"] < 1.5 * before
    assert model.prior.is_learnt == stage["learnt"]
    (waveform,) = model.generate(1, seed=3, class_name="low")
    assert 0.2 < len(waveform) / model.sample_rate_hz < 1
    (entry,) = Catalog(Path("outputs/library")).entries()
    assert entry.prior is not None
    assert entry.prior.final_bits_per_s == stage["bits_per_s"]
    made = run_dir / "new_sounds"
    assert len(list(made.glob("*_kit_0_00?.wav"))) == 8
    assert {"generate.json", "generate.png", "listen.html"} <= {p.name for p in made.iterdir()}
    assert "new_sounds/listen.html" in told
    assert "new_sounds/generate.png" in told
    assert "python -m distill.generate kit" in told


@pytest.mark.slow
def test_a_stopped_stage_makes_no_sounds_by_the_prior_of_before(
    whole: Whole, all_sounds: tuple[str, ...], train_here: Train, tmp_path: Path
) -> None:
    shutil.copytree(whole(PRIOR) / "outputs", tmp_path / "outputs")
    with pytest.raises(RunStopped):
        train_here("more", *PRIOR.words, *all_sounds, *stop_at(5, stage="prior"))
    assert prior_of(Path("more/best.distillgan")) is not None
    assert not Path("more/new_sounds").exists()


@pytest.mark.parametrize(
    ("earlier", "learnt", "is_better", "told"),
    [
        (
            3500.0,
            True,
            True,
            "in place of the model's earlier prior, which needs 3,500 bits",
        ),
        (3400.0, True, True, "in place of "),
        (3063.0, True, False, "the model keeps its earlier prior, which needs 3,063 bits"),
        (3500.0, False, False, "earlier prior, which had learnt from its sounds, and needs 3,500"),
    ],
)
def test_of_two_priors_the_better_one_stays(
    earlier: float, learnt: bool, is_better: bool, told: str
) -> None:
    contest = Contest(3400.0, earlier, learnt, earlier_learnt=True)
    assert contest.is_better == is_better
    assert told in contest.verdict


@pytest.mark.slow
def test_a_prior_for_other_sounds_is_told_and_says_so_itself(
    whole: Whole,
    all_sounds: tuple[str, ...],
    train_here: Train,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shutil.copytree(whole(PRIOR) / "outputs", tmp_path / "outputs")
    kit = Path("outputs/library/kit.distillgan")
    for number in range(5):
        sound(tmp_path / "others" / f"{number}.wav", hz=500.0 + 90 * number)
    words = (*PRIOR.words, *all_sounds, "data.root=others")
    for name, contest in (
        ("worse", Contest(3761.0, 3063.0, True, True)),
        ("better", Contest(3063.0, 3761.0, True, True)),
    ):
        monkeypatch.setattr(Contest, "of", lambda *_, each=contest, **__: each)
        before = prior_of(kit)
        caplog.clear()
        run_dir = train_here(name, *words)
        assert "not the sounds that kit was trained on (sounds: 12 files, 6.0 s)" in caplog.text
        stage = json.loads((run_dir / "summary.json").read_text())["stages"]["prior"]
        assert stage["kept"] == (name == "better")
        after = prior_of(kit)
        assert before is not None
        assert after is not None
        changed = after["training_metadata"] != before["training_metadata"]
        assert changed == (name == "better")
    (entry,) = Catalog(kit.parent).entries()
    assert entry.dataset_name == "sounds"
    assert dict(facts_of(entry, kit))["prior"].endswith(" on other sounds: others")


@pytest.mark.slow
def test_five_sounds_in_all_are_enough_for_variations(
    sounds: Path, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sorted(sounds.glob("*.wav"))[5:]:
        path.unlink()
    run_dir = train_here("run", *SMALL)
    assert "weak figures: only" in capsys.readouterr().out
    assert len(list((run_dir / "new_sounds").glob("*.wav"))) == 8


@pytest.mark.parametrize(
    ("bits", "told"),
    [
        (3000.0, "learnt: 3,000 bits a second where a bigram needs 3,500"),
        (3600.0, "nothing could be learnt of how sounds go on: 3,600 bits a second where"),
        (4000.0, "too few sounds to learn from: .* new sounds are made of these without it"),
    ],
)
def test_the_verdict_says_what_was_learnt(bits: float, told: str) -> None:
    import re

    from distill.training.prior import stage
    from tests.helpers.tiny_bundle import tiny_prior

    known = tiny_prior().config.__class__(
        **{**vars(tiny_prior().config), "unigram_bits_per_s": 4000.0, "bigram_bits_per_s": 3500.0}
    )
    assert re.match(told, stage.verdict(bits, known))


def test_sizes_follow_from_how_much_there_is_to_learn() -> None:
    from distill.training.prior.sizes import choose_size

    sizes = [choose_size(codes) for codes in (10_000, 250_000, 5_000_000, 10**9)]
    assert [size.width for size in sizes] == [192, 192, 192, 256], "starter weights have 192"
    assert [size.dropout for size in sizes] == sorted((s.dropout for s in sizes), reverse=True)


def test_settings_are_checked_before_anything_is_read() -> None:
    for setting in ("prior.width=5", "prior.batch_size=0", "prior.lr=0", "prior.width=100"):
        with pytest.raises(DistillError, match=setting.split("=")[0]):
            load_config([setting])
