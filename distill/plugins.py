"""the name of a part → the part: distill's own, or that of an installed package.

A package offers parts as entry points (`distill.quantizers`, `distill.losses`, ...), which have no
effect until a setting names one. A bundle holds names and numbers, never code. Imports no torch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from distill.errors import PluginError

QUANTIZER, LOSS, VOCODER, AUGMENTATION = "quantizer", "loss", "vocoder", "augmentation"
GROUPS = {
    QUANTIZER: "distill.quantizers",
    LOSS: "distill.losses",
    VOCODER: "distill.vocoders",
    AUGMENTATION: "distill.augmentations",
}
"""Kind of part → the group of entry points that packages offer it in."""
OWN: dict[str, dict[str, str]] = {
    QUANTIZER: {
        "residual_vq": "distill.model.quantizers.residual_vq:ResidualQuantizer",
        "residual_fsq": "distill.model.quantizers.residual_fsq:ResidualFsq",
        "residual_lfq": "distill.model.quantizers.residual_lfq:ResidualLfq",
        "grouped_residual_vq": "distill.model.quantizers.grouped_residual_vq:GroupedQuantizer",
        "residual_sim_vq": "distill.model.quantizers.residual_sim_vq:ResidualSimVq",
    },
    LOSS: {"mel": "distill.model.loss:mel_loss"},
    VOCODER: {
        "phase_gradient": "distill.vocoder.phase_network:PhaseNetwork",
        "hifigan_v2": "distill.vocoder.hifigan_network:HifiGanNetwork",
    },
    AUGMENTATION: {},
}
"""The same → distill's own parts, and where each is."""
Option = bool | int | float | str
LONGEST_NAME = 40


@cache
def installed(kind: str) -> Mapping[str, EntryPoint]:
    """The parts of a kind that installed packages offer, by name; distill's own names are taken."""
    found = entry_points(group=GROUPS[kind])
    return {each.name: each for each in found if each.name not in OWN[kind]}


def names(kind: str) -> list[str]:
    """The parts of a kind that there are, distill's own first."""
    return [*OWN[kind], *sorted(installed(kind))]


def load(kind: str, name: str) -> Any:
    """The part; raises PluginError where no package has it, or the one that does fails."""
    if name in OWN[kind]:
        module, _, attribute = OWN[kind][name].partition(":")
        return getattr(import_module(module), attribute)
    try:
        return installed(kind)[name].load()
    except KeyError:
        raise PluginError(
            f"the {kind} {name[:LONGEST_NAME]!r} is not installed: install the package that has it "
            f"(entry point {name[:LONGEST_NAME]!r} of {GROUPS[kind]})"
        ) from None
    except Exception as error:
        raise PluginError(
            f"the {kind} {name!r} of {source_of(kind, name)} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error


def source_of(kind: str, name: str) -> str | None:
    """The package, with its version, that a part comes from; None for distill's own, and for one
    that is not installed.
    """
    found = installed(kind).get(name)
    if found is None or found.dist is None:
        return None
    return f"{found.dist.name} {found.dist.version}"


def packages(parts: Iterable[tuple[str, str]]) -> list[str]:
    """The installed packages, with their versions, that parts (kind, name) come from."""
    return sorted({source for part in parts if (source := source_of(*part)) is not None})


def options_of(kind: str, name: str) -> dict[str, Option]:
    """The options of a part with their defaults: the keyword-only arguments that have one."""
    part: Callable[..., Any] = load(kind, name)
    return {
        each.name: each.default
        for each in inspect.signature(part).parameters.values()
        if each.kind is each.KEYWORD_ONLY and isinstance(each.default, Option)
    }


def complete_options(kind: str, name: str, given: Mapping[str, object]) -> dict[str, Option]:
    """All options of a part: those given, and the defaults of the others. Raises PluginError for
    one that there is not, and for a value of another type.
    """
    defaults = options_of(kind, name)
    if unknown := sorted(set(given) - set(defaults)):
        known = f"it has {', '.join(defaults)}" if defaults else "it has none"
        raise PluginError(f"the {kind} {name} has no option {unknown[0][:LONGEST_NAME]}: {known}")
    for option, value in given.items():
        default = defaults[option]
        fits = type(value) is type(default) or (type(default) is float and type(value) is int)
        if not fits:
            raise PluginError(
                f"the option {option} of the {kind} {name} must be of the kind "
                f"{type(default).__name__}, as its default {default!r}"
            )
    return defaults | {key: value for key, value in given.items() if isinstance(value, Option)}
