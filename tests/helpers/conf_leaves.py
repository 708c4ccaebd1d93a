"""the YAML files of conf/ → the keys that each sets, as a user types them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from distill.settings.conf_files import config_dir


def keys_in(path: Path) -> dict[str, Any]:
    """The keys of one file that have a value, with it: `{"rvq.levels": 3, ...}`."""
    group = path.relative_to(config_dir()).parent.parts
    above = "" if group == ("experiment",) else "".join(f"{name}." for name in group)
    return {f"{above}{key}": value for key, value in leaves_of(OmegaConf.load(path)).items()}


def keys_of_runs() -> set[str]:
    """The keys of all files but those of Hydra and its plug-ins."""
    keys = {key for path in config_dir().rglob("*.yaml") for key in keys_in(path)}
    return {key for key in keys if not key.startswith("hydra.")}


def leaves_of(values: Any) -> dict[str, Any]:
    """What has a value in a tree of settings, by its key."""
    return dict(_leaves(OmegaConf.to_container(values), ""))


def _leaves(values: Any, above: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if key == "defaults":
            continue
        if isinstance(value, dict) and value and key != "params":  # of a search: keys with dots
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
