"""takes of a page → scripts that hold them, for what is repeated: a page that is opened as a file
may play the sounds beside it, but not read them, and only what is read is repeated without a gap.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from distill.listen.rows import Row
from distill.system.atomic import write_text
from distill.system.paths import written_ns

LARGEST_BYTES = 1 << 25
"""Of all takes that are held; those further down on the page are repeated with a gap."""
NAME = "take-{}_data.js"


def write_scripts(files: Path, rows: Iterable[Row]) -> dict[str, str]:
    """Write into the folder of a page's files what is not there yet, delete what is of other rows,
    and return the scripts of takes; paths are seen from the page.
    """
    scripts: dict[str, str] = {}
    room = LARGEST_BYTES
    for row in rows:
        with suppress(OSError):  # the row is on the page all the same
            paths = [take.path for take in row.takes]
            room -= sum((files.parent / path).stat().st_size for path in paths)
            if room < 0:
                break
            scripts |= {path: f"{files.name}/{_write(files, path)}" for path in paths}
    for old in set(files.glob(NAME.format("*"))) - {
        files.parent / each for each in scripts.values()
    }:
        with suppress(OSError):
            old.unlink()
    return scripts


def _write(files: Path, path: str) -> str:
    """The name of the script of a take; written unless it is newer than the take."""
    take = files.parent / path
    name = NAME.format(hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:8])
    if written_ns(files / name) <= written_ns(take):
        text = base64.b64encode(take.read_bytes()).decode()
        write_text(files / name, f'window.distillSound = "{text}";\n')
    return name
