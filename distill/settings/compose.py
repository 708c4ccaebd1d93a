"""command-line overrides → checked TrainConfig, before anything heavy is imported or any file is
touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from distill.errors import ConfigError, DistillError, UnknownKeyError
from distill.settings.overrides import check_key, config_dir, first_of_sweep, inner, parse_overrides
from distill.settings.schema import STAGES, TrainConfig, check_ranges, describe
from distill.system.paths import is_address, path_of

CONFIG_NAME = "train"
KEPT_ON_RESUME = ("mel.", "model.", "rvq.", "seed", "name", "data.")
FREE_ON_RESUME = ("data.num_workers", "data.cache_dir", "data.root")


def load_config(overrides: Sequence[str], *, sweep: bool = True) -> TrainConfig:
    """Compose conf/ with overrides as typed; raises DistillError with one line for the first
    mistake.

    Of a sweep (`rvq.levels=2,3,4`) the first value stands for all: each job checks its own again.
    Without `sweep`, several values are a mistake.
    """
    parsed = parse_overrides(overrides)
    searching = any(override.key_or_group == "hydra/sweeper" for override in parsed)
    for override in parsed:
        check_key(override)
        if override.is_interval_sweep() and not searching:
            raise DistillError(
                f"{override.input_line}: an interval is for a search, which takes "
                "hydra/sweeper=search; a sweep takes a list, 1,2,3, or range(1,4)"
            )
        if override.is_sweep_override() and not sweep:
            raise DistillError(
                f"{override.input_line}: several values are a sweep, which takes -m; "
                f"a list is {override.key_or_group}=[...]"
            )
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            composed = hydra_compose(CONFIG_NAME, [first_of_sweep(override) for override in parsed])
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        told = _one_line(error)
        if "hydra/launcher" in told or "hydra/sweeper" in told:
            told += " (launchers and sweepers need the extra: make sweep)"
        raise DistillError(told) from error
    return checked(composed)


def checked(composed: DictConfig) -> TrainConfig:
    """Composed tree → dataclasses, with types, ranges and the relations between values checked."""
    try:
        values = OmegaConf.to_container(composed, resolve=True)
    except OmegaConfBaseException as error:  # ${...} that leads nowhere
        raise DistillError(f"{error.full_key}: {_one_line(error)}") from error
    assert isinstance(values, dict)
    values.pop("hydra", None)
    values.setdefault("logger", None)  # ~logger leaves the group out
    try:
        merged = OmegaConf.merge(OmegaConf.structured(TrainConfig), values)
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise _explain(error, composed) from error
    assert isinstance(config, TrainConfig)
    check_ranges(config)
    _check_relations(config)
    return config


def resumed(saved: Path, overrides: Sequence[str]) -> TrainConfig:
    """The configuration saved in a run folder, with overrides laid over it; what shapes the model
    stays.
    """
    try:
        config = OmegaConf.load(saved)
    except (OSError, ValueError, YAMLError) as error:
        raise DistillError(f"{saved}: cannot be read: {_one_line(error)}") from error
    assert isinstance(config, DictConfig)
    for override in parse_overrides(overrides):
        check_key(override)
        key = override.get_key_element().lstrip("+~")
        if key == "resume" or key.startswith("hydra."):
            continue
        if (config_dir() / key).is_dir():
            raise ConfigError(
                key,
                override.value(),
                "a whole group cannot be changed when resuming, only single keys",
            )
        old = OmegaConf.select(config, key)
        if (
            key.startswith(KEPT_ON_RESUME)
            and not key.startswith(FREE_ON_RESUME)
            and old != override.value()
        ):
            raise ConfigError(
                key, override.value(), f"is {old} in this run and cannot change when resuming"
            )
        OmegaConf.update(config, key, override.value(), merge=True)
    return checked(config)


def _explain(error: OmegaConfBaseException, composed: DictConfig) -> DistillError:
    """A type error of OmegaConf → the key, its value and what is allowed."""
    key = str(error.full_key or error.key or "")
    node: Any = TrainConfig
    hint: Any = None
    metadata: Any = {}
    for part in key.replace("[", ".").split("."):
        if not is_dataclass(node):
            break
        hints = get_type_hints(node)
        if part not in hints:
            return UnknownKeyError(f"{key}: no such key. Keys there: {', '.join(hints)}")
        hint, metadata = hints[part], node.__dataclass_fields__[part].metadata
        node = inner(hint)
    if hint is None:
        return DistillError(_one_line(error))
    return ConfigError(key, OmegaConf.select(composed, key), describe(hint, metadata))


def _check_relations(config: TrainConfig) -> None:
    if config.mel.hop_length > config.mel.n_fft // 2:
        raise ConfigError(
            "mel.hop_length",
            config.mel.hop_length,
            f"must not exceed half of mel.n_fft ({config.mel.n_fft}), or windows do not overlap",
        )
    if len(config.optimizer.betas) != 2:
        raise ConfigError("optimizer.betas", config.optimizer.betas, "must be two numbers")
    if not 1 <= len(config.model.channels) <= 6:
        raise ConfigError("model.channels", config.model.channels, "must have 1 to 6 entries")
    if config.model.stem_stride % 2:
        raise ConfigError("model.stem_stride", config.model.stem_stride, "must be even")
    if config.stages != [stage for stage in STAGES if stage in config.stages]:
        raise ConfigError("stages", config.stages, f"each at most once, in the order {STAGES}")
    if config.base is not None and "codec" in config.stages:
        raise ConfigError(
            "base",
            config.base,
            "a run adds stages to this model, and its codec stays: "
            "name the stages to add by stages=[...], without codec",
        )
    if not _are_devices(config.trainer.devices):
        raise ConfigError(
            "trainer.devices",
            config.trainer.devices,
            "must be auto, how many (-1: all) or a list of their numbers",
        )
    _check_root(config)


def _check_root(config: TrainConfig) -> None:
    roots = config.data.root
    if isinstance(roots, int):  # a folder called 808
        config.data.root = roots = str(roots)
    listed = isinstance(roots, list) and roots and all(isinstance(root, str) for root in roots)
    if not (roots is None or isinstance(roots, str) or listed):
        raise ConfigError("data.root", roots, "must be a folder, a list of folders or null")
    folders = config.data.folders
    if config.data.source == "shards":
        if len(folders) != 1:
            raise ConfigError("data.root", roots, "data=streaming needs one folder or address")
        if is_address(folders[0]):
            return
    for root in folders:
        if not root.strip():
            raise ConfigError("data.root", root, "a folder is missing behind the =")
        folder = path_of(root)
        if not folder.is_dir():
            what = "is a file, not a folder" if folder.is_file() else "no such folder"
            raise ConfigError("data.root", str(folder), f"{what}; give a folder of sounds")


def _are_devices(devices: object) -> bool:
    if isinstance(devices, list):
        return bool(devices) and all(type(number) is int and number >= 0 for number in devices)
    return devices == "auto" or (type(devices) is int and (devices >= 1 or devices == -1))


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(
        line for line in lines if line and not line.startswith(("full_key:", "object_type="))
    )
