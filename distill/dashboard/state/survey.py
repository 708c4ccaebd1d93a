"""a folder of sounds → what a run would find in it, and the codebook size that fits: a process of
its own, since a broken file may end the program that reads it.

`python -m distill.dashboard.state.survey CACHE [FOLDER]` prints a JSON object a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path
from typing import Any

from distill.cli.verb import verb_entry
from distill.dashboard.state.places import Places, require_folder
from distill.dashboard.state.processes import MISTAKE, last_words
from distill.dashboard.state.run_facts import describe_sounds
from distill.errors import RunError
from distill.system.json_values import parse_object
from distill.system.paths import path_of
from distill.system.terminal import plain

MOST_FILES = 20_000


class Surveys:
    """Surveys that the page asked for: one at work at a time, the newest."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._folder: str | None = None
        self._process: subprocess.Popen[str] | None = None
        self._found: dict[str, Any] = {}

    def look(self, folder: str, *, again: bool = False) -> dict[str, Any]:
        """What is known of a folder by now; `again` begins to read it. Empty for the demo
        collection. Raises RunError.
        """
        folder = folder.strip()
        if folder:
            require_folder(folder)
        with self._lock:
            if again:
                self._begin(folder)
            elif folder != self._folder:
                raise RunError("another page has asked for another folder; choose this one again")
            return {"folder": plain(folder), **self._found}

    def close(self) -> None:
        """End the one at work."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def _begin(self, folder: str) -> None:
        self.close()
        self._folder, self._found = folder, {"busy": True}
        words = [str(self._places.outputs / "cache")]
        if folder:
            words.append(str(path_of(folder).absolute()))
        log = self._places.logs / "survey.log"
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as errors:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "distill.dashboard.state.survey", *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    encoding="utf-8",
                    errors="replace",
                )
        except OSError as error:
            raise RunError(f"{log}: {error.strerror}") from error
        threading.Thread(target=self._follow, args=(self._process, log), daemon=True).start()

    def _follow(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._take(process, parse_object(line))
        if process.wait() != 0:
            why = last_words(log)
            self._take(process, {"error": plain(why.removeprefix(MISTAKE)) or "it ended"})
        self._take(process, {"busy": False})

    def _take(self, process: subprocess.Popen[str], found: dict[str, Any]) -> None:
        with self._lock:
            if process is self._process:  # not one that was given up
                self._found = {**self._found, **found}


def main() -> None:
    """Read the folder, and print what is found."""
    with verb_entry():
        cache, *folders = sys.argv[1:]
        if folders and _holds_many(Path(folders[0])):
            _tell(
                sounds=f"more than {MOST_FILES:,} files: Start reads them all, which takes a while"
            )
            return
        from distill.data.segments import segments_of
        from distill.settings.compose import load_config
        from distill.settings.quoting import quote_folders, quote_text
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


def _holds_many(folder: Path) -> bool:
    """Whether it is better not to read it all only to show what it is, such as a whole disk."""
    from distill.audio.walk import walk

    return sum(1 for _ in islice(walk([folder]), MOST_FILES + 1)) > MOST_FILES


def _tell(**values: Any) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
