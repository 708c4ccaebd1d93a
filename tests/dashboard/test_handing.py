"""Model files that leave the library through the page, and come into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from distill.catalog.catalog import Catalog
from distill.catalog.known import known_sounds_of
from tests.helpers.browsers import open_page, require_browser
from tests.helpers.dashboards import Answer, Dashboard, dashboard
from tests.helpers.made_bundle import STATES, make_bundle, publish_bundle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("home")
    publish_bundle(Catalog(folder / "outputs" / "library"), "kit", fields=STATES)
    with dashboard(folder) as started:
        yield started


def add(home: Dashboard, name: str, data: bytes) -> Answer:
    """A file, as the page itself sends it."""
    own = {"Origin": home.url.rstrip("/")}
    return home.ask(f"/api/add_model?name={quote(name)}", method="POST", headers=own, body=data)


def on_the_way(home: Dashboard) -> list[Path]:
    """What lies in the folder for files that go in or out."""
    return list((home.outputs / "dashboard" / "models").glob("**/*"))


def test_a_model_is_downloaded_with_its_sounds_or_without(home: Dashboard, tmp_path: Path) -> None:
    answer = home.ask("/api/model_file?file=kit.distillgan")
    assert answer.body == (home.outputs / "library" / "kit.distillgan").read_bytes()
    assert 'filename="kit.distillgan"' in answer.headers["content-disposition"]
    answer = home.ask("/api/model_file?file=kit.distillgan&sounds=no")
    assert 'filename="kit-without-sounds.distillgan"' in answer.headers["content-disposition"]
    (tmp_path / "bare.distillgan").write_bytes(answer.body)
    assert known_sounds_of(tmp_path / "bare.distillgan") == []
    assert on_the_way(home) == []
    for file in ("none.distillgan", "../library/kit.distillgan", "/etc/passwd", ""):
        answer = home.ask(f"/api/model_file?file={quote(file)}")
        assert (answer.status, "no such model" in answer.json["error"]) == (404, True)


def test_a_model_file_is_added_as_by_the_command(home: Dashboard, tmp_path: Path) -> None:
    data = make_bundle(tmp_path / "more.distillgan", fields=STATES, name="More").read_bytes()
    assert add(home, "../../more.distillgan", data).json == {"said": "added: more.distillgan"}
    again = add(home, "more.distillgan", data).json
    assert again == {"said": "already in the library: more.distillgan"}
    names = [model["plain_name"] for model in home.ask("/api/models").json["models"]]
    assert sorted(names) == ["More", "kit"]
    assert on_the_way(home) == []


def test_what_is_no_model_is_refused_and_leaves_nothing(home: Dashboard, tmp_path: Path) -> None:
    data = bytearray(make_bundle(tmp_path / "a.distillgan", fields=STATES).read_bytes())
    data[len(data) // 2] ^= 1
    before = sorted(path.name for path in (home.outputs / "library").iterdir())
    for name, sent, told in (
        ("a.distillgan", bytes(data), "a.distillgan: was altered or damaged"),
        ("a.distillgan", b"", "a.distillgan: truncated or not a .distillgan file"),
        ("a.ckpt", bytes(data), "a.ckpt: is not a model file: its name ends in .distillgan"),
        ("", bytes(data), "is not a model file"),
    ):
        assert told in add(home, name, sent).json["error"]
    assert sorted(path.name for path in (home.outputs / "library").iterdir()) == before
    assert on_the_way(home) == []
    foreign = {"Origin": "http://example.org"}
    path = "/api/add_model?name=a.distillgan"
    assert home.ask(path, method="POST", headers=foreign, body=b"x").status == 403
    too_large = {"Origin": home.url.rstrip("/"), "Content-Length": str((4 << 30) + 1)}
    assert home.ask(path, method="POST", headers=too_large, body=b"x").status == 413


def test_on_the_page_both_ways_say_who_can_hear_the_sounds(home: Dashboard, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    require_browser()
    file = make_bundle(tmp_path / "third.distillgan", fields=STATES, name="third")
    with open_page(home.url) as page:
        page.get_by_role("tab", name="Library").click()
        page.get_by_label("Add a model file").set_input_files(file)
        expect(page.locator(".own.library")).to_contain_text(
            "added: third.distillgan", timeout=30_000
        )
        library = page.locator(".own.library")
        expect(library).to_contain_text("Whoever has one can hear the sounds that it was made of")
        library.get_by_role("button", name="kit", exact=True).click()
        expect(library).to_contain_text("Whoever has this file can hear the sounds that it was")
        for link, name in (
            ("Download the model file", "kit.distillgan"),
            ("Download it without its sounds", "kit-without-sounds.distillgan"),
        ):
            with page.expect_download(timeout=30_000) as waiting:
                library.get_by_role("link", name=link).click()
            assert waiting.value.suggested_filename == name
