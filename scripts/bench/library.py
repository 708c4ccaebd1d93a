"""How long the library takes to answer with many models in it.

    python scripts/bench/library.py [--models 1000]

Fills a folder with an index of that many entries, each with a file, and times `library list`,
`list --json` and `info`, imports included; medians of five. Prints a table and a last line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distill.catalog.entry import Entry, VocoderFacts
from distill.catalog.index import NAME, VERSION

COMMANDS = {"list": ["list"], "list --json": ["list", "--json"], "info": ["info", "model_7"]}


def main() -> None:
    """Time the commands and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=1000)
    models = parser.parse_args().models
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        entries = [_entry(number) for number in range(models)]
        for entry in entries:
            (folder / entry.file).touch()
        index = {"version": VERSION, "models": [entry.to_json() for entry in entries]}
        (folder / NAME).write_text(json.dumps(index, indent=1))
        print(f"{models:,} models, an index of {(folder / NAME).stat().st_size / 1e6:.1f} MB")
        for name, words in COMMANDS.items():
            command = [sys.executable, "-m", "distill.library", *words, "--library", scratch]
            results[name] = round(statistics.median(_seconds(command) for _ in range(5)), 3)
            print(f"{name:14s}{results[name]:8.3f} s")
    print(json.dumps(results))


def _seconds(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def _entry(number: int) -> Entry:
    """As long as those of default runs."""
    level = {"utilization": 0.98765, "perplexity": 211.12345, "dead_codes": 3.0}
    return Entry(
        id=f"{number:032x}",
        name=f"Model {number}",
        description="",
        file=f"model_{number}.distillgan",
        size_bytes=7_647_509,
        checksum=f"{number:064x}",
        codec_digest=f"{number:064x}",
        dataset_name="instruments",
        dataset_file_count=266,
        dataset_total_duration_s=427.123,
        training_date="2026-01-31T14:00:00+0000",
        save_date="2026-01-31T14:10:00+0000",
        training_epochs=60,
        final_train_loss=0.0842,
        final_val_loss=0.0617,
        levels=3,
        codebook_size=256,
        sample_rate_hz=48_000,
        bitrate_kbps=1.125,
        codebook_health={f"level_{index}": level for index in range(3)},
        loss_curve={"train_losses": [0.12345] * 48, "val_losses": [0.12345] * 48},
        tags=[],
        vocoder=VocoderFacts(
            type="hifigan", epochs=200, final_loss=0.5, training_date="2026-02-01"
        ),
        prior=None,
        distill_version="1.0.0",
    )


if __name__ == "__main__":
    main()
