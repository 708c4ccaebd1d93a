"""parts of packages → choices in conf/; names of parts → all their options, or an error."""

from __future__ import annotations

from typing import Any

from hydra.core.config_store import ConfigStore

from distill.errors import ConfigError, DistillError, PluginError
from distill.plugins import (
    AUGMENTATION,
    LOSS,
    QUANTIZER,
    VOCODER,
    complete_options,
    installed,
    load,
    names,
    packages,
)
from distill.settings.schema import (
    DEFAULT_LOSS,
    DEFAULT_QUANTIZER,
    LARGEST_CODEBOOK,
    PartConfig,
    TrainConfig,
)
from distill.settings.vocoders import PluginVocoderConfig

OF_PLUGIN: dict[str, dict[str, Any]] = {
    QUANTIZER: {},
    LOSS: {},
    VOCODER: {
        "decoded_share": 0.5,
        "lr": None,
        "weight_decay": 0.01,
        "max_epochs": None,
        "max_minutes": None,
    },
}
"""Kinds of parts that are groups of conf/ → the keys of those that packages offer, besides their
options.
"""


def offer_parts() -> None:
    """Make the parts of installed packages a choice of their groups, as distill's own files are."""
    store = ConfigStore.instance()
    for kind, more in OF_PLUGIN.items():
        for name in installed(kind):
            store.store(group=kind, name=name, node={"type": name, "options": {}, **more})


def check_parts(config: TrainConfig) -> None:
    """Complete the options of the parts that are chosen by name; raises ConfigError."""
    parts: list[tuple[str, PartConfig | PluginVocoderConfig]] = [
        (QUANTIZER, config.quantizer),
        (LOSS, config.loss),
    ]
    if isinstance(config.vocoder, PluginVocoderConfig):
        parts.append((VOCODER, config.vocoder))
    for kind, part in parts:
        if part.type not in names(kind):
            known = ", ".join(names(kind))
            allowed = f"must be one of {known}, or of an installed package, and none has it"
            raise ConfigError(f"{kind}.type", part.type, allowed)
        if part.options or part.type not in (DEFAULT_QUANTIZER, DEFAULT_LOSS):
            _complete(kind, part, config)
    for name in config.data.augment.extra:
        if name not in names(AUGMENTATION):
            known = ", ".join(names(AUGMENTATION))
            allowed = f"must be one of {known}" if known else "there is none: no package offers one"
            raise ConfigError("data.augment.extra", name, allowed)
        try:
            load(AUGMENTATION, name)
        except PluginError as error:
            raise DistillError(f"data.augment.extra: {error}") from error


def packages_of(config: TrainConfig) -> list[str]:
    """The installed packages, with their versions, whose parts a run is trained with."""
    parts = [(QUANTIZER, config.quantizer.type), (LOSS, config.loss.type)]
    parts += [(AUGMENTATION, name) for name in config.data.augment.extra]
    return packages(parts + [(VOCODER, config.vocoder.type)] * ("vocoder" in config.stages))


def _complete(kind: str, part: PartConfig | PluginVocoderConfig, config: TrainConfig) -> None:
    try:
        part.options = {**complete_options(kind, part.type, part.options)}
        if kind == QUANTIZER:
            size = config.rvq.codebook_size or LARGEST_CODEBOOK
            possible = load(kind, part.type).possible_size(size, part.options)
            if config.rvq.codebook_size not in (None, possible):
                raise ConfigError(
                    "rvq.codebook_size",
                    config.rvq.codebook_size,
                    f"with quantizer={part.type}, the nearest possible number is {possible:,}",
                )
    except PluginError as error:
        raise DistillError(f"{kind}.options: {error}") from error
    except ValueError as error:
        raise DistillError(f"{kind}.options: {error}") from error
