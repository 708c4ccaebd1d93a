"""words → Hydra's own command line: its sweeps, launchers and flags, on conf/."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import hydra
from omegaconf import DictConfig

from distill.settings.conf_files import CONFIG_NAME, config_dir


def run_hydra(task: Callable[[DictConfig], object], words: Sequence[str]) -> None:
    """Let Hydra act on the words; for a sweep, its launcher calls `task` once for each job.

    Hydra reads `sys.argv`, which is set here. Launchers start processes that find `task` by the
    name of its module.
    """
    sys.argv[1:] = words
    app = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=CONFIG_NAME)
    app(task)()


def do_nothing(composed: DictConfig) -> None:
    """The task of flags that only print."""
