"""configuration + collection → a trained run folder: sizes, builds, fits, sums up."""

from __future__ import annotations

import logging
import os
import shlex
import time
import uuid
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning
import loguru
import torch
from hydra.utils import instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies import DDPStrategy, Strategy
from omegaconf import OmegaConf
from torch.distributed import DistError

import distill
from distill.data.datamodule import SegmentDataModule
from distill.data.source import Source
from distill.errors import RunError, WriteError
from distill.settings.schema import TrainConfig
from distill.sweep.job import stop_marker
from distill.system.atomic import remove_partial_files, write_text
from distill.system.paths import path_of
from distill.system.terminal import counted, say
from distill.training.callbacks import BundleCheckpoint, CodebookHealthMonitor, GracefulStop
from distill.training.checkpoint_io import AtomicCheckpointIO
from distill.training.codec.completion import complete, network_config, spectrogram_config
from distill.training.codec.module import DistillModule
from distill.training.event_files import EventFiles, keep_writer_threads_quiet
from distill.training.interrupt import RunStopped, StopRequest
from distill.training.ranks.processes import Ranks, check_cores, is_first
from distill.training.schedule import RunClock
from distill.training.summary import Summary, show, summarise

log = logging.getLogger(__name__)


def train_run(
    config: TrainConfig, source: Source, data: SegmentDataModule, run_dir: Path, *, resume: bool
) -> Summary | None:
    """Train, or go on training, in `run_dir`, until the end or a stop request; the first rank
    writes and shows the summary, the others have none.

    `config` is completed in place (sizes, epochs, normalisation) and written to
    `run_dir/config.yaml`. Raises RunStopped after everything is saved if a signal ended the run,
    RunError if it cannot go on.
    """
    _quieten_libraries()
    done = _done_before(config, run_dir) if resume else None
    fitting_size = complete(config, source, data)
    settings = OmegaConf.to_yaml(OmegaConf.structured(config))
    if is_first():
        if not resume:
            _write_settings(run_dir / "config.yaml", settings)
        remove_partial_files(run_dir)
        remove_partial_files(run_dir / "checkpoints")
    with (
        StopRequest(stop_marker(run_dir)) as request,
        Ranks(settings, run_dir, resume=resume) as ranks,
    ):
        module = _module(config, source)
        callbacks = _callbacks(config, run_dir, request, fitting_size)
        trainer = _trainer(config, run_dir, callbacks, done)
        if isinstance(trainer.strategy, DDPStrategy) and not _started_outside(trainer.strategy):
            if isinstance(trainer.accelerator, CPUAccelerator):
                check_cores(trainer.num_devices)
            ranks.start(trainer.num_devices, trainer.num_nodes)
        checkpoint = run_dir / "checkpoints" / "last.ckpt" if resume else None
        stopped = _fit(trainer, module, data, checkpoint, ranks)
    if not is_first():
        if stopped:
            raise stopped
        return None
    monitor = next(
        (callback for callback in callbacks if isinstance(callback, CodebookHealthMonitor)), None
    )
    summary = summarise(
        module,
        monitor,
        run_dir=run_dir,
        finished=stopped is None,
        min_utilization=config.health.min_utilization,
        library=path_of(config.library.dir),
        sounds=source.folders,
    )
    failures = [c.failure for c in callbacks if isinstance(c, BundleCheckpoint) and c.failure]
    failures += [c.failure for c in trainer.loggers if isinstance(c, EventFiles) and c.failure]
    try:
        if not (run_dir / "config.yaml").exists():
            failures.append(f"{run_dir} was taken away while the run went on, and is made again")
            write_text(run_dir / "config.yaml", settings)
        summary.write(run_dir / "summary.json")
    except OSError as error:
        failures.append(f"summary.json not saved: {error.strerror}")
    show(summary)
    if summary.finished and summary.bundle and not summary.published:
        add = f"python -m distill.library add {shlex.quote(summary.bundle)}"
        failures.append(f"not published in {config.library.dir}, which `{add}` does later")
    if failures:
        kept = "what was saved before is whole" if summary.bundle else "nothing of it is saved"
        raise RunError(f"{'; '.join(failures)}; {kept}")
    if stopped:
        raise stopped
    return summary


def _write_settings(path: Path, settings: str) -> None:
    try:
        write_text(path, settings)
    except OSError as error:  # without them, no run could go on
        raise WriteError(path, error) from error


def _done_before(config: TrainConfig, run_dir: Path) -> int:
    """Epochs behind the run's last checkpoint; raises RunError if there is no more to do."""
    state = AtomicCheckpointIO().load_checkpoint(run_dir / "checkpoints" / "last.ckpt")
    if "distill" not in state:
        raise RunError(f"{run_dir}: checkpoints/last.ckpt is not a checkpoint of distill")
    epochs = len(state["distill"]["bundle"]["loss_curve_history"]["train_losses"])
    clock = RunClock(config.trainer)
    clock.elapsed_before_s = state["distill"]["elapsed_s"]
    minutes, limits = clock.elapsed_before_s / 60, config.trainer
    over = limits.max_epochs is not None and epochs >= limits.max_epochs
    over = over or clock.time_is_nearly_up
    if over and (run_dir / "summary.json").exists():
        raise RunError(
            f"{run_dir}: this run is complete ({counted(epochs, 'epoch')}, {minutes:.1f} minutes); "
            "to train on, give a larger trainer.max_epochs= or trainer.max_minutes="
        )
    say(f"going on after {counted(epochs, 'epoch')}: {run_dir}")
    return epochs


def _trainer(
    config: TrainConfig, run_dir: Path, callbacks: list[lightning.Callback], done: int | None
) -> lightning.Trainer:
    limits = config.trainer
    try:
        return lightning.Trainer(
            default_root_dir=run_dir,
            max_epochs=limits.max_epochs or -1,
            accelerator=limits.accelerator,
            devices=limits.devices,
            num_nodes=limits.num_nodes,
            strategy=_strategy(limits.strategy),
            precision=limits.precision,  # type: ignore[arg-type]
            gradient_clip_val=limits.gradient_clip_val,
            callbacks=callbacks,
            logger=_logger(config, run_dir, done),
            plugins=[AtomicCheckpointIO()],
            num_sanity_val_steps=0,  # it would initialise the codebooks from validation data
            log_every_n_steps=1,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,  # the data module shares the draws out itself
        )
    except (MisconfigurationException, TypeError, RuntimeError) as error:  # each kind has its own
        raise RunError(
            f"trainer.accelerator={limits.accelerator} trainer.devices={limits.devices}: "
            f"not to be had on this machine: {error}"
        ) from error


def _fit(
    trainer: lightning.Trainer,
    module: DistillModule,
    data: SegmentDataModule,
    checkpoint: Path | None,
    ranks: Ranks,
) -> RunStopped | None:
    """Run the fit; a stop request comes back as a value, everything else is raised."""
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except RunStopped as stopped:
        return stopped
    except SystemExit as error:  # Lightning's answer to a second Ctrl-C
        raise KeyboardInterrupt from error
    except RuntimeError as error:  # a lost connection has no type of its own
        failure = ranks.wait_for_failure()
        if failure is None and not isinstance(error, DistError):
            raise
        raise RunError(
            f"{failure or f'a rank cannot be reached: {error}'}; {ranks.go_on()}"
        ) from error
    return None


def _strategy(name: str) -> Strategy | str:
    """Codebooks are the same on all ranks by themselves; sending them each step would cost time."""
    return DDPStrategy(broadcast_buffers=False) if name == "ddp" else name


def _started_outside(strategy: DDPStrategy) -> bool:
    assert strategy.cluster_environment is not None
    return strategy.cluster_environment.creates_processes_externally


def _module(config: TrainConfig, source: Source) -> DistillModule:
    training_config = asdict(config)
    # a bundle is passed on to others: which folders it came from is told by name, not by where they
    # lie
    training_config["data"]["root"] = [
        os.path.basename(os.path.normpath(root)) for root in config.data.folders
    ]
    return DistillModule(
        network_config(config),
        spectrogram_config(config),
        optimizer=config.optimizer,
        trainer=config.trainer,
        health=config.health,
        padding_weight=config.model.padding_weight,
        seed=config.seed,
        bundle_fields={
            "training_config": training_config,
            "metadata": {
                "model_id": uuid.uuid4().hex,
                "name": config.name,
                "description": "",
                "dataset_name": source.name,
                "dataset_file_count": source.files,
                "dataset_total_duration_s": source.duration_s,
                "dataset_fingerprint": source.fingerprint,
                "training_date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "tags": [],
                "distill_version": distill.__version__,
                "torch_version": str(torch.__version__),
            },
        },
    )


def _callbacks(
    config: TrainConfig, run_dir: Path, request: StopRequest, fitting_size: int
) -> list[lightning.Callback]:
    """The callbacks of conf/callbacks, each with what only the run knows."""
    from_run: dict[str, dict[str, Any]] = {
        "codebook_health": {
            "min_utilization": config.health.min_utilization,
            "fitting_codebook_size": fitting_size,
        },
        "previews": {"run_dir": run_dir},
        "best": {"run_dir": run_dir},
        "last": {"run_dir": run_dir},
    }
    settings = {**vars(config.callbacks), **config.callbacks.extra}
    settings.pop("extra")
    callbacks = [
        instantiate(
            values if isinstance(values, dict) else asdict(values), **from_run.get(name, {})
        )
        for name, values in settings.items()
        if values is not None
    ]
    ordinary = [callback for callback in callbacks if not isinstance(callback, BundleCheckpoint)]
    saving = [callback for callback in callbacks if isinstance(callback, BundleCheckpoint)]
    return [*ordinary, *saving, GracefulStop(request)]


def _logger(config: TrainConfig, run_dir: Path, done: int | None) -> Logger | bool:
    if config.logger is None:
        return False
    extra: dict[str, Any] = {"save_dir": run_dir}
    if done is not None:  # what the event files hold beyond is about to be written again
        extra["purge_step"] = done + 1
    logger: Logger = instantiate(asdict(config.logger), **extra)
    return logger


def _quieten_libraries() -> None:
    """What Lightning and torch have to say goes to the run's log, not between the rows on the
    terminal.
    """
    for name in ("lightning", "lightning.pytorch", "lightning.fabric", "py.warnings"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    warnings.simplefilter("default")
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", category=ResourceWarning)  # a log that a full disk cut off
    logging.captureWarnings(True)
    keep_writer_threads_quiet()
    loguru.logger.disable("vector_quantize_pytorch")  # few vectors for k-means: the rows tell it
