"""The page in a browser: what is shown, heard and reached by keyboard, with runs of any name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from distill.audio.own_output import PAGE_ROWS
from distill.catalog.catalog import Catalog
from distill.listen.rows import Row, Take
from tests.helpers.browsers import longest_pause, open_page, require_browser
from tests.helpers.checkout import REPOSITORY
from tests.helpers.dashboards import Dashboard, dashboard
from tests.helpers.fake_runs import REMEDY, FakeRun
from tests.helpers.made_bundle import STATES, publish_bundle

require_browser()
pytestmark = pytest.mark.slow
EVIL = "<img src=x onerror=\"document.title='hacked'\">${alert(1)}{{7*7}}"
TABS = ("Train", "Library", "Generate")
SECONDS = 4.0


def write_previews(run_dir: Path, epoch: int) -> None:
    """Three clips of some seconds, each in two takes, and the picture that is written last."""
    folder = run_dir / "previews" / f"epoch_{epoch:04d}"
    folder.mkdir(parents=True)
    time = np.arange(int(SECONDS * 8_000)) / 8_000
    for number in (1, 2, 3):
        for label, hertz in (("original", 220 * number), ("result", 225 * number)):
            sound = 0.1 * np.sin(2 * np.pi * hertz * time)
            soundfile.write(folder / f"{number}_clip_{epoch}_{label}.wav", sound, 8_000)
    Image.new("RGB", (8, 8)).save(folder / "mels.png")


def write_call(outputs: Path) -> None:
    """New sounds that were asked for before, with their page."""
    folder = outputs / "generated" / "2026-01-31_15-00-00_kit"
    (folder / "listen_files").mkdir(parents=True)
    rows = []
    for number in (1, 2):
        path = folder / f"kit_0_{number:03d}.wav"
        soundfile.write(path, np.zeros(800), 8_000)
        row = Row(path.name, (Take("new", path.name),), 0.1, path.name, note=f"{EVIL}, 0.1 s")
        rows.append({key: value for key, value in asdict(row).items() if value is not None})
    (folder / "listen_files" / PAGE_ROWS).write_text(json.dumps({"version": 1, "rows": rows}))
    words = ["distill.generate", "--count=2", f"--class={EVIL}", "--seed=0", "--", "kit.distillgan"]
    (folder / "process.json").write_text(
        json.dumps({"pid": 1, "pid_started_s": 0.0, "words": words})
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("home")
    outputs = folder / "outputs"
    run = FakeRun(outputs, alive=True).start(name=EVIL, root=[EVIL])
    run.epoch(1).epoch(2, second_level=0.2, news=(REMEDY, EVIL))
    write_previews(run.run_dir, 1)
    (folder / EVIL.replace("/", "")).mkdir()
    library = Catalog(outputs / "library")
    publish_bundle(library, EVIL, fields=STATES, description=EVIL, tags=[EVIL], dataset_name=EVIL)
    write_call(outputs)
    with dashboard(folder) as started:
        yield started


def open_tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    part = {"Train": "run", "Library": "library", "Generate": "sounds"}[name]
    page.locator(f".own.{part}").wait_for(state="visible")
    page.wait_for_timeout(1_500)  # the first look at the disk


def test_hostile_names_are_text_wherever_they_are_shown(home: Dashboard) -> None:
    from playwright.sync_api import expect

    with open_page(home.url) as page:
        expect(page.locator(".own.run .run h2")).to_contain_text(EVIL)
        expect(page.locator(".own.run .warnings")).to_contain_text(EVIL)
        page.get_by_label("Folder of sounds").fill(f"/no/{EVIL}")
        page.get_by_role("button", name="Start", exact=True).click()
        said = page.locator(".own.message")
        expect(said).to_contain_text(f"{EVIL}: no such folder", timeout=20_000)
        page.get_by_label("Folder of sounds").fill(str(home.folder))
        page.get_by_role("button", name="Choose a folder").click()
        page.get_by_label("Go to").click()
        expect(page.get_by_role("option", name="onerror")).to_be_visible()
        page.keyboard.press("Escape")
        open_tab(page, "Library")
        page.locator(".own.library .card button.link").click()
        expect(page.locator(".own.library .details h2")).to_contain_text(EVIL)
        page.get_by_label("Show as").select_option("table")
        expect(page.locator(".own.library tbody th").first).to_contain_text(EVIL)
        open_tab(page, "Generate")
        expect(page.locator(".own.sounds .sound").first).to_contain_text(EVIL)
        assert EVIL in page.get_by_role("combobox", name="Model").input_value()
        assert page.title() == "distill"
        assert page.locator(".own img[src=x]").count() == 0


def test_levels_and_the_remedy_of_the_worst_one_are_seen(home: Dashboard) -> None:
    with open_page(home.url) as page:
        low = page.locator(".own.run tr.low")
        low.wait_for()
        assert "mostly idle" in low.inner_text()
        assert "20.0%" in low.inner_text()
        assert REMEDY in page.locator(".own.run .warnings").inner_text()
        assert page.locator(".own.run .chart polyline").count() == 4


def heard(page: Any) -> list[dict[str, Any]]:
    """The players that sound or could: address, position, muted."""
    return list(
        page.evaluate(
            "window.sounds.filter((s) => s.src).map((s) => "
            "({src: s.src, at: s.currentTime, muted: s.muted, paused: s.paused}))"
        )
    )


def test_takes_switch_at_the_same_position_and_nothing_cuts_them_off(home: Dashboard) -> None:
    from playwright.sync_api import expect

    with open_page(home.url) as page:
        run = page.locator(".own.run")
        run.get_by_role("button", name="Play clip_1").first.focus()
        page.keyboard.press(" ")
        page.wait_for_function("window.sounds.some((s) => !s.paused && s.currentTime > 0.3)")
        original, result = heard(page)
        assert (original["muted"], result["muted"]) == (False, True)
        page.keyboard.press("x")
        original, result = heard(page)
        assert (original["muted"], result["muted"]) == (True, False)
        assert abs(original["at"] - result["at"]) < 0.1
        expect(
            run.locator(".sound").first.get_by_role("button", name="result", exact=True)
        ).to_have_attribute("aria-pressed", "true")

        write_previews(home.outputs / "train" / "2026-01-31_14-00-00_kit", 2)
        expect(run.locator(".label")).to_have_text("codec, epoch 2", timeout=60_000)
        before = heard(page)[1]
        assert not before["paused"]
        page.wait_for_function(f"window.sounds[1].currentTime > {before['at'] + 0.3}")
        expect(run.get_by_role("button", name="Pause")).to_have_count(1)
        page.keyboard.press(" ")
        assert all(sound["paused"] for sound in heard(page))
        expect(run.get_by_role("button", name="Play clip_2")).to_have_count(3)
        page.keyboard.press("ArrowDown")
        expect(run.locator(".sound.current")).to_have_count(1)
        page.keyboard.press("ArrowUp")
        page.keyboard.press(" ")
        page.wait_for_function("window.sounds.some((s) => !s.paused && s.src.includes('clip_2'))")
        link = run.locator("a.file").first
        assert link.get_attribute("download") == "1_clip_2_original.wav"


def test_a_repeated_sound_has_no_gap(home: Dashboard) -> None:
    with open_page(home.url) as page:
        page.locator(".own.run").get_by_role("button", name="Play clip").first.focus()
        page.keyboard.press("r")
        page.keyboard.press(" ")
        page.wait_for_function(f"window.output.length > {(SECONDS + 1) * 8_000}")
        assert longest_pause(page) < 50, "a sine that fits itself is never silent for half a period"
        open_tab(page, "Generate")
        assert page.get_by_label("Repeat").is_checked()


def test_a_sound_is_kept_by_a_key_and_dragged_out_under_its_name(home: Dashboard) -> None:
    from playwright.sync_api import expect

    with open_page(home.url) as page:
        open_tab(page, "Generate")
        row = page.locator(".own.sounds .sound").first
        row.get_by_role("button", name="Play").focus()
        page.keyboard.press("k")
        expect(row.get_by_role("button", name="Kept")).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".kept")).to_contain_text("1 sound kept")
        assert [path.name for path in (home.outputs / "kept").iterdir()] == ["kit_0_001.wav"]
        page.keyboard.press("k")
        expect(page.locator(".kept")).to_have_text("")
        dragged = row.locator("a.file").evaluate(
            "(link) => { const data = new DataTransfer();"
            "link.dispatchEvent(new DragEvent('dragstart', { dataTransfer: data }));"
            "return data.getData('DownloadURL'); }"
        )
        kind, name, address = dragged.split(":", 2)
        assert (kind, name) == ("audio/wav", "kit_0_001.wav")
        assert address.startswith(f"{home.url}sounds/generated/")


def test_keys_press_what_they_are_on_and_delete_nothing_by_themselves(home: Dashboard) -> None:
    from playwright.sync_api import expect

    with open_page(home.url) as page:
        open_tab(page, "Library")
        page.locator(".own.library button.link").first.click()
        page.get_by_role("button", name="Delete …").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".own.library .no")).to_be_focused()
        open_tab(page, "Generate")
        row = page.locator(".own.sounds .sound").first
        row.get_by_role("button", name="Play").focus()
        page.keyboard.press("Tab")
        page.keyboard.press(" ")
        expect(row.get_by_role("button", name="Kept")).to_be_focused()
        assert all(sound["paused"] for sound in heard(page))
        page.keyboard.press(" ")
        expect(row.get_by_role("button", name="Keep")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_own_parts_can_be_read_by_everybody(home: Dashboard, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with open_page(home.url, scheme=scheme) as page:
        assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
        for tab in TABS:
            open_tab(page, tab)
            if tab == "Library":
                page.locator(".own.library button.link").first.click()
                page.wait_for_timeout(500)
            found = axe.Axe().run(page, context={"include": [[".own"]]})
            wrong = [
                (each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]
            ]
            assert wrong == [], tab


def test_on_a_telephone_nothing_is_wider_than_the_screen(home: Dashboard) -> None:
    with open_page(home.url, width=390) as page:
        for tab in TABS:
            open_tab(page, tab)
            assert page.evaluate("document.scrollingElement.scrollWidth") <= 390, tab


def test_the_tab_key_goes_from_the_folder_to_start(home: Dashboard) -> None:
    with open_page(home.url) as page:
        page.get_by_label("Folder of sounds").focus()
        seen = []
        for _ in range(4):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.innerText.trim()"))
        assert seen == ["Try the demo collection", "Choose a folder …", "", "Start"]
        page.keyboard.press("Shift+Tab")
        page.keyboard.type("2")
        assert page.get_by_label("Minutes in all").input_value() == "2"


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_the_page_works_on_a_machine_without_a_network() -> None:
    without = ["unshare", "--net", "--map-root-user", "sh", "-c"]
    if subprocess.run([*without, "ip link set lo up"], capture_output=True).returncode != 0:
        pytest.skip("this machine does not allow it")
    name = test_levels_and_the_remedy_of_the_worst_one_are_seen.__name__
    test = f"{Path(__file__).relative_to(REPOSITORY)}::{name}"
    line = f"ip link set lo up && {sys.executable} -m pytest -n 0 -m slow {test}"
    done = subprocess.run([*without, line], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("."), "not skipped"
