"""Lightning checkpoint → file, whole or not at all; read as plain data only."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO

from distill.errors import RunError
from distill.system.atomic import whole_file
from distill.training.records.run_folder import best_instead


class AtomicCheckpointIO(CheckpointIO):
    """Flushed to disk before it gets its name, unlike Lightning's own."""

    def __init__(self) -> None:
        self.failure: OSError | None = None
        """Why the newest save failed. Kept, not raised: only the first rank writes, and one that
        left by itself would leave the others waiting.
        """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write `checkpoint` under `path`, or note in `failure` why not."""
        archive = io.BytesIO()  # in memory first: a full disk is then an OSError that says so
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
        """Read a checkpoint; raises RunError for a file that is damaged or holds more than plain
        data.
        """
        try:
            with zipfile.ZipFile(path) as archive:  # torch does not look at the sums in there
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
            instead = best_instead(Path(path).parent.parent)
            raise RunError(
                f"{path}: damaged, or not a checkpoint{'; ' * bool(instead)}{instead}"
            ) from error
        return checkpoint

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint if it is there."""
        Path(path).unlink(missing_ok=True)
