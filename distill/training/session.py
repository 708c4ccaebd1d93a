"""one stage → trained from the start or from its last checkpoint, until its end or a stop."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic

import lightning
import loguru
from hydra.utils import instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch.distributed import DistError

from distill.errors import RunError
from distill.runs.folder import checkpoint_path
from distill.runs.progress import ProgressFile
from distill.settings.schema import TrainConfig, TrainerConfig
from distill.training.budget import Timetable
from distill.training.callbacks import BundleCheckpoint, GracefulStop, ProgressRows
from distill.training.callbacks.extra import extra_callbacks
from distill.training.interrupt import RunStopped, StopRequest
from distill.training.ranks.processes import Ranks, check_cores
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from distill.training.records.event_files import EventFiles, keep_writer_threads_quiet
from distill.training.saved import Saved
from distill.training.stage import P, Prepared, Stage
from distill.training.steps.schedule import StageLimits


@dataclass(frozen=True, kw_only=True)
class Session:
    """What all stages of a run share."""

    config: TrainConfig
    settings: str
    """The same as text, as the run folder holds it."""
    run_dir: Path
    sounds: Sequence[str]
    """The folders of the sounds."""
    request: StopRequest
    ranks: Ranks
    progress: ProgressFile
    timetable: Timetable
    """How long each stage takes."""


@dataclass(frozen=True)
class Outcome(Generic[P]):
    """How a stage's training ended."""

    prepared: P
    stopped: RunStopped | None
    failures: list[str]
    """What could not be saved."""


def train_stage(stage: Stage[P], session: Session, *, saved: Saved | None) -> Outcome[P]:
    """Train a stage whose configuration is complete, from its last checkpoint if `saved` is given.

    Raises RunError if the training cannot continue. After a stop request, everything is saved.
    """
    _quieten_libraries()
    prepared = stage.prepare()
    prepared.module.after_s = session.timetable.after_s(stage.name)
    callbacks = _callbacks(stage, prepared, session)
    trainer = _trainer(
        prepared.module.limits, session, callbacks, _logger(stage.name, session, saved)
    )
    _start_ranks(trainer, session.ranks)
    checkpoint = checkpoint_path(session.run_dir, stage.name, "last") if saved else None
    stopped = _fit(trainer, prepared, checkpoint, session.ranks)
    failures = [c.failure for c in callbacks if isinstance(c, BundleCheckpoint) and c.failure]
    failures += [c.failure for c in trainer.loggers if isinstance(c, EventFiles) and c.failure]
    return Outcome(prepared, stopped, failures)


def check_devices(config: TrainerConfig) -> None:
    """Raise RunError for devices that this machine does not have."""
    _quieten_libraries()
    _make_trainer(config, logger=False, enable_checkpointing=False)


def _trainer(
    limits: StageLimits,
    session: Session,
    callbacks: list[lightning.Callback],
    logger: Logger | bool,
) -> lightning.Trainer:
    return _make_trainer(
        session.config.trainer,
        default_root_dir=session.run_dir,
        max_epochs=limits.max_epochs or -1,
        callbacks=callbacks,
        logger=logger,
        plugins=[AtomicCheckpointIO()],
        num_sanity_val_steps=0,  # it would initialise the codebooks from validation data
        log_every_n_steps=1,
        use_distributed_sampler=False,  # the data module divides the draws among the ranks
    )


def _make_trainer(config: TrainerConfig, **options: Any) -> lightning.Trainer:
    try:
        return lightning.Trainer(
            accelerator=config.accelerator,
            devices=config.devices,
            num_nodes=config.num_nodes,
            strategy=_strategy(config.strategy),
            precision=config.precision,  # type: ignore[arg-type]
            enable_progress_bar=False,
            enable_model_summary=False,
            **options,
        )
    except (MisconfigurationException, TypeError, RuntimeError) as error:  # by accelerator
        raise RunError(
            f"trainer.accelerator={config.accelerator} trainer.devices={config.devices}: "
            f"not available on this machine: {error}"
        ) from error


def _start_ranks(trainer: lightning.Trainer, ranks: Ranks) -> None:
    """Start the other processes that train together with this one, unless something else does."""
    strategy = trainer.strategy
    if isinstance(strategy, DDPStrategy) and not _is_started_outside(strategy):
        if isinstance(trainer.accelerator, CPUAccelerator):
            check_cores(trainer.num_devices)
        ranks.start(trainer.num_devices, trainer.num_nodes)


def _fit(
    trainer: lightning.Trainer, prepared: Prepared, checkpoint: Path | None, ranks: Ranks
) -> RunStopped | None:
    """Run the fit; a stop is returned, every other exception is raised."""
    module, data = prepared.module, prepared.data
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except RunStopped as stopped:
        return stopped
    except SystemExit as error:  # raised by Lightning after a second Ctrl-C
        raise KeyboardInterrupt from error
    except RuntimeError as error:  # a lost connection has no type of its own
        failure = ranks.wait_for_failure()
        if failure is None and not isinstance(error, DistError):
            raise
        raise RunError(
            f"{failure or f'a rank cannot be reached: {error}'}; {ranks.resume_advice()}"
        ) from error
    return None


def _strategy(name: str) -> Strategy | str:
    """Lightning's strategy; `ddp` without sending buffers: the codebooks are equal on all ranks
    anyway, and sending them at each step would take time.
    """
    return DDPStrategy(broadcast_buffers=False) if name == "ddp" else name


def _is_started_outside(strategy: DDPStrategy) -> bool:
    assert strategy.cluster_environment is not None
    return strategy.cluster_environment.creates_processes_externally


def _callbacks(stage: Stage[P], prepared: Prepared, session: Session) -> list[lightning.Callback]:
    """The stage's own callbacks, those that every stage has, and the ones that save, in this order:
    a save then holds the state of all the others.
    """
    settings, run_dir = session.config.callbacks, session.run_dir
    watching = [*prepared.callbacks, ProgressRows(session.progress)]
    watching += [
        instantiate(asdict(callback))
        for callback in (settings.progress, settings.tensorboard)
        if callback is not None
    ]
    watching += extra_callbacks(settings.extra)
    saving: list[lightning.Callback] = []
    for which, checkpoint in (("best", settings.best), ("last", settings.last)):
        if checkpoint is not None:
            place = {"run_dir": run_dir, "stage": stage.name, "which": which}
            saving.append(instantiate(asdict(checkpoint), monitor=stage.monitor, **place))
    return [*watching, *saving, GracefulStop(session.request)]


def _logger(stage: str, session: Session, saved: Saved | None) -> Logger | bool:
    """A logger with a folder of the stage's own: each stage counts its epochs from 1."""
    config = session.config.logger
    if config is None:
        return False
    version = "/".join(filter(None, [config.version, stage]))
    extra: dict[str, Any] = {"save_dir": session.run_dir, "version": version}
    if saved is not None:  # TensorBoard drops later steps, which are about to be written again
        extra["purge_step"] = saved.epochs + 1
    logger: Logger = instantiate({**asdict(config), **extra})
    return logger


def _quieten_libraries() -> None:
    """Send messages of Lightning and torch to the run's log, not to the terminal."""
    for name in ("lightning", "lightning.pytorch", "lightning.fabric", "py.warnings"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    warnings.simplefilter("default")
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", category=ResourceWarning)  # a log file on a full disk
    logging.captureWarnings(True)
    keep_writer_threads_quiet()
    loguru.logger.disable("vector_quantize_pytorch")  # its k-means warnings: the rows show health
