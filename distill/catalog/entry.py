"""what a bundle says of itself, without the weights ↔ one entry of the library's index."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from distill.bundle import SUFFIX
from distill.model.sizing import bitrate_kbps, total_stride

CURVE_POINTS = 48
CURVES = ("train_losses", "val_losses")
LONGEST_FILE = 255
LARGEST_NUMBER = 1e18
FROM_METADATA = (
    "name",
    "description",
    "dataset_name",
    "dataset_file_count",
    "dataset_total_duration_s",
    "training_date",
    "save_date",
    "training_epochs",
    "final_train_loss",
    "final_val_loss",
    "tags",
    "distill_version",
)


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
    """Of one channel, with all levels."""
    codebook_health: dict[str, dict[str, float | None]]
    loss_curve: dict[str, list[float | None]]
    """`train_losses` and `val_losses`, means over stretches of the run where it was long."""
    tags: list[str]
    vocoder: dict[str, str | int | float | None] | None
    """`type, epochs, final_loss, training_date`."""
    distill_version: str

    @property
    def worst_utilization(self) -> float | None:
        """Of the level that uses the smallest share of its codes."""
        shares = [level.get("utilization") for level in self.codebook_health.values()]
        return min((share for share in shares if share is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {key: getattr(self, key) for key in CHECKS}

    @classmethod
    def from_json(cls, value: object) -> Entry:
        """Raises ValueError for an entry that is damaged: a missing key, a wrong type, a file that
        is not one in the library folder.
        """
        if not isinstance(value, dict):
            raise ValueError("not an object")
        for key, fits in CHECKS.items():
            if key not in value:
                raise ValueError(f"{key} is missing")
            if not fits(value[key]):
                raise ValueError(f"{key} is not valid")
        file = value["file"]
        if Path(file).name != file or not file.endswith(SUFFIX) or file.startswith("."):
            raise ValueError("file is not a bundle in the library folder")
        if "\0" in file or len(os.fsencode(file)) > LONGEST_FILE:
            raise ValueError("file is not a name that a file can have")
        if not value["loss_curve"].keys() >= set(CURVES):
            raise ValueError("loss_curve is not complete")
        return cls(**{key: value[key] for key in CHECKS})

    @classmethod
    def of(cls, content: Mapping[str, Any], path: Path) -> Entry:
        """Entry of a bundle from its checked dictionary; raises ValueError if that holds values of
        the wrong type.
        """
        metadata, network = content["metadata"], content["vqvae_config"]
        mel = content["spectrogram_config"]
        vocoder = content.get("vocoder_state")
        try:
            levels, codebook_size = network["num_quantizers"], network["codebook_size"]
            value = {
                **{key: metadata[key] for key in FROM_METADATA},
                "id": metadata["model_id"],
                "file": path.name,
                "size_bytes": path.stat().st_size,
                "checksum": content["checksum"],
                "levels": levels,
                "codebook_size": codebook_size,
                "sample_rate_hz": mel["sample_rate_hz"],
                "bitrate_kbps": bitrate_kbps(
                    sample_rate_hz=mel["sample_rate_hz"],
                    hop_length=mel["hop_length"],
                    n_mels=mel["n_mels"],
                    stride=total_stride(network.get("stem_stride", 2), len(network["channels"])),
                    levels=levels,
                    codebook_size=codebook_size,
                ),
                "codebook_health": content["codebook_health_snapshot"],
                "loss_curve": {key: _thinned(content["loss_curve_history"][key]) for key in CURVES},
                "vocoder": vocoder and _vocoder(vocoder),
            }
        except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise ValueError(f"its description is not one that distill writes: {error}") from error
        return cls.from_json(_finite(value))


def _vocoder(state: Mapping[str, Any]) -> dict[str, Any]:
    training = state["training_metadata"]
    return {
        "type": str(state["type"]),
        **{key: training.get(key) for key in ("epochs", "final_loss", "training_date")},
    }


def _thinned(losses: Sequence[float]) -> list[float]:
    """At most CURVE_POINTS means over equal stretches."""
    points = min(CURVE_POINTS, len(losses))
    edges = [round(point * len(losses) / points) for point in range(points + 1)] if points else []
    means = (statistics.fmean(losses[a:b]) for a, b in zip(edges, edges[1:], strict=False))
    return [float(f"{mean:.5g}") for mean in means]


def _finite(value: Any) -> Any:
    """Numbers that JSON does not have become null."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _check_of(kind: Any) -> Callable[[Any], bool]:
    """Whether a JSON value is of the type that a field is annotated with, as a function of it."""
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        of_value = _check_of(arguments[1])
        return lambda value: (
            type(value) is dict
            and all(type(key) is str for key in value)
            and all(map(of_value, value.values()))
        )
    if get_origin(kind) is list:
        of_item = _check_of(arguments[0])
        return lambda value: type(value) is list and all(map(of_item, value))
    choices = arguments or (kind,)
    if any(get_origin(choice) for choice in choices):
        checks = [_check_of(choice) for choice in choices]
        return lambda value: any(check(value) for check in checks)
    numbers = {int} | {float} & set(choices) if {int, float} & set(choices) else set()
    others = set(choices) - numbers
    return lambda value: (
        type(value) in others
        or (
            type(value) in numbers and -LARGEST_NUMBER < value < LARGEST_NUMBER  # and no NaN
        )
    )


CHECKS = {key: _check_of(kind) for key, kind in get_type_hints(Entry).items()}
