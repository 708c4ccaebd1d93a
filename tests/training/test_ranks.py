"""Several processes that train together are one run: same codebooks, one bundle, one end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import torch

import distill
from distill.data.datamodule import SoundDataModule
from distill.model.mel import LogMel
from distill.settings.compose import load_config
from distill.training.codec.completion import complete, spectrogram_config
from distill.training.codec.health import health_of
from distill.training.codec.onset_probe import OnsetProbe, onset_figures
from distill.training.codec.probe import CodebookProbe
from distill.training.ranks.processes import is_first, rank_name
from distill.training.sounds import collect
from tests.helpers.forks import Fork, start_run
from tests.helpers.runs import TINY, TINY_PRIOR, wait_for
from tests.helpers.shared import made_once
from tests.helpers.sounds import write_sounds
from tests.helpers.summaries import codec_summary

pytestmark = pytest.mark.slow

SPY = (
    "+callbacks.extra.spy._target_=tests.helpers.watching.CodebookSpy",
    "+callbacks.extra.spy.folder=spied",
)
RUN = (*TINY, *SPY, "data.root=sounds", "trainer=ddp", "hydra.run.dir=run")
WAIT_S = 240


def start_two(folder: Path, *overrides: str) -> Fork:
    return start_run(folder, *RUN, "trainer.devices=2", *overrides)


def spied(folder: Path, epoch: int, rank: int) -> dict[str, object]:
    content: dict[str, object] = torch.load(
        folder / "spied" / f"epoch{epoch}_rank{rank}.pt", weights_only=True
    )
    return content


def finish(process: Fork) -> tuple[int, str]:
    out, _ = process.communicate(timeout=WAIT_S)
    return process.wait(), out


def others_of(run_dir: Path) -> list[int]:
    """Process ids of the run's other ranks."""
    found = subprocess.run(
        ["pgrep", "-f", f"distill.training.ranks.worker {run_dir}"], capture_output=True, text=True
    )
    return [int(line) for line in found.stdout.split()]


@pytest.fixture(scope="session")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of two ranks, of which one had a batch that was not finite."""
    poison = (
        "+callbacks.extra.poison._target_=tests.helpers.watching.Poison",
        "+callbacks.extra.poison.rank=1",
        "+callbacks.extra.poison.step=2",
    )

    def work(folder: Path) -> None:
        write_sounds(folder / "sounds")
        code, out = finish(start_two(folder, *poison))
        assert code == 0, out
        (folder / "out.txt").write_text(out)

    return made_once(tmp_path_factory, "two_ranks", work)


def test_two_ranks_are_one_run(two_ranks: Path) -> None:
    for epoch in range(2):
        first, second = spied(two_ranks, epoch, 0), spied(two_ranks, epoch, 1)
        assert first["model"]
        for key, weight in first["model"].items():  # type: ignore[attr-defined]
            assert torch.equal(weight, second["model"][key]), key  # type: ignore[index]
        assert torch.equal(first["counts"], second["counts"])  # type: ignore[arg-type]
    assert (two_ranks / "out.txt").read_text().count("epoch 2/2") == 1  # one display
    library = json.loads((two_ranks / "outputs/library/model_library.json").read_text())
    assert len(library["models"]) == 1
    assert (two_ranks / "run" / "best.distillgan").is_file()


def test_two_ranks_train_one_prior(sounds: Path, tmp_path: Path) -> None:
    words = [each for each in RUN if each not in SPY]
    more = ("trainer.devices=2", *TINY_PRIOR, "data.val_fraction=0.3")
    code, out = finish(start_run(tmp_path, *words, *more))
    assert code == 0, out
    model = distill.load(tmp_path / "run" / "best.distillgan")
    assert model.prior is not None
    stages = json.loads((tmp_path / "run" / "summary.json").read_text())["stages"]
    assert stages["prior"]["bits_per_s"] == model.prior.bits_per_s
    assert len(list((tmp_path / "run" / "new_sounds").glob("*.wav"))) == 8


def test_figures_are_those_of_one_process_over_those_sounds(
    two_ranks: Path, tmp_path: Path
) -> None:
    root, cache = f"data.root={two_ranks}/sounds", f"data.cache_dir={tmp_path}/cache"
    config = load_config([*TINY, root, cache])
    collection, split = collect(config)
    data = SoundDataModule(split, config.data, sample_rate_hz=16_000, seed=config.seed)
    complete(config, collection, data)
    model = distill.load(two_ranks / "run" / "last.distillgan").codec.network
    probe = CodebookProbe(
        data,
        LogMel(spectrogram_config(config)),
        stride=model.stride,
        positions=config.health.positions_per_code * 16,
    )
    counts = probe.count(model, torch.device("cpu"))
    assert torch.equal(counts, spied(two_ranks, 1, 1)["counts"])  # type: ignore[arg-type]
    summary = codec_summary(two_ranks / "run")
    assert summary["health"] == health_of(counts, model.config.layout(config.mel.n_mels)).snapshot()
    heard = OnsetProbe(data, LogMel(spectrogram_config(config)))
    onset = onset_figures(heard.measure(model, torch.device("cpu")))
    assert onset is not None
    assert summary["final"]["val/onset_db"] == pytest.approx(onset.error_db, abs=1e-3)
    assert summary["final"]["val/onset_0.3_db"] == pytest.approx(onset.errors_db[0.3], abs=1e-3)
    low, high = (summary["final"][f"val/level_{share}_db"] for share in (10, 90))
    assert low <= summary["final"]["val/level_db"] <= high


def test_a_batch_that_is_not_finite_on_one_rank_is_skipped_on_both(two_ranks: Path) -> None:
    assert [spied(two_ranks, 1, rank)["skipped"] for rank in (0, 1)] == [1, 1]


def test_ctrl_c_saves_once_and_leaves_no_process(sounds: Path, tmp_path: Path) -> None:
    run = start_two(tmp_path, "trainer.max_epochs=10000")
    wait_for(lambda: (tmp_path / "run" / "last.distillgan").exists())
    run.send_signal(signal.SIGINT)
    code, out = finish(run)
    assert code == 130, out
    assert "Traceback" not in out
    assert others_of(tmp_path / "run") == []
    before = codec_summary(tmp_path / "run")["epochs"]
    code, out = finish(start_run(tmp_path, "resume=run", f"trainer.max_epochs={before + 2}"))
    assert code == 0, out
    assert codec_summary(tmp_path / "run")["epochs"] == before + 2


def test_a_killed_rank_ends_the_run_with_a_message(sounds: Path, tmp_path: Path) -> None:
    run = start_two(tmp_path, "trainer.max_epochs=10000")
    wait_for(lambda: (tmp_path / "run" / "last.distillgan").exists())
    (other,) = others_of(tmp_path / "run")
    os.kill(other, signal.SIGKILL)
    code, out = finish(run)
    assert code != 0
    assert "rank 1 ended by SIGKILL" in out
    assert f"continue with resume={tmp_path / 'run'}" in out
    assert "Traceback" not in out


def test_a_killed_first_rank_takes_the_others_along(sounds: Path, tmp_path: Path) -> None:
    """Also from a wait that no error ends, as that for a connection."""
    run = start_two(tmp_path, "trainer.max_epochs=10000")
    wait_for(lambda: (tmp_path / "run" / "last.distillgan").exists())
    (other,) = others_of(tmp_path / "run")
    os.kill(other, signal.SIGSTOP)
    run.kill()
    run.communicate()
    os.kill(other, signal.SIGCONT)
    wait_for(lambda: not others_of(tmp_path / "run"), within_s=5)


@pytest.mark.parametrize("trainer", ["default", "ddp"])
def test_more_processes_than_the_processor_takes_are_refused(
    sounds: Path, tmp_path: Path, trainer: str
) -> None:
    many = (*TINY, "data.root=sounds", f"trainer={trainer}", "trainer.devices=99")
    code, out = finish(start_run(tmp_path, *many))
    assert code == 2, out
    assert "trainer.devices=99: each device is a process" in out.splitlines()[-1]


def test_two_nodes_are_one_run(sounds: Path, tmp_path: Path) -> None:
    variables = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29517"}
    words = (*RUN, "trainer.devices=1", "trainer.num_nodes=2")
    nodes = [start_run(tmp_path, *words, **variables, NODE_RANK=str(node)) for node in (0, 1)]
    (code, out), (other_code, other_out) = (finish(node) for node in nodes)
    assert (code, other_code) == (0, 0), out + other_out
    assert "epoch 2/2" in out
    assert "epoch" not in other_out
    first, second = spied(tmp_path, 1, 0), spied(tmp_path, 1, 1)
    assert torch.equal(first["counts"], second["counts"])  # type: ignore[arg-type]
    library = json.loads((tmp_path / "outputs/library/model_library.json").read_text())
    assert len(library["models"]) == 1


def test_nodes_must_know_each_other_and_share_a_folder(sounds: Path, tmp_path: Path) -> None:
    code, out = finish(start_run(tmp_path, *RUN, "trainer.num_nodes=2"))
    assert (code, "MASTER_ADDR" in out) == (2, True), out
    alone = (*TINY, "data.root=sounds", "trainer=ddp")
    code, out = finish(start_run(tmp_path, *alone, NODE_RANK="1"))
    assert (code, "hydra.run.dir=FOLDER" in out) == (2, True), out


def test_the_environment_says_which_rank_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_first()
    monkeypatch.setenv("NODE_RANK", "1")
    assert (is_first(), rank_name()) == (False, "node1_rank0")
    monkeypatch.setenv("NODE_RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert (is_first(), rank_name()) == (False, "rank3")


def test_two_ranks_train_a_model_again(two_ranks: Path, tmp_path: Path) -> None:
    for name in ("sounds", "outputs"):
        shutil.copytree(two_ranks / name, tmp_path / name)
    (model,) = Path(tmp_path / "outputs/library").glob("*.distillgan")
    words = [each for each in RUN if each not in SPY]
    code, out = finish(start_run(tmp_path, *words, "trainer.devices=2", f"base={model.stem}"))
    assert code == 0, out
    assert out.count("beginning with ") == 1
    assert len(list(model.parent.glob("*.distillgan"))) == 2
