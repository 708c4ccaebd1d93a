"""The page in a browser: a sound is varied, a kit for a sampler made, and both are taken away."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from distill.catalog.catalog import Catalog
from tests.helpers.browsers import open_page, require_browser
from tests.helpers.dashboards import Dashboard, dashboard
from tests.helpers.made_bundle import STATES, VOCODER, publish_bundle
from tests.helpers.sounds import sound

require_browser()
pytestmark = pytest.mark.slow
LONG_MS = 90_000
PRIOR = STATES["prior_state"]
VARIED = {**PRIOR, "config": {**PRIOR["config"], "held_out_db": 0.1}}
"""A prior that takes sounds for different ones that are much alike: it has learnt nothing."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("home")
    library = Catalog(folder / "outputs" / "library")
    publish_bundle(library, "codec", fields=VOCODER)
    publish_bundle(library, "kit", fields={**STATES, "prior_state": VARIED})
    with dashboard(folder) as started:
        yield started


def downloaded(page: Any, link: Any) -> tuple[str, bytes]:
    """The name and content of a file that a link gives."""
    with page.expect_download(timeout=LONG_MS) as waiting:
        link.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def shown(page: Any, *labels: str) -> list[bool]:
    """Whether each of these fields is seen."""
    return [page.get_by_label(label).first.is_visible() for label in labels]


def test_from_a_sound_to_a_kit_and_the_model_file(home: Dashboard, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    own = sound(tmp_path / "mine.wav")
    with open_page(home.url) as page:
        page.get_by_role("tab", name="Generate").click()
        page.get_by_label("Variations of a sound").check()
        page.locator("#first input[type=file]").set_input_files(own)
        expect(page.locator("#first")).to_contain_text("mine", timeout=LONG_MS)
        page.locator("#count input[type=number]").fill("2")
        page.get_by_role("button", name="Generate", exact=True).click()
        calls = page.locator(".own.sounds .call")
        expect(calls.first.locator("h2")).to_contain_text("2 variations of mine.wav")
        expect(calls.first.locator(".sound")).to_have_count(2, timeout=LONG_MS)

        page.get_by_label("A kit for a sampler").check()
        expect(page.get_by_label("or one that is here", exact=True)).to_be_hidden()
        page.get_by_label("number input for Sounds of each class").fill("2")
        page.get_by_label("number input for Velocity layers").fill("2")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Generate", exact=True).click()
        kit = calls.filter(has_text="a kit with 2 sounds of each of 2 classes, 2 velocity layers")
        link = kit.get_by_role("link", name="Download the kit as a zip")
        name, content = downloaded(page, link)
        expect(kit.locator(".sound")).to_have_count(4)
        kit.get_by_role("button", name="soft", exact=True).first.click()
        kit.get_by_role("button", name="Play").first.click()
        page.wait_for_function("window.sounds.some((s) => s.src.includes('/kick/kick_01'))")
        kit.get_by_role("button", name="Keep").first.click()
        expect(page.locator(".kept")).to_contain_text("1 sound kept")

        page.get_by_role("tab", name="Library").click()
        page.locator(".own.library").get_by_role("button", name="kit", exact=True).click()
        model = downloaded(page, page.get_by_role("link", name="Download the model file"))
    library = home.outputs / "library"
    assert model == ("kit.distillgan", (library / "kit.distillgan").read_bytes())
    assert name == "kit.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = {*archive.namelist()}
        preset = archive.read("kit.sfz").decode()
        assert archive.read("kick/kick_01.wav")[:4] == b"RIFF"
    played = {*re.findall(r"sample=(\S+)", preset)}
    assert len(played) == 8
    assert names == {"kit.sfz", "kit.dspreset", "kit.json", *played}


def test_each_way_shows_its_own_fields_alone(home: Dashboard) -> None:
    from playwright.sync_api import expect

    with open_page(home.url) as page:
        page.get_by_role("tab", name="Generate").click()
        page.get_by_role("button", name="More").last.click()
        tempo, length = page.get_by_label("Tempo in beats a minute"), "Length in seconds"
        page.get_by_label("Loops", exact=True).check()
        expect(tempo).to_be_visible()
        assert shown(page, "Bars", length, "Normalise", "96 kHz") == [True] * 4
        tempo.fill("400")
        expect(page.get_by_label(length)).to_be_hidden()
        page.get_by_role("button", name="Generate", exact=True).click()
        told = page.locator(".own.note .error")
        expect(told).to_have_text("Tempo: 400 is not a number from 30 to 300")
        tempo.fill("")
        page.get_by_label("Bars").fill("2")
        expect(page.get_by_label(length)).to_be_visible()
        page.get_by_role("button", name="Generate", exact=True).click()
        expect(told).to_have_text("a loop of so many bars or beats has a tempo: add bpm")
        page.get_by_label("96 kHz").click()
        expect(page.get_by_label("96 kHz")).to_be_checked()
        page.get_by_label("A kit for a sampler").check()
        expect(tempo).to_be_hidden()
        expect(page.get_by_label("44.1 kHz")).to_be_checked()
        expect(page.locator("#class input")).to_have_value("all classes")
        assert shown(page, "Seed", length, "Normalise", "96 kHz") == [True, False, False, False]
        page.get_by_label("New sounds", exact=True).check()
        expect(page.get_by_label("the model's")).to_be_checked()
        expect(page.locator("#class input")).to_have_value("any class")


def test_what_a_model_cannot_do_is_said_before(home: Dashboard) -> None:
    from playwright.sync_api import expect

    limit = "This model has no prior (yet), so it makes no new sounds."
    with open_page(home.url, width=390) as page:
        page.get_by_role("tab", name="Generate").click()
        for way in ("Loops", "A kit for a sampler"):
            page.get_by_label(way).click()
            expect(page.get_by_label(way)).to_be_checked()
            page.wait_for_timeout(1_000)
            assert page.evaluate("document.scrollingElement.scrollWidth") <= 390, way
        for model, said in (("codec", [limit]), ("kit", [])):
            page.get_by_label("Model", exact=True).click()
            page.get_by_role("option", name=model, exact=True).click()
            expect(page.get_by_text(limit)).to_have_count(len(said))


def test_a_zip_of_what_is_no_kit_is_one_line(home: Dashboard) -> None:
    for call in ("", "..", "none", "../../etc"):
        answer = home.ask(f"/api/kit.zip?call={quote(call)}")
        assert (answer.status, answer.json["error"]) == (404, "there is no such kit (any more)")
