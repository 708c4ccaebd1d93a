"""the folders that the dashboard reads from and writes to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Absolute folders; those that are missing are made when something is written."""

    outputs: Path
    library: Path

    @property
    def trained(self) -> Path:
        """Runs, a folder each."""
        return self.outputs / "train"

    @property
    def swept(self) -> Path:
        """Sweeps, a folder each, with a folder for each of their runs."""
        return self.outputs / "multirun"

    @property
    def new_sounds(self) -> Path:
        """A folder for each time that they were asked for."""
        return self.outputs / "generated"

    @property
    def kept(self) -> Path:
        """The new sounds that somebody chose to keep."""
        return self.outputs / "kept"

    @property
    def uploads(self) -> Path:
        """Sounds that came through the browser."""
        return self.outputs / "dashboard" / "uploads"

    @property
    def demo(self) -> Path:
        """Sounds of the demo collection, to play before there is a run."""
        return self.outputs / "dashboard" / "demo"

    @property
    def logs(self) -> Path:
        """What the processes that the dashboard started have printed."""
        return self.outputs / "dashboard" / "logs"

    @property
    def settings(self) -> dict[str, str]:
        """The settings by which a run writes here, wherever it has lain before."""
        from distill.settings.quoting import quote  # Hydra: only now needed

        folders = {"library.dir": self.library, "data.cache_dir": self.outputs / "cache"}
        return {key: quote(str(path)) for key, path in folders.items()}

    def log_of(self, run: str) -> Path:
        """Where the process of a run prints to, if the dashboard started it."""
        return self.logs / f"{run.replace('/', '__')}.log"

    def note_of(self, run: str) -> Path:
        """Where that process is noted."""
        return self.logs / f"{run.replace('/', '__')}.json"
