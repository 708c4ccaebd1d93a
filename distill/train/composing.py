"""the sorted words of `distill train` → composed settings → what a run would be trained with."""

from __future__ import annotations

from pathlib import Path

from distill.catalog.catalog import Catalog
from distill.runs.changed_sounds import check_own_folders
from distill.runs.folder import RUNS, run_to_resume
from distill.settings.check import require_codec
from distill.settings.compose import (
    Settings,
    compose_settings,
    make_roots_absolute,
    resume_config,
)
from distill.settings.own_folders import SEARCHPATH
from distill.settings.quoting import quote_folders, quote_list, quote_text
from distill.settings.schema import STAGES, TrainConfig
from distill.system.paths import path_of
from distill.system.run_parts import CONFIG
from distill.train.command import TrainCommand


def compose_command(command: TrainCommand, *, stages: str | None = None) -> Settings:
    """The settings; with these `stages`, unless stages or settings of others are typed, or a file
    names other stages than the usual ones.
    """
    words = [quote_text(word, sweep=command.sweep) for word in command.overrides]
    is_typed = any(word.startswith(("stages=", "vocoder", "prior")) for word in words)
    if command.folders:
        words.append(quote_folders(command.folders))
    if command.config_dirs:
        words.append(quote_list(SEARCHPATH, command.config_dirs))
    settings = compose_settings(words, sweep=command.sweep)
    if stages and not is_typed and settings.config.stages == [*STAGES]:
        return compose_settings([*words, f"stages=[{stages}]"], sweep=command.sweep)
    return settings


def configuration_of(settings: Settings) -> tuple[TrainConfig, Path | None]:
    """The checked configuration of one run, and its folder if it is to be resumed: then it is the
    one saved there, changed by what was typed.

    Raises DistillError for what the user can correct.
    """
    config, run_dir = settings.config, None
    if config.resume is not None:
        run_dir = run_to_resume(RUNS, config.resume)
        if config.data.folders:
            check_own_folders(run_dir, config.data.folders)
        config = resume_config(run_dir / CONFIG, settings.overrides)
    else:
        require_codec(config)
        if config.base is not None:  # looked for before a folder is made
            Catalog(path_of(config.library.dir)).model_path(config.base)
    make_roots_absolute(config)
    if config.callbacks.extra:
        from distill.training.callbacks.extra import check_extra  # Lightning: only for these

        check_extra(config.callbacks.extra)
    return config, run_dir
