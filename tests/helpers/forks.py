"""Programs in processes of their own that need not import anything first: each is a fork."""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, TextIO

from tests.helpers.runs import environment, wait_for

TRAINING = (
    "distill.train.__main__",
    "distill.train.running",
    "distill.training.run",
    "distill.training.session",
    "distill.training.sounds",
    "distill.training.stages",
    "distill.training.closing",
    "distill.training.listening",
    "distill.bundle.loading",
    "distill.catalog.conversion",
    "PIL.Image",
    "sqlite3",
)


class Fork:
    """What subprocess.Popen is, for a process that another one forks."""

    def __init__(self, pid: int, out: TextIO | None, err: TextIO | None, back: FileIO) -> None:
        self.pid = pid
        self.stdout = out
        self.stderr = err
        self.returncode: int | None = None
        self._back = back

    def poll(self, within_s: float = 0) -> int | None:
        """Its exit code, or None while it is at work."""
        if self.returncode is None and select.select([self._back], [], [], within_s)[0]:
            self.returncode = int(self._back.readline())
        return self.returncode

    def wait(self, timeout: float = 300) -> int:
        """Its exit code, when it has ended."""
        if self.poll(timeout) is None:
            raise subprocess.TimeoutExpired("distill", timeout)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """All that it says, when it has ended."""
        with ThreadPoolExecutor(2) as readers:
            texts = [readers.submit(each.read) for each in (self.stdout, self.stderr) if each]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            said = [text.result() for text in texts]
            return (said[0] if self.stdout else "", said[-1] if self.stderr else "")

    def send_signal(self, number: int) -> None:
        """To it alone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """At once."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """A process that has imported the modules, and forks for each command; at an address, one that
    all have in common who name it.
    """

    def __init__(
        self, variables: Mapping[str, str], modules: Sequence[str], address: str = ""
    ) -> None:
        self._variables = dict(variables)
        self._server: subprocess.Popen[bytes] | None = None
        self._channel, door = (
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)
        )
        with door, suppress(OSError):  # another has begun it
            door.bind(address)
            door.listen()
            address = door.getsockname()
            command = [sys.executable, "-m", "tests.helpers.fork_server", *modules]
            self._server = subprocess.Popen(command, env=self._variables, stdin=door)
        wait_for(lambda: self._channel.connect_ex(address) == 0)

    def start(
        self,
        words: Sequence[str],
        folder: Path,
        *,
        variables: Mapping[str, str] | None = None,
        one_stream: bool = False,
        given: int | None = None,
        prepare: Sequence[str] = (),
        program: str = "distill.__main__",
    ) -> Fork:
        """`distill WORDS` in this folder, or another program; stderr comes with stdout, if there is
        one stream, and what is printed goes to a stream that is given. Functions MODULE:NAME
        prepare its process; `variables` are more of the environment.
        """
        asked = {
            "program": program,
            "words": [os.fsencode(word).decode("latin-1") for word in words],
            "folder": os.fsencode(folder).decode("latin-1"),
            "variables": {**self._variables, **(variables or {})},
            "prepare": list(prepare),
        }
        out = os.pipe() if given is None else (None, os.dup(given))
        err = (None, os.dup(out[1])) if one_stream else os.pipe()
        back = os.pipe()
        theirs = [out[1], err[1], back[1]]
        socket.send_fds(self._channel, [json.dumps(asked).encode()], theirs)
        for end in theirs:
            os.close(end)
        answers = os.fdopen(back[0], "rb", buffering=0)
        pid = int(answers.readline())
        return Fork(pid, text_of(out[0]), text_of(err[0]), answers)

    def close(self) -> None:
        """End the process that forks; those that it has forked go on."""
        self._channel.close()
        if self._server:
            self._server.wait()


def text_of(stream: int | None) -> TextIO | None:
    """What a process prints, of whatever bytes."""
    if stream is None:
        return None
    return os.fdopen(stream, encoding="utf-8", errors="surrogateescape")


@functools.cache
def _forks() -> Forks:
    """For what needs torch and Lightning; one for all tests, whichever worker has them."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", os.getpid())
    return Forks(environment(), TRAINING, f"\0distill forks {session}")


def start(folder: Path, *words: str, **options: Any) -> Fork:
    """The same, forked from the one process that all tests share."""
    return _forks().start(words, folder, **options)


def answer_of(program: str, folder: Path, *words: object, within_s: float = 600) -> str:
    """What a program of tests/helpers prints; fails unless it ends well."""
    work = start(folder, *map(str, words), program=f"tests.helpers.{program}")
    out, err = work.communicate(within_s)
    assert work.wait(within_s) == 0, err[-3000:]
    return out


def start_run(folder: Path, *overrides: str, **variables: str) -> Fork:
    """A training run in this folder, which tells all on one stream."""
    return start(folder, "train", *overrides, one_stream=True, variables=variables)


def until_saved_again(run: Fork, checkpoint: Path) -> None:
    """Until a run has saved this checkpoint anew, or ends."""

    def changed() -> int:
        return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    before = changed()
    wait_for(lambda: run.poll() is not None or changed() > before)
