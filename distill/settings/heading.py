"""what was typed, and own files of settings → comment lines at the top of a run's config.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from distill.settings.quoting import to_type
from distill.system.run_parts import CONFIG
from distill.system.shell import command_of, shell_word


def heading_of(
    words: Sequence[str],
    own_files: Sequence[Path],
    resumed: Path | None = None,
    packages: Sequence[str] = (),
) -> str:
    """Lines that say what was typed, in which folder, which files of somebody's own the settings
    are made of, and which packages have parts of it. Those of a `resumed` run stand above them.
    """
    command = [command_of("train"), *map(_word, words)]
    lines = [" ".join(command), f"typed in {shell_word(str(Path.cwd()))}"]
    lines += [f"settings of your own: {shell_word(str(file))}" for file in own_files]
    lines += [f"parts of the package: {package}" for package in packages]
    new = "".join(f"# {line}\n" for line in lines)
    return _heading_in(resumed / CONFIG) + new if resumed else new


def _word(word: str) -> str:
    return to_type(word) if "'" in word else shell_word(word)


def _heading_in(config: Path) -> str:
    with config.open(encoding="utf-8") as file:
        return "".join(takewhile(lambda line: line.startswith("#"), file))
