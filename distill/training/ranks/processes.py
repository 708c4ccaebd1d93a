"""one process → one for each device of this machine, started, watched and ended together.

Processes that something else starts (Slurm, torchrun, a user on a second machine) read their rank
from the environment.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from distill.errors import RunError
from distill.system.shell import shell_word

RANK_VARIABLES = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")
PATIENCE_S = 20.0
"""How long the other processes may take to end by themselves."""
POLL_S = 0.2


def is_first() -> bool:
    """Whether this process is the first of its run: the one that prints, writes and publishes."""
    return all(os.environ.get(variable, "0") == "0" for variable in RANK_VARIABLES)


def rank_name() -> str:
    """This process's name in file names: `rank3`, or `node1_rank0` if the rank is not known yet."""
    if "RANK" in os.environ or "SLURM_PROCID" in os.environ:
        return f"rank{os.environ.get('RANK') or os.environ['SLURM_PROCID']}"
    local = os.environ.get("LOCAL_RANK", "0")
    node = os.environ.get("NODE_RANK") or os.environ.get("GROUP_RANK") or "0"
    return f"node{node}_rank{local}" if node != "0" else f"rank{local}"


def check_cores(processes: int) -> None:
    """Raise RunError for more processes than cores; two are always allowed, for a try.

    A hundred processes would fill the memory and never finish a step.
    """
    most = max(2, os.cpu_count() or 1)
    if processes > most:
        raise RunError(
            f"trainer.devices={processes}: each device is a process, and this machine has cores "
            f"for at most {most}"
        )


class Ranks:
    """The run's other processes on this machine; none with one device."""

    def __init__(self, configuration: str, run_dir: Path, *, resume: bool) -> None:
        self.configuration = configuration
        self.run_dir = run_dir
        self.resume = resume
        self._others: dict[int, subprocess.Popen[bytes]] = {}
        self._environment: dict[str, str | None] = {}
        self._over = threading.Event()

    def start(self, devices: int, nodes: int) -> None:
        """Start one process for each device except this process's own. They read the configuration
        from stdin and train all stages of the run.

        Raises RunError if there are several machines and the variables that connect them are
        missing.
        """
        if self._environment:
            return  # an earlier stage started them
        if nodes > 1 and not {"MASTER_ADDR", "MASTER_PORT", "NODE_RANK"} <= os.environ.keys():
            raise RunError(
                f"trainer.num_nodes={nodes}: each machine needs the variables MASTER_ADDR and "
                "MASTER_PORT, the same on all of them, and NODE_RANK, counted from 0"
            )
        self._set("MASTER_ADDR", os.environ.get("MASTER_ADDR", "127.0.0.1"))
        self._set("MASTER_PORT", os.environ.get("MASTER_PORT") or str(_free_port()))
        self._set("NODE_RANK", os.environ.get("NODE_RANK", "0"))
        self._set("WORLD_SIZE", str(devices * nodes))
        self._set("LOCAL_RANK", "0")
        command = [sys.executable, "-m", "distill.training.ranks.worker", str(self.run_dir)]
        command += ["--first", str(os.getpid())]
        for rank in range(1, devices):
            environment = {**os.environ, "LOCAL_RANK": str(rank)}
            with self._log(rank).open("ab") as log:
                process = subprocess.Popen(
                    command + ["--resume"] * self.resume,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # only this process gets Ctrl-C; it stops all of them
                )
            assert process.stdin is not None
            process.stdin.write(self.configuration.encode())
            process.stdin.close()
            self._others[rank] = process
        if self._others:
            threading.Thread(target=self._watch, name="ranks", daemon=True).start()

    def failure(self) -> str | None:
        """How one of the other processes failed; None if none did."""
        for rank, process in self._others.items():
            code = process.poll()
            if code:
                how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
                return f"rank {rank} ended {how}{self._last_error(rank)}"
        return None

    def wait_for_failure(self) -> str | None:
        """As `failure`, but wait up to two seconds, because a process takes a moment to end."""
        until = time.monotonic() + 10 * POLL_S
        while self._others and (failure := self.failure()) is None and time.monotonic() < until:
            time.sleep(POLL_S)
        return failure if self._others else None

    def resume_advice(self) -> str:
        """What the user can do after one of the processes was lost."""
        return f"everything saved is kept; continue with resume={shell_word(str(self.run_dir))}"

    def __enter__(self) -> Ranks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._environment:
            from torch import distributed

            if distributed.is_initialized():  # the next run in this process may have other ranks
                distributed.destroy_process_group()
        until = time.monotonic() + PATIENCE_S
        for process in self._others.values():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for variable, value in self._environment.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value

    def _watch(self) -> None:
        """End this process if another one died. On GPUs it could wait for ever without an error."""
        while not self._over.wait(POLL_S):
            failure = self.failure()
            if failure and not self._over.wait(PATIENCE_S):
                for process in self._others.values():
                    process.kill()
                print(f"distill: {failure}; {self.resume_advice()}", file=sys.stderr, flush=True)
                os._exit(1)

    def _set(self, variable: str, value: str) -> None:
        self._environment[variable] = os.environ.get(variable)
        os.environ[variable] = value

    def _log(self, rank: int) -> Path:
        return self.run_dir / f"train.rank{rank}.log"

    def _last_error(self, rank: int) -> str:
        try:
            lines = self._log(rank).read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        last = next((line for line in reversed(lines) if line.startswith("distill: ")), "")
        return f": {last.removeprefix('distill: ')}" if last else f" (see {self._log(rank)})"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
