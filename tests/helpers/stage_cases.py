"""Every kind of stage in small, for the contract that all of them keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle.reader import read_content
from distill.runs.folder import best_bundle, checkpoint_path
from distill.runs.history import History
from distill.settings import check
from distill.settings.schema import STAGES as STAGE_NAMES
from distill.settings.schema import TrainConfig
from distill.system.ranges import one_of
from distill.training.stages import STAGES
from distill.training.vocoder import stage as vocoder_stage
from distill.training.vocoder.comparison import Comparison, Likeness
from tests.helpers.runs import TINY, TINY_PRIOR, TINY_VOCODER
from tests.helpers.toy_stage import EPOCHS as TOY_EPOCHS
from tests.helpers.toy_stage import ToyStage

Judge = Callable[[float], None]
"""Have the vocoder judged as if its sounds had this mel error in dB, and those before it 2."""

CHANGING = ("metadata", "training_config", "training_metadata", "elapsed_s", "checksum")
"""What differs between two runs that learnt the same: dates, ids and callbacks."""

OTHERS = ("mel.n_mels=16", "rvq.levels=1", "seed=3", "data.segment_s=0.5")
"""Settings in place of which a run takes those of its base."""
MONITORS = ("val/bits_per_s", "val/mel_db", "val/loss")
"""Of prior, codec and the others; all have the last one."""


@dataclass(frozen=True)
class StageCase:
    """One kind of stage, and settings with which it trains in a second."""

    name: str
    stage: str
    """The word for it in `stages=`."""
    settings: tuple[str, ...]
    adds: str
    """The key of the bundle that holds what it learnt."""
    kept: tuple[str, ...]
    """Overrides that a run refuses when it goes on."""
    epochs: int = 2
    longer: str | None = None
    """An override with which it goes on for one more epoch; None for the toy, which has none."""
    stops: tuple[int, int] = (1, 5)
    """Steps, counted from 0, in the middle of its first epoch and of its second."""

    @property
    def words(self) -> tuple[str, ...]:
        """The overrides of a new run; a later stage is added to the model `kit`."""
        base = () if self.stage == "codec" else ("base=kit", *OTHERS)
        return (*TINY, *self.settings, f"stages=[{self.stage}]", *base, "name=kit")


VOCODER_SETTINGS = TINY_VOCODER[1:]
HIFIGAN_STEPS = 3
CODEC = StageCase(
    "codec",
    "codec",
    (),
    "model_state_dict",
    kept=("rvq.levels=3", "mel.n_mels=16", "model.channels=4", "seed=7", "name=other"),
    longer="trainer.max_epochs=3",
)
TOY = StageCase(
    "toy",
    "toy",
    (),
    "prior_state",
    kept=("rvq.levels=3", "seed=7"),
    epochs=TOY_EPOCHS,
)
PHASE = StageCase(
    "phase_gradient",
    "vocoder",
    VOCODER_SETTINGS,
    "vocoder_state",
    kept=("vocoder.channels=16", "vocoder.blocks=2", "vocoder.type=hifigan_v2"),
    longer="vocoder.max_epochs=3",
)
PRIOR = StageCase(
    "prior",
    "prior",
    TINY_PRIOR[1:],
    "prior_state",
    kept=("prior.width=64", "prior.layers=2", "prior.batch_size=8", "prior.epoch_sounds=9"),
    longer="prior.max_epochs=3",
)
HIFIGAN = StageCase(
    "hifigan_v2",
    "vocoder",
    (
        "vocoder=hifigan_v2",
        *(word for word in VOCODER_SETTINGS if "starter" not in word),
        "vocoder.discriminator_channels=1",
        f"vocoder.spectral_steps={HIFIGAN_STEPS}",
    ),
    "vocoder_state",
    kept=("vocoder.channels=16", "vocoder.discriminator_channels=2"),
    longer="vocoder.max_epochs=3",
)
CASES = (TOY, CODEC, PHASE, PRIOR, HIFIGAN)


def add_toy(patch: pytest.MonkeyPatch) -> None:
    """Let a run train the toy stage, in its settings too."""
    names = (*STAGE_NAMES, ToyStage.name)
    patch.setitem(STAGES, ToyStage.name, ToyStage)
    patch.setattr(check, "STAGES", names)
    patch.setattr(TrainConfig.__dataclass_fields__["stages"], "metadata", one_of(*names))


def judge_vocoders(patch: pytest.MonkeyPatch, mel_db: float) -> None:
    """Have each vocoder judged as if its sounds had this mel error, and those before it 2 dB."""

    def compare(*_: object, name: str = "Griffin-Lim") -> Comparison:
        own, before = Likeness(mel_db, 3.0), Likeness(2.0, 3.0)
        return Comparison(own, before, name, 3 if mel_db < 2 else 1, 4)

    patch.setattr(vocoder_stage.Comparer, "compare", compare)


def make_the_first_epoch_best(patch: pytest.MonkeyPatch) -> None:
    """Have the figure that chooses the best epoch be the epoch's number, in every stage."""
    close = History.close_epoch

    def scripted(self: History, figures: dict[str, float]) -> None:
        monitor = next(name for name in MONITORS if name in figures)
        close(self, {**figures, monitor: float(self.epochs + 1)})

    patch.setattr(History, "close_epoch", scripted)


def prepare(patch: pytest.MonkeyPatch) -> None:
    """Have the toy among the stages, every vocoder judged as better, the first epoch as best."""
    add_toy(patch)
    judge_vocoders(patch, 1.5)
    make_the_first_epoch_best(patch)


def state_of(run_dir: Path, case: StageCase) -> dict[str, Any]:
    """All that must be equal in two runs that learnt the same."""
    state: dict[str, Any] = {"model": read_content(best_bundle(run_dir))}
    for which in ("best", "last"):
        path = checkpoint_path(run_dir, case.stage, which)
        checkpoint = torch.load(path, weights_only=True)
        kept = ("state_dict", "optimizer_states", "global_step", "epoch", "distill")
        state[which] = {key: checkpoint[key] for key in kept}
    return state


def assert_equal(
    left: object, right: object, where: str = "", *, but: tuple[str, ...] = ()
) -> None:
    """Bit for bit, through nested containers, but for what changes with each run."""
    assert type(left) is type(right), where
    if isinstance(left, torch.Tensor):
        assert isinstance(right, torch.Tensor)
        assert torch.equal(left, right), where
    elif isinstance(left, dict) and isinstance(right, dict):
        assert left.keys() == right.keys(), where
        for key in left:
            if key not in (*CHANGING, *but):
                assert_equal(left[key], right[key], f"{where}/{key}", but=but)
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        assert len(left) == len(right), where
        for index, pair in enumerate(zip(left, right, strict=True)):
            assert_equal(*pair, f"{where}/{index}", but=but)
    else:
        assert left == right, where
