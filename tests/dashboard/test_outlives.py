"""A run goes on when the dashboard is killed; the next one shows it, stops it, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from distill.dashboard.state.places import Places
from distill.dashboard.state.processes import start_verb
from tests.helpers.dashboards import Dashboard, end_runs, start_dashboard
from tests.helpers.runs import TINY, wait_for

pytestmark = pytest.mark.slow
SHOWN_WITHIN_S = 2.0
RUN = "train/kit"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    end_runs(tmp_path)


def epoch(home: Dashboard) -> int:
    levels = home.run()["levels"]
    return int(levels["epoch"]) if levels else 0


def test_a_killed_dashboard_leaves_the_run_at_work(home: Path, sounds: Path) -> None:
    first = start_dashboard(home)
    places = Places(home / "outputs", home / "outputs" / "library")
    words = [*TINY, "trainer.max_epochs=100000", f"hydra.run.dir={places.trained / 'kit'}"]
    words.append(f"library.dir={places.library}")
    (places.trained / "kit").mkdir(parents=True)
    start_verb(
        ["distill.train", str(sounds), *words],
        log=places.log_of(RUN),
        note=places.note_of(RUN),
    )
    wait_for(lambda: first.run()["state"] == "training" and epoch(first) > 0)
    first.kill()

    second = start_dashboard(home)
    wait_for(lambda: second.run().get("state") == "training", within_s=SHOWN_WITHIN_S)
    before = epoch(second)
    wait_for(lambda: epoch(second) > before)
    assert second.post("/api/stop", {"run": RUN}).status == 204
    assert second.run()["state"] in ("stopping", "stopped")
    wait_for(lambda: second.run()["state"] == "stopped")
    stopped = epoch(second)
    assert second.post("/api/go_on", {"run": RUN}).status == 204
    assert "at work already" in second.post("/api/go_on", {"run": RUN}).json["error"]
    wait_for(lambda: second.run()["state"] == "training" and epoch(second) > stopped)
    second.kill()
