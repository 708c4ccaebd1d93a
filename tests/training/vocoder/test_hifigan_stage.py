"""HiFi-GAN as the vocoder of a run: it learns, goes on where it was, and says what it cannot."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from distill.bundle.loading import load_bundle
from distill.errors import RunError
from distill.training.interrupt import RunStopped
from tests.helpers.runs import Train
from tests.helpers.stage_cases import CODEC, HIFIGAN, HIFIGAN_STEPS
from tests.helpers.stop_at import stop_at
from tests.helpers.whole_runs import Whole

Add = Callable[..., Path]


@pytest.fixture
def add(whole: Whole, all_sounds: tuple[str, ...], train_here: Train, tmp_path: Path) -> Add:
    """Train one for the model `kit`."""
    shutil.copytree(whole(CODEC) / "outputs", tmp_path / "outputs")
    return lambda name, *more: train_here(name, *HIFIGAN.words, *all_sounds, *more)


def checkpoint(run_dir: Path, which: str = "last") -> dict[str, dict[str, torch.Tensor]]:
    path = run_dir / "checkpoints" / f"vocoder_{which}.ckpt"
    state: dict[str, dict[str, torch.Tensor]] = torch.load(path, weights_only=True)
    return state


@pytest.mark.slow
def test_it_is_in_the_file_and_makes_the_sound(whole: Whole) -> None:
    run_dir = whole(HIFIGAN) / "run"
    model = load_bundle(run_dir / "best.distillgan")
    assert model.vocoder.name == "HiFi-GAN"
    assert model.vocoder_state is not None
    assert not [name for name in model.vocoder_state.state_dict if "original" in name]
    sound = model.decode(model.encode(0.1 * torch.randn(2, 5000), 16_000))
    assert sound.shape == (2, 5000)
    assert 0 < sound.abs().max() <= 1
    history = checkpoint(run_dir)["distill"]["history"]
    spectral, adversarial = history["train/spectral"], history["train/adversarial"]
    assert spectral[0] > 0
    assert adversarial[-1] > 0, "the discriminators have come"


@pytest.mark.slow
def test_discriminators_are_saved_once_they_have_come(add: Add) -> None:
    for step in (HIFIGAN_STEPS - 2, HIFIGAN_STEPS + 2):
        with pytest.raises(RunStopped):
            add(f"run{step}", *stop_at(step, stage="vocoder"))
        weights = checkpoint(Path(f"run{step}"))["state_dict"]
        assert any("critics" in name for name in weights) == (step > HIFIGAN_STEPS)


def test_what_it_cannot_do_is_said_before_anything_is_trained(
    sounds: Path, train_here: Train
) -> None:
    for override, told in (
        ("mel.hop_length=136", r"mel.hop_length=136 is no product of them"),
        ("trainer.devices=2", r"trained on one device"),
    ):
        words = (*HIFIGAN.settings, "stages=[codec,vocoder]", "data.root=sounds", override)
        with pytest.raises(RunError, match=told):
            train_here("run", *words)
        assert not list(Path("run").glob("**/*.ckpt"))


@pytest.mark.slow
def test_a_narrow_one_halves_its_held_out_error(add: Add) -> None:
    run_dir = add(
        "run",
        "vocoder.channels=32",
        "vocoder.spectral_steps=100000",
        "vocoder.lr=0.003",
        "vocoder.max_epochs=30",
    )
    errors = checkpoint(run_dir)["distill"]["history"]["val/loss"]
    assert min(errors) < 0.5 * errors[0]
