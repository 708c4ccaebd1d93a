"""A run with each kind of quantizer: health, code files with fewer levels and more effort, prior,
and going on.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from distill import plugins
from distill.bundle.loading import load_bundle
from distill.train.command import TrainCommand
from distill.train.running import train_alone
from tests.helpers.runs import TINY, TINY_PRIOR
from tests.helpers.sounds import tone, write_sounds

OTHERS = [name for name in plugins.OWN[plugins.QUANTIZER] if name != "residual_vq"]
WORDS = (*TINY, *TINY_PRIOR, "name=kit", "rvq.codebook_size=null")


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_run_with_another_quantizer_is_a_run_like_any(name: str, tmp_path: Path) -> None:
    write_sounds(tmp_path / "sounds")
    run = tmp_path / "run"
    own = (f"quantizer={name}", f"data.root={tmp_path / 'sounds'}", f"hydra.run.dir={run}")
    places = (f"library.dir={tmp_path / 'library'}", f"data.cache_dir={tmp_path / 'cache'}")
    train_alone(TrainCommand((*WORDS, *own, *places, "trainer.max_epochs=1")))
    train_alone(TrainCommand((f"resume={run}", "trainer.max_epochs=3")))

    model = load_bundle(run / "best.distillgan")
    assert model.codec.network.config.quantizer == name
    codec = json.loads((run / "summary.json").read_text())["stages"]["codec"]
    assert codec["epochs"] == 3
    assert codec["health"]["level_0"]["utilization"] > 0.3

    sound = torch.from_numpy(tone(300)).float()
    whole = model.encode(sound, 16_000)
    assert model.decode(whole).shape[-1] == len(sound)
    for effort in (1, 2):
        assert model.encode(sound, 16_000, effort=effort).indices.shape == whole.indices.shape
    first = model.encode(sound, 16_000, levels=1)
    assert torch.equal(first.indices[..., 0], whole.indices[..., 0])
    assert model.decode(first).shape[-1] == len(sound)
    assert len(model.generate(2, seed=3)) == 2
