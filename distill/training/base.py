"""an existing model that a run adds stages to → the run's first bundle and its codec settings."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

from distill.bundle.reader import read_content
from distill.catalog.catalog import Catalog
from distill.errors import ConfigError, WriteError
from distill.settings.schema import MelConfig, ModelConfig, RvqConfig, TrainConfig
from distill.system.atomic import whole_file
from distill.system.paths import path_of
from distill.training.records.run_folder import best_bundle


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
        for group, kind in (("model", ModelConfig), ("rvq", RvqConfig)):
            names = [field.name for field in fields(kind)]
            setattr(config, group, kind(**{name: trained[group][name] for name in names}))
        config.mel = MelConfig(**content["spectrogram_config"])
        config.seed = trained["seed"]
        for key in ("val_fraction", "segment_s", "min_duration_s", "silence_dbfs"):
            setattr(config.data, key, trained["data"][key])
    except (KeyError, TypeError) as error:
        raise ConfigError("base", config.base, f"its settings are not complete: {error}") from error
    config.name = config.name or content["metadata"]["name"]
    config.base = str(path.absolute())
    try:
        with whole_file(best_bundle(run_dir)) as partial:
            shutil.copyfile(path, partial)
    except OSError as error:
        raise WriteError(best_bundle(run_dir), error) from error
