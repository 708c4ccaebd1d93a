"""Shards hold the folder's segments: the same sounds, the same split, the same crops."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

pytest.importorskip("litdata")

import distill
from distill.bundle.reader import read_content
from distill.data import shards
from distill.data.datamodule import SoundDataModule
from distill.data.segments import Draw
from distill.data.streaming import StreamingDataModule, read_manifest
from distill.errors import CollectionError, ConfigError
from distill.settings.compose import load_config
from distill.settings.schema import TrainConfig
from distill.training.sounds import collect
from tests.helpers.forks import start, start_run
from tests.helpers.runs import TINY, TINY_PRIOR
from tests.helpers.shared import made_once
from tests.helpers.sounds import write_sounds
from tests.helpers.verbs import Run

pytestmark = pytest.mark.slow

SETTINGS = ("mel.sample_rate_hz=16000", "data.segment_s=0.25")
WORDS = ("sounds", "shards", "--workers", "2", *SETTINGS)
"""Of `distill.shard`: what makes shards of sounds."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sounds, and their shards; for reading only."""

    def work(folder: Path) -> None:
        write_sounds(folder / "sounds")
        shard = start(folder, "shard", *WORDS)
        out, err = shard.communicate()
        assert shard.wait() == 0, err
        assert "12 files used" in out

    return made_once(tmp_path_factory, "sharded", work)


@pytest.fixture
def config(folder: Path, tmp_path: Path) -> TrainConfig:
    return load_config([*TINY, f"data.root={folder}/sounds", f"data.cache_dir={tmp_path}/cache"])


STREAMED = (*TINY, "data=streaming", "data.epoch_segments=null")


def streaming(root: Path, config: TrainConfig) -> StreamingDataModule:
    return StreamingDataModule(str(root), read_manifest(str(root)), config.data, seed=config.seed)


def test_they_are_the_folders_segments(folder: Path, config: TrainConfig) -> None:
    _, split = collect(config)
    unsharded = SoundDataModule(split, config.data, sample_rate_hz=16_000, seed=0)
    shards = streaming(folder / "shards", config)
    for ours, theirs in ((shards.train, unsharded.train), (shards.val, unsharded.val)):
        assert len(ours) == len(theirs)
        assert ours.sounding_samples() == theirs.sounding_samples()
        for index in range(len(ours)):
            assert ours.name(index) == theirs.name(index)
            assert torch.equal(ours[index]["waveform"], theirs[index]["waveform"])
            for key in ("sound_begin", "sound_end", "shift_bins"):
                assert ours[index][key] == theirs[index][key]  # type: ignore[literal-required]
    beginnings = [side.held_out_beginnings(50, samples=2_000) for side in (shards, unsharded)]
    assert beginnings[1]
    assert all(torch.equal(*pair) for pair in zip(*beginnings, strict=True))
    leads = {shards.train[index]["sound_begin"] for index in range(len(shards.train))}
    assert len(leads) > 5, "sounds begin in many places"


def test_an_epoch_has_each_segment_once_cropped_as_the_folders(
    folder: Path, config: TrainConfig
) -> None:
    _, split = collect(config)
    unsharded = SoundDataModule(split, config.data, sample_rate_hz=16_000, seed=0).train
    shards = streaming(folder / "shards", config)
    loader = shards.train_dataloader()
    for epoch in (1, 2):
        drawn = torch.cat([batch["waveform"] for batch in loader])
        every = [unsharded[Draw(index, epoch)]["waveform"] for index in range(len(unsharded))]
        found = [sum(torch.equal(one, other) for one in drawn) for other in every]
        assert len(drawn) == len(unsharded) // 4 * 4
        assert sum(found) == len(drawn)
        assert max(found) == 1


def test_the_length_of_their_epochs_cannot_be_chosen() -> None:
    with pytest.raises(ConfigError, match="data.epoch_segments=64: must be null for shards"):
        load_config(["data=streaming", "data.root=s3://bucket/shards", "data.epoch_segments=64"])


def test_a_loader_goes_on_in_the_middle_of_an_epoch(folder: Path, config: TrainConfig) -> None:
    shards = streaming(folder / "shards", config)
    whole = shards.train_dataloader()
    batches = [batch["waveform"] for _ in range(2) for batch in whole]
    cut = shards.train_dataloader()
    iterator = iter(cut)
    for _ in range(2):
        next(iterator)
    state = json.loads(json.dumps(cut.state_dict()))
    again = shards.train_dataloader()
    again.load_state_dict(state)
    rest = [batch["waveform"] for _ in range(2) for batch in again]
    assert len(rest) == len(batches) - 2
    assert all(torch.equal(a, b) for a, b in zip(rest, batches[2:], strict=True))


def test_two_ranks_read_different_shards(folder: Path, config: TrainConfig) -> None:
    shards = streaming(folder / "shards", config)
    heard = []
    for rank in range(2):
        dataset = shards.train_dataloader().dataset
        dataset.distributed_env.world_size, dataset.distributed_env.global_rank = 2, rank
        heard.append([item["waveform"] for item in dataset])
    assert heard[0]
    assert len(heard[0]) == len(heard[1])
    assert not any(torch.equal(one, other) for one in heard[0] for other in heard[1])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_cut_within_an_epoch_ends_as_if_it_had_not_been(
    folder: Path, tmp_path: Path, run: Run, workers: int
) -> None:
    words = (*STREAMED, f"data.root={folder}/shards", f"data.num_workers={workers}")
    words = (*words, "trainer.max_epochs=3")
    cut = (
        "+callbacks.extra.cut._target_=tests.helpers.watching.Interrupt",
        "+callbacks.extra.cut.step=7",
    )
    for more, code in (
        ((*words, "hydra.run.dir=whole"), 0),
        ((*words, *cut, "hydra.run.dir=cut"), 130),
        (("resume=cut",), 0),
    ):
        answer = run("train", *more)
        assert answer.exit_code == code, answer.stderr
    whole, resumed = (
        read_content(tmp_path / name / "last.distillgan") for name in ("whole", "cut")
    )
    assert len(resumed["loss_curve_history"]["val_losses"]) == 3
    assert resumed["loss_curve_history"] == whole["loss_curve_history"]
    for name, weights in whole["model_state_dict"].items():
        assert torch.equal(resumed["model_state_dict"][name], weights), name


def test_two_ranks_train_on_shards(folder: Path, tmp_path: Path) -> None:
    run = (*STREAMED, f"data.root={folder}/shards", "data.num_workers=0")
    ranks = ("hydra.run.dir=two", "trainer=ddp", "trainer.devices=2")
    work = start_run(tmp_path, *run, *ranks)
    out, _ = work.communicate()
    assert work.wait() == 0, out


def test_a_prior_learns_from_shards(folder: Path, tmp_path: Path, run: Run) -> None:
    words = (*STREAMED, *TINY_PRIOR, f"data.root={folder}/shards", "name=kit")
    answer = run("train", *words, "data.num_workers=0")
    assert answer.exit_code == 0, answer.stderr
    model = distill.load(tmp_path / "outputs/library/kit.distillgan")
    assert model.prior is not None
    assert model.prior.config.classes == ()
    (sound,) = model.new_sounds(1)
    assert 0.15 < len(sound.waveform) / 16_000 < 0.4


def test_whole_shards_are_not_written_again_and_others_not_mixed_in(
    folder: Path, tmp_path: Path, run: Run
) -> None:
    for name in ("sounds", "shards"):
        shutil.copytree(folder / name, tmp_path / name)
    again = run("shard", *WORDS)
    assert (again.exit_code, "already holds complete shards" in again.stderr) == (2, True)
    (tmp_path / "shards" / "distill.json").unlink()
    (tmp_path / "sounds" / "0.wav").unlink()
    mixed = run("shard", *WORDS)
    assert (mixed.exit_code, "other sounds" in mixed.stderr) == (2, True)


def test_a_folder_without_shards_is_told(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="distill.shard FOLDER OUT"):
        read_manifest(str(tmp_path))


def test_a_shard_that_was_cut_off_is_told_and_written_again(
    folder: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LitData copies it in a process of its own, and says nothing of a disk that is full."""
    shutil.copytree(folder / "sounds", tmp_path / "sounds")
    monkeypatch.setattr(
        shards, "optimize", lambda output_dir, **_: cut_copy(folder, Path(output_dir))
    )
    told = run("shard", *WORDS)
    told.is_mistake("train/chunk-0-0.bin: could not be written to its end")
    assert not (tmp_path / "shards" / "distill.json").exists()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert run("shard", *WORDS).exit_code == 0
    for side in ("train", "val"):
        shards.check_shards(tmp_path / "shards" / side)


def cut_copy(folder: Path, side: Path) -> None:
    """The shards of a side, one without its last bytes."""
    shutil.copytree(folder / "shards" / side.name, side)
    shard = side / "chunk-0-0.bin"
    shard.write_bytes(shard.read_bytes()[:-100])
