"""Folders of runs as a process would have left them, or is leaving them now: rows of progress."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from distill.catalog.catalog import Catalog
from distill.dashboard.state.runs import Runs
from distill.listen.folder import PAGE
from distill.runs.progress import ProgressFile
from distill.runs.rows import (
    ChoiceRow,
    EndRow,
    EpochRow,
    Row,
    SoundsRow,
    StageRow,
    StartRow,
    StepRow,
)
from distill.system.run_parts import PROGRESS
from tests.helpers.fake_calls import listen_page
from tests.helpers.made_bundle import publish_bundle
from tests.helpers.summaries import run_summary, stage_summary

GONE = (2**22 + 1, 1.0)
"""Process and start of nobody."""
SETTINGS: dict[str, Any] = {
    "data": {"root": ["/sounds"]},
    "rvq": {"levels": 2, "codebook_size": None},
    "model": {"commitment_weight": 0.25},
    "health": {"min_utilization": 0.3},
}
REMEDY = (
    "level 1: only 20.0% of its codes are used; try rvq.codebook_size=64 (fewer sounds than codes)"
)


class FakeRun:
    """One run; `alive` makes this test its process."""

    def __init__(
        self,
        outputs: Path,
        name: str = "2026-01-31_14-00-00_kit",
        *,
        alive: bool = False,
        folder: str = "train",
    ) -> None:
        self.run_dir = outputs / folder / name
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self._file = ProgressFile(self.run_dir)
        own = (os.getpid(), psutil.Process().create_time())
        self.process = own if alive else GONE

    def write(self, *rows: Row) -> FakeRun:
        """Append rows."""
        for row in rows:
            self._file.write(row)
        return self

    def start(
        self, *, name: str = "kit", resumed: bool = False, root: object = ("/sounds",)
    ) -> FakeRun:
        """The rows before training."""
        settings = {**SETTINGS, "data": {"root": root and list(root)}}  # type: ignore[call-overload]
        return self.write(
            StartRow(*self.process, resumed, name, ["codec", "vocoder"], settings),
            SoundsRow("kit", 12, 6.0, {"not audio": 1}, 11, 1),
            ChoiceRow("codec", "codebook size", 64, "12 files suggest 64"),
        )

    def step(self, epoch: int = 1, *, stage: str = "codec") -> FakeRun:
        """A row within an epoch."""
        return self.write(StepRow(stage, epoch, 10, 3, 8, 0.5, 10.0, 30.0))

    def epoch(
        self,
        number: int,
        *,
        second_level: float = 0.9,
        news: tuple[str, ...] = (),
        figures: Mapping[str, float] | None = None,
    ) -> FakeRun:
        """A row of an epoch, with the health of two levels; `figures` take the place of some."""
        levels = [
            {
                "utilization": share,
                "perplexity": 40.0 * share,
                "dead_codes": round(64 * (1 - share)),
            }
            for share in (0.95, second_level)
        ]
        health = {"levels": levels, "positions": 2_000, "codebook_size": 64, "complete": True}
        usual = {
            "train/loss": 1 / number,
            "val/loss": 1.1 / number,
            "train/reconstruction": 0.9 / number,
            "train/commitment": 0.1 / number,
            "val/mel_db": 2.0,
        }
        return self.write(
            EpochRow(
                "codec",
                number,
                10,
                {**usual, **(figures or {})},
                {"health": health},
                list(news),
                0,
                5.0 * number,
                50.0 - 5 * number,
            )
        )

    def stage(self) -> FakeRun:
        """The codec has ended."""
        return self.write(StageRow("codec", stage_summary("codec", verdict="converged")))

    def end(self, reason: str = "finished", detail: str = "") -> FakeRun:
        """The process has ended."""
        return self.write(EndRow(reason, detail))

    def publish(self, library: Catalog, *, new_sounds: str = "", **states: Any) -> FakeRun:
        """Its model is in the library, and its new sounds are in this folder of the run."""
        entry = publish_bundle(library, "kit", fields=states)
        page = self.run_dir / new_sounds / PAGE if new_sounds else None
        if page:
            listen_page(page.parent)
        run_summary(
            stage_summary("codec"),
            model_id=entry.id,
            published=str(library.path_of(entry)),
            new_sounds_page=page and str(page),
        ).write(self.run_dir)
        return self

    def can_be_resumed(self) -> FakeRun:
        """What it takes to go on."""
        (self.run_dir / "config.yaml").write_text("name: kit\n")
        (self.run_dir / "checkpoints").mkdir(exist_ok=True)
        (self.run_dir / "checkpoints" / "last.ckpt").write_bytes(b"")
        return self

    def cut_last_row(self) -> FakeRun:
        """As a kill leaves it: half a row at the end."""
        path = self.run_dir / PROGRESS
        path.write_bytes(path.read_bytes() + json.dumps({"event": "step"}).encode()[:9])
        return self


def show_run(runs: Runs, run: str | None = None) -> dict[str, Any]:
    """What the page is told of one run, or of the first."""
    value = runs.show(run, "")
    assert value is not None
    return dict(value["run"])
