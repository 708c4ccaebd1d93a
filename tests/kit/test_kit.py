"""`distill.kit`: folders and presets that samplers play as they are."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from distill.errors import WriteError
from distill.kit import folder
from tests.helpers.made_bundle import make_bundle
from tests.helpers.tiny_bundle import prior_state
from tests.helpers.verbs import Run

LAYERED = ("--per-class", "2", "--round-robins", "2", "--layers", "2")


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny model with a prior; having learnt nothing, it makes sounds that are much alike."""
    monkeypatch.setattr("distill.kit.sounds.LEAST_SHARE", 0.01)
    return make_bundle(
        tmp_path / "kit.distillgan", fields={"prior_state": prior_state()}, name="Böse $Drums #1"
    )


def listed() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(Path("out/kit.json").read_text())
    return value


def test_a_kit_is_a_folder_a_class_with_presets_beside_them(kit: Path, run: Run) -> None:
    told = run("kit", kit, "-o", "out", "--per-class", "2", "--bits", "16")
    assert told.exit_code == 0, told.stderr
    made = sorted(str(path.relative_to("out")) for path in Path("out").rglob("*.*"))
    assert made == [
        "Bose-Drums-1.dspreset",
        "Bose-Drums-1.sfz",
        "kick/kick_01.wav",
        "kick/kick_02.wav",
        "kit.json",
        "snare/snare_01.wav",
        "snare/snare_02.wav",
    ]
    assert "kick: 2 sounds, peaks at -7.0 dBFS" in told.stdout
    for facts in listed()["sounds"]:
        waveform, rate_hz = soundfile.read(Path("out", facts["files"][0]))
        assert soundfile.info(Path("out", facts["files"][0])).subtype == "PCM_16"
        assert rate_hz == 44_100
        envelope = np.abs(waveform)
        assert 20 * np.log10(envelope.max()) == pytest.approx(-7, abs=0.5)
        assert int(np.argmax(envelope > 0.1 * envelope.max())) <= rate_hz / 1_000 + 1
        assert len(waveform) / rate_hz == pytest.approx(facts["length_s"], abs=1e-3)


def test_the_seed_decides_the_kit(kit: Path, run: Run) -> None:
    for out, seed in (("one", "1"), ("same", "1"), ("other", "2")):
        assert run("kit", kit, "-o", out, "--per-class", "1", "--seed", seed).exit_code == 0
    one, same, other = (
        Path(out, "kick/kick_01.wav").read_bytes() for out in ("one", "same", "other")
    )
    assert one == same != other


def test_softer_layers_are_softer_and_takes_differ(kit: Path, run: Run) -> None:
    assert run("kit", kit, "-o", "out", *LAYERED, "--class", "kick").exit_code == 0
    names = [path.name for path in sorted(Path("out/kick").iterdir())]
    assert names[:4] == [
        "kick_01.wav",
        "kick_01_rr2.wav",
        "kick_01_soft1.wav",
        "kick_01_soft1_rr2.wav",
    ]
    loud, take, soft, _ = (soundfile.read(Path("out/kick", name))[0] for name in names[:4])
    both = min(len(loud), len(take))
    assert np.abs(loud[:both] - take[:both]).max() > 0.01
    assert np.abs(take).max() == pytest.approx(np.abs(loud).max(), rel=0.12)
    assert 20 * np.log10(np.abs(soft).max() / np.abs(loud).max()) == pytest.approx(-7, abs=0.5)


def test_what_is_there_is_not_overwritten(kit: Path, run: Run) -> None:
    assert run("kit", kit, "-o", "out", "--per-class", "1").exit_code == 0
    before = {path: path.read_bytes() for path in Path("out").rglob("*.*")}
    run("kit", kit, "-o", "out", "--seed", "1").is_mistake(
        "out/kick: is there already; choose another folder with -o"
    )
    assert {path: path.read_bytes() for path in Path("out").rglob("*.*")} == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--class", "kick", "tom"], "class 'tom': no such class; this model knows kick, snare"),
        (["--per-class", "0"], "0 is not a whole number from 1 to 64"),
        (["--per-class", "64"], "128 pads: from C1 on, there are 92 keys; ask for fewer with"),
        (["--rate", "22050"], "argument --rate: invalid choice: 22050"),
        (["--to", "sfz,kontakt"], "'kontakt' is none of folder, sfz, decentsampler"),
        (["--amount", "2"], "amount 2: must be from 0 to 1"),
        (["-o", "kit.distillgan"], "kit.distillgan: is a file; give a folder with -o"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    kit: Path, run: Run, words: list[str], told: str
) -> None:
    words = words if "-o" in words else [*words, "-o", "out"]
    run("kit", kit, *words).is_mistake(told)
    assert not Path("out").exists()


def test_only_what_is_asked_for_is_written(kit: Path, run: Run) -> None:
    assert run("kit", kit, "-o", "out", "--per-class", "1", "--to", "folder").exit_code == 0
    assert {path.name for path in Path("out").iterdir()} == {"kick", "snare", "kit.json"}


def test_a_full_disk_leaves_whole_sounds_and_a_list_of_what_is_missing(
    kit: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = folder.write_sound

    def full(path: Path, *chunks: object, **more: Any) -> None:
        if path.name == "snare_02.wav":
            raise WriteError(path, OSError(errno.ENOSPC, "No space left on device"))
        write(path, *chunks, **more)

    monkeypatch.setattr(folder, "write_sound", full)
    told = run("kit", kit, "-o", "out", "--per-class", "2", "--class", "snare")
    assert told.exit_code == 2
    assert "snare_02.wav: cannot be written" in told.stderr
    assert [path.name for path in Path("out/snare").iterdir()] == ["snare_01.wav"]
    assert listed()["missing"] == {"snare": 1}
    assert "snare_01" in Path("out/Bose-Drums-1.sfz").read_text()
    assert "snare_02" not in Path("out/Bose-Drums-1.sfz").read_text()


def test_a_class_without_enough_different_sounds_is_named(
    kit: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill.kit.sounds.LEAST_SHARE", 1e9)
    told = run("kit", kit, "-o", "out", "--per-class", "2", "--class", "kick")
    assert told.exit_code == 2
    assert "kick: 0 of 2 sounds" in told.stdout
    assert "the model knows 3 sounds of it, and it takes about 6" in told.stdout


def test_sfz_is_valid_and_plays_each_pad(
    kit: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pysfizz = pytest.importorskip("pysfizz")
    assert run("kit", kit, "-o", "out", *LAYERED).exit_code == 0
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)  # the renderer asks for its file
    preset = Path("out/Bose-Drums-1.sfz")
    lint = subprocess.run(
        [sys.executable, "-c", "from sfzlint.cli import sfzlint; sfzlint()", str(preset)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert lint.stdout + lint.stderr == ""
    for facts in listed()["sounds"]:
        loudest = [name for name in facts["files"] if "soft" not in name]
        softest = [name for name in facts["files"] if "soft" in name]
        for names, velocity in ((loudest, 127), (softest, 20)):
            synth = pysfizz.Synth(44_100, 512)
            assert synth.load_sfz_file(str(preset))
            for name in names:  # in turn
                assert plays(synth, facts["key"], velocity, Path("out", name)), (name, velocity)


def plays(synth: Any, key: int, velocity: int, path: Path) -> bool:
    """Whether a key gives this sound; its beginning, for the rest is loaded while it plays."""
    waveform, rate_hz = soundfile.read(path)
    heard = np.asarray(synth.render_note(key, velocity, 0.01, len(waveform) / rate_hz + 0.2))
    waveform, heard = waveform[:6_000], heard[0] if len(heard) == 2 else heard[:, 0]
    return any(
        np.corrcoef(waveform, heard[late : late + len(waveform)])[0, 1] > 0.99 for late in range(3)
    )


def test_decentsampler_reads_the_same_pads(kit: Path, run: Run) -> None:
    """By the elements and attributes that its guide documents."""
    assert run("kit", kit, "-o", "out", *LAYERED).exit_code == 0
    root = ElementTree.parse("out/Bose-Drums-1.dspreset").getroot()
    assert (root.tag, [each.tag for each in root]) == ("DecentSampler", ["groups"])
    groups = root.findall("groups/group")
    assert [group.get("name") for group in groups] == [
        facts["name"] for facts in listed()["sounds"]
    ]
    documented = {"path", "rootNote", "loNote", "hiNote", "loVel", "hiVel", "pitchKeyTrack"}
    for group, facts in zip(groups, listed()["sounds"], strict=True):
        assert group.get("seqMode") == "round_robin"
        assert group.get("seqLength") == "2"
        samples = group.findall("sample")
        assert [sample.get("path") for sample in samples] == facts["files"]
        for sample in samples:
            assert {*sample.keys()} == documented | {"seqPosition"}
            assert Path("out", sample.get("path", "")).is_file()
            assert {sample.get(key) for key in ("rootNote", "loNote", "hiNote")} == {
                str(facts["key"])
            }
