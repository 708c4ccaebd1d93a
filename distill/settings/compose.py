"""command-line overrides → composed and checked settings; imports no torch and writes no file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from distill.errors import ConfigError, DistillError, RunError
from distill.settings.check import check_config, one_line
from distill.settings.conf_files import CONFIG_NAME, config_dir
from distill.settings.overrides import check_override, parse_overrides, to_compose
from distill.settings.schema import FOLDERS, TrainConfig
from distill.system.paths import from_here, is_address, is_folder, path_of
from distill.system.run_parts import CHECKPOINTS, outputs_of
from distill.system.shell import shell_word

KEPT_ON_RESUME = ("mel.", "model.", "rvq.", "seed", "name", "data.", "vocoder.type")
KEPT_OF_STAGE = {
    "vocoder": ("channels", "blocks", "starter", "discriminator_channels"),
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
    """As typed, in Hydra's grammar."""
    config: TrainConfig
    """The checked configuration; for a sweep, with the first of each key's values."""
    tree: DictConfig
    """All values before the check, with Hydra's own under `hydra`."""
    typed: frozenset[str]
    """The keys in the overrides."""

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
    parsed = parse_overrides(overrides)
    typed = frozenset(override.key_or_group for override in parsed)
    for override in parsed:
        check_override(override, sweep=sweep, searching="hydra/sweeper" in typed)
    words = [to_compose(override) for override in parsed]
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            tree = compose(CONFIG_NAME, words, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        extra = ""
        if typed & {"hydra/launcher", "hydra/sweeper"}:
            extra = " (launchers and sweepers need the extra: make sweep)"
        raise DistillError(one_line(error) + extra) from error
    job = tree.copy()
    with open_dict(job):
        del job["hydra"]
    return Settings(tuple(overrides), check_config(job), tree, typed)


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
                f"name their folder: python -m distill.train FOLDER resume={resume}"
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
        check_override(override)
        key = override.get_key_element().lstrip("+~")
        if key == "resume" or key.startswith("hydra."):
            continue
        if (config_dir() / key).is_dir():
            raise ConfigError(
                key,
                override.value(),
                "a whole group cannot be changed when resuming, only single keys",
            )
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
