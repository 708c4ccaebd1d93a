"""The dashboard in a browser, from the first sight of it to a zip of new sounds."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.browsers import open_page, require_browser
from tests.helpers.dashboards import Dashboard, dashboard

require_browser()

LONG_MS = 240_000
MINUTES = "0.1"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Dashboard]:
    with dashboard(tmp_path) as started:
        yield started


@pytest.fixture
def page(home: Dashboard) -> Iterator[Any]:
    with open_page(home.url) as page:
        yield page


@pytest.mark.slow
def test_from_the_demo_collection_to_a_zip_of_new_sounds(home: Dashboard, page: Any) -> None:
    from playwright.sync_api import expect

    run = page.locator(".own.run")
    survey = page.locator(".own.survey")
    page.get_by_role("button", name="Try the demo collection").click()
    expect(survey).to_contain_text("24 files", timeout=LONG_MS)
    expect(survey).to_contain_text("Codebook size", timeout=LONG_MS)
    page.get_by_label("Minutes in all").fill(MINUTES)
    page.locator("#more").get_by_role("button", name="More").click()
    page.get_by_label("Vocoder").uncheck()
    page.get_by_role("button", name="Start", exact=True).click()

    expect(run).to_contain_text("training", timeout=LONG_MS)
    expect(run.get_by_role("progressbar").first).not_to_have_attribute(
        "aria-valuenow", "0", timeout=LONG_MS
    )
    page.reload()
    expect(page.get_by_label("Folder of sounds")).to_have_value("the demo collection")
    expect(run).to_contain_text("Utilization", timeout=LONG_MS)
    assert run.locator("tbody tr").count() >= 3
    run.get_by_role("button", name="Play").first.wait_for(timeout=LONG_MS)  # a preview
    page.get_by_role("button", name="Stop").click()
    expect(run).to_contain_text("Stopped, and saved.", timeout=LONG_MS)
    page.get_by_role("button", name="Go on").click()
    expect(run.locator(".state")).to_contain_text("Finished.", timeout=LONG_MS)

    page.get_by_role("tab", name="Library").click()
    library = page.locator(".own.library")
    expect(library.locator(".card")).to_have_count(1)
    library.locator(".card button.link").click()
    expect(library.locator(".details")).to_contain_text("Codebook health")
    library.get_by_role("button", name="Make new sounds").click()

    page.get_by_role("button", name="Generate", exact=True).click()
    sounds = page.locator(".own.sounds .sound")
    expect(sounds).to_have_count(8, timeout=LONG_MS)
    expect(sounds.nth(7).get_by_role("button", name="nearest")).to_be_visible(timeout=LONG_MS)
    for number in (0, 3):
        sounds.nth(number).get_by_role("button", name="Keep").click()
    expect(page.locator(".kept")).to_contain_text("2 sounds kept")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download them all as a zip").click()
    content = Path(waiting.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        assert all(archive.read(name)[:4] == b"RIFF" for name in names)
    assert len(names) == 2
    assert sorted(names) == sorted(path.name for path in (home.outputs / "kept").iterdir())
