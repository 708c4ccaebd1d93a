"""settings under `callbacks.extra` → Lightning callbacks of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate

from distill.errors import ConfigError

WHERE = (
    "; a module of your own lies in the folder that distill is started in, or in one of PYTHONPATH"
)


def extra_callbacks(settings: Mapping[str, Any]) -> list[lightning.Callback]:
    """Make the callbacks; raises ConfigError for a class that cannot be found or made, and for what
    is no callback.
    """
    return [_make(name, values) for name, values in settings.items()]


def check_extra(settings: Mapping[str, Any]) -> None:
    """Raise ConfigError for a class that cannot be found: at once, before sounds are read."""
    for name, values in settings.items():
        target = _target_of(name, values)
        try:
            get_object(target)
        except Exception as error:
            reason = " ".join(str(error).split())
            key = f"callbacks.extra.{name}._target_"
            raise ConfigError(key, target, f"cannot be made: {reason}{WHERE}") from error


def _target_of(name: str, values: Any) -> str:
    key = f"callbacks.extra.{name}"
    target = values.get("_target_") if isinstance(values, Mapping) else None
    if not isinstance(target, str):
        raise ConfigError(key, values, f"needs the name of a class: +{key}._target_=module.Class")
    return target


def _make(name: str, values: Any) -> lightning.Callback:
    key, target = f"callbacks.extra.{name}", _target_of(name, values)
    try:
        made = instantiate(values)
    except InstantiationException as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = " ".join(str(cause).split()) or type(cause).__name__
        where = "" if isinstance(cause, TypeError) else WHERE
        raise ConfigError(f"{key}._target_", target, f"cannot be made: {reason}{where}") from error
    if not isinstance(made, lightning.Callback):
        raise ConfigError(f"{key}._target_", target, "is no lightning.Callback")
    return made
