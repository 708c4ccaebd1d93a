"""what reading sound files by libsndfile takes, wherever it is done."""

from __future__ import annotations

import os
from pathlib import Path

import soundfile

SAMPLE_RATES_HZ = (1_000, 1_000_000)
"""Headers outside this range are damage, not audio; resampling them would fill the disk."""
HEADERLESS_SUFFIX = ".raw"
"""libsndfile asks for what such a file does not say."""
HEADERLESS_FORMAT = "RAW"
"""What it calls files that it takes for sound by their suffix alone, such as a text named x.gsm."""


def name_of(path: Path) -> bytes | Path:
    """As bytes where the system's names are bytes: they need not be Unicode."""
    return os.fsencode(path) if os.name == "posix" else path


def detail_of(error: soundfile.LibsndfileError) -> str:
    """Its message in one line."""
    return " ".join(str(error.error_string).split()).rstrip(".")
