"""composed values → a TrainConfig with types, ranges and relations checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from distill import plugins
from distill.errors import ConfigError, DistillError, UnknownKeyError
from distill.settings.allowed import check_ranges, describe, keys_of
from distill.settings.overrides import class_of
from distill.settings.parts import check_parts
from distill.settings.quoting import quote_folders, several_folders, to_type
from distill.settings.schema import PRIOR_HEAD, STAGES, TrainConfig
from distill.settings.vocoders import OF_ONE_TYPE, VOCODERS, PluginVocoderConfig, VocoderConfig
from distill.system.paths import exists, is_address, is_folder, path_of


def check_config(composed: DictConfig) -> TrainConfig:
    """Composed values → dataclasses; raises DistillError, in one line, for the first mistake."""
    try:
        values = OmegaConf.to_container(composed, resolve=True)
    except OmegaConfBaseException as error:  # ${...} with a key that does not exist
        raise DistillError(f"{error.full_key}: {one_line(error)}") from error
    assert isinstance(values, dict)
    values.setdefault("logger", None)  # ~logger leaves the group out
    schema = OmegaConf.structured(TrainConfig)
    if isinstance(vocoder := values.get("vocoder"), dict):
        schema.vocoder = _class_of_vocoder(vocoder)
    try:
        merged = OmegaConf.merge(schema, values)
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise _explain(error, composed) from error
    assert isinstance(config, TrainConfig)
    check_ranges(config)
    _check_relations(config)
    check_parts(config)
    return config


def _class_of_vocoder(values: Mapping[Any, Any]) -> type[VocoderConfig]:
    """The class of a vocoder's settings, by their type; raises DistillError for a key that only
    another type has.
    """
    name = values.get("type")
    known = plugins.names(plugins.VOCODER)
    if name not in known:
        allowed = f"must be one of {', '.join(known)}, or of an installed package, and none has it"
        raise ConfigError("vocoder.type", name, allowed)
    assert isinstance(name, str)
    if (name in VOCODERS) == ("options" in values):
        raise ConfigError("vocoder.type", name, f"type vocoder={name} instead")
    if name not in VOCODERS:
        return PluginVocoderConfig
    given = {key: owner for key, owner in OF_ONE_TYPE.items() if key.split(".")[1] in values}
    if [*given.values()].count(name) < [*OF_ONE_TYPE.values()].count(name):
        raise ConfigError("vocoder.type", name, f"type vocoder={name} instead")
    for key, owner in given.items():
        if owner != name:
            raise UnknownKeyError(f"{key}: belongs to vocoder={owner}, but the vocoder is {name}")
    return VOCODERS[name]


def _explain(error: OmegaConfBaseException, composed: DictConfig) -> DistillError:
    """A type error of OmegaConf → the key, its value and what is allowed."""
    key = str(error.full_key or error.key or "")
    node: Any = TrainConfig
    hint: Any = None
    metadata: Any = {}
    for part in key.replace("[", ".").split("."):
        if not is_dataclass(node):
            break
        keys = keys_of(node)
        if part not in keys:
            return UnknownKeyError(f"{key}: no such key; the keys are {', '.join(keys)}")
        hint, metadata = keys[part]
        node = class_of(hint)
    if hint is None:
        return DistillError(one_line(error))
    return ConfigError(key, OmegaConf.select(composed, key), describe(hint, metadata))


def _check_relations(config: TrainConfig) -> None:
    if config.mel.hop_length > config.mel.n_fft // 2:
        raise ConfigError(
            "mel.hop_length",
            config.mel.hop_length,
            f"must be at most half of mel.n_fft ({config.mel.n_fft}), so that windows overlap",
        )
    if len(config.optimizer.betas) != 2:
        raise ConfigError("optimizer.betas", config.optimizer.betas, "must be two numbers")
    if config.stages != [stage for stage in STAGES if stage in config.stages]:
        order = ", ".join(STAGES)
        raise ConfigError("stages", config.stages, f"must name stages once, in the order {order}")
    if config.prior.width is not None and config.prior.width % PRIOR_HEAD:
        raise ConfigError("prior.width", config.prior.width, f"must be a multiple of {PRIOR_HEAD}")
    if not _are_devices(config.trainer.devices):
        raise ConfigError(
            "trainer.devices",
            config.trainer.devices,
            "must be auto, a number of devices (-1 for all) or a list of device numbers",
        )
    _check_root(config)


def require_codec(config: TrainConfig) -> None:
    """Raise ConfigError for a new run without a codec: neither its own nor that of a base."""
    if config.base is None and "codec" not in config.stages:
        raise ConfigError(
            "stages",
            config.stages,
            "these are added to a model: name it with base=, or its run with resume=; "
            "or train a new one with codec before them",
        )


def _check_root(config: TrainConfig) -> None:
    roots = config.data.root
    if isinstance(roots, int):  # a folder called 808
        config.data.root = roots = str(roots)
    if isinstance(roots, list):
        config.data.root = roots = [str(r) if type(r) is int else r for r in roots]
    listed = isinstance(roots, list) and roots and all(isinstance(root, str) for root in roots)
    if not (roots is None or isinstance(roots, str) or listed):
        raise ConfigError("data.root", roots, "must be a folder, a list of folders or null")
    folders = config.data.folders
    if config.data.source == "shards":
        if len(folders) != 1:
            raise ConfigError("data.root", roots, "data=streaming needs one folder or address")
        if config.data.epoch_segments is not None:
            what = "must be null for shards: an epoch uses each of their segments once"
            raise ConfigError("data.epoch_segments", config.data.epoch_segments, what)
        if is_address(folders[0]):
            return
    for root in folders:
        if not root.strip():
            raise ConfigError("data.root", root, "a folder is missing after the =")
        folder = path_of(root)
        if not is_folder(folder):
            what = "is a file, not a folder" if exists(folder) else "no such folder"
            advice = _meant_folders(folders, root) or "give a folder of sounds"
            raise ConfigError("data.root", str(folder), f"{what}; {advice}")


def _meant_folders(folders: list[str], missing: str) -> str:
    """What to type for folders whose names or list were read in another way than meant; empty if
    that is not clear.
    """
    place = folders.index(missing)
    meant = [[*folders[:place], *several_folders(missing), *folders[place + 1 :]]]
    for first in (place - 1, place):  # a comma in a name
        if 0 <= first < len(folders) - 1:
            for comma in (",", ", "):
                name = comma.join(folders[first : first + 2])
                meant.append([*folders[:first], name, *folders[first + 2 :]])
    for names in meant:
        if names != folders and all(map(is_folder, names)):
            return f"type {to_type(quote_folders(names))}"
    if missing.startswith("$"):
        return "the shell fills in a variable only outside of '...'"
    return ""


def _are_devices(devices: object) -> bool:
    if isinstance(devices, list):
        return bool(devices) and all(type(number) is int and number >= 0 for number in devices)
    return devices == "auto" or (type(devices) is int and (devices >= 1 or devices == -1))


def one_line(error: BaseException) -> str:
    """The message of Hydra or OmegaConf in one line, without its internal names."""
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(
        line for line in lines if line and not line.startswith(("full_key:", "object_type="))
    )
