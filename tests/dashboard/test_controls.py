"""Every state of a run × every control of the page: what is offered works, and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from distill.catalog.catalog import Catalog
from distill.dashboard.state.places import Places
from distill.dashboard.state.sounds_request import AGAIN, WAYS
from tests.helpers.browsers import open_page, require_browser
from tests.helpers.dashboards import Dashboard, dashboard
from tests.helpers.fake_calls import call
from tests.helpers.fake_runs import FakeRun
from tests.helpers.made_bundle import STATES, VOCODER

require_browser()
pytestmark = pytest.mark.slow
STOP, GO_ON, USE, SEND = "Stop", "Go on", "Make new sounds", "Send a sound through it"
OF_RUN, OF_ROWS = (STOP, GO_ON, USE, SEND), ("Keep", "Vary")
SEND_ONLY, ALL_WAYS = (WAYS[AGAIN],), tuple(WAYS.values())
NEXT_LOOK_MS = 2_000
NO_MODEL, GENERATE = "Train a model first", "Generate"


class Home:
    """A dashboard with one run in a state of its choice."""

    def __init__(self, served: Dashboard, page: Any) -> None:
        self.page, self.outputs = page, served.outputs
        self.places = Places(served.outputs, served.outputs / "library")
        self.number = 0

    @property
    def library(self) -> Catalog:
        """The models."""
        return Catalog(self.places.library)

    def run(self, *, alive: bool = True) -> FakeRun:
        """A new run that has read its sounds."""
        self.number += 1
        run = FakeRun(self.outputs, f"run{self.number}", alive=alive)
        return run.start(root=[str(self.outputs)])  # sounds that are still there

    def forget(self) -> None:
        """No run, no model."""
        for folder in (self.places.trained, self.places.library):
            shutil.rmtree(folder, ignore_errors=True)

    def tab(self, name: str) -> None:
        """Go to a tab."""
        self.page.get_by_role("tab", name=name).click()

    def offered(self, part: str, names: tuple[str, ...]) -> set[str]:
        """Which of these controls can be pressed."""
        buttons = self.page.locator(f".own.{part} button:visible:enabled").all_inner_texts()
        return set(buttons) & set(names)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with dashboard(tmp_path_factory.mktemp("home")) as served, open_page(served.url) as page:
        call(Places(served.outputs, served.outputs / "library"))
        yield Home(served, page)


def no_run(home: Home) -> None:
    pass


def codec(home: Home) -> None:
    home.run().step()


def vocoder(home: Home) -> None:
    home.run().stage().publish(home.library).step(stage="vocoder")


def prior(home: Home) -> None:
    home.run().stage().publish(home.library, **VOCODER).step(stage="prior")


def stopping(home: Home) -> None:
    (home.run().step().run_dir / "stop").touch()


def stopped(home: Home) -> None:
    home.run().stage().publish(home.library).can_be_resumed().end("stopped")


def failed(home: Home) -> None:
    home.run().end("failed", "the disk was full")


def killed(home: Home) -> None:
    home.run(alive=False).step().can_be_resumed()


def done(home: Home) -> None:
    home.run().stage().publish(home.library, new_sounds="new_sounds-2", **STATES).end()


def model_deleted(home: Home) -> None:
    done(home)
    wait_for_run(home, "finished")
    (entry,) = home.library.entries()
    home.library.delete(entry)
    home.page.wait_for_timeout(NEXT_LOOK_MS)


def file_deleted(home: Home) -> None:
    done(home)
    wait_for_run(home, "finished")
    (entry,) = home.library.entries()
    home.library.path_of(entry).unlink()
    home.page.wait_for_timeout(NEXT_LOOK_MS)


def run_deleted(home: Home) -> None:
    done(home)
    wait_for_run(home, "finished")
    shutil.rmtree(home.places.trained)


def wait_for_run(home: Home, state: str) -> None:
    """Until the page shows the run in this state; without one, that it has none."""
    run = home.page.locator(".own.run")
    shown = run.locator("h2", has_text=state) if state else run.locator(".welcome")
    shown.wait_for()


TABLE: list[tuple[Callable[[Home], None], str, set[str], set[str], str, tuple[str, ...]]] = [
    (no_run, "", set(), set(), NO_MODEL, ALL_WAYS),
    (codec, "training", {STOP}, set(), NO_MODEL, ALL_WAYS),
    (vocoder, "training", {STOP, SEND}, set(), GENERATE, SEND_ONLY),
    (prior, "training", {STOP, SEND}, set(), GENERATE, SEND_ONLY),
    (stopping, "stopping", set(), set(), NO_MODEL, ALL_WAYS),
    (stopped, "stopped", {GO_ON, SEND}, set(), GENERATE, SEND_ONLY),
    (failed, "failed", set(), set(), NO_MODEL, ALL_WAYS),
    (killed, "cut off", {GO_ON}, set(), NO_MODEL, ALL_WAYS),
    (done, "finished", {USE}, {"Keep", "Vary"}, GENERATE, ALL_WAYS),
    (model_deleted, "finished", set(), {"Keep"}, NO_MODEL, ALL_WAYS),
    (file_deleted, "finished", set(), {"Keep"}, NO_MODEL, ALL_WAYS),
    (run_deleted, "", set(), set(), GENERATE, ALL_WAYS),
]
"""How the run becomes so, its state, what is offered for it and for its new sounds, and in the
Generate tab the button and the ways.
"""


@pytest.mark.parametrize(
    ("prepare", "state", "of_run", "of_rows", "button", "ways"),
    TABLE,
    ids=[row[0].__name__ for row in TABLE],
)
def test_what_is_offered_works(
    home: Home,
    prepare: Callable[[Home], None],
    state: str,
    of_run: set[str],
    of_rows: set[str],
    button: str,
    ways: tuple[str, ...],
) -> None:
    from playwright.sync_api import expect

    page = home.page
    home.tab("Train")
    home.forget()
    wait_for_run(home, "")
    prepare(home)
    wait_for_run(home, state)
    assert home.offered("run", OF_RUN) == of_run
    assert home.offered("run", OF_ROWS) == of_rows
    for control in sorted(of_run | of_rows):
        home.tab("Train")
        page.locator(".own.run").get_by_role("button", name=control, exact=True).click()
        way = {USE: WAYS["new"], SEND: WAYS[AGAIN], "Vary": WAYS["like"]}.get(control)
        if way:
            expect(page.get_by_role("radio", name=way, exact=True)).to_be_checked()
        elif control in OF_RUN:
            wait_for_run(home, {STOP: "stopping", GO_ON: "starting"}[control])
        else:
            page.locator(".own.run").get_by_role("button", name="Kept").wait_for()
    home.tab("Generate")
    expect(page.locator("#generate")).to_have_text(button)
    expect(page.locator("#generate")).to_be_enabled(enabled=button == GENERATE)
    expect(page.locator("#way label")).to_have_text(list(ways))
    vary = page.locator(".own.sounds").get_by_role("button", name="Vary").first
    expect(vary).to_be_visible(visible=button == GENERATE and ways == ALL_WAYS)
    for way in ways:
        page.locator("#way label", has_text=way).click()
        expect(page.get_by_role("radio", name=way, exact=True)).to_be_checked()
    if vary.is_visible():
        vary.click()
        expect(page.get_by_role("radio", name=WAYS["like"])).to_be_checked()
    assert page.get_by_text("Error", exact=True).count() == 0


def test_a_message_goes_with_what_it_is_about(home: Home, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    page = home.page
    home.tab("Train")
    home.forget()
    places = [tmp_path / name for name in ("one", "two")]
    for folder in places:
        folder.mkdir()
    run = FakeRun(home.outputs, "kit", alive=True).start(root=[str(places[0])]).step()
    wait_for_run(home, "training")
    typed, told = page.get_by_label("Folder of sounds"), page.locator(".own.message .error")
    for other in (lambda: typed.fill(str(places[1])), page.locator("#demo").click):
        typed.fill(str(places[0]))
        page.locator("#start").click()
        expect(told).to_have_text("kit trains on these sounds already; stop it first")
        other()
        expect(told).to_have_count(0)
    said = page.locator(".own.run .message:visible")
    page.locator(".own.run").get_by_role("button", name="Stop").click()
    expect(said).to_have_text("stopping: the run finishes its step and saves")
    run.end("stopped", "stop file")
    wait_for_run(home, "stopped")
    expect(said).to_have_count(0)


def test_a_first_visit_has_three_steps_and_sounds_to_play(home: Home) -> None:
    from playwright.sync_api import expect

    page = home.page
    home.tab("Library")
    home.forget()
    welcome = page.locator(".own.library .welcome")
    expect(welcome.locator("li")).to_have_count(3)
    expect(welcome.get_by_role("button", name="Play")).to_have_count(12)
    welcome.get_by_role("button", name="Play pluck 82 Hz").click()
    page.wait_for_function("window.sounds.some((s) => !s.paused && s.currentTime > 0.1)")
    welcome.get_by_role("button", name="Pause pluck 82 Hz").click()
    welcome.get_by_role("button", name="Begin with step 1").click()
    expect(page.get_by_label("Folder of sounds")).to_be_visible()
    expect(page.locator(".own.run .welcome")).to_be_visible()


def test_one_epoch_is_no_curve_and_two_are(home: Home) -> None:
    from playwright.sync_api import expect

    home.tab("Train")
    home.forget()
    run, shown = home.run().epoch(1), home.page.locator(".own.run .charts figure")
    expect(shown).to_contain_text("After 1 epoch: train 1, validation 1.1")
    expect(shown.locator("svg")).to_have_count(0)
    run.epoch(2)
    expect(shown.locator("svg")).to_have_count(1)
    expect(shown).to_contain_text("Nothing to do yet")


def test_a_card_plays_a_sound_which_is_not_loaded_before(home: Home) -> None:
    from playwright.sync_api import expect

    page = home.page
    home.tab("Library")
    home.forget()
    done(home)
    play = page.locator(".own.library .card").get_by_role("button", name="Play kit_0_001.wav")
    expect(play).to_be_visible()
    loaded = "window.sounds.some((s) => s.src.includes('new_sounds-2/kit_0_001.wav'))"
    assert not page.evaluate(loaded)
    play.click()
    page.wait_for_function(loaded)
