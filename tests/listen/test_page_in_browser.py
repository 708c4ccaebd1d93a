"""A page to listen in a browser: what is heard, by buttons, keys and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from distill.listen.folder import ListeningPage
from distill.listen.rows import Row, Take
from tests.helpers.browsers import browse, longest_pause, require_browser
from tests.helpers.runs import wait_for

require_browser()
pytestmark = pytest.mark.slow
SECONDS = 4.0
NAMES = ("a.wav", "b & <i>.wav", "c.wav")


def write_page(folder: Path) -> Path:
    """A page of three sounds of some seconds, each in two takes with a picture."""
    page = ListeningPage(folder)
    page.make_files_folder()
    time = np.arange(int(SECONDS * 8_000)) / 8_000
    for number, name in enumerate(NAMES):
        original, picture = page.name(name, "original", ".wav"), page.name(name, "mels", ".png")
        for path, hertz in ((original, 220), (name, 225 + number)):
            soundfile.write(folder / path, 0.1 * np.sin(2 * np.pi * hertz * time), 8_000)
        Image.new("RGB", (8, 8)).save(folder / picture)
        takes = (Take("original", original), Take("result", name))
        page.add(Row(name, takes, SECONDS, name, model="kit", picture=picture))
    path = page.write([])
    assert path is not None
    return path


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_page(tmp_path_factory.mktemp("page")).as_uri()


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    folder = address.rpartition("/")[0]
    with browse(address, own=(folder,)) as page:
        yield page


def heard(page: Any) -> list[tuple[str, bool]]:
    """What plays, and whether it is muted."""
    return [
        (address.rpartition("/")[2], muted)
        for address, muted in page.evaluate(
            "window.sounds.filter((s) => s.src && !s.paused).map((s) => [s.src, s.muted])"
        )
    ]


def wait_until(page: Any, condition: str) -> None:
    """Playwright's own waiting evaluates texts, which this page does not allow."""
    wait_for(lambda: page.evaluate(condition), within_s=30)


def wait_for_sound(page: Any, past_s: float = 0.2) -> None:
    wait_until(page, f"window.sounds.some((s) => !s.paused && s.currentTime > {past_s})")


def current(page: Any) -> list[str]:
    return [name.strip() for name in page.locator(".row.current bdi").all_inner_texts()]


def test_keys_play_switch_and_go_on(page: Any) -> None:
    assert current(page) == ["a.wav"]
    page.keyboard.press(" ")
    wait_for_sound(page)
    assert [muted for _, muted in heard(page)] == [False, True]
    assert page.get_by_role("button", name="Pause a.wav").inner_text() == "Pause"
    page.keyboard.press("x")
    assert [muted for _, muted in heard(page)] == [True, False]
    pressed = page.locator(".row >> nth=0 >> .take").evaluate_all(
        "(all) => all.map((each) => each.getAttribute('aria-pressed'))"
    )
    assert pressed == ["false", "true"]
    at, other_at = page.evaluate("window.sounds.slice(0, 2).map((s) => s.currentTime)")
    assert abs(at - other_at) < 0.1
    page.keyboard.press("ArrowLeft")
    assert [muted for _, muted in heard(page)] == [False, True]
    page.keyboard.press("ArrowDown")
    wait_for_sound(page)
    assert current(page) == ["b & <i>.wav"]
    assert len(heard(page)) == 2, "the sound before is silent"
    assert page.get_by_role("button", name="Pause b & <i>.wav").evaluate(
        "(button) => button === document.activeElement"
    )
    page.keyboard.press(" ")
    assert heard(page) == []
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert current(page) == ["c.wav"], "the last one stays"


def test_buttons_play_one_sound_after_the_other(page: Any) -> None:
    page.get_by_role("button", name="Play c.wav").click()
    wait_for_sound(page)
    assert current(page) == ["c.wav"]
    page.locator(".row >> nth=0 >> .take >> nth=1").click()
    wait_for_sound(page)
    assert current(page) == ["a.wav"]
    assert heard(page)[1] == ("a.wav", False)
    page.keyboard.press(" ")
    assert heard(page) == [], "the space bar does not press the button that was clicked"
    page.get_by_role("button", name="Play a.wav").click()
    wait_for_sound(page)
    page.get_by_role("button", name="Pause a.wav").click()
    assert heard(page) == []


def test_a_click_on_a_picture_plays_from_there(page: Any) -> None:
    picture = page.locator(".row >> nth=1 >> .mels")
    box = picture.bounding_box()
    picture.click(position={"x": 0.75 * box["width"], "y": 5})
    wait_for_sound(page, 0.74 * SECONDS)
    assert current(page) == ["b & <i>.wav"]
    left = page.locator(".row >> nth=1 >> .cursor").evaluate(
        "(line) => parseFloat(line.style.left)"
    )
    assert 74 < left < 100


def play_round_the_end(page: Any) -> None:
    """Plays the first sound from near its end to behind its beginning, repeated."""
    picture = page.locator(".row >> nth=0 >> .mels")
    box = picture.bounding_box()
    picture.click(position={"x": 0.9 * box["width"], "y": 5})
    left = "parseFloat(document.querySelector('.current .cursor').style.left)"
    wait_until(page, f"document.querySelector('.current') && {left} > 5 && {left} < 80")


def test_a_repeated_sound_has_no_gap_and_takes_still_switch(page: Any) -> None:
    page.keyboard.press("r")
    assert page.get_by_label("Repeat").is_checked()
    play_round_the_end(page)
    assert longest_pause(page) < 50, "a sine that fits itself is never silent for half a period"
    assert heard(page) == [], "the players themselves are silent"
    page.keyboard.press("x")
    page.wait_for_timeout(500)
    assert longest_pause(page) < 50
    page.keyboard.press("r")
    wait_for_sound(page)
    assert [muted for _, muted in heard(page)] == [True, False], "goes on without being repeated"


def test_keys_are_for_the_sounds_after_a_click_on_the_box(page: Any) -> None:
    page.get_by_text("Repeat", exact=True).click()
    page.keyboard.press(" ")
    wait_until(page, "window.output.some((value) => value !== 0)")
    assert page.get_by_label("Repeat").is_checked(), "the tick stays"
    page.keyboard.press("ArrowDown")
    assert current(page) == ["b & <i>.wav"]
    page.keyboard.press(" ")
    page.get_by_label("Repeat").focus()
    page.keyboard.press(" ")
    assert not page.get_by_label("Repeat").is_checked(), "by keyboard, the space bar is the box's"
    page.keyboard.press("ArrowUp")
    assert current(page) == ["a.wav"]


def test_what_cannot_be_read_is_repeated_all_the_same(tmp_path: Path) -> None:
    path = write_page(tmp_path)
    for script in (tmp_path / "listen_files").glob("*.js"):
        script.write_text("window.distillSound = 'no sound';")
    with browse(path.as_uri(), own=(tmp_path.as_uri(),)) as page:
        page.get_by_label("Repeat").check()
        play_round_the_end(page)
        assert [muted for _, muted in heard(page)] == [False, True]


def test_a_sound_that_is_no_sound_is_told(tmp_path: Path) -> None:
    path = write_page(tmp_path)
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with browse(path.as_uri(), own=(tmp_path.as_uri(),)) as page:
        page.keyboard.press("x")
        page.keyboard.press(" ")
        problem = page.locator(".row >> nth=0 >> .problem")
        wait_until(page, "document.querySelector('.problem').textContent !== ''")
        told = "This browser cannot play the result. Open it with another program."
        assert problem.inner_text() == told
        assert heard(page) == []
