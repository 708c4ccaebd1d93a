"""an existing model that a run trains again → the settings, name and split of the run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distill.bundle.content import BundleContent
from distill.bundle.reader import read_bundle
from distill.catalog.catalog import Catalog
from distill.data.collection import REPORT
from distill.data.split import Sides, choose_sides
from distill.errors import ConfigError, WriteError
from distill.runs.folder import BASE, SIDES
from distill.runs.of_model import runs_of
from distill.settings.compose import load_config
from distill.settings.schema import DataConfig, ModelConfig, PartConfig, TrainConfig
from distill.system.atomic import whole_file, write_text
from distill.system.json_values import read_object
from distill.system.paths import path_of
from distill.system.run_parts import outputs_of
from distill.system.terminal import say
from distill.system.validation import InvalidError, instance_of
from distill.training.base import OF_SPLIT, SeedConfig
from distill.training.beginning import base_prior, base_vocoder
from distill.training.budget import has_limit
from distill.vocoder.trained import TrainedVocoder

FROM_NETWORK = {
    "model.channels": "channels",
    "model.stride": "stride",
    "model.residual_units": "residual_units",
    "rvq.levels": "num_quantizers",
    "rvq.codebook_size": "codebook_size",
    "rvq.low_levels": "low_levels",
    "rvq.low_codebook_size": "low_codebook_size",
    "quantizer.type": "quantizer",
    "quantizer.options": "quantizer_options",
    "rvq.codebook_dim": "codebook_dim",
}
"""Key of the settings → the field of a network's configuration that shapes its weights."""
OF_MODEL = ("dropout", "commitment_weight", "padding_weight")
"""Settings of `model` that are the base's where no others are given."""


def renew(config: TrainConfig, run_dir: Path, typed: Collection[str] = ()) -> list[str]:
    """Change `config` in place so that the model named by `base` is trained again, on its sounds
    and others: to the model's own architecture and split, and to the next name. The run folder
    gets a copy of the model, and the sides that its sounds were on. Returns the stages that begin
    with the model's weights, and need less time.

    `typed` are the keys that the user gave. Raises LibraryError or BundleError for a model that
    cannot be used, ConfigError for a setting that does not fit it, WriteError.
    """
    assert config.base is not None
    library = Catalog(path_of(config.library.dir))
    path = library.model_path(config.base)
    content = read_bundle(path)
    name, trained = content.metadata.name, content.training_config
    given = _Given(config, name, frozenset(typed))
    _require_sounds(config, name, trained)
    _take_codec(given, content)
    _take_split(given, trained)
    begins = _take_later_stages(given, content)
    is_numbered = isinstance(trained.get("base"), str)
    config.name = config.name or library.next_name(name, is_numbered=is_numbered)
    config.base = str(path.absolute())
    outputs = {outputs_of(run_dir), path_of(config.library.dir).parent}
    sides = find_sides(content, path, [folder for folder in outputs if folder], config)
    try:
        with whole_file(run_dir / BASE) as partial:
            shutil.copyfile(path, partial)
        write_text(run_dir / SIDES, json.dumps(sides.plain()))
    except OSError as error:
        raise WriteError(run_dir, error) from error
    for stage in config.stages:
        if stage not in begins:
            say(f"{name} has no {stage} that fits: this stage begins as usual")
    say(f"beginning with {name}, {_times(config, begins)}; the new model is {config.name}")
    return begins


class _Given:
    """A configuration, and which of its settings the user asked for."""

    def __init__(self, config: TrainConfig, base: str, typed: frozenset[str]) -> None:
        self.config, self.base, self.typed = config, base, typed
        self.usual = load_config([f"vocoder={config.vocoder.type}"])

    def asks_for(self, key: str) -> bool:
        """Whether the value is typed, or comes from a file that the user chose."""
        value = _value(self.config, key)
        return key in self.typed or (value is not None and value != _value(self.usual, key))

    def take(self, key: str, value: Any, reason: str = "and its weights fit no other") -> None:
        """Set the base's value; raises ConfigError where the user asked for another."""
        now = _value(self.config, key)
        if now != value and self.asks_for(key):
            shown = "null" if value is None else value
            advice = "leave it out" if key in self.typed else "leave out what sets it"
            raise ConfigError(key, now, f"is {shown} in {self.base}, {reason}; {advice}")
        self.put(key, value)

    def put(self, key: str, value: Any) -> None:
        """Set a value."""
        group, _, name = key.rpartition(".")
        setattr(getattr(self.config, group) if group else self.config, name, value)


def _value(config: TrainConfig, key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part, None)
    return value


def _require_sounds(config: TrainConfig, name: str, trained: Any) -> None:
    """Raise ConfigError where no sounds are given for a model of a folder."""
    folders = trained.get("data", {}).get("root") if isinstance(trained.get("data"), dict) else None
    if config.data.root is None and folders:
        raise ConfigError(
            "base",
            config.base,
            f"give the sounds to train {name} on, the known ones and the new ones, as FOLDER or "
            "data.root=FOLDER",
        )


def _take_codec(given: _Given, content: BundleContent) -> None:
    for key, value in asdict(content.spectrogram_config).items():
        given.take(f"mel.{key}", value)
    network = content.vqvae_config
    for key, field in FROM_NETWORK.items():
        if key != "rvq.low_codebook_size" or network.low_levels:
            given.take(key, getattr(network, field))
    if "model.starter" in given.typed and given.config.model.starter is not None:
        starter, reason = given.config.model.starter, f"the run begins with {given.base}'s weights"
        raise ConfigError("model.starter", starter, f"{reason}; leave it out")
    given.put("model.starter", None)


def _take_split(given: _Given, trained: dict[str, Any]) -> None:
    """The base's settings for its sounds, and what little else it says of its network."""
    config = given.config
    try:
        model = instance_of(ModelConfig, trained["model"])
        split = {key: trained["data"][key] for key in OF_SPLIT}
        data = instance_of(DataConfig, asdict(config.data) | split)
        seed = instance_of(SeedConfig, trained).seed
    except (KeyError, TypeError, InvalidError) as error:
        raise ConfigError("base", config.base, f"its settings are not usable: {error}") from error
    by_these = "and decides which of its sounds are held out"
    given.take("seed", seed, by_these)
    given.take("data.val_fraction", data.val_fraction, by_these)
    for key in OF_SPLIT:
        if not given.asks_for(f"data.{key}"):
            given.put(f"data.{key}", getattr(data, key))
    for key in OF_MODEL:
        if not given.asks_for(f"model.{key}"):
            given.put(f"model.{key}", getattr(model, key))
    if "loss" in trained and not (given.asks_for("loss.type") or "loss" in given.typed):
        with suppress(InvalidError):
            config.loss = instance_of(PartConfig, trained["loss"])


def _take_later_stages(given: _Given, content: BundleContent) -> list[str]:
    """Take the sizes of the base's vocoder and prior; return the stages that begin with it."""
    begins, stages = ["codec"], given.config.stages
    vocoder = base_vocoder(content) if "vocoder" in stages else None
    if vocoder is not None and vocoder.kind == given.config.vocoder.type:
        sizes = ("options",) if isinstance(vocoder, TrainedVocoder) else ("channels", "blocks")
        for size in sizes:
            given.take(f"vocoder.{size}", getattr(vocoder.config, size))
        begins.append("vocoder")
    prior = base_prior(content) if "prior" in stages else None
    if prior is not None:
        given.take("prior.width", prior.config.network.width)
        given.take("prior.layers", prior.config.network.layers)
        begins.append("prior")
    return begins


def _times(config: TrainConfig, begins: Collection[str]) -> str:
    """What to say of how long the stages take that begin with the model's weights."""
    if config.minutes is not None:
        return f"for {config.minutes:g} minutes in all"
    shorter = [stage for stage in begins if not has_limit(config, stage)]
    return (
        f"for a third of the usual time ({', '.join(shorter)})" if shorter else "as long as given"
    )


def find_sides(
    content: BundleContent, path: Path, outputs: Collection[Path], config: TrainConfig
) -> Sides:
    """The sides that a model's sounds were on: of all of them, where the report of its run is found
    beside the model or in one of the folders `outputs`; else of those that the model names because
    their content and the seed of `config` say otherwise.
    """
    named, metadata = Sides.of(content.training_config.get("sides")), content.metadata
    runs = [run for folder in outputs for run in runs_of(folder, metadata.model_id)]
    for folder in (path.parent, *runs):
        report = read_object(folder / REPORT)
        used = report.get("used")
        if report.get("fingerprint") == metadata.dataset_fingerprint and isinstance(used, list):
            contents = [str(each["content"]) for each in used]
            fraction, seed = config.data.val_fraction, config.seed
            sides, _ = choose_sides(contents, val_fraction=fraction, seed=seed, before=named)
            return Sides(
                sides.held_out | named.held_out - sides.trained,
                sides.trained | named.trained - sides.held_out,
                sides.cut | named.cut,
            )
    return named
