"""Flags of `distill train`: each of Hydra's works, or is refused in one line that says why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from distill.errors import DistillError
from distill.settings.hydra_app import do_nothing, run_hydra
from distill.train.command import read_command
from distill.train.help import train_help
from tests.helpers.commands import Answer, answers_to, assert_one_line
from tests.helpers.own_settings import usual_settings, write_settings
from tests.helpers.verbs import Run

MISTAKES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("--cfg", "job", "rvq.levels=9", "rvq.codebook_size=0"): ("rvq.levels=9: must be a whole",),
    ("--cfg", "job", "stages=[prior]"): ("stages=['prior']: these are added to a model",),
    ("--cfg", "job", "resume=last"): ("resume=last", "no run"),
    ("--cfg", "all", "rvq.level=9"): ("rvq.level=9: no such key. did you mean rvq.levels?",),
    ("--info", "config", "rvq.levels=9"): ("rvq.levels=9: must be a whole number from 1 to 8",),
    ("--cfg", "jobs"): ("--cfg=jobs: must be one of job, hydra, all",),
    ("--cfg",): ("--cfg: takes job or hydra or all",),
    ("--info=bad",): ("--info=bad: must be one of all, config",),
    ("--cfg", "job", "-p", "rvq.level"): ("--package=rvq.level: no such key",),
    ("--cfg", "hydra", "-p", "rvq"): ("--package=rvq: is none of Hydra's keys",),
    ("--cfg", "all", "-p", "hydra.sweep.subdir"): ("--package=hydra.sweep.subdir: ", "hydra.job"),
    ("--cfg", "job", "-p", "rvq.levels.x"): ("--package=rvq.levels.x: ",),
    ("--package", "rvq"): ("--package: works only with --cfg",),
    ("--resolve",): ("--resolve: works only with --cfg",),
    ("-m", "--cfg", "job"): ("--cfg: does not go with --multirun",),
    ("-r", "-m"): ("--multirun: does not go with --run",),
    ("--config-path", "x"): ("--config-path: refused", "--config-dir DIR"),
    ("-cp=x",): ("-cp: refused",),
    ("--config-name", "x"): ("--config-name: refused", "experiment=NAME"),
    ("--experimental-rerun", "x"): ("--experimental-rerun: refused", "config.yaml"),
    ("-sc", "install=bash"): ("-sc: refused", "--help"),
    ("--config-dir",): ("--config-dir: takes DIR",),
    ("--config-dir", "nowhere"): ("nowhere: no such folder; give a folder of settings",),
    ("--help", "--config-dir", "nowhere"): ("nowhere: no such folder",),
    ("--config-dir", "MINE", "experiment=wrong"): ("experiment/wrong.yaml: rvq.levles: no such",),
    ("--config-dir", "MINE", "experiment=mien"): ("must be one of best, mine, quick, wrong",),
    ("-m", "--config-dir=MINE", "experiment=wrong,mine"): ("experiment/wrong.yaml: rvq.levles",),
}
"""Words → parts of the answer; MINE is a folder of settings."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Answer]:
    folder = tmp_path_factory.mktemp("flags")
    mine = usual_settings(folder / "mine")
    write_settings(mine, experiment__wrong="# @package _global_\nrvq:\n  levles: 2\n")
    commands = [["train", *(word.replace("MINE", str(mine)) for word in each)] for each in MISTAKES]
    return dict(zip(MISTAKES, answers_to(folder, commands), strict=True))


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_mistake_is_told_before_anything_is_made(
    answers: dict[tuple[str, ...], Answer], words: tuple[str, ...]
) -> None:
    assert_one_line(answers[words], *MISTAKES[words])
    assert answers[words].made == []
    assert answers[words].out == ""


def flags_in(text: str) -> dict[str, str]:
    """Each line of a flag: its names → what it does."""
    lines = re.findall(r"^(-[\w-]+(?:, ?-[\w-]+)*)(?: \S+)? : (.*)$", text, re.M)
    return {names.replace(" ", ""): does for names, does in lines}


def test_hydras_help_has_a_line_for_each_of_its_flags(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is refused there is refused when it is typed."""
    lines = flags_in(run("train", "--hydra-help").stdout)
    with pytest.raises(SystemExit):
        run_hydra(do_nothing, ["--hydra-help"])
    assert lines.keys() == flags_in(capsys.readouterr().out).keys()
    lines = {names: does for names, does in lines.items() if does.startswith("refused: ")}
    assert len(lines) == 4
    for names, does in lines.items():
        for name in names.split(","):
            with pytest.raises(DistillError, match=f"^{name}: {re.escape(does)}$"):
                read_command([name, "x"])


def test_the_settings_that_are_printed_are_those_of_the_run(run: Run, here: Path) -> None:
    usual_settings(here / "mine")
    (here / "sounds").mkdir()
    told = run("train", "sounds", "--cfg", "job", "--config-dir", "mine", "experiment=mine")
    assert told.exit_code == 0
    printed = yaml.safe_load(told.stdout)
    assert (printed["seed"], printed["rvq"]["levels"]) == (7, 2)
    assert printed["data"]["root"] == [str(here / "sounds")], "as the run records it"
    assert "hydra" not in printed


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("--cfg", "job", "-p", "rvq"), "# @package rvq\nlevels: 2\n"),
        (("-c", "job", "--package=rvq.levels"), "2\n"),
        (("--cfg=job", "-p", "trainer.max_epochs"), "null\n"),
        (("--cfg", "all", "-p", "rvq"), "# @package rvq\nlevels: 2\n"),
        (("--cfg", "hydra", "-p", "hydra.job.name"), "train\n"),
        (("--info", "searchpath"), "/mine"),
        (("-i", "defaults-tree"), "rvq: tiny"),
        (("-i", "defaults"), "experiment/mine"),
        (("--info", "seed=7"), "seed: 7"),
        (("--info=plugins",), "BasicLauncher"),
        (("--version",), "Hydra 1.3"),
        (("--hydra-help",), "hydra/launcher: basic"),
    ],
)
def test_what_is_asked_for_is_printed(
    run: Run, here: Path, words: tuple[str, ...], wanted: str
) -> None:
    usual_settings(here / "mine")
    told = run("train", *words, "-cd", "mine", "experiment=mine")
    assert (told.exit_code, told.stderr) == (0, "")
    assert wanted in told.stdout
    assert not (here / "outputs").exists()


def test_printed_settings_are_an_experiment(run: Run, here: Path) -> None:
    usual_settings(here / "mine")
    printed = run("train", "--cfg", "job", "--config-dir", "mine", "experiment=mine").stdout
    write_settings(here / "again", experiment__again=printed)
    words = ("--cfg", "job", "--config-dir", "again", "experiment=again")
    assert run("train", *words).stdout == printed


@pytest.mark.parametrize(
    "typed",
    [
        ("--config-dir", "mine"),
        ("--config-dir=mine",),
        ("-cd", "mine"),
        ("-cd=mine",),
    ],
)
def test_the_folder_of_settings_is_no_folder_of_sounds(
    typed: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "sounds"):
        Path(name).mkdir()
    command = read_command([*typed, "sounds", "seed=7", "--run"])
    assert (command.config_dirs, command.folders) == (("mine",), ("sounds",))
    assert (command.overrides, command.sweep, command.show) == (("seed=7",), False, "")


def test_a_folder_that_the_shell_cuts_is_named_with_its_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my own settings").mkdir()
    with pytest.raises(DistillError, match="3 words; type --config-dir 'my own settings'$"):
        read_command(["seed=7", "--config-dir", "my", "own", "settings", "experiment=mine"])


def test_help_lists_own_files_beside_distills(tmp_path: Path) -> None:
    folder = write_settings(usual_settings(tmp_path / "mine"), hydra__launcher__ours="defaults: []")
    text = train_help([str(folder)])
    assert "  experiment: null, or best, quick\n" in text
    own = f"Your own files in {folder}:\n  rvq: tiny\n  experiment: mine\n  hydra/launcher: ours\n"
    assert own in text
    assert "Your own files" not in train_help()
