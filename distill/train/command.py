"""the words after `distill train` → what the user wants. No Hydra, so that `--help` is fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from distill.errors import DistillError
from distill.settings.schema import TrainConfig
from distill.system.paths import is_folder
from distill.train.stray_words import check_spaces

HELP = ("-h", "--help")
SWEEP = ("-m", "--multirun")
OWN_CONFIGURATION = ("--config-name", "-cn", "--config-path", "-cp", "--config-dir", "-cd")
KEYS = [field.name for field in fields(TrainConfig)]
OF_HYDRA = (
    *("--hydra-help", "--version", "--cfg", "-c", "--info", "-i", "--package", "-p", "--resolve"),
    *("--shell-completion", "-sc"),
)


@dataclass(frozen=True)
class TrainCommand:
    """The words, sorted by kind."""

    overrides: tuple[str, ...]
    """Words KEY=VALUE, as typed."""
    folders: tuple[str, ...] = ()
    """Words that are folders of sounds."""
    help: bool = False
    sweep: bool = False
    for_hydra: bool = False
    """Whether one of the words is a flag of Hydra's own."""


def read_command(words: Sequence[str]) -> TrainCommand:
    """Sort the words by kind; raises DistillError for a flag that does not exist."""
    if any(word in HELP for word in words):  # even if other words are wrong
        return TrainCommand((), help=True)
    flags = [word for word in words if word.startswith("-")]
    names = [flag.split("=")[0] for flag in flags]
    for flag, name in zip(flags, names, strict=True):
        if name in OWN_CONFIGURATION:
            raise DistillError(
                f"{name}: distill has one configuration, conf/; change it with KEY=VALUE"
            )
        if name not in (*SWEEP, *OF_HYDRA):
            advice = (
                f"settings have no dashes: {flag.lstrip('-')}" if "=" in flag else "no such flag"
            )
            raise DistillError(f"{flag}: {advice}; see python -m distill.train --help")
    rest = [word for word in words if not word.startswith("-")]
    folders = [word for word in rest if _is_folder(word)]
    overrides = [word for word in rest if not _is_folder(word)]
    check_spaces(words)
    if folders and any(word.startswith("data.root=") for word in overrides):
        raise DistillError(
            f"{folders[0]}: name the folders of sounds either here or with data.root=, not both"
        )
    return TrainCommand(
        tuple(overrides),
        tuple(folders),
        sweep=any(flag in SWEEP for flag in flags),
        for_hydra=any(name in OF_HYDRA for name in names),
    )


def _is_folder(word: str) -> bool:
    """Whether the word names an existing folder and is not KEY=VALUE."""
    key = word.partition("=")[0].lstrip("+~").partition(".")[0]
    is_setting = "=" in word and (key in KEYS or key.startswith("hydra"))
    return not is_setting and is_folder(word)
