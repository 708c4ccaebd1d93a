"""command-line overrides → checked TrainConfig, before anything heavy is imported or any file is
touched.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from distill.config import TrainConfig, check_ranges, describe, is_nullable
from distill.errors import ConfigError, DistillError, UnknownKeyError

CONFIG_NAME = "train"
KEPT_ON_RESUME = ("mel.", "model.", "rvq.", "seed", "name", "data.")
TEXT_KEYS = ("name", "resume", "data.root", "data.cache_dir", "library.dir", "hydra.run.dir")
NEVER_SWEPT = ("resume", "hydra.run.dir")
REMOVABLE = ("logger",)
FREE_ON_RESUME = ("data.num_workers", "data.cache_dir", "data.root")


def config_dir() -> Path:
    """Folder of the YAML files: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def load_config(overrides: Sequence[str], *, sweep: bool = True) -> TrainConfig:
    """Compose conf/ with overrides as typed; raises DistillError with one line for the first
    mistake.

    Of a sweep (`rvq.levels=2,3,4`) the first value stands for all: each job checks its own again.
    Without `sweep`, several values are a mistake.
    """
    parsed = parse_overrides(overrides)
    for override in parsed:
        _check_key(override)
        if override.is_sweep_override() and not sweep:
            raise DistillError(
                f"{override.input_line}: several values are a sweep, which takes -m; "
                f"a list is {override.key_or_group}=[...]"
            )
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            composed = hydra_compose(
                CONFIG_NAME, [_first_of_sweep(override) for override in parsed]
            )
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise DistillError(_one_line(error)) from error
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
        _check_key(override)
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


def parse_overrides(overrides: Sequence[str]) -> list[Override]:
    """Hydra's override grammar; raises DistillError for what does not fit it."""
    parser = OverridesParser.create()
    parsed = []
    for override in overrides:
        try:
            parsed += parser.parse_overrides([override])
        except HydraException as error:
            if "=" not in override:
                raise DistillError(_not_a_setting(override)) from error
            key, _, value = override.partition("=")
            wanted = f"\"{key or 'KEY'}='{value or 'VALUE'}'\""
            raise DistillError(
                f"{override}: cannot be read as KEY=VALUE; a value with brackets, quotes, ~ or "
                f"letters beyond a-z goes in quotes of its own: {wanted}"
            ) from error
    return parsed


def _not_a_setting(word: str) -> str:
    if Path(word).expanduser().exists():
        return f"{word}: settings are KEY=VALUE; did you mean data.root={word}?"
    return f"{word}: settings are KEY=VALUE without spaces or dashes, such as data.root=FOLDER"


def quoted(argument: str) -> str:
    """`data.root=~/Klänge (2)` → the same in the quotes that Hydra wants; all else unchanged."""
    key, _, value = argument.partition("=")
    if key not in TEXT_KEYS or not value:
        return argument
    try:
        parsed = OverridesParser.create().parse_override(argument)
    except HydraException:
        readable = False
    else:
        readable = not (key in NEVER_SWEPT and parsed.is_sweep_override())
    escaped = value.replace("'", "\\'")
    return argument if readable else f"{key}='{escaped}'"


def _check_key(override: Override) -> None:
    """Refuse keys and group files that do not exist, naming what does."""
    key = override.key_or_group
    if key.startswith("hydra"):
        return
    if override.is_delete():
        if key in REMOVABLE:
            return
        raise DistillError(
            f"{override.input_line}: only {', '.join(REMOVABLE)} can be taken away; other keys "
            "that can be null are turned off by KEY=null"
        )
    group = config_dir() / key
    if key and group.is_dir():
        files = sorted(path.stem for path in group.glob("*.yaml"))
        swept = override.is_sweep_override()
        wanted = None if swept else override.value()
        chosen = wanted if isinstance(wanted, list) else [wanted]
        if not (swept or isinstance(wanted, dict) or set(map(str, chosen)) <= set(files)):
            way_out = f"; ~{key} leaves it out" if key in REMOVABLE else ""
            raise ConfigError(key, wanted, f"must be one of {', '.join(files)}{way_out}")
        return
    node: Any = TrainConfig
    walked: list[str] = []
    for part in key.split("."):
        if not is_dataclass(node):
            if node is dict or node is Any:
                return
            raise UnknownKeyError(
                f"{key}: {'.'.join(walked)} is a single value, it has no keys of its own"
            )
        hints = get_type_hints(node)
        if part not in hints:
            names = [name for name in hints if name != "_target_"]
            near = difflib.get_close_matches(part, names, n=1)
            where = ".".join(walked)
            hint = f"did you mean {where + '.' if where else ''}{near[0]}? " if near else ""
            raise UnknownKeyError(
                f"{override.input_line}: no such key. {hint}"
                f"{'Keys of ' + where if where else 'Top-level keys'}: {', '.join(names)}"
            )
        walked.append(part)
        node = _inner(hints[part])


def _inner(hint: Any) -> Any:
    """The class behind `X | None` and `dict[str, X]`."""
    if is_nullable(hint):
        hint = next(part for part in get_args(hint) if part is not type(None))
    return getattr(hint, "__origin__", hint)


def _first_of_sweep(override: Override) -> str:
    line = override.input_line
    assert line is not None
    if not override.is_sweep_override():
        return line
    if not override.is_discrete_sweep():
        raise DistillError(f"{line}: give the values of a sweep as a list, 1,2,3, or as range(1,4)")
    first = next(iter(override.sweep_string_iterator()))
    return f"{override.get_key_element()}={first}"


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
        node = _inner(hint)
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
    if not _are_devices(config.trainer.devices):
        raise ConfigError(
            "trainer.devices",
            config.trainer.devices,
            "must be auto, how many (-1: all) or a list of their numbers",
        )
    roots = config.data.root
    if isinstance(roots, int):  # a folder called 808
        config.data.root = roots = str(roots)
    listed = isinstance(roots, list) and roots and all(isinstance(root, str) for root in roots)
    if not (roots is None or isinstance(roots, str) or listed):
        raise ConfigError("data.root", roots, "must be a folder, a list of folders or null")
    for root in source_folders(config):
        if not root.strip():
            raise ConfigError("data.root", root, "a folder is missing behind the =")
        if not Path(root).expanduser().is_dir():
            root = str(Path(root).expanduser())
            what = (
                "is a file, not a folder" if Path(root).expanduser().is_file() else "no such folder"
            )
            raise ConfigError("data.root", root, f"{what}; give a folder of sounds")


def _are_devices(devices: object) -> bool:
    if isinstance(devices, list):
        return bool(devices) and all(type(number) is int and number >= 0 for number in devices)
    return devices == "auto" or (type(devices) is int and (devices >= 1 or devices == -1))


def source_folders(config: TrainConfig) -> list[str]:
    """`data.root` as a list; empty for the demo collection."""
    roots = config.data.root
    return [] if roots is None else [roots] if isinstance(roots, str) else list(roots)


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(
        line for line in lines if line and not line.startswith(("full_key:", "object_type="))
    )
