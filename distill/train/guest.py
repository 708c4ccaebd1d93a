"""work in a process that is somebody else's → the same process as it was before."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from distill.system import stopping
from distill.system.terminal import console

LOGGERS = ("distill", "lightning", "lightning.pytorch", "lightning.fabric", "py.warnings")


@contextmanager
def as_a_guest() -> Iterator[None]:
    """Put back what a run changes of the process: signal handlers, logging, warnings, hooks, and
    torch's random numbers and modes.
    """
    stopping.forget()
    with _signals(), _logging(), _torch(), warnings.catch_warnings():
        hook, quiet = threading.excepthook, console.quiet
        try:
            yield
        finally:
            threading.excepthook, console.quiet = hook, quiet
            stopping.forget()


@contextmanager
def _signals() -> Iterator[None]:
    numbers = (signal.SIGINT, *stopping.stop_signals())
    handlers = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                if signal.getsignal(number) is not handler:
                    signal.signal(number, handler)


@contextmanager
def _logging() -> Iterator[None]:
    captured = warnings.showwarning.__module__ == logging.__name__
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(each.level, each.propagate, list(each.handlers)) for each in loggers]
    try:
        yield
    finally:
        if not captured:
            logging.captureWarnings(False)
        for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.propagate, logger.handlers = propagate, handlers


@contextmanager
def _torch() -> Iterator[None]:
    threads, benchmark = torch.get_num_threads(), torch.backends.cudnn.benchmark
    exact = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.backends.cudnn.benchmark = benchmark
            torch.use_deterministic_algorithms(exact, warn_only=warns)
