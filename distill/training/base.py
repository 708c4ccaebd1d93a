"""an existing model that a run adds stages to → the run's first bundle and its codec settings."""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from distill.bundle.reader import read_bundle, read_content
from distill.catalog.catalog import Catalog
from distill.data.source import Source
from distill.errors import ConfigError, WriteError
from distill.runs.folder import best_bundle
from distill.settings.schema import (
    LARGEST_RUN_SEED,
    DataConfig,
    MelConfig,
    ModelConfig,
    RvqConfig,
    TrainConfig,
)
from distill.system.atomic import whole_file
from distill.system.paths import path_of
from distill.system.ranges import within
from distill.system.terminal import duration, quantity
from distill.system.validation import InvalidError, instance_of

log = logging.getLogger(__name__)
LONGEST_SHOWN, MOST_SHOWN = 60, 3
OF_SPLIT = ("val_fraction", "segment_s", "min_duration_s", "silence_dbfs")
"""Settings of `data` by which the same sounds get into the same split."""


@dataclass(frozen=True)
class SeedConfig:
    """The seed of a run, by which its sounds were split."""

    seed: int = field(metadata=within(0, LARGEST_RUN_SEED))


def adopt_base(config: TrainConfig, run_dir: Path) -> None:
    """Copy the model named by `base` into the run folder, and change `config` in place to the
    model's own settings for the front end, the network, the quantiser and the split.

    Raises LibraryError or BundleError for a model that cannot be used, ConfigError for one whose
    settings are not complete, WriteError if the copy cannot be written.
    """
    assert config.base is not None
    path = Catalog(path_of(config.library.dir)).model_path(config.base)
    content = read_content(path)
    trained = content["training_config"]
    try:
        config.model = instance_of(ModelConfig, trained["model"])
        config.rvq = instance_of(RvqConfig, trained["rvq"])
        config.mel = instance_of(MelConfig, content["spectrogram_config"])
        split = {key: trained["data"][key] for key in OF_SPLIT}
        config.data = instance_of(DataConfig, asdict(config.data) | split)
        config.seed = instance_of(SeedConfig, trained).seed
    except (KeyError, TypeError, InvalidError) as error:
        raise ConfigError("base", config.base, f"its settings are not usable: {error}") from error
    _check_name_and_sounds(config, content["metadata"]["name"], trained["data"].get("root"))
    config.name = content["metadata"]["name"]
    config.base = str(path.absolute())
    try:
        with whole_file(best_bundle(run_dir)) as partial:
            shutil.copyfile(path, partial)
    except OSError as error:
        raise WriteError(best_bundle(run_dir), error) from error


def warn_of_other_sounds(run_dir: Path, source: Source) -> None:
    """Warn where the sounds of a run are not those that its base was trained on."""
    known = read_bundle(best_bundle(run_dir), weights=False).metadata
    if known.dataset_fingerprint != source.fingerprint:
        log.warning(
            "these are not the sounds that %s was trained on (%s: %s, %s): its codec stays as it "
            "is, and what is learnt from these is kept only where it is better",
            known.name,
            known.dataset_name,
            quantity(known.dataset_file_count, "file"),
            duration(known.dataset_total_duration_s),
        )


def _check_name_and_sounds(config: TrainConfig, name: str, folders: object) -> None:
    """Raise ConfigError for another name, and for the demo collection where a model was trained on
    sounds in `folders`.
    """
    if config.name not in (None, name):
        raise ConfigError(
            "name",
            config.name,
            f"a run with base= adds to that model, which keeps its name, {name}; "
            "distill.library rename gives it another",
        )
    if config.data.root is None and isinstance(folders, list) and folders:
        known = ", ".join(str(folder)[:LONGEST_SHOWN] for folder in folders[:MOST_SHOWN])
        raise ConfigError(
            "base",
            config.base,
            f"give the sounds that the base was trained on ({known}), as FOLDER or "
            "data.root=FOLDER",
        )
