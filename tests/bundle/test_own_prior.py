"""A bundle with a prior: loaded with it, and refused where it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import distill
from distill.errors import BundleError
from tests.helpers.made_bundle import make_bundle
from tests.helpers.tiny_bundle import prior_state, tiny_prior


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    path = make_bundle(tmp_path / "kit.distillgan", fields={"prior_state": prior_state()})
    prior, before = distill.load(path).prior, tiny_prior()
    assert prior is not None
    assert prior.config == before.config
    assert torch.equal(prior.codes, before.codes)
    assert prior.bits_per_s == 812.5
    for name, weight in before.network.state_dict().items():
        assert torch.equal(prior.network.state_dict()[name], weight.half().float()), name
    assert {weight.dtype for weight in prior.state()["state_dict"].values()} == {
        torch.float16,
        torch.int16,
    }


def change_config(**values: object) -> Callable[[dict[str, Any]], None]:
    return lambda state: state["config"].update(values)


def change_network(**values: object) -> Callable[[dict[str, Any]], None]:
    return lambda state: state["config"]["network"].update(values)


def change_sound(**values: object) -> Callable[[dict[str, Any]], None]:
    return lambda state: state["config"]["sounds"][1].update(values)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda state: state.update(type="mamba"), "of the type 'mamba', which this version"),
        (change_network(width=32), "does not fit prior_state.config"),
        (change_network(width=15), "a width that its heads cannot share"),
        (change_network(width=10**9), "prior_state.config.network.width must"),
        (change_network(layers=200), "the weight trunk.1.attention_in.weight is missing"),
        (change_network(heads=0), "prior_state.config.network.heads must"),
        (change_network(rows=3), "does not fit vqvae_config"),
        (change_network(codebook_dim=5), "does not fit vqvae_config"),
        (change_network(window=None), "prior_state.config.network.window must"),
        (change_network(classes=3), "another number of classes"),
        (change_config(classes=["kick"]), "another number of classes"),
        (change_config(sounds=[]), "the codes of the prior's sounds do not fit"),
        (change_config(sounds="all"), "prior_state.config.sounds must"),
        (change_config(held_out_db="far"), "prior_state.config.held_out_db must"),
        (change_sound(label=2), "a sound of a class that is not there"),
        (change_sound(columns=7), "codes of the prior's sounds do not fit"),
        (change_sound(columns=0), "prior_state.config.sounds"),
        (change_sound(samples=-5), "prior_state.config.sounds"),
        (change_sound(level_db=float("nan")), "prior_state.config.sounds"),
        (lambda state: state["config"].pop("network"), "prior_state.config.network is missing"),
        (lambda state: state["state_dict"].pop("sounds"), "codes of the prior's sounds do not"),
        (lambda state: state["state_dict"]["sounds"].fill_(8), "are outside the codebook"),
        (lambda state: state["state_dict"]["sounds"].fill_(-1), "are outside the codebook"),
        (lambda state: state["state_dict"].pop("code.bias"), "the weight code.bias is missing"),
        (lambda state: state["state_dict"]["code.bias"].fill_(torch.nan), "holds NaN or infinity"),
        (lambda state: state["state_dict"].update({"code.bias": [1.0]}), "does not fit"),
    ],
)
def test_a_strangers_prior_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    state = prior_state()
    change(state)
    strange = make_bundle(tmp_path / "strange.distillgan", fields={"prior_state": state})
    with pytest.raises(BundleError, match=told) as error:
        distill.load(strange)
    assert "\n" not in str(error.value)
