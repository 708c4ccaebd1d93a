"""a run that ended, however it ended → the closing table and `summary.json`."""

from __future__ import annotations

import json
import logging
import math
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from distill.catalog.catalog import Catalog
from distill.catalog.index import DEFAULT_FOLDER
from distill.errors import DistillError
from distill.model.sizing import bitrate_kbps
from distill.settings.schema import TrainerConfig
from distill.system.atomic import write_text
from distill.system.terminal import console, counted, duration, say
from distill.training.callbacks.codebook_health import CodebookHealthMonitor
from distill.training.codec.module import DistillModule
from distill.training.verdict import verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Summary:
    """What is worth knowing of a run; `summary.json` has these keys."""

    name: str
    model_id: str
    finished: bool
    verdict: str
    epochs: int
    elapsed_s: float
    final_train_loss: float | None
    final_val_loss: float | None
    final_mel_db: float | None
    best_epoch: int | None
    best_val_loss: float | None
    best_mel_db: float | None
    codebook_size: int
    bitrate_kbps: float
    health: dict[str, dict[str, float]]
    health_positions: int
    val_health: dict[str, dict[str, float]]
    val_health_positions: int
    warnings: list[str]
    skipped_steps: int
    bundle: str | None
    bundle_bytes: int | None
    published: str | None
    next_commands: list[str]

    def write(self, path: Path) -> None:
        """As JSON; what is not a number is null."""
        write_text(path, json.dumps(_without_nan(asdict(self)), indent=1, ensure_ascii=False))


def summarise(
    module: DistillModule,
    monitor: CodebookHealthMonitor | None,
    *,
    run_dir: Path,
    finished: bool,
    min_utilization: float,
    library: Path,
    sounds: Sequence[str],
) -> Summary:
    """Gather the run's figures, and publish the bundle of a finished run in the library.

    The bundle is the best one, or the last if there is no best yet. `sounds` are the folders that
    it was trained on, and proposed to listen to.
    """
    history = module.history
    health = module.measure_health() if history.epochs or module.trainer.global_step else None
    best = history.best_epoch if history.epochs else None
    bundle = next(
        (path for name in ("best", "last") if (path := run_dir / f"{name}.distillgan").exists()),
        None,
    )
    published = _publish(bundle, run_dir, library) if bundle and finished else None
    spectrogram, network = module.spectrogram.config, module.vqvae_config
    return Summary(
        name=module.bundle_fields["metadata"]["name"],
        model_id=module.bundle_fields["metadata"]["model_id"],
        finished=finished,
        verdict=verdict(history, health, min_utilization=min_utilization, finished=finished),
        epochs=history.epochs,
        elapsed_s=round(module.clock.elapsed_s, 1),
        final_train_loss=history.train_losses[-1] if history.epochs else None,
        final_val_loss=history.val_losses[-1] if history.epochs else None,
        final_mel_db=history.val_mel_db[-1] if history.epochs else None,
        best_epoch=None if best is None else best + 1,
        best_val_loss=None if best is None else history.val_losses[best],
        best_mel_db=None if best is None else history.val_mel_db[best],
        codebook_size=network.codebook_size,
        bitrate_kbps=bitrate_kbps(
            sample_rate_hz=spectrogram.sample_rate_hz,
            hop_length=spectrogram.hop_length,
            n_mels=spectrogram.n_mels,
            stride=module.model.stride,
            levels=network.num_quantizers,
            codebook_size=network.codebook_size,
        ),
        health=health.snapshot() if health else {},
        health_positions=health.positions if health else 0,
        val_health=module.val_health.snapshot() if module.val_health else {},
        val_health_positions=module.val_health.positions if module.val_health else 0,
        warnings=list(monitor.events) if monitor else [],
        skipped_steps=module.skipped_steps,
        bundle=str(_from_here(bundle)) if bundle else None,
        bundle_bytes=bundle.stat().st_size if bundle else None,
        published=str(published) if published else None,
        next_commands=[
            *_listening(bundle, published, sounds),
            *_next_commands(
                _from_here(run_dir),
                module.limits,
                finished=finished,
                elapsed_s=module.clock.elapsed_s,
            ),
        ],
    )


def show(summary: Summary) -> None:
    """Print the closing tables; the bundle's path is the last line."""
    losses = Table(
        title=Text(
            f"{summary.name}: {counted(summary.epochs, 'epoch')} in {duration(summary.elapsed_s)}"
        ),
        title_justify="left",
    )
    for column in ("", "epoch", "train loss", "val loss", "mel error"):
        losses.add_column(column, justify="left" if not column else "right")
    losses.add_row(
        "final",
        str(summary.epochs),
        _number(summary.final_train_loss),
        _number(summary.final_val_loss),
        _number(summary.final_mel_db, "dB"),
    )
    losses.add_row(
        "best",
        str(summary.best_epoch or ""),
        "",
        _number(summary.best_val_loss),
        _number(summary.best_mel_db, "dB"),
    )
    console.print(losses)
    levels = Table(
        title=f"codebooks at the end: {summary.codebook_size} codes a level, "
        f"{summary.bitrate_kbps:.2f} kbit/s, {summary.health_positions:,} training "
        f"and {summary.val_health_positions:,} held-out positions",
        title_justify="left",
    )
    for column in (
        "level",
        "utilization",
        "perplexity",
        "dead codes",
        "held-out utilization",
        "held-out perplexity",
    ):
        levels.add_column(column, justify="right")
    for level, health in summary.health.items():
        held_out = summary.val_health.get(level)
        levels.add_row(
            level.removeprefix("level_"),
            f"{health['utilization']:.1%}",
            f"{health['perplexity']:.1f}",
            f"{health['dead_codes']:.0f}",
            f"{held_out['utilization']:.1%}" if held_out else "",
            f"{held_out['perplexity']:.1f}" if held_out else "",
        )
    console.print(levels)
    for warning in summary.warnings:
        say(f"warning: {warning}")
    if summary.skipped_steps:
        console.print(
            f"skipped steps, because something in them was not finite: {summary.skipped_steps}"
        )
    say(f"verdict: {summary.verdict}")
    console.print("next:")
    for command in summary.next_commands:
        say(f"  {command}")
    if summary.published:
        shown = _from_here(Path(summary.published))
        say(f"in the library as {shown}")
    if summary.bundle and summary.bundle_bytes is not None:
        say(f"model ({summary.bundle_bytes / 1e6:.1f} MB):")
        say(summary.bundle)


def _listening(bundle: Path | None, published: Path | None, sounds: Sequence[str]) -> list[str]:
    if bundle is None:
        return []
    at_home = published and published.parent == DEFAULT_FOLDER.absolute()
    model = published.stem if published and at_home else str(_from_here(published or bundle))
    folders = [str(_from_here(Path(folder))) for folder in sounds]
    return [shlex.join(["python", "-m", "distill.reconstruct", model, *folders, "-o", "listen"])]


def _next_commands(
    run_dir: Path, limits: TrainerConfig, *, finished: bool, elapsed_s: float
) -> list[str]:
    shown = shlex.quote(str(run_dir))
    longer = ""
    if finished and limits.max_epochs:
        longer += f" trainer.max_epochs={2 * limits.max_epochs}"
    if finished and limits.max_minutes:
        spent_minutes = math.ceil(elapsed_s / 60)
        longer += f" trainer.max_minutes={2 * max(limits.max_minutes, spent_minutes):g}"
    commands = [f"tensorboard --logdir {shlex.quote(str(_logdir(run_dir)))}"]
    if (run_dir / "checkpoints" / "last.ckpt").exists():  # a full disk may have had no room for it
        commands.append(f"python -m distill.train resume={shown}{longer}")
    return commands


def _publish(bundle: Path, run_dir: Path, library: Path) -> Path | None:
    """Copy the bundle into the library, over what the same run published when it ended before."""
    try:
        before = json.loads((run_dir / "summary.json").read_text(encoding="utf-8"))
        earlier = Path(before["published"]).name
    except (OSError, ValueError, KeyError, TypeError):  # it was not published before
        earlier = None
    try:
        return Catalog(library).publish(bundle, earlier=earlier).absolute()
    except (OSError, DistillError) as error:
        log.warning("not published in %s: %s; the run's own files are whole", library, error)
        return None


def _from_here(path: Path) -> Path:
    """Short where the reader stands: relative inside the working directory."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _logdir(run_dir: Path) -> Path:
    """Where TensorBoard finds this run and its neighbours: `outputs`, unless it lies apart."""
    return run_dir.parent.parent if run_dir.parent.name == "train" else run_dir


def _number(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.2f} {unit}" if unit else f"{value:.4f}"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
