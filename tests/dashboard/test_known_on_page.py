"""The page in a browser: the sounds that a model knows, chosen by typing, heard, and begun with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from distill.catalog.catalog import Catalog
from tests.helpers.browsers import open_page, require_browser
from tests.helpers.dashboards import Dashboard, dashboard
from tests.helpers.made_bundle import STATES, VOCODER, publish_bundle

require_browser()
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("home")
    library = Catalog(folder / "outputs" / "library")
    publish_bundle(library, "codec", fields=VOCODER)
    publish_bundle(library, "kit", fields=STATES)
    with dashboard(folder) as started:
        yield started


def choose(page: Any, label: str, typed: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_label(label, exact=True).fill(typed)
    page.get_by_role("option", name=option).click()


def test_a_training_sound_is_found_by_typing_heard_and_varied(home: Dashboard) -> None:
    from playwright.sync_api import expect

    with open_page(home.url) as page:
        page.get_by_role("tab", name="Generate").click()
        page.get_by_label("Variations of a sound").check()
        page.wait_for_timeout(8_000)  # the names are read by a process
        player = page.locator("#own-heard audio")
        expect(player).to_be_hidden()
        choose(page, "or one that is here", "snare/2", "snare/2.wav (training sound)")
        expect(player).to_be_visible()
        address = player.get_attribute("src")
        answer = home.ask(address)
        assert (answer.status, answer.headers["content-type"]) == (200, "audio/wav")
        page.get_by_role("button", name="Generate", exact=True).click()
        head = page.locator(".own.sounds .call h2").first
        expect(head).to_contain_text("8 variations of snare/2.wav", timeout=20_000)
        expect(page.locator(".own.sounds .sound")).to_have_count(8, timeout=60_000)
        page.get_by_label("New sounds", exact=True).check()
        expect(player).to_be_hidden()
        page.get_by_label("Variations of a sound").check()
        expect(player).to_be_visible()
        choose(page, "Model", "codec", "codec")
        expect(page.get_by_label("or one that is here", exact=True)).to_have_value("")
        expect(player).to_be_hidden()


def test_an_address_gives_nothing_but_known_sounds(home: Dashboard) -> None:
    for asked in ("", "file=kit.distillgan", "file=kit.distillgan&source=../../etc/passwd"):
        answer = home.ask(f"/api/known_sound?{asked}")
        assert (answer.status, "no such" in answer.json["error"]) == (404, True)
