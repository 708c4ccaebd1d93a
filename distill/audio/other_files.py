"""a file among sounds → what it really is: a file of another program or of distill, or of none
yet.
"""

from __future__ import annotations

import os
from pathlib import Path

from distill.audio.own_output import PAGE_MARK
from distill.audio.reasons import Reason, UnusableError

APPLE_DOUBLE = b"\x00\x05\x16\x07"
DATALESS = 0x40000000
"""macOS: the file is in the cloud, and reading it would download it (SF_DATALESS in stat.h)."""
RECALLED = 0x1000 | 0x40000 | 0x400000
"""Windows: the same (FILE_ATTRIBUTE_OFFLINE, RECALL_ON_OPEN, RECALL_ON_DATA_ACCESS)."""
PROGRAMS = {
    ".als": "Ableton Live",
    ".alp": "Ableton Live",
    ".adg": "Ableton Live",
    ".adv": "Ableton Live",
    ".asd": "Ableton Live",
    ".band": "GarageBand",
    ".bwproject": "Bitwig Studio",
    ".cpr": "Cubase",
    ".flp": "FL Studio",
    ".fst": "FL Studio",
    ".gpk": "WaveLab",
    ".logicx": "Logic Pro",
    ".nki": "Kontakt",
    ".nkm": "Kontakt",
    ".ovw": "Cubase",
    ".peak": "Cubase",
    ".pek": "Adobe Premiere",
    ".pkf": "Adobe Audition",
    ".ptx": "Pro Tools",
    ".reapeaks": "REAPER",
    ".rpp": "REAPER",
    ".rpp-bak": "REAPER",
    ".sfk": "Sound Forge",
    ".sesx": "Adobe Audition",
    ".sxt": "Reason",
    ".wfm": "Pro Tools",
}
"""Suffix → the program that leaves such files among sounds."""
NAMES = {
    ".ds_store": "macOS Finder",
    "thumbs.db": "Windows Explorer",
    "desktop.ini": "Windows Explorer",
}


def refuse_if_away(path: Path, status: os.stat_result) -> None:
    """Raise UnusableError for a file whose content is only in the cloud; it is not opened."""
    flags = getattr(status, "st_flags", 0) & DATALESS
    attributes = getattr(status, "st_file_attributes", 0) & RECALLED
    if flags or attributes:
        raise UnusableError(path, Reason.NOT_DOWNLOADED, "it is only in the cloud")


def refuse_other_files(path: Path, head: bytes) -> None:
    """Raise UnusableError if the file is known not to hold a sound, by its name or first bytes."""
    name = os.path.basename(path).lower()
    if head.startswith(APPLE_DOUBLE) or (name.startswith("._") and not head.strip(b"\0")):
        raise UnusableError(path, Reason.SIDE_FILE)
    if head.startswith(PAGE_MARK.encode()):
        raise UnusableError(path, Reason.OWN_OUTPUT, "a page to listen")
    suffix = os.path.splitext(name)[1]
    if suffix == ".icloud" and head.startswith(b"bplist"):
        raise UnusableError(path, Reason.NOT_DOWNLOADED, "it is only in iCloud")
    program = PROGRAMS.get(suffix) or NAMES.get(name)
    if program:
        raise UnusableError(path, Reason.OTHER_PROGRAM, program)
