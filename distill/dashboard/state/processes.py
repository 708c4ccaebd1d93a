"""words of a distill command → a process of its own, which outlives the dashboard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from distill.errors import DistillError, RunError
from distill.system.atomic import write_text
from distill.system.json_values import read_object
from distill.system.paths import written_ns
from distill.system.validation import InvalidError, instance_of

SAME_START_S = 2.5
"""A start is measured from that of the machine, which is known to a second."""
TWO_CLICKS_NS = 3 * 10**9
PRINTED_BYTES = 65_536
MISTAKE = "distill: "
"""What the line of a verb's error begins with."""


@dataclass(frozen=True)
class Started:
    """A process, as it is remembered on disk: others get the same pid in time, so its start counts
    too.
    """

    pid: int
    pid_started_s: float
    """Unix time."""
    words: list[str]
    title: str = ""
    """What it does, for people."""
    number: int = 0
    """Of such processes, newer ones have higher numbers, whatever the clock said."""
    model_id: str = ""
    """Of the model that it works with, if it does with one."""

    @property
    def is_alive(self) -> bool:
        """Whether this process still runs."""
        return is_alive(self.pid, self.pid_started_s)


def start_verb(
    words: Sequence[str],
    *,
    log: Path,
    note: Path,
    title: str = "",
    number: int = 0,
    model_id: str = "",
) -> Started:
    """Start `python -m distill.VERB ...` in a session of its own, without a terminal.

    `log` gets what it prints, `note` the process as JSON, for `read_started`. Raises RunError.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        note.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
            )
        threading.Thread(target=process.wait, daemon=True).start()  # leaves no zombie
        began_s = _start_of(process.pid)
        started = Started(process.pid, began_s, list(words), title, number, model_id)
        try:
            write_text(note, json.dumps(asdict(started), indent=1))
        except OSError:
            process.terminate()  # nobody would know of it
            raise
    except OSError as error:
        raise RunError(f"{error.filename or log}: {error.strerror}") from error
    except ValueError as error:  # a zero byte, which no word of a command can have
        raise RunError(f"{words[0]}: {error}") from error
    return started


def run_verb(words: Sequence[str]) -> str:
    """Run `python -m distill.VERB ...` to its end, and return what it printed; raises DistillError
    with the message of its mistake.
    """
    if any("\0" in word for word in words):
        raise DistillError("a zero byte cannot be part of a name")
    done = subprocess.run(
        [sys.executable, "-m", *words],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise DistillError(mistake_in(done.stderr) or f"{words[0]}: it has failed")
    return done.stdout


def read_started(note: Path) -> Started | None:
    """The process that a note of `start_verb` is about; None without one that can be read."""
    try:
        return instance_of(Started, read_object(note))
    except InvalidError:
        return None


def was_just_started(note: Path, words: Sequence[str]) -> bool:
    """Whether the process of a note has these words and began a moment ago: the second of two
    clicks asks for the same again.
    """
    is_recent = time.time_ns() - written_ns(note) < TWO_CLICKS_NS
    started = read_started(note) if is_recent else None
    return started is not None and started.words == list(words)


def interrupt(started: Started) -> None:
    """Ask a process to end, as Ctrl-C does, if it still runs."""
    if started.is_alive:
        with suppress(psutil.Error):
            process = psutil.Process(started.pid)
            if sys.platform == "win32":  # which has no Ctrl-C for one process
                process.terminate()
            else:
                process.send_signal(signal.SIGINT)


def is_alive(pid: int, started_s: float) -> bool:
    """Whether the process that had this pid at this time (Unix) still runs."""
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - started_s) < SAME_START_S
        return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, ValueError, OverflowError):
        return False


def last_words(log: Path, *, of_mistake: bool = False) -> str:
    """Why a process ended, from what it printed: its error message, or its last line, unless only
    that of a mistake is wanted.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - PRINTED_BYTES))
            return mistake_in(file.read().decode("utf-8", "replace"), or_last=not of_mistake)
    except OSError:
        return ""


def mistake_in(printed: str, *, or_last: bool = True) -> str:
    """The last error message of a verb in what it printed, or else the last line if it is to be."""
    said = [line.strip() for line in printed.splitlines() if line.strip()]
    mistakes = [line.removeprefix(MISTAKE) for line in said if line.startswith(MISTAKE)]
    return (mistakes or (said if or_last else []) or [""])[-1]


def _start_of(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:  # it has ended already
        return time.time()


def as_words(options: dict[str, Any]) -> list[str]:
    """`{"--seed": 3, "--class": None}` → `["--seed=3"]`: options that are None are left out."""
    return [f"{name}={value}" for name, value in options.items() if value is not None]
