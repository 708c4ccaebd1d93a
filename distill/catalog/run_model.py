"""path of a bundle, or of a run → the bundle that is meant, or an error with what to give."""

from __future__ import annotations

from pathlib import Path

from distill.bundle import SUFFIX
from distill.errors import LibraryError
from distill.system.run_parts import run_of, runs_in


def bundle_at(path: Path, *, suffixes: tuple[str, ...] = (SUFFIX,)) -> Path:
    """The best bundle of a run, if the path is the run's folder; else the path itself.

    Raises LibraryError for other folders and files of a run. Files with one of the `suffixes` are
    meant themselves.
    """
    if path.is_dir() and _bundle(path, "best").is_file():
        return _bundle(path, "best")
    if path.suffix in suffixes and path.is_file():
        return path
    run = run_of(path)
    if run is None:
        runs = runs_in(path) if len(path.parts) > 1 else []  # a single word can be a model's name
        if runs:
            raise LibraryError(
                f"{path}: is a folder of runs, not a model; give one of them, such as {runs[-1]}"
            )
        return path
    if _bundle(run, "best").is_file():
        advice = f"give the folder of its run: {run}"
    elif _bundle(run, "last").is_file():
        advice = f"its run has no best model yet; give the last: {_bundle(run, 'last')}"
    else:
        advice = "its run has not saved a model yet"
    what = "is" if path.exists() else "does not exist and would be"
    raise LibraryError(f"{path}: {what} a part of a run, not a model; {advice}")


def _bundle(run: Path, which: str) -> Path:
    return run / f"{which}{SUFFIX}"
