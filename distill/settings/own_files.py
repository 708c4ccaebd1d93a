"""folders of own settings, and what was chosen → the files of a run, checked, and told of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from distill.errors import DistillError
from distill.settings.conf_files import chosen_files
from distill.settings.own_folders import YAML
from distill.system.paths import from_here

PACKAGE = re.compile(r"\s*#\s*@package\b *(.*?)\s*(?:\n|$)")
GLOBAL = "_global_"
DEFAULTS = "defaults"


def used_files(folders: Sequence[Path], choices: Mapping[str, Any]) -> tuple[Path, ...]:
    """The files in these folders that a run is made of: those chosen for its groups, and those
    that these begin with. `choices` has the chosen file of each group, as Hydra lists them.
    """
    found: list[Path] = []
    for group, chosen in choices.items():
        if isinstance(chosen, str):
            _add(found, folders, f"{group}/{chosen}")
    return tuple(found)


def _add(found: list[Path], folders: Sequence[Path], name: str) -> None:
    for folder in folders:
        path = folder / f"{name}{YAML}"
        if path.is_file() and path not in found:
            found.append(path)
            for other in _begins_with(path):
                above = name.rpartition("/")[0]
                _add(found, folders, other[1:] if other[0] == "/" else f"{above}/{other}")


def _begins_with(path: Path) -> Iterator[str]:
    """The files named in a file's list of defaults; what it chooses for groups is left out."""
    defaults = _read(path).get(DEFAULTS)
    for entry in defaults if isinstance(defaults, list) else []:
        if isinstance(entry, str) and entry not in ("", "_self_"):
            yield entry


def _read(path: Path) -> Mapping[Any, Any]:
    """What is in a file; empty for one that `check_files` refuses."""
    try:
        with path.open(encoding="utf-8") as file:
            values = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return values if isinstance(values, dict) else {}


def check_files(files: Sequence[Path]) -> None:
    """Raise DistillError for the first file that Hydra misreads, or refuses without its name."""
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
            with path.open(encoding="utf-8") as file:
                values = yaml.safe_load(file)
        except UnicodeDecodeError as error:
            raise DistillError(f"{from_here(path)}: not UTF-8 text: {error}") from error
        except OSError as error:
            raise DistillError(f"{from_here(path)}: cannot be read: {error.strerror}") from error
        except yaml.YAMLError as error:
            raise DistillError(explain_yaml(error)) from error
        header = PACKAGE.match(text)
        if header and len(header[1].split()) != 1:
            raise DistillError(f"{from_here(path)}: the first line must be # @package and one word")
        if values is not None and not isinstance(values, dict):
            raise DistillError(f"{from_here(path)}: must have lines KEY: VALUE")
        for key in values or ():
            if "." in str(key):
                *groups, last = str(key).split(".")
                raise DistillError(
                    f"{from_here(path)}: {key}: dots work on the command line only; here, {last}: "
                    f"stands indented below {': '.join(groups)}:"
                )


def explain_yaml(error: yaml.YAMLError) -> str:
    """Where a file is not YAML, and why, in one line."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return f"not YAML: {' '.join(str(error).split())}"
    return f"{from_here(Path(mark.name))}, line {mark.line + 1}: not YAML: {problem}"


def with_file(
    error: DistillError,
    values: Mapping[Any, Any],
    files: Sequence[Path],
    folders: Sequence[Path],
    typed: Collection[str],
) -> DistillError:
    """The error of a check of these values, with the file in it that sets the key, or that should;
    unchanged if it is none of the files, or if the key is `typed`.
    """
    key = re.split(r"[=:]", str(error), maxsplit=1)[0]
    if key in typed:
        return error
    for path in reversed(files):  # the later ones win
        group = next(path.relative_to(at) for at in folders if path.is_relative_to(at)).parent
        package = _package(path, group.as_posix())
        if _sets(_read(path), package, key):
            first = f"; the first line of an experiment is: # @package {GLOBAL}"
            advice = first if key == "experiment" else ""
            error.args = (f"{from_here(path)}: {error}{advice}",)
            return error
        if package and key.startswith(f"{package}.") and not _sets(values, "", key):
            usual = chosen_files().get(package)
            advice = f"; begin the file with the line {DEFAULTS}: [{usual}]" if usual else ""
            error.args = (f"{from_here(path)}: {key} is missing{advice}",)
            return error
    return error


def _package(path: Path, group: str) -> str:
    """Where in the configuration the file's keys are; empty for the top."""
    header = PACKAGE.match(path.read_text(encoding="utf-8"))
    package = header[1] if header else "_group_"
    package = package.replace("_group_", group.replace("/", "."))
    return "" if package == GLOBAL else package.removeprefix(f"{GLOBAL}.")


def _sets(values: Any, package: str, key: str) -> bool:
    """Whether values at this place set the key, or something in it."""
    if package and (package == key or package.startswith(f"{key}.")):
        return True
    inner = key.removeprefix(f"{package}.") if package else key
    if package and inner == key:
        return False
    for part in inner.split("."):
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True
