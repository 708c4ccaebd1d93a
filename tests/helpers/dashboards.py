"""A dashboard in a process of its own, as a user starts it, and requests to it over raw HTTP."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.runs import environment, wait_for

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Dashboard:
    """A dashboard that answers."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def outputs(self) -> Path:
        """Where its runs are."""
        return self.folder / "outputs"

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One request, the path as it stands, with these headers alone; `Host` is the right one
        unless another is given.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            wanted = {"Host": f"127.0.0.1:{self.port}", **(headers or {})}
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in wanted.items():
                connection.putheader(name, value)
            if body is not None and "Content-Length" not in wanted:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            try:
                if body is not None:
                    connection.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of it was sent
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def post(self, path: str, value: object, **headers: str) -> Answer:
        """JSON as the page itself sends it."""
        own = {"Origin": self.url.rstrip("/"), "Content-Type": "application/json", **headers}
        return self.ask(path, method="POST", headers=own, body=json.dumps(value).encode())

    def run(self, run: str = "") -> dict[str, Any]:
        """One of the runs in full."""
        return dict(self.ask(f"/api/runs?run={run}").json["run"] or {})

    def kill(self) -> None:
        """End it at once, and nothing else."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def start_dashboard(folder: Path, *words: str, before: Sequence[str] = ()) -> Dashboard:
    """A dashboard in this folder, on a free port."""
    log = folder / "dashboard.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "distill.dashboard", "--port=0", *words],
            cwd=folder,
            env={**environment(), "XDG_STATE_HOME": str(folder / "state")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def port() -> int:
        assert process.poll() is None, log.read_text()
        found = ADDRESS.search(log.read_text())
        return int(found[1]) if found else 0

    wait_for(port, within_s=120)
    return Dashboard(folder, port(), process)


@contextmanager
def dashboard(folder: Path, *words: str) -> Iterator[Dashboard]:
    """The same, ended in the end, with the runs that it has started."""
    started = start_dashboard(folder, *words)
    try:
        yield started
    finally:
        started.process.terminate()
        started.process.wait(timeout=30)
        end_runs(folder)


def end_runs(folder: Path) -> None:
    """End what a dashboard in this folder has started."""
    notes = [
        *folder.glob("outputs/dashboard/logs/*.json"),
        *folder.glob("outputs/generated/*/process.json"),
    ]
    for note in notes:
        try:
            os.kill(int(json.loads(note.read_text())["pid"]), signal.SIGKILL)
        except (OSError, ValueError):
            continue
