"""HiFi-GAN as the vocoder of a run: it learns, goes on where it was, and says what it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from distill.bundle.loading import load_bundle
from distill.errors import RunError
from distill.training.interrupt import RunStopped
from distill.training.vocoder import stage
from distill.training.vocoder.comparison import Comparison, Likeness
from distill.training.vocoder.hifigan_module import HifiGanModule
from tests.helpers.runs import TINY_VOCODER, Train

NARROW = (
    "vocoder=hifigan_v2",
    *(word for word in TINY_VOCODER if "starter" not in word),
    "vocoder.discriminator_channels=1",
    "vocoder.spectral_steps=3",
    "data.root=sounds",
    "data.val_fraction=0.5",
)


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the vocoder judged as better than Griffin-Lim."""
    compared = Comparison(Likeness(1.0, 3.0), Likeness(2.0, 3.0), "Griffin-Lim", 3, 4)
    monkeypatch.setattr(stage.Comparer, "compare", lambda *_, **__: compared)


def checkpoint(run_dir: Path, which: str = "last") -> dict[str, dict[str, torch.Tensor]]:
    path = run_dir / "checkpoints" / f"vocoder_{which}.ckpt"
    state: dict[str, dict[str, torch.Tensor]] = torch.load(path, weights_only=True)
    return state


def test_it_is_in_the_file_and_makes_the_sound(sounds: Path, train_here: Train) -> None:
    run_dir = train_here("run", *NARROW)
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
def test_stopped_and_continued_it_ends_as_if_left_alone(sounds: Path, train_here: Train) -> None:
    whole = train_here("whole", *NARROW)
    stop = "+callbacks.extra.stop._target_=tests.helpers.watching.InterruptStage"
    for step in (2, 5):  # before the discriminators come, and after
        Path("interrupted.once").unlink(missing_ok=True)
        at = f"+callbacks.extra.stop.step={step}"
        with pytest.raises(RunStopped):
            train_here(f"parts{step}", *NARROW, stop, "+callbacks.extra.stop.stage=vocoder", at)
        left_out = not any(
            "critics" in name for name in checkpoint(Path(f"parts{step}"))["state_dict"]
        )
        assert left_out == (step < 3)
        train_here(f"parts{step}", resume=True)
        one, other = checkpoint(whole), checkpoint(Path(f"parts{step}"))
        assert one["state_dict"].keys() == other["state_dict"].keys()
        for name, weight in one["state_dict"].items():
            assert torch.equal(weight, other["state_dict"][name]), name
        assert one["distill"]["history"] == other["distill"]["history"]


def test_a_sound_that_is_not_finite_is_skipped(
    sounds: Path, train_here: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = HifiGanModule.losses

    def spoilt(self: HifiGanModule, batch: dict[str, torch.Tensor]) -> object:
        if self.step in (1, 5):
            batch["waveform"][0, 0, 5] = torch.nan
        return losses(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(HifiGanModule, "losses", spoilt)
    run_dir = train_here("run", *NARROW)
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["stages"]["vocoder"]["skipped_steps"] == 2


def test_what_it_cannot_do_is_said_before_anything_is_trained(
    sounds: Path, train_here: Train
) -> None:
    for override, told in (
        ("mel.hop_length=136", r"mel.hop_length=136 is no product of them"),
        ("trainer.devices=2", r"trained on one device"),
    ):
        with pytest.raises(RunError, match=told):
            train_here("run", *NARROW, override)
        assert not list(Path("run").glob("**/*.ckpt"))


@pytest.mark.slow
def test_a_narrow_one_halves_its_held_out_error(sounds: Path, train_here: Train) -> None:
    run_dir = train_here(
        "run",
        *NARROW,
        "trainer.max_epochs=20",
        "vocoder.channels=32",
        "vocoder.spectral_steps=100000",
        "vocoder.lr=0.003",
        "vocoder.max_epochs=30",
    )
    errors = checkpoint(run_dir)["distill"]["history"]["val/loss"]
    assert min(errors) < 0.5 * errors[0]
