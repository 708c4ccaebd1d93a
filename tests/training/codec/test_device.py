"""A Mac's CPU and GPU → the faster one, by a trial that leaves nothing behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import yaml

from distill.training.codec import device
from distill.training.codec.device import TRIAL_S, faster
from tests.helpers.runs import Train

AUTO = "trainer.accelerator=auto"


@dataclass
class MadeUp:
    """A device whose steps take as long as is said, by a clock of its own."""

    step_s: dict[str, list[float]]
    """The first steps, and what all others take."""
    now_s: float = 0.0
    closed: int = 0

    def clock(self) -> float:
        return self.now_s

    def on(self, name: str) -> MadeUp:
        self.left = list(self.step_s[name])
        return self

    def step(self) -> None:
        if not self.left:
            raise NotImplementedError("The operator 'aten::_fft_r2c' is not there.\nMore of it.")
        self.now_s += self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("cpu", "mps", "value", "reason"),
    [
        ([1.0, 0.3], [3.0, 0.1], "mps", "0.3 s on the CPU, 0.1 s on the GPU"),
        ([1.0, 0.1], [0.1, 0.3], "cpu", "0.1 s on the CPU, 0.3 s on the GPU"),
        ([1.0, 0.1], [60.0, 0.01], "cpu", "0.1 s on the CPU, 60 s on the GPU"),
        ([1.0, 0.1], [], "cpu", "cannot do a training step: The operator 'aten::_fft_r2c' is not"),
    ],
)
def test_the_faster_device_is_chosen(
    cpu: list[float], mps: list[float], value: str, reason: str
) -> None:
    made_up = MadeUp({"cpu": cpu, "mps": mps})
    choice = faster(made_up.on, made_up.clock)
    assert choice.value == value
    assert reason in choice.reason
    assert "\n" not in choice.reason
    assert made_up.closed == 2


def test_slow_steps_end_the_trial_in_time() -> None:
    made_up = MadeUp({"cpu": [2.0, 1.4], "mps": [2.0, 1.6]})
    assert faster(made_up.on, made_up.clock).value == "cpu"
    assert made_up.now_s <= TRIAL_S


@pytest.fixture
def a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as torch says, and no further: no step succeeds on its GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)


def rows_of(run_dir: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run_dir / "progress.jsonl").read_text().splitlines()]


def test_a_run_tells_and_keeps_the_choice(
    a_mac: None, train_here: Train, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[torch.Tensor] = []
    choose = device.choose_device

    def watched(config: object) -> object:
        before.append(torch.get_rng_state())
        choice = choose(config)  # type: ignore[arg-type]
        assert torch.equal(torch.get_rng_state(), before[-1])
        return choice

    monkeypatch.setattr(device, "choose_device", watched)
    run_dir = train_here("run", "data.root=sounds", "trainer.max_epochs=1", AUTO)
    (row,) = [row for row in rows_of(run_dir) if row.get("key") == "device"]
    assert row["value"] == "cpu"
    assert "cannot do a training step" in str(row["reason"])
    kept = yaml.safe_load((run_dir / "config.yaml").read_text())
    assert kept["trainer"]["accelerator"] == "cpu", "so a resumed run takes the same"
    train_here("run", "trainer.max_epochs=2", resume=True)
    assert len(before) == 2
    assert len([row for row in rows_of(run_dir) if row.get("key") == "device"]) == 1
