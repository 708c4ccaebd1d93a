"""`python -m distill.train`: a folder of sounds → a trained, watched, saved model."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from distill import terminal
from distill.compose import (
    CONFIG_NAME,
    checked,
    config_dir,
    load_config,
    parse_overrides,
    quoted,
    resumed,
    source_folders,
)
from distill.config import TrainConfig
from distill.errors import DistillError, RunError
from distill.run_folder import (
    alone_in,
    check_same_sounds,
    new_run_dir,
    remove_if_unused,
    run_to_resume,
)
from distill.terminal import console
from distill.training.interrupt import RunStopped
from distill.verb import MISTAKE, answering

if TYPE_CHECKING:
    from distill.data.collection import Collection
    from distill.data.split import Split

RUNS = Path("outputs/train")
DEMO = Path("outputs/demo")
REASONS_SHOWN = 8
log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake, 130 or 143 when stopped by a signal."""
    with answering():
        sys.argv[1:] = _prepared(list(sys.argv[1:] if arguments is None else arguments))
        hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=CONFIG_NAME)(
            _job
        )()


def train(config: TrainConfig, run_dir: Path, *, resume: bool = False) -> float:
    """Scan, split and train in `run_dir`; returns the best held-out mel error in dB.

    Completes `config` in place. Raises DistillError for what the user can mend, RunStopped after a
    stop request.
    """
    collection, split = collect(config)
    if resume:
        check_same_sounds(run_dir / "collection.json", collection)
    collection.write_report(run_dir / "collection.json")
    _report(collection, run_dir / "collection.json")
    note = f" ({split.note})" if split.note else ""
    console.print(
        f"split: {terminal.counted(len(split.train), 'file')} to train on, "
        f"{len(split.val):,} held out{note}",
        markup=False,
    )
    config.name = config.name or f"{collection.name}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"

    # torch and Lightning: only now is it sure that they are needed
    from distill.training.session import train_run

    summary = train_run(config, collection, split, run_dir, resume=resume)
    return float("inf") if summary.best_mel_db is None else summary.best_mel_db


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


def _prepared(arguments: list[str]) -> list[str]:
    """Check the arguments before Hydra makes a folder, and choose that folder."""
    for word in arguments:
        if word.startswith("--") and "." in word.split("=")[0]:
            raise DistillError(f"{word}: settings have no dashes: {word.lstrip('-')}")
    arguments = [word if word.startswith("-") else quoted(word) for word in arguments]
    flags = get_args_parser().parse_args(arguments)
    if flags.help:
        return ["--help"]  # whatever else is there: help must come
    if flags.config_name or flags.config_path or flags.config_dir:
        raise DistillError("distill has one configuration, conf/; change it by KEY=VALUE")
    if flags.hydra_help or flags.cfg or flags.info or flags.shell_completion:
        return arguments
    config = load_config(flags.overrides, sweep=flags.multirun)
    if config.resume is not None:
        if flags.multirun:
            raise RunError("resume= and a sweep (-m) do not go together")
        run_dir = run_to_resume(RUNS, config.resume)
        resumed(run_dir / "config.yaml", flags.overrides)
    elif flags.multirun or any(
        o.key_or_group == "hydra.run.dir" for o in parse_overrides(flags.overrides)
    ):
        return arguments
    else:
        run_dir = new_run_dir(RUNS, config.name or _collection_name(config))
    return [*arguments, quoted(f"hydra.run.dir={run_dir}")]


def _job(composed: DictConfig) -> float | None:
    """One run, as Hydra calls it; in a sweep, errors are raised so that the other jobs go on."""
    terminal.show_warnings()
    hydra_config = HydraConfig.get()
    run_dir = Path(hydra_config.runtime.output_dir)
    overrides = list(hydra_config.overrides.task)
    log.info("distill train %s", " ".join(overrides))
    try:
        with alone_in(run_dir):
            if composed.resume is not None:
                return train(resumed(run_dir / "config.yaml", overrides), run_dir, resume=True)
            config = checked(composed)
            folders = [Path(folder).expanduser().absolute() for folder in source_folders(config)]
            # absolute, so that the run can be resumed from anywhere
            config.data.root = [str(folder) for folder in folders] or None
            return train(config, run_dir)
    except RunStopped as stopped:
        sys.exit(stopped.exit_code)
    except DistillError as error:
        log.info("ended with an error: %s", error)
        remove_if_unused(run_dir)
        if hydra_config.mode != RunMode.RUN:
            raise
        terminal.fail(str(error))
        sys.exit(MISTAKE)


def _scan(config: TrainConfig) -> Collection:
    # numpy and the codecs only now: help and mistakes are answered without
    from distill.data.cache import CacheConfig
    from distill.data.collection import scan
    from distill.data.demo import write_demo_collection

    folders = [Path(folder).expanduser() for folder in source_folders(config)]
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
            name=_collection_name(config),
            cache_folder=Path(config.data.cache_dir),
            config=cache,
            own_output=RUNS.parent,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _report(collection: Collection, path: Path) -> None:
    """The scan in short."""
    console.print(
        f"{collection.name}: {terminal.counted(len(collection.sounds), 'file')} used, "
        f"{terminal.duration(collection.duration_s)} in all, "
        f"{len(collection.left_out):,} left out",
        markup=False,
    )
    for left_out in collection.left_out[:REASONS_SHOWN]:
        console.print(
            f"  left out: {left_out.path}: {left_out.reason}", markup=False, soft_wrap=True
        )
    if len(collection.left_out) > REASONS_SHOWN:
        counted = ", ".join(f"{count:,} {reason}" for reason, count in collection.reasons())
        console.print(
            f"  and more; in all: {counted}. Full list: {path}", markup=False, soft_wrap=True
        )


def _collection_name(config: TrainConfig) -> str:
    names = [Path(folder).expanduser().absolute().name for folder in source_folders(config)]
    return "+".join(names[:3]) or "demo"


if __name__ == "__main__":
    main()
