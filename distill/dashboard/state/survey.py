"""a folder of sounds → what a run would find in it, and the codebook size that fits: a process of
its own, since a broken file may end the program that reads it.

`python -m distill.dashboard.state.survey CACHE [FOLDER ...]` prints a JSON object a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from distill.cli.verb import verb_entry
from distill.dashboard.state.folders import folders_of
from distill.dashboard.state.places import Places
from distill.dashboard.state.processes import mistake_in
from distill.dashboard.state.run_facts import describe_sounds
from distill.errors import RunError
from distill.system.json_values import parse_object
from distill.system.terminal import duration, plain

MOST_FILES = 20_000
MOST_PAGES = 32
MOST_LINES = 100
"""Of what a survey prints, to find why it failed."""


class Surveys:
    """Surveys that pages asked for, each page one at a time: its newest."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._of_page: dict[str, _Survey] = {}

    def look(self, folder: str, *, page: str = "", again: bool = False) -> dict[str, Any]:
        """What is known of a folder by now; `again` begins to read it anew. Empty for the demo
        collection. `page` is any word by which the page that asks is known. Raises RunError.
        """
        folder = folder.strip()
        folders = folders_of(folder) if folder else []
        with self._lock:
            before = self._of_page.pop(page, None)
            if again or before is None or before.folders != folders:
                self._end(before)
                before = _Survey(self._places, folders)
            self._of_page[page] = before
            if len(self._of_page) > MOST_PAGES:
                self._end(self._of_page.pop(next(iter(self._of_page))))
            return {"folder": plain(folder), **before.found}

    def close(self) -> None:
        """End those at work."""
        for survey in self._of_page.values():
            self._end(survey)

    @staticmethod
    def _end(survey: _Survey | None) -> None:
        if survey and survey.process.poll() is None:
            survey.process.terminate()


class _Survey:
    """One of them, at work until `found` is not busy any more."""

    def __init__(self, places: Places, folders: list[str]) -> None:
        self.folders = folders
        self.found: dict[str, Any] = {"busy": True}
        cache = str(places.outputs / "cache")
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "distill.dashboard.state.survey", cache, *folders],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise RunError(f"the folder cannot be looked at: {error.strerror}") from error
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        assert self.process.stdout is not None
        printed: deque[str] = deque(maxlen=MOST_LINES)
        for line in self.process.stdout:
            printed.append(line)
            self.found = {**self.found, **parse_object(line)}
        if self.process.wait() != 0:
            self.found |= {"error": plain(mistake_in("".join(printed))) or "it ended"}
        self.found = {**self.found, "busy": False}


def main() -> None:
    """Read the folder, and print what is found."""
    with verb_entry():
        cache, *folders = sys.argv[1:]
        if folders and _holds_many(map(Path, folders)):
            _tell(
                sounds=f"more than {MOST_FILES:,} files: Start reads them all, which takes a while"
            )
            return
        from distill.data.segments import segments_of
        from distill.settings.compose import load_config
        from distill.settings.quoting import quote_folders, quote_text
        from distill.training.budget import usual_s
        from distill.training.codec.fitting import fitting_codebook_size, training_vectors
        from distill.training.sounds import collect, sounds_row

        words = [
            quote_text(f"data.cache_dir={cache}"),
            *([quote_folders(folders)] if folders else []),
        ]
        config = load_config(words, sweep=False)
        collection, split = collect(
            config, progress=lambda done, total: _tell(done=done, total=total)
        )
        _tell(sounds=describe_sounds(sounds_row(collection, split)))
        train = segments_of(
            split.train,
            config.data,
            held_out=False,
            sample_rate_hz=config.mel.sample_rate_hz,
            seed=config.seed,
        )
        fitting = fitting_codebook_size(config, collection.files, training_vectors(config, train))
        _tell(codebook=int(fitting.value), reason=fitting.reason, few=split.note or "")
        files, seconds = collection.files, collection.duration_s
        _tell(takes=duration(usual_s(config, files=files, seconds=seconds, segments=len(train))))


def _holds_many(folders: Iterable[Path]) -> bool:
    """Whether it is better not to read it all only to show what it is, such as a whole disk."""
    from distill.audio.walk import walk

    return sum(1 for _ in islice(walk([*folders]), MOST_FILES + 1)) > MOST_FILES


def _tell(**values: Any) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
