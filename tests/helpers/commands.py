"""A verb as a process of its own, with a torch that notices when it is imported."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.__main__ import VERBS, verb_module
from tests.helpers.forks import Forks
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
    verbs = {words[0] for words in commands} & VERBS.keys()
    variables = environment_without_torch(folder)
    forks = Forks(variables, [verb_module(verb).__name__ for verb in verbs])
    answers = []
    for words, work in zip(commands, works, strict=True):
        marker = work.with_name(f"{work.name} imported torch")
        fork = forks.start(words, work, variables={"TORCH_MARKER": str(marker)})
        out, err = fork.communicate()
        answers.append(Answer(fork.wait(), out, err, marker.exists(), made_in(work)))
    forks.close()
    return answers


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


def assert_one_line(answer: Answer, *parts: str) -> None:
    """Exit 2, one line on stderr with all parts, no torch."""
    assert answer.exit_code == 2, answer.err
    assert len(answer.err.splitlines()) == 1, answer.err
    assert answer.err.startswith("distill: ")
    assert answer.err.endswith("\n")
    for part in parts:
        assert part in answer.err
    assert not answer.imported_torch
