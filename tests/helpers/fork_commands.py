"""Command lines of distill on stdin → what each does in a process of its own; one start for all.

A start of `train` takes a second, most of it for Hydra. Here it is paid once: each command line
runs in a fork, with its own folder, streams and exit code.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from distill.__main__ import VERBS, main, verb_module


def import_all(verbs: set[str], modules: list[str]) -> None:
    """What each of these verbs imports at once, and more, so that no fork has to."""
    for module in modules:
        import_module(module)
    for verb in verbs:
        verb_module(verb)
    if "train" in verbs:
        from distill.settings.compose import load_config

        load_config([])  # slow only once


def run_command(words: list[str], folder: Path, said: Path) -> None:
    """`distill WORDS` in this folder; writes what it says to `said`.out and .err, and ends the
    process.
    """
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(said.with_suffix(f".{name}"), os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    sys.argv = ["distill", *words]
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def run_all(commands: list[dict[str, Any]], modules: list[str]) -> None:
    """One after the other; prints their exit codes."""
    import_all({each["words"][0] for each in commands} & VERBS.keys(), modules)
    for each in commands:
        child = os.fork()
        if child == 0:
            os.environ["TORCH_MARKER"] = f"{each['said']}.torch"
            words = [os.fsdecode(word.encode("latin-1")) for word in each["words"]]
            run_command(words, Path(each["folder"]), Path(each["said"]))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    run_all(**json.load(sys.stdin))
