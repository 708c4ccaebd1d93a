"""Folders of one's own settings → composed and checked as distill's own, or one line of what is
wrong with which file.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from distill.errors import DistillError
from distill.settings.compose import compose_settings, load_config, resume_config
from distill.settings.conf_files import config_dir
from distill.settings.quoting import quote_list, quote_text
from tests.helpers.own_settings import HEADER, usual_settings, write_settings


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def own(*folders: str) -> str:
    return quote_list("hydra.searchpath", folders)


def test_an_own_experiment_chooses_an_own_file_of_a_group() -> None:
    folder = usual_settings(Path("mine")).absolute()
    settings = compose_settings([own("mine"), "experiment=mine"])
    assert (settings.config.seed, settings.config.rvq.levels) == (7, 2)
    assert settings.own_files == (folder / "experiment/mine.yaml", folder / "rvq/tiny.yaml")
    assert load_config([own("mine"), "experiment=mine", "rvq=default"]).rvq.levels == 3
    assert load_config([own("mine"), "experiment=mine", "rvq.levels=4"]).rvq.levels == 4


def test_files_that_are_not_chosen_count_for_nothing() -> None:
    write_settings(usual_settings(Path("mine")), experiment__broken="[")
    settings = compose_settings([own("mine"), "rvq=tiny"])
    assert settings.own_files == (Path("mine/rvq/tiny.yaml").absolute(),)
    assert compose_settings([own("mine")]).own_files == ()


def test_what_an_own_file_begins_with_counts_too() -> None:
    write_settings(
        Path("mine"),
        experiment__base=f"{HEADER}seed: 7\nrvq:\n  levels: 5\n",
        experiment__more=f"{HEADER}defaults: [base]\nrvq:\n  levels: 2\n",
    )
    settings = compose_settings([own("mine"), "experiment=more"])
    assert (settings.config.seed, settings.config.rvq.levels) == (7, 2)
    assert [file.stem for file in settings.own_files] == ["more", "base"]


def test_a_file_may_lie_deeper_in_its_group() -> None:
    write_settings(Path("mine"), experiment__drums__long=f"{HEADER}seed: 7\n")
    assert load_config([own("mine"), "experiment=drums/long"]).seed == 7


@pytest.mark.parametrize(
    "typed",
    [
        "hydra.searchpath=[mine (2)]",
        "hydra.searchpath=mine (2)",
        "hydra.searchpath=[file://mine (2)]",
        "hydra.searchpath=[~/mine (2)]",
    ],
)
def test_the_folder_is_understood_as_typed(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    usual_settings(Path("mine (2)"))
    settings = compose_settings([quote_text(typed), "experiment=mine"])
    assert settings.config.seed == 7
    absolute = own(f"{tmp_path}/mine (2)")
    assert settings.overrides == ("experiment=mine", absolute), "jobs run in other folders"


def test_a_folder_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual_settings(Path("site/ours/conf"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert load_config([own("pkg://ours.conf"), "experiment=mine"]).seed == 7
    with pytest.raises(DistillError, match="no package ours.other with a folder is installed"):
        load_config([own("pkg://ours.other")])


def test_an_own_launcher_begins_with_distills() -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    write_settings(
        Path("mine"), hydra__launcher__ours="defaults: [slurm]\npartition: long\nmem_gb: 64\n"
    )
    settings = compose_settings([own("mine"), "hydra/launcher=ours", "rvq.levels=2,3"])
    launcher = settings.hydra.launcher
    assert (launcher.partition, launcher.mem_gb, launcher.timeout_min) == ("long", 64, 240)


def test_several_folders_are_one() -> None:
    write_settings(Path("one"), experiment__mine=f"{HEADER}seed: 7\n")
    write_settings(Path("two"), rvq__tiny="defaults: [default]\nlevels: 2\n")
    for words in ([own("one", "two")], [own("one"), own("two")]):
        config = load_config([*words, "experiment=mine", "rvq=tiny"])
        assert (config.seed, config.rvq.levels) == (7, 2)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("experiment__e", f"{HEADER}rvq:\n  levles: 4\n", "rvq.levles: no such key; the keys are"),
        ("experiment__e", f"{HEADER}rqv: 4\n", "rqv: no such key; the keys are name, seed"),
        ("experiment__e", f"{HEADER}rvq:\n  levels: 99\n", "rvq.levels=99: must be a whole number"),
        ("experiment__e", f"{HEADER}data:\n  root: /no\n", "data.root=/no: no such folder"),
        ("experiment__e", f"{HEADER}name: ${{nope}}\n", "name: Interpolation key 'nope' not found"),
        ("experiment__e", "seed: 4\n", "the first line of an experiment is: # @package _global_"),
        ("experiment__e", f"# mine\n{HEADER}seed: 4\n", "the first line of an experiment is: "),
        ("experiment__e", "# @package\nseed: 4\n", "must be # @package and one word"),
        ("experiment__e", f"{HEADER}rvq.levels: 4\n", "rvq.levels: dots work on the command line"),
        ("experiment__e", f"{HEADER}- seed\n", "must have lines KEY: VALUE"),
        ("experiment__e", f"{HEADER}seed: 4\nseed: 5\n", "found duplicate key seed"),
        ("rvq__e", "defaults: [default]\nlevles: 4\n", "rvq.levles: no such key; the keys are"),
        ("rvq__e", "levels: 4\n", "rvq.codebook_size is missing; begin the file with the line"),
        ("vocoder__e", "blocks: 4\n", "vocoder.type is missing; begin the file with the line"),
        (
            "vocoder__e",
            "defaults: [phase_gradient]\nspectral_steps: 4\n",
            "vocoder.spectral_steps: belongs to vocoder=hifigan_v2",
        ),
        ("callbacks__e", "defaults: [default]\nmine: {}\n", "callbacks.mine: no such key"),
    ],
)
def test_a_mistake_in_an_own_file_names_the_file(name: str, text: str, wanted: str) -> None:
    write_settings(Path("mine"), **{name: text})
    with pytest.raises(DistillError) as error:
        load_config([own("mine"), name.replace("__", "=")])
    said = str(error.value)
    assert said.startswith(f"mine/{name.replace('__', '/')}.yaml")
    assert wanted in said
    assert "\n" not in said


def test_a_file_that_is_no_yaml_is_told_with_its_line() -> None:
    write_settings(Path("mine"), experiment__e=f"{HEADER}rvq:\n\tlevels: 4\n")
    with pytest.raises(DistillError, match=r"^mine/experiment/e.yaml, line 3: not YAML: "):
        load_config([own("mine"), "experiment=e"])
    Path("mine/experiment/e.yaml").write_bytes(b"# caf\xe9\nseed: 4\n")
    with pytest.raises(DistillError, match=r"^mine/experiment/e.yaml: not UTF-8 text: "):
        load_config([own("mine"), "experiment=e"])


def test_what_is_typed_wrong_is_not_the_files_fault() -> None:
    write_settings(Path("mine"), experiment__e=f"{HEADER}rvq:\n  levels: 4\n")
    with pytest.raises(DistillError, match=r"^rvq.levels=99: must be"):
        load_config([own("mine"), "experiment=e", "rvq.levels=99"])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "experiment__quick",
            "mine/experiment/quick.yaml: distill has a file experiment/quick.yaml",
        ),
        ("rvq__default", "mine/rvq/default.yaml: distill has a file rvq/default.yaml, too"),
        ("train", "mine/train.yaml: distill has a file train.yaml, too"),
        (
            "hydra__launcher__slurm",
            "mine/hydra/launcher/slurm.yaml: distill has a file hydra/launcher",
        ),
    ],
)
def test_a_name_of_distills_own_is_refused(name: str, wanted: str) -> None:
    """Hydra would read distill's file, and say nothing."""
    write_settings(usual_settings(Path("mine")), **{name: f"{HEADER}seed: 7\n"})
    with pytest.raises(DistillError) as error:
        load_config([own("mine")])
    assert str(error.value).startswith(wanted)
    assert str(error.value).endswith("give yours another name")


def test_two_folders_with_the_same_name_are_refused() -> None:
    usual_settings(Path("one"))
    usual_settings(Path("two"))
    with pytest.raises(DistillError, match="two/rvq/tiny.yaml: one has a file rvq/tiny.yaml, too"):
        load_config([own("one", "two")])
    assert load_config([own("one", "one"), "experiment=mine"]).seed == 7


def test_a_folder_without_settings_says_where_they_belong() -> None:
    def said(folder: str) -> str:
        with pytest.raises(DistillError) as error:
            load_config([own(folder)])
        return str(error.value)

    usual_settings(Path("mine"))
    write_settings(Path("plural"), experiments__mine=f"{HEADER}seed: 7\n")
    write_settings(Path("top"), mine=f"{HEADER}seed: 7\n")
    Path("file").touch()
    Path("yml/rvq").mkdir(parents=True)
    Path("yml/rvq/tiny.yml").touch()
    assert said("nowhere") == "nowhere: no such folder; give a folder of settings"
    assert said("file") == "file: is a file, not a folder; give a folder of settings"
    assert said("mine/rvq") == "mine/rvq: no settings in it; give the folder above it: mine"
    assert said("plural").endswith("the group is called experiment, not experiments")
    assert "in folders named as their group: data, mel," in said("top")
    assert said("yml") == "yml/rvq/tiny.yml: Hydra reads .yaml only; rename the file"
    assert said(str(config_dir())).endswith("give yours another name")


def test_a_run_is_resumed_without_the_folder_and_takes_no_group(tmp_path: Path) -> None:
    usual_settings(Path("mine"))
    started = load_config([own("mine"), "experiment=mine"])
    saved = tmp_path / "config.yaml"
    saved.write_text(OmegaConf.to_yaml(OmegaConf.structured(started)))
    assert resume_config(saved, ["resume=last", own("gone")]) == started
    for word in ("rvq=tiny", "experiment=mine"):
        with pytest.raises(DistillError, match="a whole group cannot be changed when resuming"):
            resume_config(saved, ["resume=last", word])
