"""the words after `distill train` → what the user wants. No Hydra, so that `--help` is fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from distill.errors import DistillError
from distill.settings.schema import TrainConfig
from distill.system.paths import is_folder
from distill.train.flags import (
    CONFIG_DIR,
    HELP,
    INSTEAD,
    PACKAGE,
    RESOLVE,
    SWEEP,
    check_flags,
    split_flags,
)
from distill.train.stray_words import check_folder, check_spaces

KEYS = [field.name for field in fields(TrainConfig)]


@dataclass(frozen=True)
class TrainCommand:
    """The words, sorted by kind."""

    overrides: tuple[str, ...]
    """Words KEY=VALUE, as typed."""
    folders: tuple[str, ...] = ()
    """Words that are folders of sounds."""
    config_dirs: tuple[str, ...] = ()
    """Folders with settings of the user's own, as typed."""
    typed: tuple[str, ...] = ()
    """All words."""
    help: bool = False
    sweep: bool = False
    show: str = ""
    """The flag that asks to print something instead of running; empty for a run."""
    which: str = ""
    """What it is to print."""
    package: str | None = None
    """The only group or key to print of a configuration."""
    resolve: bool = False


def read_command(words: Sequence[str]) -> TrainCommand:
    """Sort the words by kind; raises DistillError for a flag that does not exist."""
    given, rest = split_flags(words)
    values = {each.flag.name: each.value for each in given if each.flag}
    dirs = [each for each in given if each.flag and each.flag.name == CONFIG_DIR]
    config_dirs = tuple(each.value for each in dirs if each.value)
    if HELP in values:  # even if other words are wrong
        return TrainCommand((), config_dirs=config_dirs, help=True)
    check_flags(given)
    for folder in config_dirs:
        check_folder(CONFIG_DIR, folder, words)
    folders = [word for word in rest if _is_folder(word)]
    overrides = [word for word in rest if not _is_folder(word)]
    check_spaces(rest)
    if folders and any(word.startswith("data.root=") for word in overrides):
        raise DistillError(
            f"{folders[0]}: name the folders of sounds either here or with data.root=, not both"
        )
    show = next((name for name in INSTEAD if name in values), "")
    return TrainCommand(
        tuple(overrides),
        tuple(folders),
        config_dirs,
        tuple(words),
        sweep=SWEEP in values,
        show=show,
        which=values.get(show) or "",
        package=values.get(PACKAGE),
        resolve=RESOLVE in values,
    )


def _is_folder(word: str) -> bool:
    """Whether the word names an existing folder and is not KEY=VALUE."""
    key = word.partition("=")[0].lstrip("+~").partition(".")[0]
    is_setting = "=" in word and (key in KEYS or key.startswith("hydra"))
    return not is_setting and is_folder(word)
