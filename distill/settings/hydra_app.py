"""command-line words → Hydra's own command line on conf/, with its sweeps, launchers and flags."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import hydra
from omegaconf import DictConfig

from distill.settings.conf_files import CONFIG_NAME, config_dir


def run_hydra(task: Callable[[DictConfig], object], words: Sequence[str]) -> None:
    """Run Hydra with these words; for a sweep, its launcher calls `task` once for each job.

    Sets `sys.argv`, which Hydra reads. `task` must be a function of a module, because launchers
    import it by name in other processes.
    """
    sys.argv[1:] = words
    app = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=CONFIG_NAME)
    app(task)()


def do_nothing(composed: DictConfig) -> None:
    """The task for Hydra's flags that only print."""
