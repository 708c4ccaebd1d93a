"""A verb as a process of its own, with a torch that notices when it is imported."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

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
    work, stand_in, marker = folder / "work", folder / "stand-in", folder / "torch was imported"
    work.mkdir()
    (stand_in / "torch").mkdir(parents=True)
    (stand_in / "torch" / "__init__.py").write_text(STAND_IN)
    variables = environment()
    path = os.pathsep.join([str(stand_in), variables["PYTHONPATH"]])
    done = subprocess.run(
        command or train_command(overrides),
        cwd=work,
        env={**variables, "PYTHONPATH": path, "TORCH_MARKER": str(marker), **more},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
        check=False,
    )
    made = sorted(str(path.relative_to(work)) for path in work.rglob("*"))
    return Answer(done.returncode, done.stdout, done.stderr, marker.exists(), made)


def assert_one_line(answer: Answer, *parts: str) -> None:
    """Exit 2, one line on stderr with all parts, no torch."""
    assert answer.exit_code == 2, answer.err
    assert len(answer.err.splitlines()) == 1, answer.err
    assert answer.err.startswith("distill: ")
    assert answer.err.endswith("\n")
    for part in parts:
        assert part in answer.err
    assert not answer.imported_torch
