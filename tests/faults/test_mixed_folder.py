"""A folder of 300 files in all formats, half of them damaged: no sound is missing in silence."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from distill.data.cache import CacheConfig
from distill.data.scan import scan
from tests.helpers.encoded import FORMATS, encode, seconds_by_ffmpeg
from tests.helpers.mangled import MANGLES

pytestmark = pytest.mark.slow

FILES = 300
RATE_HZ = 16_000


def write(folder: Path, number: int) -> tuple[Path, float]:
    """One of the files, and the seconds of sound in it; those with odd numbers are damaged."""
    random = Random(number)
    name = list(FORMATS)[number % len(FORMATS)]
    form = FORMATS[name]
    rate_hz, channels = random.choice(form.rates_hz), random.choice((1, 2))
    written_s = 0.3 + number / 200
    data = encode(name, written_s, rate_hz, channels, number)
    if number % 2:
        mangle = random.choice(list(MANGLES))
        data = MANGLES[mangle](data, random)
        written_s *= 1 + (mangle == "join")
    path = folder / f"{number:03d} {name}.{form.suffix}"
    path.write_bytes(data)
    return path, written_s


def seconds_by_program(path: Path) -> float | None:
    """The seconds that the program ffmpeg decodes; None where there is none."""
    program = shutil.which("ffmpeg")
    if program is None:
        return None
    form = ["-map", "0:a:0", "-ac", "1", "-ar", str(RATE_HZ), "-f", "s16le", "-"]
    command = [program, "-v", "quiet", "-i", str(path), *form]
    decoded = subprocess.run(command, capture_output=True, check=False).stdout
    return len(decoded) / (2 * RATE_HZ)


def test_no_file_differs_in_silence(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    written = [write(folder, number) for number in range(FILES)]
    config = CacheConfig(sample_rate_hz=RATE_HZ, min_duration_s=0.01, silence_dbfs=-80.0)
    collection = scan([folder], name="mixed", cache_folder=tmp_path / "cache", config=config)
    used = {sound.path: sound for sound in collection.sounds}
    left_out = {file.path: file.text for file in collection.left_out}
    assert len(used) + len(left_out) == FILES
    silent = []
    for number, (path, written_s) in enumerate(written):
        form = FORMATS[path.stem.split()[1]]
        tolerance_s = 2 * form.frame / min(form.rates_hz) + 0.005
        sound = used.get(str(path))
        if sound is None or sound.notes:
            assert number % 2, (path, left_out.get(str(path)), sound and sound.notes)
            continue
        for decoded_s in (seconds_by_ffmpeg(path), seconds_by_program(path)):
            if decoded_s is None:
                continue
            # the other decoder can stop early, or go on into padding: what was written counts, too
            low_s, high_s = sorted((written_s, decoded_s))
            if not low_s - tolerance_s <= sound.duration_s <= high_s + tolerance_s:
                silent.append((path.name, sound.duration_s, low_s, high_s))
    assert not silent, "\n".join(map(str, silent))
    assert len(used) > FILES * 3 // 4
