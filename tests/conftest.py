"""Tiny sounds, models and runs, for tests that take the same path as a user's folder."""

from __future__ import annotations

import logging
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from distill.__main__ import verb_module
from distill.catalog.catalog import Catalog
from distill.catalog.index import DEFAULT_FOLDER
from distill.data.activity import ACTIVITY_S
from distill.data.cache import CacheConfig
from distill.data.collection import Collection, Sound
from distill.data.demo import write_demo_collection
from distill.data.scan import scan
from distill.settings.compose import load_config, resume_config
from distill.system import stopping
from tests.helpers.browsers import end_browser
from tests.helpers.checkout import SHARED_DATA
from tests.helpers.forks import start
from tests.helpers.runs import TINY, Train
from tests.helpers.sounds import write_sounds
from tests.helpers.verbs import Run, Told

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's `make test &` has it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tiny networks: more threads only wait for each other."""
    import torch  # which the process that hands tests out can do without

    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="module")
def browser_ended() -> Iterator[None]:
    """What a module's tests have opened pages in."""
    yield
    end_browser()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo collection; for reading only."""
    return write_demo_collection(tmp_path_factory.mktemp("demo") / "sounds")


@pytest.fixture(autouse=True)
def signals_put_back() -> Iterator[None]:
    """A signal that stopped a run in one test stops none in the next."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    yield
    stopping.listen()  # which forgets what signal there was
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def log_handlers_put_back() -> Iterator[None]:
    """Hydra's handler writes to the stream of the test in which it was set up, which is closed."""
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler:
            root.removeHandler(handler)


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
    """`distill train` with overrides, in tmp_path, as a user runs it (piped)."""

    def run(*overrides: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        work = start(tmp_path, "train", *overrides)
        out, err = work.communicate(timeout_s)
        return subprocess.CompletedProcess(overrides, work.wait(), out, err)

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run a verb of this process in; what it changes of the process is put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setenv("GOMP_SPINCOUNT", "5000")
    monkeypatch.setattr(logging.getLogger("distill"), "handlers", [])
    return tmp_path


@pytest.fixture
def run(here: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """A verb in this process, in the test's folder."""

    def work(verb: str, *words: str | Path) -> Told:
        capsys.readouterr()
        code: object = 0
        try:
            verb_module(verb).main([str(word) for word in words])
        except SystemExit as end:
            code = end.code
        told = capsys.readouterr()
        return Told(code, told.out, told.err)

    return work


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A tiny model."""
    from tests.helpers.made_bundle import bundle  # torch, which is slow to import

    return bundle(tmp_path / "tiny.distillgan")


@pytest.fixture
def library(tmp_path: Path, model: Path) -> Catalog:
    """The library that is used where none is given, with the model in it."""
    catalog = Catalog(tmp_path / DEFAULT_FOLDER)
    catalog.publish(model)
    return catalog


@pytest.fixture
def train_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Train (or resume) `tmp_path/NAME` with overrides on top of the tiny configuration."""
    from distill.training.run import train  # Lightning, which few tests need

    monkeypatch.chdir(tmp_path)

    def run(name: str, *overrides: str, resume: bool = False) -> Path:
        run_dir = tmp_path / name
        run_dir.mkdir(exist_ok=True)
        if resume:
            train(resume_config(run_dir / "config.yaml", overrides), run_dir, resume=True)
        else:
            train(load_config([*TINY, *overrides]), run_dir)
        return run_dir

    return run
