"""What TensorBoard shows of a run, read back from its files as TensorBoard reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.metadata import (
    SESSION_END_INFO_TAG,
    SESSION_START_INFO_TAG,
    parse_session_start_info_plugin_data,
)

from distill.training.interrupt import RunStopped
from tests.helpers.curves import events_of
from tests.helpers.runs import TINY_PRIOR, Train
from tests.helpers.stop_at import stop_at

BY_STEP = "by_step/train_loss"


class Tab:
    """The HPARAMS tab of TensorBoard over a folder of runs."""

    def __init__(self, folder: Path) -> None:
        self.files = EventMultiplexer()
        self.files.AddRunsFromDirectory(str(folder))
        self.files.Reload()
        provider = MultiplexerDataProvider(self.files, str(folder))
        context, request = Context(TBContext(data_provider=provider)), RequestContext()
        self.found = context.hparams_metadata(request, "")
        given = context.hparams_from_data_provider(request, "", limit=0)
        self.experiment = context.experiment_from_metadata(request, "", True, self.found, given)

    @property
    def differing(self) -> set[str]:
        return {info.name for info in self.experiment.hparam_infos if info.differs}

    @property
    def metrics(self) -> list[str]:
        return [info.name.tag for info in self.experiment.metric_infos]

    def settings(self, run: str) -> dict[str, Any]:
        info = parse_session_start_info_plugin_data(self.found[run][SESSION_START_INFO_TAG])
        values = {key: value.WhichOneof("kind") for key, value in info.hparams.items()}
        return {key: getattr(info.hparams[key], kind) for key, kind in values.items()}


def test_runs_of_a_sweep_are_compared_by_what_differs(
    sounds: Path, train_here: Train, tmp_path: Path
) -> None:
    (tmp_path / "sweep").mkdir()
    for levels in (1, 2):
        words = ("data.root=sounds", f"rvq.levels={levels}", "name='kit \\udcff'")
        train_here(f"sweep/{levels}", *words, "trainer.max_epochs=1")
    tab = Tab(tmp_path / "sweep")
    assert tab.differing == {"rvq.levels"}
    assert tab.experiment.hparam_infos[0].name == "rvq.levels", "shown first"
    assert tab.metrics == [
        f"final/{name}"
        for name in ("bitrate_kbps", "elapsed_s", "mel_db", "onset_db", "worst_utilization")
    ]
    for levels in (1, 2):
        run = f"{levels}/tensorboard/hparams"
        settings = tab.settings(run)
        assert settings["rvq.levels"] == levels
        assert settings["rvq.codebook_size"] == 16
        assert settings["data.augment.enabled"] == "true"
        assert not {"name", "trainer.max_minutes"} & {*settings}
        assert not any(key.startswith(("callbacks", "library", "prior")) for key in settings)
        assert SESSION_END_INFO_TAG in tab.found[run]
        summary = json.loads((tmp_path / "sweep" / str(levels) / "summary.json").read_text())
        (shown,) = tab.files.Tensors(run, "final/mel_db")
        best = summary["stages"]["codec"]["best"]["val/mel_db"]
        assert shown.tensor_proto.float_val[0] == pytest.approx(best)


def test_stages_have_curves_of_their_own_and_steps_are_epochs(
    sounds: Path, train_here: Train, tmp_path: Path
) -> None:
    """So no curve goes back to epoch 1 where the next stage begins."""
    run = train_here("run", "data.root=sounds", *TINY_PRIOR, "data.val_fraction=0.4")
    for stage in ("codec", "prior"):
        events = events_of(run, stage)
        assert [event.step for event in events.Scalars("val/loss")] == [1, 2]
        (said,) = events.Tensors("axes/text_summary")
        assert b"is the epoch of this stage, counted from 1" in said.tensor_proto.string_val[0]
    assert not list(run.glob("tensorboard/*by_step"))
    assert "final/bits_per_s" in events_of(run, "hparams").Tags()["scalars"]
    assert len(list((run / "tensorboard" / "hparams").iterdir())) == 1, "written anew"


def test_losses_within_epochs_go_by_step_and_say_so(
    sounds: Path, train_here: Train, tmp_path: Path
) -> None:
    """Also where the run was stopped and goes on; the curves by epoch stay as they are."""
    words = ("data.root=sounds", "callbacks.tensorboard.every_n_steps=2")
    with pytest.raises(RunStopped):
        train_here("run", *words, *stop_at(3))
    run = train_here("run", resume=True)
    by_step, by_epoch = events_of(run, "codec_by_step"), events_of(run)
    assert [event.step for event in by_step.Scalars(BY_STEP)] == [2, 4, 6, 8]
    assert [event.step for event in by_epoch.Scalars("train/loss")] == [1, 2]
    assert BY_STEP not in by_epoch.Tags()["scalars"]
    assert (
        b"go by training steps"
        in by_step.Tensors("axes/text_summary")[0].tensor_proto.string_val[0]
    )


def test_a_stopped_run_is_compared_by_what_it_had(
    sounds: Path, train_here: Train, tmp_path: Path
) -> None:
    with pytest.raises(RunStopped):
        train_here("run", "data.root=sounds", *stop_at(5))
    tab = Tab(tmp_path / "run")
    assert "final/mel_db" in tab.metrics
    (found,) = tab.found.values()
    assert SESSION_END_INFO_TAG not in found
