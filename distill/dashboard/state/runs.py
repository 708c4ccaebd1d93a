"""the folders of runs → all runs as they are; and what the page asks for: start, stop, go on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout

from distill.dashboard.state.folders import folders_of
from distill.dashboard.state.places import Places
from distill.dashboard.state.processes import as_words, start_verb, was_just_started
from distill.dashboard.state.run_state import State
from distill.dashboard.state.run_view import RunView
from distill.errors import RunError, WriteError
from distill.runs.folder import STOP, new_run_dir
from distill.system.locks import hold
from distill.system.paths import is_text, written_ns
from distill.system.run_parts import PROGRESS

MOST_LISTED = 60
DEMO = "demo"
START_WAITS_S = 10.0


@dataclass(frozen=True)
class RunRequest:
    """What somebody at the page wants to train; None leaves a setting to the run."""

    folder: str
    """Of the sounds, or several, as typed; empty for the demo collection."""
    levels: int | None = None
    commitment_weight: float | None = None
    epochs: int | None = None
    minutes: float | None = None
    """For the whole run."""
    learning_rate: float | None = None
    stages: tuple[str, ...] = ()
    name: str = ""

    def words(self, places: Places, run_dir: Path, folders: Sequence[str] = ()) -> list[str]:
        """The words of `python -m distill.train` for a new run in this folder; texts are quoted, so
        that nothing in them has a meaning.
        """
        from distill.settings.quoting import quote  # Hydra: only now needed

        words = as_words(
            {
                "rvq.levels": self.levels,
                "model.commitment_weight": self.commitment_weight,
                "trainer.max_epochs": self.epochs,
                "minutes": self.minutes,
                "optimizer.lr": self.learning_rate,
                "stages": f"[{','.join(self.stages)}]" if self.stages else None,
                "name": quote(self.name) if self.name else None,
                **places.settings,
                "hydra.run.dir": quote(str(run_dir)),
            }
        )
        return ["distill.train", *folders, *words]


class Runs:
    """All runs below the outputs folder. Each is read once, and then only what is new."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._views: dict[str, RunView] = {}
        self._earlier = 0
        """How many runs are not listed."""
        self._begun = 0
        """How often the folders were read, with a reading that is under way."""
        self._lock = threading.RLock()

    def update(self, begun: int | None = None) -> list[RunView]:
        """The runs as they are now, at most MOST_LISTED: those at work first, then the newest.

        Many who ask at once share a reading that began after they asked, when so many were `begun`.
        """
        begun = self._begun if begun is None else begun
        with self._lock:
            if self._begun == begun:
                self._read()
            return sorted(
                self._views.values(),
                key=lambda view: (view.state.is_active, view.begun_s),
                reverse=True,
            )

    def _read(self) -> None:
        self._begun += 1
        every = sorted(_run_folders(self.places), reverse=True)
        self._earlier = max(0, len(every) - MOST_LISTED)
        self._views = {
            path: self._views.get(path) or RunView(self.places, Path(path))
            for _, path in every[:MOST_LISTED]
        }
        for view in self._views.values():
            view.update()

    def find(self, run: str) -> RunView:
        """The run with this id; raises RunError."""
        for view in self.update():
            if view.id == run:
                return view
        raise RunError("there is no such run (any more)")

    def show(self, run: str | None, seen: str) -> dict[str, Any] | None:
        """All runs in short, and one of them, the given or the first, in full; None if the page has
        `seen` this.
        """
        begun = self._begun
        with self._lock:
            views = self.update(begun)
            shown = next((view for view in views if view.id == run), views[0] if views else None)
            headings = [view.heading() for view in views]
            told = {"runs": headings, "earlier": self._earlier}
            version = f"{shown.version if shown else ''}{hash(repr(told)) & 0xFFFFFFFF:x}"
            if seen == version:
                return None
            gone = bool(run) and not (shown and shown.id == run)
            return {"version": version, **told, "run": shown and shown.show(), "gone": gone}

    def start(self, request: RunRequest) -> str:
        """Start a run in a process of its own and return its id; raises RunError. The second of two
        clicks starts nothing more.
        """
        folders = folders_of(request.folder) if request.folder else []
        places = self.places
        sounds = set(map(os.path.realpath, folders)) or {DEMO}
        with self._one_at_a_time():
            for view in self.update():
                same = request.words(places, view.run_dir, folders)
                if was_just_started(places.note_of(view.id), same):
                    return view.id
                if view.state.is_active and _roots(view) == sounds:
                    raise RunError(f"{view.name} trains on these sounds already; stop it first")
            names = "_".join(Path(folder).name for folder in folders) or DEMO
            run_dir = new_run_dir(places.trained, request.name or names).absolute()
            run = run_dir.relative_to(places.outputs).as_posix()
            words = request.words(places, run_dir, folders)
            start_verb(words, log=places.log_of(run), note=places.note_of(run))
        return run

    def go_on(self, run: str, folder: str = "") -> None:
        """Continue a run from its last save, with its sounds in another `folder` by now if one is
        given; raises RunError.
        """
        places = self.places
        folders = folders_of(folder) if folder.strip() else []
        with self._one_at_a_time():
            view = self.find(run)
            if view.state.is_active:
                raise RunError(f"{view.name} is at work already")
            if not view.can_go_on:
                raise RunError(
                    f"{view.name} is complete"
                    if view.state == State.FINISHED
                    else f"{view.name} had saved nothing; start it again"
                )
            if view.missing_folders and not folders:
                raise RunError(
                    f"{view.missing_folders}: the sounds of this run are not there any more; "
                    "give the folder that they are in now"
                )
            words = as_words({"resume": view.run_dir, **places.settings})
            start_verb(
                ["distill.train", *folders, *words],
                log=places.log_of(run),
                note=places.note_of(run),
            )

    def stop(self, run: str) -> None:
        """Ask a run to save and end; raises RunError, WriteError."""
        view = self.find(run)
        if not view.can_stop:
            state = view.state if view.state.is_active else "not at work"
            raise RunError(f"{view.name} is {state}")
        try:
            (view.run_dir / STOP).touch()
        except OSError as error:
            raise WriteError(view.run_dir / STOP, error) from error

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Two tabs, or two dashboards, may start something at the same moment."""
        try:
            self.places.logs.mkdir(parents=True, exist_ok=True)
            with hold(self.places.logs / ".lock", timeout_s=START_WAITS_S):
                yield
        except Timeout as error:
            raise RunError("another start is at work; try again") from error
        except OSError as error:
            raise WriteError(self.places.logs, error) from error


def _run_folders(places: Places) -> Iterator[tuple[int, str]]:
    """When each run was written to last (ns), and its folder: what has rows of progress, and what
    was started and has none yet. A run at work writes every few seconds.
    """
    for folder in (places.trained, *map(Path, _folders(places.swept))):
        for run_dir in _folders(folder):
            newest_ns = written_ns(f"{run_dir}/{PROGRESS}") or written_ns(
                places.note_of(os.path.relpath(run_dir, places.outputs))
            )
            if newest_ns:
                yield newest_ns, run_dir


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as found:
            return [
                each.path
                for each in found
                if each.name[0] != "." and is_text(each.name) and each.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []


def _roots(view: RunView) -> set[str]:
    """The folders of sounds of a run, without links; DEMO for the demo collection."""
    start = view.record.start
    folders = start.roots if start else view.asked_folders
    return set(map(_real_path, folders)) or {DEMO}


def _real_path(folder: str) -> str:
    try:
        return os.path.realpath(folder)
    except ValueError:  # not a name
        return folder
