"""Mistakes that a user can put right: shown as one line, with an exit code."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import ClassVar


class DistillError(Exception):
    """What went wrong, where, and what to do, in one line."""

    exit_code: ClassVar[int] = 2
    """Of the command that ends with this error."""


class ConfigError(DistillError):
    """A configuration key, its value and what is allowed instead."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        shown = "null" if value is None else value
        super().__init__(f"{key}={shown}: {allowed}")
        self.key, self.value, self.allowed = key, value, allowed


class UnknownKeyError(DistillError):
    """A configuration key that does not exist, and what there is instead."""


class CollectionError(DistillError):
    """The folder of sounds cannot be used at all."""


class RunError(DistillError):
    """A training run cannot start, go on or be found."""


class BundleError(DistillError):
    """A model file is refused."""


class SoundError(DistillError):
    """A sound cannot be read, coded or written."""


class CodesError(DistillError):
    """A code file is refused, or does not belong to the model."""


class WriteError(DistillError):
    """A file cannot be written: the disk is full, or closed to us."""

    def __init__(self, path: Path, cause: OSError, *, source: Path | None = None) -> None:
        of = f"{source}: " if source else ""
        super().__init__(f"{of}{path}: cannot be written: {cause.strerror or cause}")
        self.of_this_name = cause.errno == errno.ENAMETOOLONG
        """Whether others can be written all the same."""


class LibraryError(DistillError):
    """The library, or a model in it, cannot be found, read or changed."""
