"""More sounds for a model: all of its stages are trained again from its own weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
import torch

from distill.bundle.reader import read_content
from distill.catalog.catalog import Catalog
from distill.data.split import Sides
from distill.errors import ConfigError
from distill.settings.compose import load_config
from distill.training.renewal import renew
from distill.training.run import train
from distill.training.sounds import collect
from tests.helpers.runs import TINY, TINY_PRIOR, TINY_VOCODER, Train
from tests.helpers.shared import made_once
from tests.helpers.sounds import tone, write_sounds
from tests.helpers.stage_cases import judge_vocoders
from tests.helpers.verbs import Run

ALL = (*TINY_VOCODER[1:], *TINY_PRIOR[1:], "stages=[codec,vocoder,prior]")
LIBRARY = Path("outputs/library")
Again = Callable[..., Path]


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sounds, and a run in `first` that made the model `kit` of them."""

    def work(folder: Path) -> None:
        write_sounds(folder / "sounds")
        (folder / "first").mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            judge_vocoders(patch, 1.5)
            words = [*TINY, *ALL, "data.root=sounds", "data.val_fraction=0.3", "name=kit"]
            train(load_config(words), folder / "first")

    return made_once(tmp_path_factory, "renewal", work)


@pytest.fixture
def again(
    kit: Path, train_here: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Train `tmp_path/NAME` beside a copy of the first run, with two more sounds."""
    shutil.copytree(kit, tmp_path, dirs_exist_ok=True)
    shutil.copytree("sounds", "first_sounds")
    add_sound(Path("sounds/new_a.wav"), 101)
    add_sound(Path("sounds/new_b.wav"), 102)
    judge_vocoders(monkeypatch, 1.5)

    def work(name: str, *words: str, resume: bool = False) -> Path:
        given = () if resume else (*ALL, "data.root=sounds", "base=kit")
        return train_here(name, *given, *words, resume=resume)

    return work


def add_sound(path: Path, seed: int) -> None:
    soundfile.write(path, tone(300 + 37 * seed, seed=seed), 16_000)


def names() -> list[str]:
    return sorted(entry.name for entry in Catalog(LIBRARY).entries())


def test_a_model_gets_a_higher_number_and_the_first_one_stays(
    again: Again, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (LIBRARY / "kit.distillgan").read_bytes()
    again("second")
    told = capsys.readouterr().out
    assert "beginning with kit, " in told
    assert "the new model is kit 2" in told
    again("third", "base='kit 2'")
    assert names() == ["kit", "kit 2", "kit 3"]
    assert (LIBRARY / "kit.distillgan").read_bytes() == before
    first, second = (read_content(LIBRARY / f"{name}.distillgan") for name in ("kit", "kit_2"))
    assert first["metadata"]["model_id"] != second["metadata"]["model_id"]
    assert second["training_config"]["base"] == "kit", "and not where it lies"
    assert {"vocoder_state", "prior_state"} <= second.keys()


def test_all_stages_begin_with_the_weights_of_the_model(again: Again) -> None:
    """With steps too small to change anything, the model is as it was."""
    still = ("optimizer.lr=1e-30", "vocoder.lr=1e-30", "prior.lr=1e-30", "rvq.decay=0.9999")
    run_dir = again("second", *still, "rvq.dead_code_threshold=0", "trainer.max_epochs=1")
    first, second = (read_content(path / "best.distillgan") for path in (Path("first"), run_dir))
    for part in ("vocoder_state", "prior_state"):
        weights = second[part]["state_dict"]
        for name, weight in first[part]["state_dict"].items():
            apart = name in ("sounds", "frequency")
            assert apart or torch.allclose(weight, weights[name], atol=1e-3), name
    for name, weight in first["model_state_dict"].items():
        if "_codebook" not in name:
            assert torch.allclose(weight, second["model_state_dict"][name]), name
    books = [name for name in first["model_state_dict"] if name.endswith("_codebook.embed")]
    for name in books:
        moved = (first["model_state_dict"][name] - second["model_state_dict"][name]).norm()
        assert moved < 0.01 * first["model_state_dict"][name].norm(), "no codebook begins anew"


def test_what_was_held_out_stays_so_and_what_was_not_does_too(again: Again) -> None:
    """Even by another rule: each file keeps the side that it had in the first run."""
    config = load_config([*TINY, *ALL, "data.root=sounds", "base=first"])
    Path("second").mkdir()
    renew(config, Path("second"))
    sides = Sides.of(json.loads(Path("second/sides.json").read_text()))
    report = json.loads(Path("first/collection.json").read_text())
    assert sides.trained | sides.held_out == {each["content"] for each in report["used"]}
    _, before = collect(load_config([*TINY, "data.root=first_sounds", "data.val_fraction=0.3"]))
    assert sides.held_out == {piece.sound.content for piece in before.val}
    _, after = collect(config, before=sides)
    held_out = {piece.sound.content for piece in after.val}
    trained = {piece.sound.content for piece in after.train}
    assert sides.held_out <= held_out
    assert sides.trained <= trained
    assert len(held_out | trained) == 14


@pytest.mark.slow
def test_a_run_that_has_begun_with_a_model_goes_on_without_it(again: Again) -> None:
    run_dir = again("second")
    (LIBRARY / "kit.distillgan").unlink()
    shutil.rmtree("first")
    again("second", "trainer.max_epochs=3", resume=True)
    assert names() == ["kit 2"]
    assert json.loads((run_dir / "summary.json").read_text())["finished"]


def test_usual_times_are_a_third_and_given_ones_stay(
    again: Again, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = [word for word in (*TINY, *ALL) if ".max_" not in word]
    config = load_config([*usual, "data.root=sounds", "base=kit"])
    begun = renew(config, Path("first"))
    assert begun == ["codec", "vocoder", "prior"]
    assert "for a third of the usual time (codec, vocoder, prior)" in capsys.readouterr().out
    given = load_config([*usual, "data.root=sounds", "base=kit", "trainer.max_epochs=9"])
    given.vocoder.max_minutes = given.prior.max_minutes = 7
    renew(given, Path("first"))
    assert (given.trainer.max_epochs, given.vocoder.max_minutes) == (9, 7)
    assert "as long as given" in capsys.readouterr().out
    whole = load_config([*usual, "data.root=sounds", "base=kit", "minutes=4"])
    renew(whole, Path("first"))
    assert "for 4 minutes in all" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("rvq.levels=4", r"rvq.levels=4: is 2 in kit"),
        ("mel.n_mels=64", r"mel.n_mels=64: is 32 in kit"),
        ("prior.width=64", r"prior.width=64: is 32 in kit"),
        ("vocoder.channels=16", r"vocoder.channels=16: is 8 in kit"),
        ("seed=5", r"seed=5: is 0 in kit, and decides which of its sounds are held out"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(again: Again, word: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        again("second", word)
    assert names() == ["kit"]


@pytest.mark.slow
def test_architecture_is_that_of_the_model_where_none_is_given(
    again: Again, run: Run, tmp_path: Path
) -> None:
    """As typed in a terminal: the usual sizes are not the model's, and need not be repeated."""
    words = ("trainer.max_epochs=1", "vocoder.max_epochs=1", "prior.max_epochs=1")
    few = ("trainer.accelerator=cpu", "data.epoch_segments=16", "prior.epoch_sounds=8")
    told = run("train", "sounds", "base=kit", *words, *few, "callbacks.previews=null")
    assert told.exit_code == 0, told.stderr
    assert names() == ["kit", "kit 2"]
    refused = run("train", "sounds", "base=kit", "rvq.levels=3", *words)
    refused.is_mistake("rvq.levels=3: is 2 in kit", "leave it out")
    assert len(list((tmp_path / "outputs/train").iterdir())) == 1, "what is refused leaves nothing"


@pytest.mark.slow
def test_a_model_without_later_stages_says_that_these_begin_as_usual(
    again: Again, train_here: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    train_here("plain", "data.root=sounds", "name=plain")
    capsys.readouterr()
    again("second", "base=plain")
    told = capsys.readouterr().out
    for stage in ("vocoder", "prior"):
        assert f"plain has no {stage} that fits: this stage begins as usual" in told
    assert names() == ["kit", "plain", "plain 2"]


def test_sounds_are_asked_for_and_nothing_is_left_of_a_refused_run(again: Again, run: Run) -> None:
    run("train", "base=kit").is_mistake("base=kit: give the sounds to train kit on", "as FOLDER")
    run("train", "sounds", "base=kit", "mel.n_mels=64").is_mistake("mel.n_mels=64: is 32 in kit")
    run("train", "sounds", "base=nope").is_mistake("nope")
    assert not list(Path("outputs").glob("train/*"))


def test_no_sweep_trains_a_model_again(again: Again, run: Run) -> None:
    told = run("train", "-m", "sounds", "base=kit", "seed=1,2", "stages=[codec]")
    told.is_mistake("base=kit: no sweep trains a model again")
