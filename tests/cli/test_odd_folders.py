"""encode and reconstruct on folders as people have them: the walk and reader are those of train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.audio.writer import write_sound
from distill.codec.codes import Codes
from tests.helpers.encoded import encode
from tests.helpers.sounds import sound
from tests.helpers.verbs import Told, results

Run = Callable[..., Told]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder, other = tmp_path / "kit", tmp_path / "other"
    for path in (folder / "kick.wav", folder / ".hidden" / ".hat.wav", other / "snare.wav"):
        sound(path, samples=4_000)
    (folder / "linked").symlink_to(other)
    (folder / "voice.m4a").write_bytes(encode("aac", 0.3, 44_100, 1))
    (folder / "._kick.wav").write_bytes(b"\0\5\x16\7" + b"\0" * 60)
    (folder / "zz broken.wav").write_bytes(b"RIFF\1\1\1\1WAVEfmt ")
    waveform = torch.from_numpy(np.zeros((1, 4_000), np.float32))
    waveform[0, 100] = 0.5
    own = folder / "old kick.wav"
    write_sound(own, [waveform], sample_rate_hz=16_000, channels=1, samples=4_000, model="Drums")
    return folder


@pytest.mark.parametrize(("verb", "suffix"), [("encode", "distillcodes"), ("reconstruct", "wav")])
def test_links_and_hidden_files_are_done_and_all_else_is_named(
    run: Run, model: Path, tmp_path: Path, folder: Path, verb: str, suffix: str
) -> None:
    told = run(verb, model, folder, "-o", "out")
    assert (told.exit_code, told.err) == (0, [])
    names = [".hidden/.hat", "kick", "linked/snare", "voice"]
    assert results(tmp_path / "out") == sorted(f"{name}.{suffix}" for name in names)
    left_out = [line for line in told.out if line.startswith("left out: ")]
    assert [Path(line.split(": ")[1]).name for line in left_out] == [
        "zz broken.wav",
        "old kick.wav",
        "._kick.wav",
    ]
    assert left_out[1].endswith(
        "distill's own output: made with Drums; to take it, name the file itself"
    )
    assert left_out[2].endswith("macOS side file")


def test_a_run_among_the_sounds_is_named_and_not_searched(
    run: Run, model: Path, folder: Path
) -> None:
    for name in ("config.yaml", "progress.jsonl", "x.wav"):
        (folder / "my run").mkdir(exist_ok=True)
        (folder / "my run" / name).touch()
    told = run("encode", model, folder, "-o", "out")
    assert f"left out: {folder}/my run: distill's own output: a run, not searched" in told.out
    assert not any("x.wav" in line for line in told.out)


def test_an_own_sound_that_is_named_is_done(run: Run, model: Path, folder: Path) -> None:
    told = run("encode", model, folder / "old kick.wav", "-o", "out")
    assert (told.exit_code, told.err) == (0, [])


def test_results_among_the_sounds_are_not_done_again(
    run: Run, model: Path, tmp_path: Path, folder: Path
) -> None:
    for out in ("kit/listen", "kit/again"):
        told = run("reconstruct", model, folder, "-o", out)
        assert told.exit_code == 0
        names = [".hidden/.hat.wav", "kick.wav", "linked/snare.wav", "voice.wav"]
        assert results(tmp_path / out) == names


def test_codes_hold_a_file_whose_header_says_too_little_whole(
    run: Run, model: Path, tmp_path: Path
) -> None:
    data = encode("wav", 0.5, 16_000, 1)
    place = data.index(b"data") + 4
    (tmp_path / "crashed.wav").write_bytes(data[:place] + b"\0" * 4 + data[place + 4 :])
    told = run("encode", model, "crashed.wav", "-o", "out")
    assert told.exit_code == 0
    assert Codes.load(tmp_path / "out" / "crashed.distillcodes").samples == 8_000
