"""overrides as typed → a checked configuration, or one line that says what is wrong with which."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from distill.errors import ConfigError, DistillError, UnknownKeyError
from distill.settings.check import check_config
from distill.settings.compose import load_config, resume_config
from distill.settings.conf_files import CONFIG_NAME, config_dir
from distill.settings.overrides import parse_overrides
from distill.settings.quoting import quote_text
from distill.settings.schema import TrainConfig


def message(override: str, kind: type[DistillError] = DistillError) -> str:
    """What is said about a mistaken override, in one line."""
    with pytest.raises(kind) as error:
        load_config([override])
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("rvq.level=4", "rvq.level=4: no such key. did you mean rvq.levels? Keys of rvq: levels,"),
        ("+rvq.foo=1", "+rvq.foo=1: no such key. Keys of rvq: levels,"),
        ("++rvq.foo=1", "no such key"),
        ("levels=4", "levels=4: no such key. Top-level keys: name, seed,"),
        ("Rvq.levels=4", "did you mean rvq?"),
        ("data.augment.gain=1", "did you mean data.augment.gain_db?"),
        ("callbacks.previews.clip=1", "did you mean callbacks.previews.clips?"),
        ("rvq.levels.x=4", "rvq.levels is a single value"),
        ("=5", "no such key"),
        ("callbacks.best.monitor=val/loss", "callbacks.best has no keys of its own"),
        ("callbacks.last.mode=max", "Keys of callbacks.last: every_n_minutes"),
    ],
)
def test_unknown_key_names_the_known(override: str, wanted: str) -> None:
    assert wanted in message(override, UnknownKeyError)


@pytest.mark.parametrize(
    ("override", "allowed"),
    [
        ("trainer=huge", "must be one of cpu, ddp, default"),
        ("experiment=nope", "must be one of best, quick"),
        ("model=null", "must be one of conv"),
        ("rvq=3", "must be one of default"),
        ("logger=null", "must be one of tensorboard; to turn it off: ~logger"),
    ],
)
def test_wrong_group_file_names_the_files(override: str, allowed: str) -> None:
    assert message(override, ConfigError) == f"{override}: {allowed}"


@pytest.fixture(scope="module")
def composed() -> DictConfig:
    """The default configuration, composed once: that is the slow part."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose(CONFIG_NAME)


@pytest.mark.parametrize(
    ("override", "allowed"),
    [
        ("rvq.levels=four", "must be a whole number from 1 to 8"),
        ("rvq.levels=99", "must be a whole number from 1 to 8"),
        ("rvq.levels=0", "must be a whole number from 1 to 8"),
        ("rvq.levels=2.5", "must be a whole number from 1 to 8"),
        ("rvq.levels=true", "must be a whole number from 1 to 8"),
        ("rvq.levels=null", "must be a whole number from 1 to 8"),
        ("rvq.levels=", "must be a whole number from 1 to 8"),
        ("rvq.codebook_size=1", "must be a whole number from 2 to 65,536 or null"),
        ("model.commitment_weight=-1", "must be a number from 0 to 100"),
        ("model.commitment_weight=nan", "must be a number from 0 to 100"),
        ("model.commitment_weight=inf", "must be a number from 0 to 100"),
        ("model.channels=0", "must be a whole number from 1 to 4,096"),
        ("model.channels=[16]", "must be a whole number from 1 to 4,096"),
        ("model.stride=0", "must be a whole number from 1 to 64"),
        ("optimizer.betas=[]", "must be a list, each entry a number"),
        ("optimizer.betas=7", "must be a list, each entry a number"),
        ("optimizer.betas=[0.9,2.0]", "must be a list, each entry a number"),
        ("data.val_fraction=0", "must be a number above 0 to 0.5"),
        ("data.segment_s=soon", "must be a number from 0.05 to 60"),
        ("data.augment.enabled=maybe", "must be true or false"),
        ("data.augment=null", "is a group of settings"),
        ("data.cache_dir=''", "must be text"),
        ("data.root=2.5", "must be a folder, a list of folders or null"),
        ("data.root=[]", "must be a folder, a list of folders or null"),
        ("data.root=/nowhere", "no such folder"),
        ("mel.hop_length=4096", "must be at most half of mel.n_fft (2048)"),
        ("optimizer.betas=[0.9]", "must be two numbers"),
        ("trainer.precision=8", "must be one of 32-true, bf16-mixed, 16-mixed"),
        ("trainer.devices=many", "must be auto, a number of devices"),
        ("trainer.devices=0", "must be auto, a number of devices"),
        ("name=''", "must be text or null"),
        ("seed=-1", "must be a whole number from 0 to 2,147,483,647"),
        ("vocoder.type=hifigan", "must be one of phase_gradient, hifigan_v2"),
    ],
)
def test_wrong_value_names_key_value_and_what_is_allowed(
    composed: DictConfig, override: str, allowed: str
) -> None:
    (parsed,) = parse_overrides([override])
    config = composed.copy()
    OmegaConf.update(config, parsed.key_or_group, parsed.value(), merge=False)
    with pytest.raises(ConfigError) as error:
        check_config(config)
    said = str(error.value)
    assert said.casefold().replace(" ", "").startswith(override.replace("'", ""))
    assert allowed in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("rvq.levels", "rvq.levels: no such folder; settings are typed as KEY=VALUE"),
        ("rvq.levels=[1", "cannot be read as KEY=VALUE"),
        ("data.root=/home/me/My Sounds (2)", "\"data.root='/home/me/My Sounds (2)'\""),
        ("name=${nope}", "name: Interpolation key 'nope' not found"),
        ("name=${name}", "name: "),
        ("mel.n_mels=${mel}", "mel.n_mels: "),
        ("~rvq", "only logger can be removed"),
        ("rvq.levels=interval(1,2)", "an interval works only in a search"),
        ("hydra.foo=1", "hydra.foo"),
    ],
)
def test_other_mistakes_are_one_line_too(override: str, wanted: str) -> None:
    assert wanted in message(override)


def test_first_mistake_of_several_is_told() -> None:
    with pytest.raises(DistillError, match="rvq.level=4"):
        load_config(["rvq.level=4", "+rvq.foo=1"])


def test_what_is_typed_is_what_is_used(tmp_path: Path) -> None:
    config = load_config(
        [
            "rvq.levels=4",
            "model.commitment_weight=0.3",
            "++rvq.codebook_size=64",
            f"data.root='{tmp_path}'",
            "trainer=cpu",
            "callbacks.previews=null",
            "+callbacks.extra.mine._target_=package.Class",
            "~logger",
        ]
    )
    assert (config.rvq.levels, config.rvq.codebook_size) == (4, 64)
    assert config.model.commitment_weight == 0.3
    assert config.data.folders == [str(tmp_path)]
    assert config.trainer.accelerator == "cpu"
    assert config.callbacks.previews is None
    assert config.callbacks.extra == {"mine": {"_target_": "package.Class"}}
    assert config.logger is None


@pytest.mark.parametrize("devices", ["auto", 1, 4, -1, [0, 2]])
def test_devices_that_lightning_knows(composed: DictConfig, devices: object) -> None:
    config = composed.copy()
    config.trainer.devices = devices
    assert check_config(config).trainer.devices == devices


def test_several_folders(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two with space"
    first.mkdir()
    second.mkdir()
    config = load_config([f"data.root=['{first}','{second}']"])
    assert config.data.folders == [str(first), str(second)]
    assert load_config([]).data.folders == []
    with pytest.raises(ConfigError, match="three: no such folder"):
        load_config([f"data.root=['{first}','{tmp_path}/three']"])


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "kick.wav").touch()
    assert "is a file, not a folder" in message(f"data.root={tmp_path}/kick.wav")


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Klänge").mkdir()
    assert load_config(["data.root='~/Klänge'"]).data.folders == ["~/Klänge"]
    assert "no such folder" in message("data.root='~/nowhere'")


@pytest.mark.parametrize(
    ("override", "levels"), [("rvq.levels=2,3,4", 2), ("rvq.levels=range(4,6)", 4)]
)
def test_first_value_of_a_sweep_stands_for_all(override: str, levels: int) -> None:
    assert load_config([override]).rvq.levels == levels


def test_sweep_is_checked_at_its_first_value() -> None:
    with pytest.raises(ConfigError, match=r"^rvq.levels=99: "):
        load_config(["rvq.levels=99,2"])


def test_several_values_are_a_mistake_outside_a_sweep() -> None:
    assert load_config(["optimizer.betas=[0.8,0.9]"], sweep=False).optimizer.betas == [0.8, 0.9]
    with pytest.raises(DistillError, match=r"^rvq.levels=2,3: .* -m"):
        load_config(["rvq.levels=2,3"], sweep=False)


@pytest.mark.parametrize(
    "value", ["~/Klänge", "/My Sounds (2)", "it's 5 o'clock", "a=b", "[x", 'say "ah"', "音 #1"]
)
def test_free_text_needs_no_quotes_of_hydras(value: str) -> None:
    (parsed,) = parse_overrides([quote_text(f"data.root={value}")])
    assert parsed.value() == value


@pytest.mark.parametrize(
    "argument",
    ["-m", "data.root=/plain", "data.root='~/x'", "data.root=[a,b]", "name=", "rvq.levels=[1", "x"],
)
def test_what_hydra_reads_or_is_no_text_stays_as_typed(argument: str) -> None:
    assert quote_text(argument) == argument


def test_comma_in_the_folder_of_a_run_is_no_sweep() -> None:
    for key in ("resume", "hydra.run.dir"):
        (parsed,) = parse_overrides([quote_text(f"{key}=/runs/kick,snare")])
        assert parsed.value() == "/runs/kick,snare"


def test_overrides_keep_their_order() -> None:
    parsed = parse_overrides(["rvq.levels=2", "seed=1", "rvq.levels=3"])
    assert [override.key_or_group for override in parsed] == ["rvq.levels", "seed", "rvq.levels"]
    assert [override.value() for override in parsed] == [2, 1, 3]


@pytest.fixture(scope="module")
def started() -> TrainConfig:
    return load_config(["rvq.levels=2", "trainer.max_epochs=5", "name=old"])


@pytest.fixture
def saved(tmp_path: Path, started: TrainConfig) -> Path:
    """The configuration of a run, as it lies in its folder."""
    path = tmp_path / "config.yaml"
    path.write_text(OmegaConf.to_yaml(OmegaConf.structured(started)))
    return path


def test_resumed_run_keeps_its_configuration(saved: Path, started: TrainConfig) -> None:
    assert resume_config(saved, ["resume=last"]) == started


def test_resumed_run_can_go_on_for_longer_elsewhere(saved: Path, tmp_path: Path) -> None:
    overrides = ["trainer.max_epochs=9", "data.num_workers=2", f"data.root='{tmp_path}'"]
    config = resume_config(saved, ["resume=last", *overrides])
    assert (config.trainer.max_epochs, config.data.num_workers) == (9, 2)
    assert config.data.root == str(tmp_path)
    assert config.rvq.levels == 2


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("rvq.levels=3", r"^rvq\.levels=3: is 2 in this run and cannot be changed when resuming$"),
        ("mel.n_mels=64", r"^mel\.n_mels=64: is 128 in this run"),
        ("model.channels=4", r"^model\.channels=4: is 128 in this run"),
        ("seed=1", r"^seed=1: is 0 in this run"),
        ("name=new", r"^name=new: is old in this run"),
        ("data.segment_s=2", r"^data\.segment_s=2: is 1\.0 in this run"),
        ("trainer=cpu", r"^trainer=cpu: a whole group cannot be changed when resuming"),
        ("trainer.max_epochs=0", r"^trainer\.max_epochs=0: must be a whole number"),
        ("rvq.level=2", r"^rvq\.level=2: no such key"),
    ],
)
def test_what_shapes_the_model_cannot_change_on_resuming(
    saved: Path, override: str, wanted: str
) -> None:
    with pytest.raises(DistillError, match=wanted):
        resume_config(saved, ["resume=last", override])


def test_repeating_what_the_run_was_started_with_is_no_change(saved: Path) -> None:
    overrides = ["rvq.levels=2", "name=old", "model.channels=128"]
    assert resume_config(saved, overrides) == resume_config(saved, [])


def test_shards_are_in_one_folder_or_store() -> None:
    config = load_config(["data=streaming", "data.root=s3://bucket/shards"])
    assert config.data.root == "s3://bucket/shards"
    for root in ("null", "[a,b]"):
        with pytest.raises(ConfigError, match="one folder or address"):
            load_config(["data=streaming", f"data.root={root}"])
    with pytest.raises(ConfigError, match="no such folder"):
        load_config(["data.root=s3://bucket/sounds"])
