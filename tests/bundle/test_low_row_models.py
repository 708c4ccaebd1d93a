"""Bundles of models whose low rows have levels of their own, with a prior for these codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle.format import write_bundle
from distill.bundle.loaded import LoadedModel
from distill.bundle.loading import load_bundle
from distill.bundle.reader import read_bundle
from distill.catalog.entry import Entry
from distill.catalog.facts import facts_of, level_rows, row_of
from distill.model.held import are_codes
from tests.helpers.low_rows import LOW_CONFIG, low_fields
from tests.helpers.tiny_bundle import Content, change_content, refusal, save

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "low.distillgan"
    write_bundle(path, low_fields(prior=True))
    return path


@pytest.fixture(scope="module")
def drummer(path: Path) -> LoadedModel:
    return load_bundle(path)


def test_it_comes_back(drummer: LoadedModel) -> None:
    assert drummer.codec.network.config == LOW_CONFIG
    assert list(drummer.health) == ["level_0", "level_1", "low_0", "low_1"]


def test_the_library_names_the_levels_of_the_low_rows(path: Path) -> None:
    entry = Entry.from_json(Entry.of(read_bundle(path), path).to_json())
    assert row_of(entry).codes == "2 × 8 + 2 × 5"
    facts = dict(facts_of(entry, path))
    assert "2 levels of 8 codes and 2 of 5 in the low rows" in facts["codes"]
    assert [row.level for row in level_rows(entry)] == ["0", "1", "low 0", "low 1"]
    assert entry.worst_utilization == 0.6


def weight(content: Content) -> str:
    return next(key for key in content["model_state_dict"] if key.startswith("low_quantizer"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["vqvae_config"].update(low_levels=0), "low levels"),
        (lambda c: c["vqvae_config"].update(low_codebook_size=0), "low levels"),
        (lambda c: c["vqvae_config"].update(low_levels=1), "has no place in the network"),
        (lambda c: c["vqvae_config"].update(low_levels=3), "is missing"),
        (lambda c: c["vqvae_config"].update(low_levels=1000), "low_levels must be"),
        (lambda c: c["vqvae_config"].update(low_codebook_size=6), "does not fit vqvae_config"),
        (lambda c: c["model_state_dict"].pop(weight(c)), "is missing"),
        (
            lambda c: c["prior_state"]["config"]["network"].update(low_levels=0),
            "prior_state.config does not fit vqvae_config",
        ),
        (
            lambda c: c["prior_state"]["config"]["network"].update(low_codebook_size=9),
            "prior_state.config does not fit vqvae_config",
        ),
        (
            lambda c: c["prior_state"]["state_dict"]["sounds"][0, 0].fill_(5),
            "outside the codebook",
        ),
        (
            lambda c: c["prior_state"]["state_dict"]["sounds"][3, 0].fill_(0),
            "outside the codebook",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, path: Path, change: Callable[[Content], Any], told: str
) -> None:
    content = torch.load(path, weights_only=True)
    assert told in refusal(save(tmp_path / "m.distillgan", change_content(content, change)))


def test_new_sounds_have_codes_where_the_model_has_levels(drummer: LoadedModel) -> None:
    layout = drummer.codec.layout
    like = drummer.encode(0.2 * torch.randn(9_000), RATE_HZ)
    for request in ({}, {"amount": 1.0}, {"like": like}, {"beginning": torch.randn(5_000) / 5}):
        for sound in drummer.new_sounds(2, **request):
            assert are_codes(sound.codes.indices, layout)
            assert sound.codes.low_levels == 2
            assert torch.isfinite(sound.waveform).all()
            assert sound.waveform.abs().max() > 0
    (first, *_, last) = drummer.new_sounds(3, morph=(like, like))
    assert torch.equal(first.codes.indices, like.indices)
    assert torch.equal(last.codes.indices, like.indices)


def test_new_sounds_of_fewer_levels(drummer: LoadedModel) -> None:
    (sound,) = drummer.new_sounds(1, levels=1)
    assert sound.codes.indices.shape[-1] == 1
    assert sound.codes.low_levels == 0
