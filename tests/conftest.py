"""Tiny sounds and a tiny configuration, for tests that take the same path as a user's folder."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from distill.data.activity import ACTIVITY_S
from distill.data.cache import CacheConfig
from distill.data.collection import Collection, Sound
from distill.data.scan import scan
from distill.system import stopping

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's `make test &` has it
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"

TINY = (
    "trainer.accelerator=cpu",
    "trainer.max_epochs=2",
    "mel.n_mels=32",
    "mel.sample_rate_hz=16000",
    "mel.n_fft=512",
    "mel.hop_length=128",
    "model.channels=[4,8,8,8]",
    "model.stem_stride=2",
    "rvq.codebook_dim=8",
    "rvq.codebook_size=16",
    "rvq.levels=2",
    "data.segment_s=0.25",
    "data.batch_size=4",
    "data.min_epoch_segments=16",
)
"""Overrides that make a run take a second or two once torch is imported."""


def tone(hz: float, duration_s: float = 0.5, rate_hz: int = 16_000, seed: int = 0) -> np.ndarray:
    """A decaying tone in a little noise, (T,) float64 within ±0.9."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    noise = np.random.default_rng(seed).normal(0, 0.02, len(time_s))
    return np.clip(0.7 * np.sin(2 * np.pi * hz * time_s) * np.exp(-2 * time_s) + noise, -0.9, 0.9)


def write_sounds(folder: Path) -> None:
    """Twelve of them, each of half a second."""
    folder.mkdir()
    for number in range(12):
        soundfile.write(folder / f"{number}.wav", tone(110 * 1.3**number, seed=number), 16_000)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tiny networks: more threads only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder of twelve different half-second sounds."""
    write_sounds(tmp_path / "sounds")
    return tmp_path / "sounds"


@pytest.fixture
def scan_folder(tmp_path: Path) -> Callable[..., Collection]:
    """A scan at 16 kHz with its cache in tmp_path; folders, and settings other than usual."""

    def run(
        *folders: Path,
        cache_folder: Path | None = None,
        own_output: Path | None = None,
        **settings: object,
    ) -> Collection:
        config = CacheConfig(
            **{  # type: ignore[arg-type]
                "sample_rate_hz": 16_000,
                "min_duration_s": 0.01,
                "silence_dbfs": -80.0,
                **settings,
            }
        )
        return scan(
            folders,
            name="sounds",
            cache_folder=cache_folder or tmp_path / "cache",
            config=config,
            own_output=own_output,
        )

    return run


@pytest.fixture
def cached_sound(tmp_path: Path) -> Callable[..., Sound]:
    """A Sound made of samples, as a scan would have left it in the cache."""

    def make(samples: np.ndarray, *, content: str = "content", rate_hz: int = 1_000) -> Sound:
        waveform = tmp_path / f"{content}.f32"
        samples.astype("<f4").tofile(waveform)
        step = int(ACTIVITY_S * rate_hz)
        active = bytes(
            bool(np.any(np.abs(samples[start : start + step]) > 1e-4))
            for start in range(0, len(samples), step)
        )
        return Sound(
            f"{content}.wav",
            content,
            len(samples),
            len(samples) / rate_hz,
            rate_hz,
            1,
            waveform,
            active,
        )

    return make


@pytest.fixture
def shared_instruments() -> Path:
    """The real recordings that lie beside some checkouts."""
    folder = SHARED_DATA / "instruments"
    if not folder.is_dir():
        pytest.skip("the recordings in ../shared/data/instruments are not here")
    return folder


@pytest.fixture
def distill_train(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python -m distill.train` with overrides, in tmp_path, as a user runs it (piped)."""

    def run(*overrides: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            train_command(overrides),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    return run


def train_command(overrides: Sequence[str]) -> list[str]:
    """The command line of a training run."""
    return [sys.executable, "-m", "distill.train", *overrides]


def environment() -> dict[str, str]:
    """This process's environment with the checkout importable."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to run a verb of this process in; what it changes of the process is put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setenv("GOMP_SPINCOUNT", "5000")
    monkeypatch.setattr(logging.getLogger("distill"), "handlers", [])
    monkeypatch.setattr(stopping, "_received", None)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)


def wait_for(condition: Callable[[], object], *, within_s: float = 120) -> None:
    """Until it holds; fails when it does not in time."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def until_first_save(folder: Path, start: Sequence[str]) -> float:
    """Seconds that a run needs here until it has saved; then it is killed."""
    began = time.monotonic()
    run = subprocess.Popen(
        train_command(start),
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (folder / "run" / "last.distillgan").exists():
        assert run.poll() is None
        time.sleep(0.05)
    run.kill()
    run.wait()
    return time.monotonic() - began
