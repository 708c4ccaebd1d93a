"""a bundle without its weights → one entry of the library's index ↔ JSON. No torch."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.bundle import SUFFIX
from distill.codec.description import Metadata
from distill.codec.yardstick import OF_MELS
from distill.model.sizing import bitrate_kbps
from distill.prior.state import PriorState, PriorTraining
from distill.system.json_values import without_nan
from distill.system.ranges import or_null, within
from distill.system.validation import InvalidError, instance_of
from distill.vocoder.state import VocoderState, VocoderTraining

if TYPE_CHECKING:
    from distill.bundle.content import BundleContent

CURVE_POINTS = 48
CURVES = ("train_losses", "val_losses")
LONGEST_FILE = 255


@dataclass(frozen=True)
class VocoderFacts(VocoderTraining):
    """The type of a model's own vocoder, and how it was trained."""

    type: str = field(kw_only=True)
    other_sounds: bool = False
    """Whether it was trained on other sounds than the codec."""


@dataclass(frozen=True)
class PriorFacts(PriorTraining):
    """The type of a model's prior, how it was trained, and what it can be asked for."""

    type: str = field(kw_only=True)
    other_sounds: bool = False
    """Whether it was trained on other sounds than the codec."""
    classes: list[str] = field(default_factory=list)
    """Names of the classes that it knows, if there are several."""
    sounds: int | None = field(default=None, metadata=or_null())
    """How many sounds it knows; 0 if it was shared without them, None if that was not written
    down.
    """


@dataclass(frozen=True)
class Entry:
    """A model in the library; the keys of its JSON object are these fields."""

    id: str
    name: str
    description: str
    file: str
    """Name of the bundle in the library folder."""
    size_bytes: int
    checksum: str
    """Checksum of the whole bundle."""
    codec_digest: str
    """Digest of the parts of the bundle that codes depend on."""
    dataset_name: str
    dataset_file_count: int
    dataset_total_duration_s: float
    training_date: str
    save_date: str
    training_epochs: int
    final_train_loss: float | None
    final_val_loss: float | None
    levels: int
    codebook_size: int
    sample_rate_hz: int
    bitrate_kbps: float
    """Bitrate of one channel, with all levels."""
    codebook_health: dict[str, dict[str, float | None]]
    loss_curve: dict[str, list[float | None]]
    """`train_losses` and `val_losses`; for a long run, each value is a mean over several epochs."""
    tags: list[str]
    vocoder: VocoderFacts | None
    prior: PriorFacts | None
    distill_version: str
    low_levels: int = 0
    """Levels that only the low rows of the latent grid have."""
    low_codebook_size: int = 0
    quantizer: str = "residual_vq"
    packages: list[str] = field(default_factory=list)
    """Those, besides distill, whose parts it was trained with."""
    heard: dict[str, float] = field(default_factory=dict)
    """Held-out figures of the last epoch, those of the yardstick that are known: `mel_db` ..."""

    min_utilization: float = field(default=0.0, metadata=within(0, 1))
    """The `health.min_utilization` of the run that made it; 0 if it is not known, so that no level
    is low.
    """

    @property
    def saved_s(self) -> float:
        """When it was saved, in Unix time, whatever the zone; 0 if that is not known."""
        try:
            return datetime.fromisoformat(self.save_date).timestamp()
        except (ValueError, OverflowError, OSError):
            return 0.0

    @property
    def is_without_sounds(self) -> bool:
        """Whether its prior was shared without the sounds that new ones are made of."""
        return self.prior is not None and self.prior.sounds == 0

    @property
    def worst_utilization(self) -> float | None:
        """The lowest utilization of all levels; None if it is not known."""
        shares = [level.get("utilization") for level in self.codebook_health.values()]
        return min((share for share in shares if share is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """The entry as a JSON object of plain values."""
        states = {"vocoder": self.vocoder, "prior": self.prior}
        return {**vars(self), **{key: state and dict(vars(state)) for key, state in states.items()}}

    @classmethod
    def from_json(cls, value: object) -> Entry:
        """Read an entry; raises InvalidError if it is damaged: a missing key, a wrong type, a file
        outside the library folder.
        """
        entry = instance_of(cls, value)
        if Path(entry.file).name != entry.file or entry.file.startswith("."):
            raise InvalidError("file", "is not the name of a file in the library folder")
        if not entry.file.endswith(SUFFIX):
            raise InvalidError("file", "is not the name of a bundle")
        if "\0" in entry.file or len(os.fsencode(entry.file)) > LONGEST_FILE:
            raise InvalidError("file", "is not a name that a file can have")
        for curve in CURVES:
            if curve not in entry.loss_curve:
                raise InvalidError(f"loss_curve.{curve}")
        return entry

    @classmethod
    def of(cls, content: BundleContent, path: Path) -> Entry:
        """The entry of a bundle; raises InvalidError for a file name that a library cannot have."""
        network, mel = content.vqvae_config, content.spectrogram_config
        history = asdict(content.loss_curve_history)
        health = content.codebook_health_snapshot
        value = {
            **{key: getattr(content.metadata, key) for key in FROM_METADATA},
            "id": content.metadata.model_id,
            "file": path.name,
            "size_bytes": path.stat().st_size,
            "checksum": content.checksum,
            "codec_digest": content.codec_digest,
            "levels": network.num_quantizers,
            "codebook_size": network.codebook_size,
            "sample_rate_hz": mel.sample_rate_hz,
            "low_levels": network.low_levels,
            "low_codebook_size": network.low_codebook_size,
            "quantizer": network.quantizer,
            "bitrate_kbps": bitrate_kbps(
                network.layout(mel.n_mels),
                columns_per_s=mel.sample_rate_hz / (mel.hop_length * network.stride),
            ),
            "codebook_health": {level: asdict(figures) for level, figures in health.items()},
            "loss_curve": {key: _thin(history[key]) for key in CURVES},
            "heard": _heard_figures(history),
            "min_utilization": _min_utilization(content.training_config),
            "vocoder": _facts(content.vocoder_state, content.metadata),
            "prior": _facts(content.prior_state, content.metadata),
        }
        return cls.from_json(without_nan(value))


FROM_METADATA = {spec.name for spec in fields(Entry)} & {spec.name for spec in fields(Metadata)}


def _facts(state: VocoderState | PriorState | None, codec: Metadata) -> dict[str, Any] | None:
    if state is None:
        return None
    facts = {**asdict(state.training_metadata), "type": state.type}
    sounds = state.training_metadata.dataset_fingerprint
    facts["other_sounds"] = sounds not in ("", codec.dataset_fingerprint)
    if isinstance(state, PriorState):
        facts["classes"] = list(state.config.get("classes", ()))
        sounds_known = state.config.get("sounds")
        facts["sounds"] = len(sounds_known) if isinstance(sounds_known, list | tuple) else None
    return facts


def _heard_figures(history: Mapping[str, Sequence[float]]) -> dict[str, float]:
    curves = {key: history[f"val_{key}"] for key in OF_MELS}
    return {key: curve[-1] for key, curve in curves.items() if curve and math.isfinite(curve[-1])}


def _min_utilization(training_config: Mapping[str, Any]) -> float:
    """As the run's settings say, which anybody can have written; 0 if they do not."""
    group = training_config.get("health")
    share = group.get("min_utilization") if isinstance(group, dict) else None
    return float(share) if isinstance(share, int | float) and 0 <= share <= 1 else 0.0


def _thin(losses: Sequence[float]) -> list[float]:
    """Reduce a curve to at most CURVE_POINTS values, each the mean of neighbouring epochs."""
    points = min(CURVE_POINTS, len(losses))
    edges = [round(point * len(losses) / points) for point in range(points + 1)] if points else []
    means = (sum(losses[a:b]) / (b - a) for a, b in zip(edges, edges[1:], strict=False))
    return [float(f"{mean:.5g}") for mean in means]
