"""Lightning checkpoint → file, written completely or not at all; read as plain data only."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO

from distill.errors import RunError
from distill.runs.folder import best_epoch_advice
from distill.system.atomic import whole_file


class AtomicCheckpointIO(CheckpointIO):
    """Writes a temporary file, flushes it to disk and then renames it, unlike Lightning's own."""

    def __init__(self) -> None:
        self.failure: OSError | None = None
        """Why the newest save failed. Not raised: only the first rank writes, and if it ended alone
        the other ranks would wait for it.
        """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write `checkpoint` to `path`; if that is not possible, set `failure`."""
        archive = io.BytesIO()  # in memory first: then a full disk raises a clear OSError
        torch.save(checkpoint, archive)
        self.failure = None
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with whole_file(Path(path)) as partial:
                partial.write_bytes(archive.getbuffer())
        except OSError as error:
            self.failure = error

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint; raises RunError if it is damaged or holds more than plain data."""
        try:
            with zipfile.ZipFile(path) as archive:  # torch does not check the archive's checksums
                if damaged := archive.testzip():
                    raise RuntimeError(damaged)
            checkpoint: dict[str, Any] = torch.load(
                path, map_location=map_location or "cpu", weights_only=True
            )
        except (
            pickle.UnpicklingError,
            RuntimeError,
            EOFError,
            KeyError,
            OSError,
            ValueError,
            zipfile.BadZipFile,
        ) as error:
            advice = best_epoch_advice(Path(path).parent.parent)
            raise RunError(
                f"{path}: damaged, or not a checkpoint{'; ' * bool(advice)}{advice}"
            ) from error
        return checkpoint

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint if it exists."""
        Path(path).unlink(missing_ok=True)
