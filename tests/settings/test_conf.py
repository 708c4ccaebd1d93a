"""conf/: every combination of group files composes to a configuration that passes its checks."""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from distill.settings.check import check_config
from distill.settings.compose import compose_settings, load_config
from distill.settings.conf_files import CONFIG_NAME, chosen_files, config_dir
from tests.helpers.conf_leaves import keys_in, leaves_of

CONF = config_dir()
GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name != "hydra")


Combination = tuple[str | None, ...]
"""A file of each group, or None for the group's default."""


@cache
def files_of(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def files_with_keys(combination: Combination) -> list[tuple[str, set[str]]]:
    """Each group with the keys of the file chosen from it: its path is their path."""
    return [
        (group, set(OmegaConf.load(CONF / group / f"{file}.yaml").keys()) - {"defaults"})
        for group, file in zip(GROUPS, combination, strict=True)
        if file is not None and group != "experiment"
    ]


TRIED_ALONE = ("experiment", "callbacks", "quantizer", "loss")
ALONE = [
    tuple(file if group == chosen else None for group in GROUPS)
    for chosen in TRIED_ALONE
    for file in files_of(chosen)
]
"""Each file of these groups with the defaults of all else."""
ALL = product(*([None] if group in TRIED_ALONE else files_of(group) for group in GROUPS))


@pytest.mark.slow
def test_every_combination_composes_and_passes() -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        for combination in (*ALONE, *ALL):
            overrides = [
                f"{group}={file}"
                for group, file in zip(GROUPS, combination, strict=True)
                if file is not None
            ]
            composed = compose(CONFIG_NAME, [*overrides, f"data.root={CONF}"])
            config = check_config(composed)
            chosen = files_with_keys(combination)
            assert all(keys <= composed[group].keys() for group, keys in chosen), overrides
            callbacks = {name for name, value in vars(config.callbacks).items() if value}
            file = combination[GROUPS.index("callbacks")]
            assert callbacks == {file} or file in ("default", None), overrides


def test_every_file_is_reachable() -> None:
    """As train.yaml, or as a choice of a group that train.yaml names: nothing lies around."""
    defaults = OmegaConf.load(CONF / f"{CONFIG_NAME}.yaml").defaults
    named = {group for entry in defaults if entry != "_self_" for group in entry}
    reachable = {Path(f"{CONFIG_NAME}.yaml")}
    reachable |= {Path(group, f"{file}.yaml") for group in named for file in files_of(group)}
    files = {path.relative_to(CONF) for path in CONF.rglob("*") if path.is_file()}
    assert {path for path in files if path.parts[0] != "hydra"} == reachable  # that is Hydra's own
    assert named == set(GROUPS)


OPTIONS = [
    path
    for path in sorted(CONF.glob("*/*.yaml"))
    if path.stem != chosen_files().get(path.parent.name, "")
]
"""The files that a run has only where they are chosen."""


@pytest.mark.parametrize("path", OPTIONS, ids=lambda path: f"{path.parent.name}={path.stem}")
def test_a_file_that_is_chosen_makes_a_difference(path: Path) -> None:
    """Each of its keys is in the run, and of an experiment each is another than without it."""
    group, keys = path.parent.name, keys_in(path)
    usual, chosen = values_of(), values_of(f"{group}={path.stem}")
    assert keys
    assert {key: chosen[key] for key in keys} == keys
    assert chosen != usual
    assert group != "experiment" or all(usual[key] != value for key, value in keys.items())


def values_of(*words: str) -> dict[str, object]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return leaves_of(compose(CONFIG_NAME, [*words]))


@pytest.mark.parametrize(
    ("chosen", "path", "plugin"),
    [
        ((), CONF / f"{CONFIG_NAME}.yaml", "hydra"),
        (("hydra/launcher=slurm",), CONF / "hydra/launcher/slurm.yaml", "submitit"),
        (("hydra/sweeper=search",), CONF / "hydra/sweeper/search.yaml", "optuna"),
    ],
)
def test_keys_of_hydra_and_its_plug_ins_are_what_is_typed(
    chosen: tuple[str, ...], path: Path, plugin: str
) -> None:
    """Hydra refuses a key that its own parts do not have."""
    pytest.importorskip(plugin)
    keys = {key: value for key, value in keys_in(path).items() if key.startswith("hydra.")}
    typed = {key: another(value) for key, value in keys.items()}
    words = [f"{key}={value}" for key, value in typed.items() if value is not None]
    tree = compose_settings([*chosen, *words]).tree
    for key, value in keys.items():
        seen = OmegaConf.select(tree, key)
        if typed[key] is None:
            assert seen == value, key
        else:
            assert str(getattr(seen, "name", seen)) == str(typed[key]), key


def another(value: object) -> object:
    """Another value of the same type; None for a group of keys of runs."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case list():
            return ["console"]
        case "minimize":
            return "maximize"
        case dict():
            return None
    return "other"


def test_a_search_tries_keys_that_there_are() -> None:
    search = OmegaConf.load(CONF / "hydra/sweeper/search.yaml")
    usual = values_of()
    for key in search.params:
        assert key in usual


def test_experiment_overrides_what_the_groups_say() -> None:
    assert load_config(["experiment=quick"]).minutes == 2.0
    both = load_config(["experiment=quick", "minutes=3"])
    assert both.minutes == 3, "what is typed wins over both"


def test_defaults_are_those_of_the_specification() -> None:
    config = load_config([])
    assert (config.name, config.seed, config.resume) == (None, 0, None)
    assert (config.data.root, config.data.val_fraction, config.data.segment_s) == (None, 0.1, 1.0)
    assert config.data.augment.enabled
    assert (config.rvq.levels, config.rvq.codebook_size, config.rvq.codebook_dim) == (3, None, 128)
    assert (config.rvq.decay, config.rvq.dead_code_threshold) == (None, 2)
    assert config.model.commitment_weight == 0.25
    assert (config.trainer.max_epochs, config.trainer.max_minutes) == (None, None)
    assert (config.minutes, config.vocoder.max_minutes, config.prior.max_minutes) == (None,) * 3
    assert config.health.min_utilization == 0.30
    assert config.library.dir == "outputs/library"
    mel = config.mel
    assert (mel.sample_rate_hz, mel.n_fft, mel.hop_length, mel.n_mels) == (48_000, 2048, 512, 128)
