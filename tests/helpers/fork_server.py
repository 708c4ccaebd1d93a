"""Command lines on a socket → each in a process of its own, forked from this one.

A start of `train` takes seconds, nearly all of them for imports. Here they are paid once, for all
who connect: each command line runs in a fork, with its own folder, variables, streams and exit
code.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, TextIO


def afresh(stream: TextIO, *, buffering: int, errors: str | None) -> TextIO:
    """As Python opens it when it starts."""
    encoding = os.environ.get("PYTHONIOENCODING")
    errors = errors if encoding else stream.errors
    return open(stream.fileno(), "w", buffering, encoding or stream.encoding, errors, closefd=False)


class Ending:
    """Ends a fork when all who clean up have done so: to take all modules apart, one by one, would
    cost more than most commands.
    """

    code: int | None = None

    def end(self) -> None:
        """With the code, unless it is not known, or what was said cannot be told."""
        if self.code is None:
            return
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.code)


ENDING = Ending()


def run_command(asked: dict[str, Any], streams: list[int]) -> None:
    """The program and its words; then the process ends, as it would have without the fork."""
    for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
        os.dup2(stream, number)
    os.closerange(3, max(streams) + 1)
    os.environ.clear()
    os.environ.update(asked["variables"])
    sys.stdout = afresh(sys.stdout, buffering=-1, errors="strict")
    sys.stderr = afresh(sys.stderr, buffering=1, errors="backslashreplace")
    os.chdir(os.fsdecode(asked["folder"].encode("latin-1")))
    for each in asked["prepare"]:
        module, function = each.split(":")
        getattr(import_module(module), function)()
    sys.argv = ["distill", *(os.fsdecode(word.encode("latin-1")) for word in asked["words"])]
    try:
        import_module(asked["program"]).main()
        sys.exit(0)
    except SystemExit as end:
        ENDING.code = 0 if end.code is None else end.code if isinstance(end.code, int) else None
        raise


def stand_by(asked: dict[str, Any], out: int, err: int, back: int) -> None:
    """Run it in a child; tell its process id, then its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        run_command(asked, [out, err])
    os.close(out)
    os.close(err)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a terminal sends to all
    os.write(back, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(back, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def serve(door: socket.socket) -> None:
    """Until all who have connected are gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who stand by
    inside = [door.accept()[0]]
    while inside:
        for each in select.select([door, *inside], [], [])[0]:
            if each is door:
                inside.append(door.accept()[0])
                continue
            message, streams, _, _ = socket.recv_fds(each, 1 << 20, 3)
            if not message:
                inside.remove(each)
                each.close()
                continue
            if os.fork() == 0:
                for other in (door, *inside):
                    other.close()
                signal.signal(signal.SIGINT, signal.default_int_handler)
                stand_by(json.loads(message), *streams)
            for stream in streams:
                os.close(stream)


if __name__ == "__main__":
    atexit.register(ENDING.end)  # before all others, so after them
    for module in sys.argv[1:]:
        import_module(module)
    if "distill.train.__main__" in sys.argv:
        from distill.settings.compose import load_config

        load_config([])  # slow only once
    gc.collect()
    gc.freeze()  # what is here from the start is no garbage: a fork need not look through it
    serve(socket.socket(fileno=0))
