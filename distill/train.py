"""`python -m distill.train`: a folder of sounds → a trained, watched, saved model."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from distill.cli.train_arguments import RUNS, collection_name, prepared, sweep_folder
from distill.cli.verb import MISTAKE, answering
from distill.errors import DistillError
from distill.settings.compose import CONFIG_NAME, checked, is_address, resumed, source_folders
from distill.settings.overrides import config_dir
from distill.settings.schema import TrainConfig
from distill.system import terminal
from distill.system.paths import path_of
from distill.system.terminal import console
from distill.training.interrupt import RunStopped
from distill.training.ranks.processes import is_first
from distill.training.run_folder import alone_in, check_same_sounds, check_unused

if TYPE_CHECKING:
    from distill.data.collection import Collection
    from distill.data.datamodule import SegmentDataModule
    from distill.data.source import Source
    from distill.data.split import Split

DEMO = Path("outputs/demo")
REASONS_SHOWN = 8
log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake, 130 or 143 when stopped by a signal."""
    with answering(), terminal.outlasted():
        sys.argv[1:] = prepared(list(sys.argv[1:] if arguments is None else arguments))
        decorated = hydra.main(
            version_base="1.3", config_path=str(config_dir()), config_name=CONFIG_NAME
        )
        if folder := sweep_folder(sys.argv[1:]):
            from distill.sweep.launch import launch

            chosen = [word for word in sys.argv[1:] if word.startswith("hydra/launcher=")]
            launcher = chosen[-1].partition("=")[2] if chosen else "basic"
            launch(decorated(_job), folder, launcher=launcher)
        else:
            decorated(_job)()


def train(config: TrainConfig, run_dir: Path, *, resume: bool = False) -> float:
    """Scan, split and train in `run_dir`; returns the best held-out mel error in dB.

    Completes `config` in place. Raises DistillError for what the user can mend, RunStopped after a
    stop request.
    """
    if config.data.source == "shards":
        source, data = _shards(config, run_dir)
    else:
        source, data = _sounds(config, run_dir, resume=resume)
    config.name = config.name or f"{source.name}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"

    # torch and Lightning: only now is it sure that they are needed
    from distill.training.session import train_run

    summary = train_run(config, source, data, run_dir, resume=resume)
    if summary is None or summary.best_mel_db is None:
        return float("inf")
    return summary.best_mel_db


def _sounds(
    config: TrainConfig, run_dir: Path, *, resume: bool
) -> tuple[Source, SegmentDataModule]:
    collection, split = collect(config)
    if is_first():
        if resume:
            check_same_sounds(run_dir / "collection.json", collection)
        _keep_report(collection.write_report, run_dir / "collection.json")
    report(collection, split, run_dir / "collection.json")

    from distill.data.datamodule import SoundDataModule  # torch and Lightning: from here on

    rate_hz = config.mel.sample_rate_hz
    return collection, SoundDataModule(split, config.data, sample_rate_hz=rate_hz, seed=config.seed)


def _keep_report(write: Callable[[Path], None], path: Path) -> None:
    try:
        write(path)
    except OSError as error:  # the terminal has it in short
        log.warning("%s: cannot be written: %s", path, error.strerror)


def _shards(config: TrainConfig, run_dir: Path) -> tuple[Source, SegmentDataModule]:
    """What decides over segments is as it was when the shards were written."""
    try:
        from distill.data.streaming import StreamingDataModule, read_manifest
    except ModuleNotFoundError as error:
        raise DistillError(f"data=streaming needs the extra: make streaming ({error})") from error
    (root,) = source_folders(config)
    manifest = read_manifest(root)
    config.data.segment_s, config.data.val_fraction = manifest.segment_s, manifest.val_fraction
    config.mel.sample_rate_hz = manifest.sample_rate_hz
    if is_first():
        _keep_report(manifest.write_report, run_dir / "collection.json")
    terminal.say(
        f"{manifest.name}: shards of {terminal.counted(manifest.files, 'file')}, "
        f"{terminal.duration(manifest.duration_s)} in all; {manifest.segments['train']:,} segments "
        f"to train on, {manifest.segments['val']:,} held out; {manifest.segment_s:g} s at "
        f"{manifest.sample_rate_hz:,} Hz, as they were written"
    )
    return manifest, StreamingDataModule(root, manifest, config.data, seed=config.seed)


def collect(config: TrainConfig) -> tuple[Collection, Split]:
    """Scan the folders, with a progress bar, and share the sounds out to the two sides."""
    from distill.data.split import split_sounds

    collection = _scan(config)
    segment_samples = round(config.data.segment_s * config.mel.sample_rate_hz)
    return collection, split_sounds(
        collection.sounds,
        val_fraction=config.data.val_fraction,
        seed=config.seed,
        segment_samples=segment_samples,
    )


def _job(composed: DictConfig) -> float | None:
    """One run, as Hydra calls it, by itself or as a job of a sweep."""
    terminal.show_warnings()
    hydra_config = HydraConfig.get()
    run_dir = Path(hydra_config.runtime.output_dir)
    overrides = list(hydra_config.overrides.task)
    log.info("distill train %s", " ".join(overrides))
    if hydra_config.mode == RunMode.MULTIRUN:
        from distill.sweep.launch import run_job, threads_of

        number = int(hydra_config.job.num)
        return run_job(
            lambda: _in_sweep(composed, run_dir, number),
            run_dir,
            number=number,
            overrides=overrides,
            in_turn=hydra_config.launcher._target_.endswith(".BasicLauncher"),
            threads=threads_of(hydra_config),
        )
    console.quiet = not is_first()
    try:
        with alone_in(run_dir) if is_first() else nullcontext():
            if composed.resume is not None:
                return train(resumed(run_dir / "config.yaml", overrides), run_dir, resume=True)
            if is_first():
                check_unused(run_dir)
            return train(_rooted(composed), run_dir)
    except RunStopped as stopped:
        sys.exit(stopped.exit_code)
    except DistillError as error:
        log.info("ended with an error: %s", error)
        terminal.fail(str(error))
        sys.exit(MISTAKE)


def _in_sweep(composed: DictConfig, run_dir: Path, number: int) -> float:
    """The job's run; the models of a sweep have its number in their names."""
    config = _rooted(composed)
    name = config.name or f"{collection_name(config)}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"
    config.name = f"{name}-{number}"
    with alone_in(run_dir):
        check_unused(run_dir)
        return train(config, run_dir)


def _rooted(composed: DictConfig) -> TrainConfig:
    """Checked, and its folders absolute, so that the run can be resumed from anywhere."""
    config = checked(composed)
    folders = source_folders(config)
    config.data.root = [
        folder if is_address(folder) else str(path_of(folder).absolute()) for folder in folders
    ] or None
    return config


def _scan(config: TrainConfig) -> Collection:
    # numpy and the codecs only now: help and mistakes are answered without
    from distill.data.cache import CacheConfig
    from distill.data.demo import write_demo_collection
    from distill.data.scan import scan

    folders = [path_of(folder) for folder in source_folders(config)]
    if not folders:
        console.print("no data.root given: training on the demo collection")
        folders = [write_demo_collection(DEMO)]
    cache = CacheConfig(
        config.mel.sample_rate_hz, config.data.min_duration_s, config.data.silence_dbfs
    )
    with terminal.bar() as bar:
        task = bar.add_task("reading sounds", total=None)
        return scan(
            folders,
            name=collection_name(config),
            cache_folder=Path(config.data.cache_dir),
            config=cache,
            own_output=RUNS.parent,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def report(collection: Collection, split: Split, path: Path) -> None:
    """The scan and the split in short; `path` has them in full."""
    terminal.say(
        f"{collection.name}: {terminal.counted(len(collection.sounds), 'file')} used, "
        f"{terminal.duration(collection.duration_s)} in all, "
        f"{len(collection.left_out):,} left out"
    )
    noted = [sound for sound in collection.sounds if sound.note]
    for sound in noted[:REASONS_SHOWN]:
        terminal.say(f"  used as it is: {sound.path}: {sound.note}")
    if len(noted) > REASONS_SHOWN:
        terminal.say(f"  and {len(noted) - REASONS_SHOWN:,} more that end early. Full list: {path}")
    for left_out in collection.left_out[:REASONS_SHOWN]:
        terminal.say(f"  left out: {left_out.path}: {left_out.reason}")
    if len(collection.left_out) > REASONS_SHOWN:
        counted = ", ".join(f"{count:,} {reason}" for reason, count in collection.reasons())
        terminal.say(f"  and more; in all: {counted}. Full list: {path}")
    note = f" ({split.note})" if split.note else ""
    terminal.say(
        f"split: {terminal.counted(len(split.train), 'file')} to train on, "
        f"{len(split.val):,} held out{note}"
    )


if __name__ == "__main__":
    from distill.train import main as run  # by its name, under which other processes find its jobs

    run()
