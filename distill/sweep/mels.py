"""overrides of a sweep → the different mel settings of its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from typing import Any

from hydra.core.override_parser.types import Override

from distill.errors import ConfigError
from distill.settings.allowed import check_ranges
from distill.settings.compose import Settings
from distill.settings.overrides import parse_overrides
from distill.settings.schema import MelConfig

SIZES = ("sample_rate_hz", "n_fft", "n_mels")
MOST = 64


def mels_of(settings: Settings) -> Iterator[MelConfig]:
    """Each combination of the mel's sizes that the sweep tries, in the order of its jobs, 64 at
    most; without those that are not allowed, which fail in their jobs. Of an interval, nothing
    is known beforehand.
    """
    swept = {
        override.key_or_group.removeprefix("mel."): list(override.sweep_iterator())
        for override in parse_overrides(settings.overrides)
        if override.is_sweep_override() and _is_size(override) and not override.is_interval_sweep()
    }
    for values in islice(product(*swept.values()), MOST):
        sizes: dict[str, Any] = dict(zip(swept, values, strict=True))
        if not all(type(size) is int for size in sizes.values()):
            continue
        mel = replace(settings.config.mel, **sizes)
        try:
            check_ranges(mel, "mel.")
        except ConfigError:
            continue
        yield mel


def _is_size(override: Override) -> bool:
    return override.key_or_group in {f"mel.{size}" for size in SIZES}
