"""A page to listen: in order, safe whatever the sounds are called, and without a network."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from distill.audio.reasons import UnusableError
from distill.audio.sound_file import SoundFile
from distill.listen.folder import ListeningPage
from distill.listen.page import ROW_SCRIPTS, SCRIPT
from distill.system.terminal import plain
from tests.helpers.listening import make_row, read_page

HOSTILE = [
    "<script>alert(1)<!--.wav",
    '" onload="alert(1)\' x.wav',
    "50% &amp; more #1?.wav",
    "javascript:alert(1).wav",
    "a b\nc\tü 日本\u202e.wav",
    "C:\\d \udcff.wav",
    "-.wav",
]


def write(folder: Path, *names: str, **figures: float) -> str:
    page = ListeningPage(folder)
    for name in names:
        page.add(make_row(page, name, **figures))
    path = page.write(["It is close."])
    assert path is not None
    return path.read_text(encoding="utf-8")


def test_the_worst_is_first_by_its_onset_and_then_by_its_mel_error(tmp_path: Path) -> None:
    page = ListeningPage(tmp_path)
    for name, onset_db, mel_db in (
        ("a", 1.0, 9.0),
        ("b", 3.0, 1.0),
        ("c", 3.0, 2.0),
        ("d", 2.0, 1),
    ):
        page.add(make_row(page, name, onset_db=onset_db, mel_db=mel_db, level_db=-0.5))
    path = page.write([])
    assert path is not None
    shown = read_page(path)
    assert shown.names == ["c", "b", "d", "a"]
    assert "4 sounds, the worst beginning first" in shown.text
    middle = "mel error 1.50 dB, onset error 2.50 dB, level -0.5 dB; sounds close"
    assert f"In the median, {middle}." in shown.text


def test_figures_that_are_not_known_are_not_shown(tmp_path: Path) -> None:
    write(tmp_path, "a.wav", "b.wav", mel_db=2.0)
    text = read_page(tmp_path / "listen.html").text
    assert "mel error 2.00 dB" in text
    assert "onset error" not in text


def test_what_keeps_a_sound_from_being_close_is_named(tmp_path: Path) -> None:
    attacks = {"rise_ms": 7.5, "original_rise_ms": 1.5, "pre_ring_db": 9.0}
    write(tmp_path, "soft.wav", mel_db=2.0, onset_db=2.0, **attacks)
    shown = read_page(tmp_path / "listen.html").text
    assert "rise 7.5 ms (original 1.5 ms), pre-ring +9.0 dB; sounds " in shown
    assert "recognisable (soft attacks)" in shown


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_only_ever_text(tmp_path: Path, name: str) -> None:
    try:
        (tmp_path / name).touch()
    except (OSError, UnicodeError):
        pytest.skip("no file can have this name here")
    write(tmp_path, name, "plain.wav")
    shown = read_page(tmp_path / "listen.html")
    assert len(shown.names) == 2
    assert shown.tags.count("script") == 1
    assert not [attribute for attribute in shown.attributes if attribute.startswith("on")]
    assert set(shown.names) == {plain(name), "plain.wav"}


def test_the_page_asks_no_network_for_anything(tmp_path: Path) -> None:
    text = write(tmp_path, "a.wav", "b.wav")
    assert "//" not in re.sub(r"(?m)//.*$", "", re.sub(r"<!--.*?-->", "", text))
    assert not re.search(r"https?:|@import|url\(|fetch|XMLHttpRequest", text)
    assert "default-src 'none'" in text


def test_there_is_a_button_for_each_take_and_a_word_for_the_listener(tmp_path: Path) -> None:
    text = write(tmp_path, "a.wav")
    assert "It is close." in text
    assert text.count('class="play" aria-label="Play a.wav"') == 1
    assert re.findall(r'aria-pressed="(\w+)">(\w+)<', text) == [
        ("true", "original"),
        ("false", "result"),
    ]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("script", [*ROW_SCRIPTS, SCRIPT], ids=lambda script: script.name)
def test_a_script_is_a_script(script: Path) -> None:
    subprocess.run(["node", "--check", script], check=True)
    assert "</" not in script.read_text(encoding="utf-8")


def test_the_page_among_sounds_is_known_as_distills_own(tmp_path: Path) -> None:
    write(tmp_path, "a.wav")
    with pytest.raises(UnusableError, match="distill's own output: a page to listen"):
        SoundFile.open(tmp_path / "listen.html")
