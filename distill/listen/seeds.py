"""a library folder → the seeds that its models were asked for, so that each call gives new sounds.

`seeds.json` beside the index is an object of models' ids and lists of seeds. Where it is missing or
damaged, only what lies in a folder is known; nothing is refused for its sake.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from filelock import Timeout

from distill.system.atomic import write_text
from distill.system.locks import hold

NAME, LOCK = "seeds.json", ".seeds.lock"
PATIENCE_S = 20
MOST_NOTED = 10_000
"""Of each model; the oldest are forgotten."""
log = logging.getLogger(__name__)


class Seeds:
    """The seeds that one model was asked for."""

    def __init__(self, library: Path, model_id: str) -> None:
        self.library, self.model_id = library, model_id

    def asked(self) -> set[int]:
        """Those that are noted."""
        return set(_read(self.library).get(self.model_id, []))

    def note(self, seed: int) -> None:
        """Note a seed that is given, if a library is there."""
        if not self.library.is_dir():
            return
        try:
            with hold(self.library / LOCK, timeout_s=PATIENCE_S):
                every = _read(self.library)
                noted = every.get(self.model_id, [])
                if seed not in noted:
                    every[self.model_id] = [*noted, seed][-MOST_NOTED:]
                    write_text(self.library / NAME, json.dumps(every))
        except (OSError, Timeout) as error:
            log.debug("%s: cannot be written: %s", self.library / NAME, error)


def _read(library: Path) -> dict[str, list[int]]:
    try:
        value = json.loads((library / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    lists = {key: each for key, each in value.items() if isinstance(each, list)}
    return {key: [seed for seed in each if type(seed) is int] for key, each in lists.items()}
