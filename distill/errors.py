"""Mistakes that a user can correct: shown as one line, with an exit code."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar


class DistillError(Exception):
    """What went wrong, where, and what to do, in one line."""

    exit_code: ClassVar[int] = 2
    """Exit code of the command that ends with this error."""


class ConfigError(DistillError):
    """A configuration key has a value that is not allowed; the message says which ones are."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        shown = "null" if value is None else value
        super().__init__(f"{key}={shown}: {allowed}")
        self.key, self.value, self.allowed = key, value, allowed


class UnknownKeyError(DistillError):
    """A configuration key does not exist; the message names those that do."""


class CollectionError(DistillError):
    """The folder of sounds cannot be used at all."""


class RunError(DistillError):
    """A training run cannot start, continue or be found."""


class BundleError(DistillError):
    """A model file is damaged, not a model, or not to be trusted."""


class SoundError(DistillError):
    """A sound cannot be read, coded or written."""


class CodesError(DistillError):
    """A code file is damaged, or does not belong to the model."""


class WriteError(DistillError):
    """A file cannot be written: the disk is full, or there is no permission."""

    def __init__(self, path: Path, cause: OSError, *, source: Path | None = None) -> None:
        of = f"{source}: " if source else ""
        super().__init__(f"{of}{path}: cannot be written: {cause.strerror or cause}")
        self.of_this_name = cause.errno == errno.ENAMETOOLONG
        """Whether only this file's name is the problem, so that others can be written."""


class LostError(DistillError):
    """The results are written, but not all that stands beside them, of which warnings have told."""

    def __init__(self, folder: Path, results: str, lost: Sequence[str]) -> None:
        super().__init__(f"{folder}: the {results} are there, but not {', '.join(lost)}")


class LibraryError(DistillError):
    """The library, or a model in it, cannot be found, read or changed."""


class GenerationError(DistillError):
    """A model cannot make the new sounds that are asked for."""


class PluginError(DistillError):
    """A part that is chosen by name is not installed, or does not have such options."""
