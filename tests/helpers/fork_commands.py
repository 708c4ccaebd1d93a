"""Command lines of distill on stdin → what each does in a process of its own; one start for all.

A start of `train` takes a second, most of it for Hydra. Here it is paid once: each command line
runs in a fork, with its own folder, streams and exit code.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from distill.__main__ import VERBS, main, verb_module


def import_verbs(verbs: set[str]) -> None:
    """What each of these imports, so that no fork has to."""
    for verb in verbs:
        verb_module(verb)
    if "train" in verbs:
        from distill.settings.compose import load_config

        load_config([])  # slow only once


def run_command(words: list[str], folder: Path) -> None:
    """`distill WORDS` in this folder; writes `out` and `err` beside it, and ends the process."""
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder.with_suffix(f".{name}"), os.O_WRONLY | os.O_CREAT), number)
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


def run_all(asked: list[dict[str, Any]]) -> None:
    """One after the other; prints their exit codes."""
    import_verbs({each["words"][0] for each in asked} & VERBS.keys())
    for each in asked:
        child = os.fork()
        if child == 0:
            os.environ["TORCH_MARKER"] = each["marker"]
            run_command(each["words"], Path(each["folder"]))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    run_all(json.load(sys.stdin))
