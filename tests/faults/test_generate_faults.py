"""Whatever befalls a run while it trains its prior, the model of before stays, and it goes on; and
no call that makes sounds leaves half of one.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import soundfile

from tests.helpers.disks import Disk
from tests.helpers.forks import Fork, start
from tests.helpers.made_bundle import make_bundle
from tests.helpers.runs import wait_for
from tests.helpers.tiny_bundle import prior_state

pytestmark = pytest.mark.slow

EPOCHS, KILLS = 12, 3
TAKE_AWAY = "+callbacks.extra.take._target_=tests.helpers.filling.TakeAway"


def generate(folder: Path, *words: str) -> Fork:
    kit = make_bundle(folder / "kit.distillgan", fields={"prior_state": prior_state()}, name="kit")
    return start(folder, "generate", str(kit), *words, one_stream=True)


def test_ctrl_c_keeps_the_sounds_that_are_done_and_lists_them(tmp_path: Path) -> None:
    work = generate(tmp_path, "-n", "20000", "-o", "out")
    wait_for(lambda: len(list(tmp_path.glob("out/*.wav"))) > 20)
    work.send_signal(signal.SIGINT)
    out, _ = work.communicate(timeout=120)
    assert work.returncode == 130, out
    assert "Traceback" not in out
    files = {path.name for path in tmp_path.glob("out/*.wav")}
    (call,) = json.loads((tmp_path / "out" / "generate.json").read_text())["calls"]
    assert {sound["file"] for sound in call["sounds"]} == files
    for name in files:
        assert soundfile.info(str(tmp_path / "out" / name)).frames > 0


def test_a_full_disk_is_one_line_and_leaves_no_half_of_a_sound(tmp_path: Path, disk: Disk) -> None:
    full = disk(400)
    work = generate(tmp_path, "-n", "400", "-o", str(full / "out"))
    out, _ = work.communicate(timeout=300)
    assert work.returncode == 2, out
    assert "Traceback" not in out
    assert "No space left on device" in out
    for path in full.glob("out/*.wav"):
        assert soundfile.info(str(path)).frames > 0
    assert not list(full.rglob("*.part"))
