"""Each type of vocoder has keys of its own, and a run keeps its type."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from distill.errors import ConfigError, DistillError, UnknownKeyError
from distill.settings.compose import load_config, resume_config
from distill.settings.schema import TrainConfig
from distill.settings.vocoders import HifiGanVocoderConfig


def save(config: TrainConfig, run_dir: Path) -> Path:
    """The configuration of a run, as it lies in its folder."""
    path = run_dir / "config.yaml"
    path.write_text(OmegaConf.to_yaml(OmegaConf.structured(config)))
    return path


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (
            ["vocoder.spectral_steps=5"],
            "vocoder.spectral_steps: belongs to vocoder=hifigan_v2, but the vocoder is "
            "phase_gradient",
        ),
        (
            ["vocoder=hifigan_v2", "vocoder.starter=null"],
            "vocoder.starter: belongs to vocoder=phase_gradient, but the vocoder is hifigan_v2",
        ),
        (
            ["vocoder=hifigan_v2", "vocoder.type=phase_gradient"],
            "vocoder.type=phase_gradient: type vocoder=phase_gradient instead",
        ),
        (["vocoder=hifigan_v2", "vocoder.spectral_steps=soon"], "must be a whole number from 0"),
    ],
)
def test_a_vocoder_has_the_keys_of_its_type_alone(overrides: list[str], told: str) -> None:
    with pytest.raises(DistillError) as error:
        load_config(overrides)
    assert told in str(error.value)


def test_a_run_goes_on_with_the_vocoder_that_it_began_with(tmp_path: Path) -> None:
    config = load_config(["vocoder=hifigan_v2", "vocoder.spectral_steps=7"])
    assert resume_config(save(config, tmp_path), ["resume=last"]) == config
    assert isinstance(config.vocoder, HifiGanVocoderConfig)
    assert config.vocoder.spectral_steps == 7
    saved = save(load_config([]), tmp_path)
    with pytest.raises(ConfigError, match="is phase_gradient in this run and cannot be changed"):
        resume_config(saved, ["vocoder.type=hifigan_v2"])
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "vocoder_last.ckpt").touch()
    with pytest.raises(UnknownKeyError, match="belongs to vocoder=hifigan_v2"):
        resume_config(saved, ["vocoder.discriminator_channels=8"])
