"""configuration on stdin → one rank of a run, in a process that the first rank started."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path
from threading import Thread

import psutil
from omegaconf import DictConfig, OmegaConf

from distill.errors import DistillError
from distill.settings.check import check_config
from distill.settings.conf_files import every_key
from distill.system.terminal import console, fail
from distill.system.threads import limit_spinning
from distill.training.interrupt import RunStopped
from distill.training.ranks.processes import POLL_S


def main() -> None:
    """Train as the rank that the environment names; prints nothing on the terminal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--first", type=int, metavar="PID")
    options = parser.parse_args()
    Thread(target=_end_with, args=(options.first,), daemon=True).start()
    limit_spinning()
    console.quiet = True
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    composed = OmegaConf.create(sys.stdin.read())
    assert isinstance(composed, DictConfig)

    from distill.training.run import train

    try:
        # nothing is left to choose: the first rank has done so, and all must train the same
        typed = [key.name for key in every_key()]
        train(check_config(composed), options.run_dir, resume=options.resume, typed=typed)
    except RunStopped:
        pass
    except DistillError as error:
        fail(str(error))
        sys.stdout.flush()
        os._exit(error.exit_code)  # at once: the other ranks may be waiting for this one
    except BaseException as error:
        logging.getLogger(__name__).exception("this rank failed")
        fail(f"{type(error).__name__}: {error}")
        os._exit(1)


def _end_with(first: int) -> None:
    """End this process when the first one is gone; otherwise it could wait for it for ever."""
    while os.getppid() == first and psutil.pid_exists(first):  # Windows keeps the number
        time.sleep(POLL_S)
    os._exit(1)


if __name__ == "__main__":
    main()
