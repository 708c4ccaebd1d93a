"""`minutes=` is the time of a whole run, shared among its stages, and said before it begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distill.errors import ConfigError
from distill.settings.compose import load_config
from distill.settings.schema import STAGES, TrainConfig
from distill.training.budget import Sounds, share_minutes, timetable
from tests.helpers.runs import Train

SOUNDS = Sounds(files=266, seconds=427.0, epoch_segments=1536)


def config_of(*words: str) -> TrainConfig:
    return load_config([*words])


def minutes_of(config: TrainConfig) -> list[float | None]:
    return [group.max_minutes for group in (config.trainer, config.vocoder, config.prior)]


@pytest.mark.parametrize("minutes", [2.0, 5.0, 30.0])
def test_all_stages_together_take_the_minutes_that_were_given(minutes: float) -> None:
    config = config_of(f"minutes={minutes}")
    share_minutes(config, SOUNDS, STAGES)
    assert timetable(config, SOUNDS, STAGES).total_s == pytest.approx(60 * minutes, rel=0.01)
    codec, vocoder, prior = minutes_of(config)
    assert codec
    assert vocoder
    assert prior
    assert prior > codec > vocoder, "the prior gains most"


def test_a_limit_of_a_stage_counts_and_the_others_share_the_rest() -> None:
    config = config_of("minutes=10", "prior.max_minutes=4")
    chosen = share_minutes(config, SOUNDS, STAGES)
    assert set(chosen) == {"codec", "vocoder"}
    assert config.prior.max_minutes == 4
    assert timetable(config, SOUNDS, STAGES).total_s == pytest.approx(600, rel=0.01)
    with pytest.raises(ConfigError, match="the limits of single stages are 4 minutes already"):
        share_minutes(config_of("minutes=3", "prior.max_minutes=4"), SOUNDS, STAGES)


def test_a_very_short_time_is_still_for_training() -> None:
    config = config_of("minutes=0.1")
    share_minutes(config, SOUNDS, STAGES)
    trained = sum(minutes or 0 for minutes in minutes_of(config))
    assert 0.01 < trained < 0.1


def test_without_minutes_the_collection_decides_and_a_base_makes_it_shorter() -> None:
    few, many = config_of(), config_of()
    share_minutes(few, Sounds(40, 20.0, 1536), STAGES)
    share_minutes(many, Sounds(50_000, 80_000.0, 1536), STAGES)
    assert few.trainer.max_minutes is None, "the codec has epochs"
    assert few.prior.max_minutes
    assert many.prior.max_minutes
    assert few.prior.max_minutes < many.prior.max_minutes
    again = config_of()
    share_minutes(again, SOUNDS, STAGES, shorter=["codec", "prior"])
    usual = config_of()
    share_minutes(usual, SOUNDS, STAGES)
    assert again.prior.max_minutes == pytest.approx(usual.prior.max_minutes / 3, abs=0.01)  # type: ignore[operator]
    assert again.vocoder.max_minutes == usual.vocoder.max_minutes


def test_epochs_alone_are_no_minutes() -> None:
    config = config_of("trainer.max_epochs=3", "vocoder.max_epochs=1", "prior.max_epochs=2")
    assert not share_minutes(config, SOUNDS, STAGES)
    assert minutes_of(config) == [None, None, None]
    table = timetable(config, SOUNDS, STAGES)
    assert table.total_s is None
    assert table.line() == ""
    assert timetable(config, SOUNDS, ["codec"]).total_s


def test_a_run_that_goes_on_needs_less() -> None:
    config = config_of("minutes=5")
    share_minutes(config, SOUNDS, STAGES)
    whole = timetable(config, SOUNDS, STAGES)
    rest = timetable(config, SOUNDS, STAGES, elapsed_s={"codec": 30.0})
    assert whole.total_s
    assert rest.total_s == pytest.approx(whole.total_s - 30)
    assert rest.after_s("vocoder") == whole.seconds["prior"]
    assert rest.after_s("prior") == 0
    assert whole.line().startswith("takes about 5:00 in all: codec ")


def test_a_run_says_how_long_it_takes_in_all(
    train_here: Train, all_sounds: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    limits = ("minutes=0.02", "trainer.max_epochs=null")
    run_dir: Path = train_here("run", *all_sounds, *limits)
    rows = [json.loads(line) for line in (run_dir / "progress.jsonl").read_text().splitlines()]
    plan = next(row for row in rows if row["event"] == "plan")
    assert "takes about " in capsys.readouterr().out
    steps = [row for row in rows if row["event"] in ("step", "epoch")]
    assert all(0 <= row["left_in_all_s"] <= plan["total_s"] + 5 for row in steps)
    with pytest.raises(ConfigError, match="is for a whole run"):
        train_here("run", "minutes=3", resume=True)
