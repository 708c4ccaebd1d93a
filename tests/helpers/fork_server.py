"""Commands of distill on a socket → each in a process of its own, forked from this one.

A start of `train` takes seconds, nearly all of them for imports. Here they are paid once: each
command line runs in a fork, with its own folder, variables, streams and exit code.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from importlib import import_module
from typing import Any, TextIO

from distill.__main__ import main


def afresh(stream: TextIO, *, buffering: int) -> TextIO:
    """As Python opens it when it starts."""
    number = stream.fileno()
    return open(number, "w", buffering, stream.encoding, stream.errors, closefd=False)


def run_command(asked: dict[str, Any], streams: list[int]) -> None:
    """`distill WORDS`, as asked; then the process ends, as it would have without the fork."""
    for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
        os.dup2(stream, number)
    os.closerange(3, max(streams) + 1)
    sys.stdout = afresh(sys.stdout, buffering=-1)
    sys.stderr = afresh(sys.stderr, buffering=1)
    os.environ.clear()
    os.environ.update(asked["variables"])
    os.chdir(os.fsdecode(asked["folder"].encode("latin-1")))
    for each in asked["prepare"]:
        module, function = each.split(":")
        getattr(import_module(module), function)()
    sys.argv = ["distill", *(os.fsdecode(word.encode("latin-1")) for word in asked["words"])]
    main()
    sys.exit()


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


def serve(channel: socket.socket) -> None:
    """Until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who stand by
    while True:
        message, streams, _, _ = socket.recv_fds(channel, 1 << 20, 3)
        if not message:
            return
        if os.fork() == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            stand_by(json.loads(message), *streams)
        for stream in streams:
            os.close(stream)


if __name__ == "__main__":
    for module in sys.argv[1:]:
        import_module(module)
    if "distill.train.__main__" in sys.argv:
        from distill.settings.compose import load_config

        load_config([])  # slow only once
    serve(socket.socket(fileno=0))
