"""A verb as a process of its own, with a torch that notices when it is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.helpers.runs import environment, train_command

STAND_IN = """
import os, pathlib
pathlib.Path(os.environ["TORCH_MARKER"]).touch()
raise ImportError("torch was imported")
"""


@dataclass(frozen=True)
class Answer:
    """What came back from the command."""

    exit_code: int
    out: str
    err: str
    imported_torch: bool
    made: list[str]


def answer_to(
    folder: Path, *overrides: str, command: list[str] | None = None, **more: str
) -> Answer:
    """Run the command in an empty folder, with a torch that leaves a mark and fails on import."""
    work, marker = folder / "work", folder / "torch was imported"
    work.mkdir()
    done = subprocess.run(
        command or train_command(overrides),
        cwd=work,
        env={**environment_without_torch(folder), "TORCH_MARKER": str(marker), **more},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr, marker.exists(), made_in(work))


def answers_to(folder: Path, commands: Sequence[Sequence[str]]) -> list[Answer]:
    """The same for the words of several commands after `distill`, each in an empty folder of its
    own, beside `stand-in`; all forked from one process.
    """
    works = [folder / f"work {number}" for number in range(len(commands))]
    for work in works:
        work.mkdir()
    return fork_commands(list(zip(commands, works, strict=True)), environment_without_torch(folder))


def fork_commands(
    commands: Sequence[tuple[Sequence[str], Path]],
    variables: dict[str, str],
    *,
    modules: Sequence[str] = (),
) -> list[Answer]:
    """The words of several commands after `distill`, each with the folder it works in → what came
    back. One process imports the modules, and forks for each.
    """
    with TemporaryDirectory() as aside:
        said = [Path(aside) / str(number) for number in range(len(commands))]
        asked = [
            {
                "words": [os.fsencode(word).decode("latin-1") for word in words],
                "folder": str(folder),
                "said": str(path),
            }
            for (words, folder), path in zip(commands, said, strict=True)
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.helpers.fork_commands"],
            env=variables,
            input=json.dumps({"commands": asked, "modules": list(modules)}),
            stdout=subprocess.PIPE,
            text=True,
            timeout=240,
            check=True,
        )
        return [
            Answer(
                int(code),
                *(read_back(path.with_suffix(suffix)) for suffix in (".out", ".err")),
                path.with_suffix(".torch").exists(),
                made_in(folder),
            )
            for code, (_, folder), path in zip(done.stdout.split(), commands, said, strict=True)
        ]


def environment_without_torch(folder: Path) -> dict[str, str]:
    """Where `import torch` finds a stand-in."""
    stand_in = folder / "stand-in"
    (stand_in / "torch").mkdir(parents=True)
    (stand_in / "torch" / "__init__.py").write_text(STAND_IN)
    variables = environment()
    return {**variables, "PYTHONPATH": os.pathsep.join([str(stand_in), variables["PYTHONPATH"]])}


def made_in(work: Path) -> list[str]:
    """All below the folder."""
    return sorted(str(path.relative_to(work)) for path in work.rglob("*"))


def read_back(path: Path) -> str:
    """What a command wrote, of whatever bytes."""
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def assert_one_line(answer: Answer, *parts: str) -> None:
    """Exit 2, one line on stderr with all parts, no torch."""
    assert answer.exit_code == 2, answer.err
    assert len(answer.err.splitlines()) == 1, answer.err
    assert answer.err.startswith("distill: ")
    assert answer.err.endswith("\n")
    for part in parts:
        assert part in answer.err
    assert not answer.imported_torch
