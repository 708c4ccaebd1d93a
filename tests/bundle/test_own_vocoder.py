"""A bundle with a vocoder of its own: loaded with it, and refused where it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import distill
from distill.errors import BundleError
from tests.helpers.made_bundle import make_bundle
from tests.helpers.tiny_bundle import phase_vocoder, vocoder_state


@pytest.mark.parametrize(
    ("state", "name"), [(phase_vocoder(), "phase gradient"), (vocoder_state(), "HiFi-GAN")]
)
def test_it_makes_the_sound(tmp_path: Path, state: dict[str, Any], name: str) -> None:
    path = make_bundle(tmp_path / "kit.distillgan", fields={"vocoder_state": state})
    model = distill.load(path)
    assert model.vocoder.name == name
    waveform = 0.1 * torch.randn(1, 9000, generator=torch.Generator().manual_seed(0))
    codes = model.encode(waveform, model.sample_rate_hz)
    sound = model.decode(codes, seed=3)
    assert sound.shape == waveform.shape
    assert torch.equal(distill.load(path).decode(codes, seed=3), sound)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda state: state["config"].update(channels=5), "does not fit vocoder_state.config"),
        (
            lambda state: state["config"].update(channels=60_000),
            "does not fit vocoder_state.config",
        ),
        (
            lambda state: state["config"].update(channels=10**9),
            "vocoder_state.config.channels must",
        ),
        (lambda state: state["config"].update(n_mels=31), "does not fit spectrogram_config"),
        (lambda state: state["config"].update(blocks=2), "weight blocks.0.1.narrow.0.bias is miss"),
        (lambda state: state["config"].update(blocks=4), "vocoder_state.config.blocks must be"),
        (lambda state: state["config"].update(upsample=(8, 2, 8)), "does not fit vocoder_state"),
        (lambda state: state["config"].update(upsample=(8, 8)), "does not fit spectrogram_config"),
        (
            lambda state: state["config"].update(upsample=(8,) * 10**5),
            "does not fit spectrogram_config",
        ),
        (lambda state: state["config"].update(upsample=(1, 128)), "vocoder_state.config.upsample"),
        (lambda state: state["config"].update(upsample=128), "vocoder_state.config.upsample must"),
        (lambda state: state["config"].pop("upsample"), "vocoder_state.config.upsample is missing"),
        (lambda state: state["state_dict"].pop("last.bias"), "the weight last.bias is missing"),
        (lambda state: state["state_dict"]["last.bias"].fill_(torch.nan), "holds NaN or infinity"),
        (lambda state: state.update(type="wavenet"), "of the type 'wavenet', which this version"),
        (lambda state: state.update(type="phase_gradient"), "vocoder_state.config.bins is missing"),
    ],
)
def test_a_strangers_hifigan_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    refused(tmp_path, vocoder_state(), change, told)


def refused(
    folder: Path, state: dict[str, Any], change: Callable[[dict[str, Any]], None], told: str
) -> None:
    change(state)
    strange = make_bundle(folder / "strange.distillgan", fields={"vocoder_state": state})
    with pytest.raises(BundleError, match=told) as error:
        distill.load(strange)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda state: state["config"].update(channels=9), "does not fit vocoder_state.config"),
        (lambda state: state["config"].update(n_mels=31), "does not fit spectrogram_config"),
        (lambda state: state["config"].update(blocks=10**9), "vocoder_state.config.blocks must be"),
        (lambda state: state["config"].pop("hidden"), "vocoder_state.config.hidden is missing"),
        (lambda state: state["state_dict"].pop("first.bias"), "the weight first.bias is missing"),
        (lambda state: state["state_dict"]["first.bias"].fill_(torch.inf), "holds NaN or infinity"),
        (lambda state: state["state_dict"].update({"first.bias": [1.0]}), "does not fit"),
    ],
)
def test_a_strangers_vocoder_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    refused(tmp_path, phase_vocoder(), change, told)
