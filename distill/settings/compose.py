"""command-line overrides → composed and checked settings; imports no torch and writes no file."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from distill.errors import ConfigError, DistillError, RunError
from distill.settings.check import check_config, one_line
from distill.settings.conf_files import CONFIG_NAME, config_dir
from distill.settings.overrides import check_override, parse_overrides, to_compose
from distill.settings.own_files import check_files, explain_yaml, used_files, with_file
from distill.settings.own_folders import SEARCHPATH, own_folders
from distill.settings.parts import offer_parts
from distill.settings.quoting import quote_list
from distill.settings.schema import FOLDERS, TrainConfig
from distill.system.paths import from_here, is_address, is_folder, path_of
from distill.system.run_parts import CHECKPOINTS, outputs_of
from distill.system.shell import command_of, shell_word

KEPT_ON_RESUME = (
    *("mel.", "model.", "rvq.", "quantizer.", "loss.", "seed", "name", "data.", "vocoder.type"),
)
KEPT_OF_STAGE = {
    "vocoder": ("channels", "blocks", "starter", "discriminator_channels", "options"),
    "prior": ("width", "layers", "batch_size", "epoch_sounds"),
}
"""The same of later stages, once they have begun."""
PLACES = {"library.dir": "library", "data.cache_dir": "cache"}
"""Settings of folders that usually lie beside the runs, and their names there."""
FREE_ON_RESUME = ("data.num_workers", "data.cache_dir", "data.root")


@dataclass(frozen=True)
class Settings:
    """The overrides as typed, and the values composed from them."""

    overrides: tuple[str, ...]
    """As typed, in Hydra's grammar; the folders of own settings are absolute."""
    config: TrainConfig
    """The checked configuration; for a sweep, with the first of each key's values."""
    tree: DictConfig
    """All values before the check, with Hydra's own under `hydra`."""
    typed: frozenset[str]
    """The keys in the overrides."""
    own_files: tuple[Path, ...] = ()
    """The files of somebody's own that the values are made of."""

    @property
    def hydra(self) -> Any:
        """Hydra's own values."""
        return self.tree.hydra


def compose_settings(overrides: Sequence[str], *, sweep: bool = True) -> Settings:
    """Compose conf/ with overrides as typed; raises DistillError, in one line, for the first
    mistake.

    In a sweep (`rvq.levels=2,3,4`) only the first value is checked here; each job checks its own.
    Without `sweep`, several values are a mistake.
    """
    typed_words = parse_overrides(overrides)
    folders = own_folders([word for each in typed_words for word in _searchpath(each)])
    parsed = [each for each in typed_words if each.key_or_group != SEARCHPATH]
    typed = frozenset(override.key_or_group for override in parsed)
    for override in parsed:
        check_override(override, sweep=sweep, searching="hydra/sweeper" in typed, own=folders)
    check_files(used_files(folders, dict(map(_choice, parsed))))
    of_folders = [quote_list(SEARCHPATH, list(map(str, folders)))] if folders else []
    tree = _compose([*map(to_compose, parsed), *of_folders], typed)
    choices = tree.hydra.runtime.choices
    own_files = used_files(folders, choices)
    check_files(own_files)  # those that the others choose, too
    job = tree.copy()
    with open_dict(job):
        del job["hydra"]
    try:
        config = check_config(job)
    except DistillError as error:
        raise with_file(error, job, own_files, folders, typed - choices.keys()) from error.__cause__
    words = zip(overrides, typed_words, strict=True)
    kept = [word for word, each in words if each.key_or_group != SEARCHPATH]
    return Settings((*kept, *of_folders), config, tree, typed, own_files)


def _searchpath(override: Override) -> list[str]:
    """The folders that an override adds to those of settings; raises ConfigError."""
    if override.key_or_group != SEARCHPATH:
        return []
    value = override.value()
    folders = [value] if isinstance(value, str) else value
    if not isinstance(folders, list) or not all(isinstance(each, str) for each in folders):
        raise ConfigError(SEARCHPATH, value, "must be a list of folders")
    return folders


def _choice(override: Override) -> tuple[str, object]:
    """The key, and its first value."""
    if override.is_sweep_override() and not override.is_interval_sweep():
        return override.key_or_group, next(iter(override.sweep_string_iterator()))
    return override.key_or_group, override.value()


def _compose(words: Sequence[str], typed: Collection[str]) -> DictConfig:
    """What Hydra makes of conf/ and the words; raises DistillError."""
    offer_parts()
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            return compose(CONFIG_NAME, list(words), return_hydra_config=True)
    except YAMLError as error:
        raise DistillError(explain_yaml(error)) from error
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        extra = ""
        if set(typed) & {"hydra/launcher", "hydra/sweeper"}:
            extra = " (launchers and sweepers need the extra: make sweep)"
        said = one_line(error).split(" Config search path:")[0]  # which is long, and --info has it
        raise DistillError(said + extra) from error


def load_config(overrides: Sequence[str], *, sweep: bool = True) -> TrainConfig:
    """Only the checked configuration; see `compose_settings`."""
    return compose_settings(overrides, sweep=sweep).config


def settings_to_keep(config: TrainConfig, run_dir: Path) -> str:
    """The settings as a run folder holds them: what lies beside the run, in the same `outputs`, is
    named as seen from the run, so that all of it may be moved.
    """
    outputs, kept = outputs_of(run_dir), OmegaConf.structured(config)
    for key in PLACES:
        place = path_of(OmegaConf.select(kept, key)).absolute()
        if outputs is not None and place.is_relative_to(outputs):
            OmegaConf.update(kept, key, os.path.relpath(place, run_dir.absolute()))
    return OmegaConf.to_yaml(kept)


def _find_places(config: DictConfig, run_dir: Path) -> None:
    """Turn places as seen from the run into places as they are; one that is gone, in settings of an
    earlier version, is where it is usually.
    """
    outputs = outputs_of(run_dir)
    for key, usual in PLACES.items():
        place = Path(str(OmegaConf.select(config, key)))
        if place.parts[:1] == ("..",):
            place = Path(os.path.normpath(run_dir.absolute() / place))
        elif outputs is not None and place.is_absolute() and not place.exists():
            place = outputs / usual
        OmegaConf.update(config, key, str(place))


def _require_sounds(config: DictConfig, run_dir: Path) -> None:
    """Raise RunError where the folders of a run's sounds are not there any more."""
    root = OmegaConf.select(config, "data.root")
    for folder in [root] if isinstance(root, str) else root or []:
        if not is_address(str(folder)) and not is_folder(str(folder)):
            resume = shell_word(str(from_here(run_dir)))
            raise RunError(
                f"{folder}: the sounds of this run are not there any more; if they have moved, "
                f"name their folder: {command_of('train')} FOLDER resume={resume}"
            )


def resume_config(saved: Path, overrides: Sequence[str]) -> TrainConfig:
    """The configuration saved in a run folder, changed by the overrides.

    Raises ConfigError for an override that would change the model or its sounds, RunError where the
    sounds have moved and no other folder is given.
    """
    try:
        config = OmegaConf.load(saved)
    except (OSError, ValueError, YAMLError) as error:
        raise DistillError(f"{saved}: cannot be read: {one_line(error)}") from error
    assert isinstance(config, DictConfig)
    _find_places(config, saved.parent)
    parsed = parse_overrides(overrides)
    if not any(override.get_key_element() == FOLDERS for override in parsed):
        _require_sounds(config, saved.parent)
    kept: tuple[str, ...] = KEPT_ON_RESUME
    for stage, keys in KEPT_OF_STAGE.items():
        if (saved.parent / CHECKPOINTS / f"{stage}_last.ckpt").exists():
            kept += tuple(f"{stage}.{key}" for key in keys)
    for override in parsed:
        key = override.get_key_element().lstrip("+~")
        if key and (config_dir() / key).is_dir():
            raise ConfigError(
                key,
                override.value(),
                "a whole group cannot be changed when resuming, only single keys",
            )
        check_override(override)
        if key == "minutes":
            advice = "is for a whole run; one that goes on has times for each stage"
            raise ConfigError(key, override.value(), f"{advice}: type prior.max_minutes=10 or like")
        if key == "resume" or key.startswith("hydra."):
            continue
        old = OmegaConf.select(config, key, default=override.value())
        if key.startswith(kept) and not key.startswith(FREE_ON_RESUME) and old != override.value():
            raise ConfigError(
                key, override.value(), f"is {old} in this run and cannot be changed when resuming"
            )
        OmegaConf.update(config, key, override.value(), merge=True)
    return check_config(config)


def make_roots_absolute(config: TrainConfig) -> None:
    """Turn the folders of sounds into absolute paths, so that a run can be resumed from
    anywhere.
    """
    config.data.root = [
        folder if is_address(folder) else str(path_of(folder).absolute())
        for folder in config.data.folders
    ] or None
