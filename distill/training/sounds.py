"""settings → the sounds of a run, split into training and held-out side, and a printed report."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from distill.audio.reasons import counts_in_words
from distill.data.classes import classes_in_words
from distill.data.collection import REPORT, fingerprint_in
from distill.data.split import FEWEST_HELD_OUT, NO_SIDES, Sides
from distill.errors import ConfigError, DistillError
from distill.runs.changed_sounds import change_of, check_same_sounds, further_command
from distill.runs.folder import BASE, SIDES
from distill.runs.progress import ProgressFile
from distill.runs.rows import SoundsRow
from distill.settings.schema import TrainConfig
from distill.system import terminal
from distill.system.json_values import read_object
from distill.system.paths import path_of
from distill.training.interrupt import RunStopped
from distill.training.ranks.processes import is_first

if TYPE_CHECKING:
    from distill.data.collection import Collection
    from distill.data.datamodule import SegmentDataModule
    from distill.data.manifest import Manifest
    from distill.data.source import Source
    from distill.data.split import Split

DEMO = Path("outputs/demo")
REASONS_SHOWN = 8
log = logging.getLogger(__name__)


def open_sounds(
    config: TrainConfig,
    run_dir: Path,
    progress: ProgressFile,
    *,
    resume: bool,
    stop_files: Sequence[Path] = (),
) -> tuple[Source, SegmentDataModule]:
    """The sounds of a run and their segments; writes `run_dir/collection.json` and a progress row.

    With shards, the settings for segments are changed in `config` to those that the shards were
    written with. Raises DistillError, and RunStopped if one of the `stop_files` exists.
    """
    if config.data.source == "shards":
        return _open_shards(config, run_dir, progress, resume=resume)
    before = Sides.of(read_object(run_dir / SIDES))
    collection, split = collect(config, stop_files, before=before)
    if is_first():
        if resume:
            check_same_sounds(run_dir, collection)
        _keep_report(collection.write_report, run_dir / REPORT)
    progress.write(sounds_row(collection, split))
    report(collection, split, run_dir / REPORT)

    from distill.data.datamodule import SoundDataModule  # torch and Lightning: from here on

    rate_hz = config.mel.sample_rate_hz
    return collection, SoundDataModule(split, config.data, sample_rate_hz=rate_hz, seed=config.seed)


def collect(
    config: TrainConfig,
    stop_files: Sequence[Path] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
    before: Sides = NO_SIDES,
) -> tuple[Collection, Split]:
    """Scan the folders, with a progress bar, and split the sounds into the two sides; those that
    had one `before` keep it. `progress` is called with the number of files done and of all files.
    """
    from distill.data.split import split_sounds

    collection = _scan(config, stop_files, progress)
    segment_samples = round(config.data.segment_s * config.mel.sample_rate_hz)
    return collection, split_sounds(
        collection.sounds,
        val_fraction=config.data.val_fraction,
        seed=config.seed,
        segment_samples=segment_samples,
        before=before,
    )


def changed_sounds(config: TrainConfig, run_dir: Path, stop_files: Sequence[Path] = ()) -> str:
    """What changed since a run read its sounds, and the command that trains its model further with
    them; empty if nothing did, or that cannot be told.
    """
    if config.data.source == "shards" or not config.data.folders:
        return ""
    try:
        collection = _scan(config, stop_files, lambda done, total: None)
    except DistillError:
        return ""
    change = str(change_of(run_dir, collection))
    command = further_command(run_dir, collection.folders)
    if not change or not command:
        return ""
    return f"; its sounds changed since: {change}; to train further with them: {command}"


def sounds_row(collection: Collection, split: Split) -> SoundsRow:
    """What `progress.jsonl` says of the sounds."""
    return SoundsRow(
        name=collection.name,
        files=collection.files,
        duration_s=collection.duration_s,
        left_out={reason.value: count for reason, count in collection.reasons()},
        train=len(split.train),
        held_out=len(split.val),
        classes=split.class_counts(),
    )


def report(collection: Collection, split: Split, path: Path) -> None:
    """Print a short report of the scan and the split; `path` is the full list, named in it."""
    terminal.say_figures(
        f"{collection.name}: {terminal.quantity(len(collection.sounds), 'file')} used, "
        f"{terminal.duration(collection.duration_s)} in all, "
        f"{len(collection.left_out):,} left out"
    )
    if words := classes_in_words(split.class_counts()):
        terminal.say_figures(f"classes, by the folders of the sounds: {words}")
    noted = [(sound, note) for sound in collection.sounds for note in sound.notes]
    for sound, note in noted[:REASONS_SHOWN]:
        terminal.say_figures(f"  used all the same: {sound.path}: {note.text}")
    if len(noted) > REASONS_SHOWN:
        in_all = counts_in_words(collection.notes())
        terminal.say_figures(f"  and more; in all: {in_all}. Full list: {path}")
    for left_out in collection.left_out[:REASONS_SHOWN]:
        terminal.say_figures(f"  left out: {left_out.path}: {left_out.text}")
    if len(collection.left_out) > REASONS_SHOWN:
        in_all = collection.reasons_in_words()
        terminal.say_figures(f"  and more; in all: {in_all}. Full list: {path}")
    notes = [split.note] if split.note else []
    if len(split.val) < FEWEST_HELD_OUT:
        notes.append("held-out figures are weak: they rest on so few sounds")
    unusual = f" ({'; '.join(notes)})" if notes else ""
    terminal.say_figures(
        f"split: {terminal.quantity(len(split.train), 'file')} to train on, "
        f"{len(split.val):,} held out{unusual}"
    )


def _open_shards(
    config: TrainConfig, run_dir: Path, progress: ProgressFile, *, resume: bool
) -> tuple[Source, SegmentDataModule]:
    try:
        from distill.data.streaming import StreamingDataModule, read_manifest
    except ModuleNotFoundError as error:
        raise DistillError(f"data=streaming needs the extra: make streaming ({error})") from error
    (root,) = config.data.folders
    manifest = read_manifest(root)
    if (run_dir / BASE).is_file():
        _check_shards(config, manifest)
    config.data.segment_s, config.data.val_fraction = manifest.segment_s, manifest.val_fraction
    config.mel.sample_rate_hz = manifest.sample_rate_hz
    if is_first():
        if resume and fingerprint_in(run_dir / REPORT) not in (None, manifest.fingerprint):
            log.warning(
                "these shards are not of the sounds that the run began with; figures from here on "
                "cannot be compared with earlier ones"
            )
        _keep_report(manifest.write_report, run_dir / REPORT)
    segments = manifest.segments
    progress.write(
        SoundsRow(
            manifest.name,
            manifest.files,
            manifest.duration_s,
            {},
            segments["train"],
            segments["val"],
        )
    )
    terminal.say_figures(
        f"{manifest.name}: shards of {terminal.quantity(manifest.files, 'file')}, "
        f"{terminal.duration(manifest.duration_s)} in all; {manifest.segments['train']:,} segments "
        f"to train on, {manifest.segments['val']:,} held out; segments of {manifest.segment_s:g} s "
        f"at {manifest.sample_rate_hz:,} Hz, as in the shards"
    )
    return manifest, StreamingDataModule(root, manifest, config.data, seed=config.seed)


def _check_shards(config: TrainConfig, manifest: Manifest) -> None:
    """Raise ConfigError for shards of another rate or split than that of the run's base."""
    for key, value, needed in (
        ("mel.sample_rate_hz", manifest.sample_rate_hz, config.mel.sample_rate_hz),
        ("data.val_fraction", manifest.val_fraction, config.data.val_fraction),
        ("seed", manifest.seed, config.seed),
    ):
        if value != needed:
            raise ConfigError(
                "data.root",
                config.data.folders[0],
                f"its shards were written with {key}={value}, and the base has {needed}; "
                "write them again with that",
            )


def _keep_report(write: Callable[[Path], None], path: Path) -> None:
    try:
        write(path)
    except OSError as error:  # the terminal shows it in short
        log.warning("%s: cannot be written: %s", path, error.strerror)


def _scan(
    config: TrainConfig, stop_files: Sequence[Path], progress: Callable[[int, int], None]
) -> Collection:
    # numpy and libsndfile are slow to import: --help and mistyped settings do not need them
    from distill.data.cache import CacheConfig
    from distill.data.demo import write_demo_collection
    from distill.data.scan import scan

    folders = [path_of(folder) for folder in config.data.folders]
    if not folders:
        terminal.console.print("no data.root given: training on the demo collection")
        folders = [write_demo_collection(DEMO)]
    cache = CacheConfig(
        config.mel.sample_rate_hz, config.data.min_duration_s, config.data.silence_dbfs
    )
    if not terminal.console.is_terminal:
        terminal.say(f"reading the sounds in {', '.join(map(str, folders))}")
    with terminal.bar() as bar:
        task = bar.add_task("reading sounds", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            progress(done, total)
            if is_first() and any(stop.exists() for stop in stop_files):
                raise RunStopped(signal.SIGINT)

        return scan(
            folders,
            name=config.data.collection_name,
            cache_folder=Path(config.data.cache_dir),
            config=cache,
            progress=show,
        )
