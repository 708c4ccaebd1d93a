"""The verb that makes new sounds."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from distill.audio.sound_file import SoundFile
from distill.bundle.reader import read_bundle
from distill.listen import folder, new_sounds
from distill.runs.folder import lock_run_dir
from distill.runs.rows import StartRow, StepRow
from tests.helpers.fake_runs import FakeRun
from tests.helpers.made_bundle import make_bundle
from tests.helpers.sounds import sound, tone
from tests.helpers.summaries import run_summary, stage_summary
from tests.helpers.tiny_bundle import prior_state
from tests.helpers.verbs import Run


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A tiny model with a prior."""
    return make_bundle(
        tmp_path / "kit.distillgan", fields={"prior_state": prior_state()}, name="My Kit / 1"
    )


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.wav"))


def only(folder: str) -> Path:
    """The one sound that is there."""
    (path,) = Path(folder).glob("*.wav")
    return path


def unclassed(folder: Path) -> list[str]:
    """The names of sounds without their classes."""
    found = [name.split("_", 1) for name in files(folder)]
    assert {kind for kind, _ in found} <= {"kick", "snare"}
    return sorted(rest for _, rest in found)


def test_sounds_their_page_picture_and_list(kit: Path, run: Run) -> None:
    told = run("generate", kit, "-n", "3", "-o", "out")
    assert told.exit_code == 0, told.stderr
    assert unclassed(Path("out")) == [f"My-Kit-1_0_00{number}.wav" for number in (1, 2, 3)]
    assert told.stdout.count("; nearest: ") == 3
    assert "classes, and how many sounds of each are known: kick 3, snare 3" in told.stdout
    assert "picture of them: out/generate.png" in told.stdout
    assert "open in a browser: out/listen.html" in told.stdout
    value = json.loads(Path("out/generate.json").read_text())
    (call,) = value["calls"]
    assert call["settings"] == {"seed": 0, "temperature": 1.0}
    facts = call["sounds"][1]
    assert facts["file"] == f"{facts['class']}_My-Kit-1_0_002.wav"
    waveform, rate_hz = soundfile.read(Path("out", facts["file"]))
    assert facts["length_s"] == pytest.approx(len(waveform) / rate_hz, abs=1e-3)
    level = 10 * np.log10(np.mean(waveform**2))
    assert facts["level_dbfs"] == pytest.approx(level, abs=0.05)
    assert facts["nearest"].split("/")[0] in ("kick", "snare")
    assert facts["class"] in ("kick", "snare")
    assert Image.open("out/generate.png").size[0] > 50
    page = Path("out/listen.html").read_text()
    assert page.count('class="row"') == 3
    assert page.count(">nearest</button>") == 3
    tag = SoundFile.open(Path("out", facts["file"])).made_with
    assert tag is not None
    assert tag.endswith("seed=0 temperature=1.0 number=2")


@pytest.mark.parametrize(
    ("at_work", "told"),
    [
        ("vocoder", "its prior is trained next, after its vocoder, by the run {run}; it is ready "),
        ("prior", "its prior is being trained by the run {run}; it is ready in about 30.0 s"),
        ("", "has no prior, which makes new sounds; to add one: python -m distill.train base="),
    ],
)
def test_a_prior_that_is_being_trained_is_told_with_when_it_is_ready(
    tmp_path: Path, run: Run, at_work: str, told: str
) -> None:
    model = make_bundle(tmp_path / "outputs/library/kit.distillgan", name="kit", model_id="1" * 32)
    own = FakeRun(tmp_path / "outputs")
    own.write(StartRow(1, 0.0, False, "kit", ["codec", "vocoder", "prior"], {}))
    in_all_s = 210.0 if at_work == "vocoder" else 30.0
    own.write(StepRow(at_work or "prior", 1, None, 3, 8, 0.5, 10.0, 30.0, False, in_all_s))
    run_summary(stage_summary("codec"), model_id="1" * 32).write(own.run_dir)
    with lock_run_dir(own.run_dir) if at_work else nullcontext():
        for words in ("kit", str(model)):
            said = run("generate", words)
            said.is_mistake(told.format(run=own.run_dir.relative_to(tmp_path)))
            assert at_work != "vocoder" or "in about 3:30" in said.stderr


def test_a_model_that_was_renamed_makes_other_sounds_than_before(kit: Path, run: Run) -> None:
    assert run("generate", kit, "-n", "1", "-o", "out").exit_code == 0
    state = {"prior_state": prior_state()}
    own = {"name": "Other", "model_id": read_bundle(kit, weights=False).metadata.model_id}
    again = make_bundle(kit.with_name("again.distillgan"), fields=state, **own)
    assert run("generate", again, "-n", "1", "-o", "out").exit_code == 0
    assert unclassed(Path("out")) == ["My-Kit-1_0_001.wav", "Other_1_001.wav"]


def test_each_call_has_new_sounds_and_nothing_is_overwritten(kit: Path, run: Run) -> None:
    run("generate", kit, "-n", "2", "-o", "out")
    before = {path: path.read_bytes() for path in Path("out").glob("*.wav")}
    picture = Path("out/generate.png").read_bytes()
    assert run("generate", kit, "-n", "2", "-o", "out").exit_code == 0
    assert unclassed(Path("out")) == [f"My-Kit-1_{s}_00{n}.wav" for s in (0, 1) for n in (1, 2)]
    assert Path("out/generate.png").read_bytes() == picture
    assert Path("out/generate-2.png").exists()
    assert len(json.loads(Path("out/generate.json").read_text())["calls"]) == 2
    told = run("generate", kit, "-n", "2", "-o", "out", "--seed", "1")
    assert told.exit_code == 2
    assert "_My-Kit-1_1_001.wav: already exists; add --overwrite" in told.stderr
    assert all(path.read_bytes() == data for path, data in before.items())
    assert run("generate", kit, "-n", "2", "-o", "out", "--seed", "1", "--overwrite").exit_code == 0


def test_what_page_and_picture_do_not_show_is_said(
    kit: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "MOST_ROWS", 1)
    monkeypatch.setattr(new_sounds, "MOST_SHEET", 1)
    told = run("generate", kit, "-n", "2", "-o", "out")
    assert "picture of the first 1 of them: out/generate.png" in told.stdout
    assert "listen.html (with the newest 1 of 2 sounds; the others are beside it)" in told.stdout


def test_a_class_is_known_by_any_spelling(kit: Path, run: Run) -> None:
    run("generate", kit, "-n", "2", "-o", "one", "--class", "snare")
    assert run("generate", kit, "-n", "2", "-o", "two", "--class", "SNARE").exit_code == 0
    one, two = (json.loads(Path(out, "generate.json").read_text()) for out in ("one", "two"))
    assert one["calls"][0]["sounds"] == two["calls"][0]["sounds"]


def test_a_seed_and_number_are_the_same_file_in_any_call(kit: Path, run: Run) -> None:
    run("generate", kit, "-n", "1", "-o", "one", "--seed", "7")
    run("generate", kit, "-n", "4", "-o", "many", "--seed", "7")
    assert only("one").read_bytes() == Path("many", only("one").name).read_bytes()


def test_a_call_in_a_new_folder_gives_new_sounds(kit: Path, run: Run) -> None:
    """Those of the run itself came again."""
    Path("outputs/library").mkdir(parents=True)
    for out in ("one", "two"):
        assert run("generate", kit, "-n", "1", "-o", out).exit_code == 0
    assert "_0_" in only("one").name
    assert "_1_" in only("two").name


def test_rate_bits_and_peak_are_as_asked(kit: Path, run: Run) -> None:
    asked = ("--rate", "44100", "--bits", "16", "--normalise")
    told = run("generate", kit, "-n", "1", "-o", "out", *asked)
    assert told.exit_code == 0, told.stderr
    info = soundfile.info(only("out"))
    assert (info.samplerate, info.subtype) == (44_100, "PCM_16")
    waveform, _ = soundfile.read(only("out"))
    assert np.abs(waveform).max() == pytest.approx(10 ** (-1 / 20), abs=1e-3)
    for words, why in (
        (("--rate", "12345"), "argument --rate: invalid choice: 12345"),
        (("--bits", "16", "--format", "ogg"), "--bits 16: ogg has none; use --format wav or flac"),
    ):
        run("generate", kit, "-o", "other", *words).is_mistake(why)


def test_variations_morphs_continuations_and_loops(kit: Path, run: Run, tmp_path: Path) -> None:
    first = sound(tmp_path / "a.wav", samples=9_000, channels=2)
    second = sound(tmp_path / "b.wav", samples=6_000, hz=900)
    told = run("generate", kit, "-n", "2", "-o", "like", "--like", first, "--amount", "0")
    assert told.exit_code == 0, told.stderr
    run("reconstruct", kit, first, "-o", "same")
    one, _ = soundfile.read("like/a_My-Kit-1_0_001.wav")
    other, _ = soundfile.read("same/a.wav")
    assert np.abs(one - other.mean(axis=1)).max() < 1e-4
    settings = json.loads(Path("like/generate.json").read_text())["calls"][0]["settings"]
    assert settings["like"] == "a.wav"
    assert settings["amount"] == 0
    told = run("generate", kit, "-n", "3", "-o", "way", "--morph", first, second)
    assert told.exit_code == 0, told.stderr
    lengths = [soundfile.info(str(path)).frames for path in sorted(Path("way").glob("*.wav"))]
    assert lengths == [9_000, 7_500, 6_000]
    assert "50% of the way" in told.stdout
    assert "50% of the way" in Path("way/listen.html").read_text()
    told = run("generate", kit, "-n", "1", "-o", "on", "--continue", second, "--length", "1")
    assert told.exit_code == 0, told.stderr
    assert soundfile.info("on/b_My-Kit-1_0_001.wav").frames == 16_000
    told = run("generate", kit, "-n", "1", "-o", "loop", "--loop", "--length", "0.5")
    assert told.exit_code == 0, told.stderr
    assert soundfile.info(only("loop")).frames == 8_000


@pytest.mark.parametrize("way", ["like", "continue"])
def test_opposite_channels_to_begin_with_are_heard_and_told_of(
    kit: Path, run: Run, way: str
) -> None:
    left = tone(440)
    soundfile.write("wide.wav", np.stack([left, -left], axis=1), 16_000)
    soundfile.write("left.wav", left, 16_000)
    for name in ("wide", "left"):
        told = run("generate", kit, "-n", "1", "--seed", "0", "-o", name, f"--{way}", f"{name}.wav")
        assert told.exit_code == 0, told.stderr
        assert ("channel 1 of 2 is used" in told.stdout) == (name == "wide")
    first, second = (soundfile.read(only(name))[0] for name in ("wide", "left"))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--class", "tom"], "class 'tom': no such class; this model knows kick, snare"),
        (["--temperature", "50"], "temperature 50: must be from 0.05 to 3"),
        (["--temperature", "hot"], "invalid float value: 'hot'"),
        (["--length", "nan"], "length nan: must be from 0.05 to 600"),
        (["-n", "0"], "0 is not a whole number from 1 to 100,000"),
        (["--amount", "1.5"], "amount 1.5: must be from 0 to 1"),
        (["--like", "dead.wav"], "dead.wav: is silent"),
        (["--continue", "short.wav"], "short.wav: shorter than 0.05 s"),
        (["-o", "a.wav"], "a.wav: is a file; give a folder with -o"),
        (["--like", "a.wav", "--loop"], "--like and --loop: give one of them"),
        (["--like", "a.wav", "--length", "2"], "--length: --like has the length of the sound"),
        (["--like", "no.wav"], "no.wav: no such file"),
        (["--levels", "9"], "levels=9: this model has 2"),
        (["--like", "text.wav"], "text.wav"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    kit: Path, run: Run, words: list[str], told: str
) -> None:
    Path("text.wav").write_text("not a sound")
    sound(Path("a.wav"))
    sound(Path("short.wav"), samples=1)
    soundfile.write("dead.wav", np.zeros(9_000) + 1e-5, 16_000)
    ended = run("generate", kit, "-o", "out", *words)
    assert ended.exit_code == 2
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not Path("out").exists()


def test_a_model_without_a_prior_says_how_to_get_one(model: Path, run: Run) -> None:
    told = run("generate", model)
    assert told.exit_code == 2
    assert (
        "has no prior, which makes new sounds; to add one: python -m distill.train" in told.stderr
    )


def test_what_learnt_too_little_draws_nothing_and_says_so(run: Run, tmp_path: Path) -> None:
    state = prior_state()
    state["training_metadata"]["final_bits_per_s"] = 1000.0
    few = make_bundle(tmp_path / "few.distillgan", fields={"prior_state": state})
    usual = run("generate", few, "-n", "2", "-o", "usual")
    assert "draws none" not in usual.stdout
    told = run("generate", few, "-n", "2", "-o", "out", "--temperature", "0.8")
    assert told.exit_code == 0, told.stderr
    assert "could learn nothing from so few sounds, so it draws none of these" in told.stdout
    assert len(files(Path("out"))) == 2
