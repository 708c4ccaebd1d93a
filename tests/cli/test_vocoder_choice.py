"""Which vocoder makes the sound is said, and can be chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from tests.helpers.made_bundle import make_bundle
from tests.helpers.sounds import tone
from tests.helpers.tiny_bundle import phase_vocoder
from tests.helpers.verbs import Run


@pytest.fixture
def with_vocoder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "kit.distillgan", fields={"vocoder_state": phase_vocoder()})


def test_the_models_own_vocoder_or_the_default_one(
    run: Run, with_vocoder: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.wav", tone(440, 0.4), 16_000)
    told = run("encode", with_vocoder, "in")
    assert "gradient" not in "".join(told.out), "no sound is made"
    for verb, source in (("reconstruct", (with_vocoder, "in")), ("decode", ("codes",))):
        model = ("--model", with_vocoder) if verb == "decode" else ()
        own = run(verb, *source, *model, "-o", f"{verb}-own")
        other = run(verb, *source, *model, "-o", f"{verb}-gl", "--vocoder", "griffin-lim")
        assert own.exit_code == other.exit_code == 0
        assert "phase gradient" in own.out[0]
        assert "Griffin-Lim" in other.out[0]
        sounds = [(tmp_path / f"{verb}-{name}" / "a.wav").read_bytes() for name in ("own", "gl")]
        assert sounds[0] != sounds[1]


def test_an_unknown_word_is_a_mistake(run: Run, with_vocoder: Path, tmp_path: Path) -> None:
    told = run("reconstruct", with_vocoder, tmp_path, "--vocoder", "griffin")
    assert told.exit_code == 2
    assert "griffin-lim" in told.err[-1]


def test_the_library_names_it(run: Run, tmp_path: Path) -> None:
    make_bundle(
        tmp_path / "x" / "kit.distillgan", fields={"vocoder_state": phase_vocoder()}, name="kit"
    )
    run("library", "add", tmp_path / "x" / "kit.distillgan")
    assert any("Phase (200 ep)" in line for line in run("library", "list").out)
    assert any("Phase (200 ep), final loss" in line for line in run("library", "info", "kit").out)
