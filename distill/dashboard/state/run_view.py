"""a run folder → how the run is, as the page shows it; everything is read from disk."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from psutil import pid_exists

from distill.catalog.index import NAME as INDEX
from distill.catalog.index import read_index
from distill.dashboard.state.kept import MARKS, mark
from distill.dashboard.state.places import Places
from distill.dashboard.state.processes import (
    SAME_START_S,
    Started,
    is_alive,
    last_words,
    read_started,
)
from distill.dashboard.state.progress_record import ProgressRecord, StageRecord
from distill.dashboard.state.run_facts import (
    chart_of,
    choices_of,
    describe_sounds,
    heard_of,
    is_stale,
    levels_of,
    missing_of,
    news_of,
    settings_of,
    sounds_advice,
    stages_of,
    verdicts_of,
)
from distill.dashboard.state.run_state import State, sentence_of, time_left
from distill.dashboard.state.sounds import (
    coming_sounds,
    new_sounds_of,
    page_rows,
    preview_picture,
    preview_rows,
)
from distill.errors import LibraryError
from distill.listen.folder import PAGE
from distill.runs.folder import PREVIEWS, STOP, can_be_resumed, is_locked
from distill.runs.summary import Summary, read_summary
from distill.system.paths import written_ns
from distill.system.run_parts import SUMMARY
from distill.system.terminal import plain

WATCHED = (PREVIEWS, PAGE, SUMMARY)
"""What appears or changes in a run folder when there is something new to see or hear."""


class RunView:
    """One run. `update` first; what it shows holds until the next one."""

    def __init__(self, places: Places, run_dir: Path) -> None:
        self.places, self.run_dir = places, run_dir
        self.id = run_dir.relative_to(places.outputs).as_posix()
        self.record = ProgressRecord(run_dir)
        self.state = State.CUT_OFF
        self._ended: tuple[int, float] | None = None
        self._note: tuple[int, Started | None] = (0, None)
        self._summary: tuple[int, Summary | None] = (0, None)

    def update(self) -> None:
        """Read what is new."""
        self.record.update()
        try:
            self.state = self._find_state()
        except OSError:
            self.state = State.CUT_OFF

    @property
    def name(self) -> str:
        """The name of its model, or what its folder says of it."""
        name = self.record.start.name if self.record.start else None
        return plain(name or self.run_dir.name.split("_", 2)[-1])

    @property
    def begun_s(self) -> float:
        """When it began, in Unix time."""
        if self.record.begun_s is not None:
            return self.record.begun_s
        started = self._read_started()
        return started.pid_started_s if started else 0.0

    @property
    def asked_folders(self) -> list[str]:
        """The folders that its process was given, as long as it has said nothing itself."""
        started = self._read_started()
        return [word for word in (started.words if started else [])[1:] if os.path.isabs(word)]

    def _find_state(self) -> State:
        record = self.record
        started = self._newer_start()
        if started and started.is_alive:
            return State.STARTING
        if not record.start:
            return State.FAILED if started else State.CUT_OFF
        if record.end is not None:
            reasons = {"finished": State.FINISHED, "stopped": State.STOPPED}
            return reasons.get(record.end.reason, State.FAILED)
        if self._ended == record.process or not self._is_at_work(*record.process):
            self._ended = record.process  # it does not come back
            return State.CUT_OFF
        if (self.run_dir / STOP).exists():
            return State.STOPPING
        if record.step:
            return State.TRAINING
        return State.PREPARING if record.sounds else State.READING

    def _newer_start(self) -> Started | None:
        """A process that was started for it and has not said anything (yet)."""
        started = self._read_started()
        is_newer = started and started.pid_started_s > self.record.process[1] + SAME_START_S
        return started if is_newer else None

    def _is_at_work(self, pid: int, started_s: float) -> bool:
        """Whether its process runs. Where the clock was set since, only the lock tells."""
        return is_alive(pid, started_s) or (pid > 0 and pid_exists(pid) and is_locked(self.run_dir))

    def _read_started(self) -> Started | None:
        """The process that the dashboard started for it; its note is read once."""
        note = self.places.note_of(self.id)
        if (written := written_ns(note)) != self._note[0]:
            self._note = written, read_started(note)
        return self._note[1]

    @property
    def summary(self) -> Summary | None:
        """What the run left of itself when a stage ended last; read once."""
        if (written := written_ns(self.run_dir / SUMMARY)) != self._summary[0]:
            self._summary = written, read_summary(self.run_dir)
        return self._summary[1]

    @property
    def new_sounds(self) -> Path:
        """The folder of the new sounds that it made last, or is making."""
        coming = coming_sounds(self.run_dir) if self.state.is_active else None
        return coming or new_sounds_of(self.run_dir, self.summary)

    @property
    def version(self) -> str:
        """Another text whenever there is something new to show."""
        made = self.new_sounds
        watched = [*(self.run_dir / name for name in WATCHED), made, made / MARKS, made / PAGE]
        stamps = [self.state, self.record.rows, self._note[0]]
        library = self.places.library
        stamps += map(written_ns, (*watched, library, library / INDEX))
        return hashlib.sha1(repr(stamps).encode(), usedforsecurity=False).hexdigest()[:16]

    def heading(self) -> dict[str, Any]:
        """What a list of runs shows of it."""
        return {
            "id": self.id,
            "name": self.name,
            "folder": plain(self.run_dir.name),
            "state": self.state.value,
        }

    def show(self) -> dict[str, Any]:
        """Everything that the page shows of it, as plain values."""
        record = self.record
        epoch = record.stages.get("codec", StageRecord()).epoch
        model = self._model()
        previews = preview_rows(self.places, self.run_dir)
        is_active = self.state.is_active
        held_out = page_rows(self.places, self.run_dir) if not is_active else []
        return {
            **self.heading(),
            "version": self.version,
            "path": plain(str(self.run_dir)),
            "sentence": sentence_of(
                self.state,
                record,
                can_go_on=self.can_go_on,
                makes_sounds=None if model is None else model["prior"],
            ),
            "stages": stages_of(record),
            "left": time_left(self.state, record),
            "sounds": describe_sounds(record.sounds) if record.sounds else "",
            "sounds_advice": sounds_advice(record.sounds) if record.sounds else "",
            "choices": choices_of(record),
            "settings": settings_of(record.start) if record.start else [],
            "levels": levels_of(epoch, record.start) if epoch else None,
            "heard": heard_of(epoch.figures, is_active=is_active) if epoch else [],
            "warnings": news_of(record)[-12:],
            "charts": [
                chart
                for name, each in reversed(record.stages.items())
                if (chart := chart_of(name, each, is_active=is_active and name == record.stage))
            ],
            "previews": {
                "label": previews[0],
                "rows": previews[1],
                "picture": preview_picture(self.places, self.run_dir),
            }
            if not held_out
            else {"label": "held-out sounds, by the best weights", "rows": held_out},
            "new_sounds": mark(
                self.places,
                page_rows(self.places, self.new_sounds),
                varies=model is not None and model["prior"],
            ),
            "verdicts": verdicts_of(record),
            "commands": [
                plain(command)
                for command in (self.summary.next_commands if self.summary else [])
                if not is_stale(command)
            ],
            "model": model,
            "error": self._error(),
            "can_stop": self.can_stop and self.state != State.STOPPING,
            "can_go_on": self.can_go_on,
            "sounds_gone": self.missing_folders if self.can_go_on else "",
        }

    @property
    def missing_folders(self) -> str:
        """The folders of its sounds that are not there any more; empty if all are."""
        return missing_of(self.record.start) if self.record.start else ""

    @property
    def can_stop(self) -> bool:
        """Whether the run would see that it is to stop; one that starts looks at nothing old."""
        return self.state.is_active and self.state != State.STARTING

    @property
    def can_go_on(self) -> bool:
        """Whether the run can be continued."""
        ended = (State.STOPPED, State.FAILED, State.CUT_OFF)
        return self.state in ended and can_be_resumed(self.run_dir)

    def _model(self) -> dict[str, Any] | None:
        """The model that can be used by now, if it is in the library: a finished codec is."""
        with suppress(LibraryError):
            for entry in read_index(self.places.library).entries:
                is_it = self.summary is not None and entry.id == self.summary.model_id
                if is_it and (self.places.library / entry.file).is_file():
                    return {"file": entry.file, "prior": entry.prior is not None}
        return None

    def _error(self) -> str:
        refused = self._newer_start()  # by a command that has left no row
        if self.state.is_active or not (refused or self.state == State.FAILED):
            return ""
        end = None if refused else self.record.end
        detail = end.detail if end else ""
        return plain(detail or last_words(self.places.log_of(self.id)) or "it has said nothing")
