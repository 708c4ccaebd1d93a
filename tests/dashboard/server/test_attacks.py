"""The table of attacks against a dashboard that serves, over raw HTTP; and what the page may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.helpers.attacks import ATTACKS, FORM, UPLOAD, headers_for
from tests.helpers.dashboards import Dashboard, dashboard

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("home")
    outputs = folder / "outputs"
    run = outputs / "train" / "x"
    previews = run / "previews" / "epoch_0001"
    for place in (
        previews,
        outputs / "library",
        outputs / "cache",
        outputs / "dashboard" / "logs",
        run / "checkpoints",
    ):
        place.mkdir(parents=True)
    tone = np.zeros(800, dtype=np.float32)
    for path in (
        previews / "real.wav",
        previews / ".hidden.wav",
        outputs / "cache" / "a.wav",
        outputs / "dashboard" / "logs" / "a.wav",
    ):
        soundfile.write(path, tone, 8_000)
    for path in (
        previews / "page.html",
        previews / "page.svg",
        run / "listen.html",
        run / "config.yaml",
        run / "progress.jsonl",
        run / "checkpoints" / "best.ckpt",
        outputs / "library" / "kit.distillgan",
    ):
        path.write_text("<script>alert(1)</script>")
    (previews / "link.wav").symlink_to("/etc/passwd")
    (outputs / "train" / "link").symlink_to(run)
    with dashboard(folder) as started:
        yield started


def files_of(home: Dashboard) -> set[str]:
    """Everything below the outputs."""
    return {str(path) for path in home.outputs.rglob("*")}


def test_all_attacks_are_refused_and_nothing_is_written(home: Dashboard) -> None:
    before = files_of(home)
    own = f"127.0.0.1:{home.port}"
    wrong = []
    for attack in ATTACKS:
        answer = home.ask(
            attack.path, method=attack.method, headers=headers_for(attack, own), body=attack.body
        )
        if answer.status != attack.status:
            wrong.append(f"{attack.name}: {answer.status}, wanted {attack.status}")
    assert wrong == []
    assert files_of(home) == before


def test_the_same_requests_from_the_page_itself_work(home: Dashboard) -> None:
    own = {"Origin": home.url.rstrip("/"), "Sec-Fetch-Site": "same-origin", "Referer": home.url}
    assert home.ask("/").status == 200
    assert home.ask("/config", headers=own).status == 200
    assert home.ask("/api/runs").status == 200
    tunnel = {"Host": "localhost:8888", "Origin": "http://localhost:8888"}
    assert home.ask("/config", headers=tunnel).json["root"] == "http://localhost:8888"
    sound = home.ask("/sounds/train/x/previews/epoch_0001/real.wav")
    assert (sound.status, sound.headers["content-type"]) == (200, "audio/wav")
    part = home.ask("/sounds/train/x/previews/epoch_0001/real.wav", headers={"Range": "bytes=0-3"})
    assert (part.status, part.body) == (206, b"RIFF")
    upload = home.ask(
        "/gradio_api/upload", method="POST", headers={**own, "Content-Type": FORM}, body=UPLOAD
    )
    assert upload.status == 200
    stored = Path(upload.json[0])
    assert stored.is_relative_to(home.outputs / "dashboard" / "uploads")
    assert home.ask(f"/gradio_api/file={stored}", headers=own).status == 200
    refused = home.post("/api/stop", {"run": "train/../x"})
    assert refused.json == {"error": "there is no such run (any more)"}
    assert home.post("/api/stop", ["no object"]).status == 400
    link = "train/x/previews/epoch_0001/link.wav"
    assert "error" in home.post("/api/keep", {"source": link}).json
    assert "error" in home.post("/api/survey", {"folder": "/no/such folder"}).json
