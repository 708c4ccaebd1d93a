"""settings as values of Python → a codec and its batches, for a Trainer of one's own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from distill.data.datamodule import SegmentDataModule, SoundDataModule
from distill.errors import ConfigError
from distill.runs.progress import ProgressFile
from distill.train.fitting import Folders, compose_fit
from distill.training.codec.module import CodecModule
from distill.training.codec.stage import CodecStage
from distill.training.sequence import complete_stages
from distill.training.sounds import collect


class CodecParts(NamedTuple):
    """What a Trainer trains, and on what."""

    module: CodecModule
    data: SegmentDataModule


def prepare(folder: Folders, settings: Mapping[str, Any]) -> CodecParts:
    """Read the sounds and make the codec, as `distill.prepare` says."""
    config = compose_fit(folder, settings).config
    for key in ("resume", "base"):
        if (value := getattr(config, key)) is not None:
            raise ConfigError(key, value, "belongs to a run: distill.fit")
    if config.data.source != "folder":
        raise ConfigError("data.source", config.data.source, "must be folder here")
    collection, split = collect(config)
    data = SoundDataModule(
        split, config.data, sample_rate_hz=config.mel.sample_rate_hz, seed=config.seed
    )
    config.name = config.name or f"{collection.name}-{time.strftime('%Y-%m-%d-%H-%M-%S')}"
    config.callbacks.codebook_health = config.callbacks.previews = None  # they are a run's
    stage = CodecStage(config, collection, data, Path())
    complete_stages([stage], ProgressFile(None))
    return CodecParts(stage.prepare().module, data)
