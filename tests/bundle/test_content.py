"""a bundle that lacks something, or holds what does not fit → one line that names it."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle.loaded import LoadedModel
from distill.bundle.loading import load_bundle
from distill.codec.description import LossCurves, Metadata
from distill.errors import BundleError
from distill.model.config import VQVAEConfig
from tests.helpers.tiny_bundle import (
    CONFIG,
    SPECTROGRAM,
    Content,
    change_content,
    prior_state,
    refusal,
    save,
    vocoder_state,
)

DIGESTS = ("codec_digest", "checksum")
STATE_KEYS = ("type", "state_dict", "config", "training_metadata")


def required_keys(kind: type[Any]) -> list[str]:
    """Those that a file must have."""
    return [
        spec.name
        for spec in fields(kind)
        if spec.default is MISSING and spec.default_factory is MISSING
    ]


NESTED = [
    *(("metadata", key) for key in required_keys(Metadata)),
    *(("loss_curve_history", spec.name) for spec in fields(LossCurves)),
    *(("vqvae_config", key) for key in required_keys(VQVAEConfig)),
    *(("spectrogram_config", key) for key in vars(SPECTROGRAM)),
    *(("vocoder_state", key) for key in STATE_KEYS),
    *(("prior_state", key) for key in STATE_KEYS),
]


def with_states(content: Content) -> Content:
    """With a vocoder and a prior."""
    return {**content, "vocoder_state": vocoder_state(), "prior_state": prior_state()}


@pytest.mark.parametrize(
    "key",
    [
        "version",
        "model_type",
        "model_state_dict",
        "vqvae_config",
        "spectrogram_config",
        "training_config",
        "codebook_health_snapshot",
        "loss_curve_history",
        "metadata",
        "codec_digest",
        "checksum",
    ],
)
def test_missing_key_is_named(content: Content, tmp_path: Path, key: str) -> None:
    other = {name: value for name, value in content.items() if name != key}
    path = save(tmp_path / "m.distillgan", other, honest=key not in DIGESTS)
    assert f"the key {key} is missing" in refusal(path)
    wrong = save(tmp_path / "n.distillgan", {**content, key: [1]}, honest=key not in DIGESTS)
    assert f"{key} must be" in refusal(wrong)


@pytest.mark.parametrize(("part", "key"), NESTED)
def test_missing_nested_key_is_named(content: Content, tmp_path: Path, part: str, key: str) -> None:
    other = change_content(with_states(content), lambda c: c[part].pop(key))
    path = save(tmp_path / "m.distillgan", other)
    assert f"the key {part}.{key} is missing" in refusal(path)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("vocoder_state", lambda c: c.update(vocoder_state=None)),
        ("prior_state", lambda c: c.update(prior_state=None)),
        ("prior_state.type", lambda c: c["prior_state"].update(type=5)),
        ("prior_state.state_dict", lambda c: c["prior_state"].update(state_dict=[])),
        ("prior_state.config", lambda c: c["prior_state"].update(config={1: 2})),
        (
            "prior_state.training_metadata.final_bits_per_s",
            lambda c: c["prior_state"]["training_metadata"].update(final_bits_per_s=float("nan")),
        ),
        (
            "vocoder_state.training_metadata.epochs",
            lambda c: c["vocoder_state"]["training_metadata"].update(epochs=2.5),
        ),
        ("metadata.tags[1]", lambda c: c["metadata"].update(tags=["a", 5])),
        ("metadata.dataset_file_count", lambda c: c["metadata"].update(dataset_file_count="3")),
        (
            "loss_curve_history.val_losses[2]",
            lambda c: c["loss_curve_history"].update(val_losses=[0.5, float("nan"), "x"]),
        ),
        (
            "codebook_health_snapshot.level_1.utilization",
            lambda c: c["codebook_health_snapshot"]["level_1"].update(utilization=1.5),
        ),
        ("codebook_health_snapshot", lambda c: c.update(codebook_health_snapshot={0: {}})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_value_that_is_not_possible_is_named(
    content: Content, tmp_path: Path, key: str, change: Callable[[Content], object]
) -> None:
    other = change_content(with_states(content), change)
    assert f"{key} must " in refusal(save(tmp_path / "m.distillgan", other))


def test_key_of_a_stranger_is_told_in_one_plain_line(content: Content, tmp_path: Path) -> None:
    level = "\x1b[2J\n" * 99
    other = change_content(content, lambda c: c["codebook_health_snapshot"].update({level: {}}))
    refused = refusal(save(tmp_path / "m.distillgan", other))
    assert "utilization is missing" in refused
    assert refused.isprintable()


@pytest.mark.parametrize("key", ["model_id", "name"])
def test_what_a_model_is_called_must_be_text(content: Content, tmp_path: Path, key: str) -> None:
    other = change_content(content, lambda c: c["metadata"].update({key: ["x"]}))
    path = save(tmp_path / "m.distillgan", other)
    assert f"metadata.{key} must be text" in refusal(path)


@pytest.mark.parametrize("key", ["utilization", "perplexity", "dead_codes"])
def test_missing_health_figure_is_named(content: Content, tmp_path: Path, key: str) -> None:
    other = change_content(content, lambda c: c["codebook_health_snapshot"]["level_1"].pop(key))
    path = save(tmp_path / "m.distillgan", other)
    assert f"codebook_health_snapshot.level_1.{key} is missing" in refusal(path)


def test_missing_and_unknown_weights_are_named(content: Content, tmp_path: Path) -> None:
    name = "decoder.from_latent.weight"
    missing = change_content(content, lambda c: c["model_state_dict"].pop(name))
    assert f"the weight {name} is missing" in refusal(save(tmp_path / "a.distillgan", missing))
    extra = change_content(content, lambda c: c["model_state_dict"].update(more=torch.zeros(1)))
    assert "the weight 'more' has no place" in refusal(save(tmp_path / "b.distillgan", extra))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("codebook_size", 16),
        ("codebook_dim", 8),
        ("channels", 8),
        ("stride", 8),
    ],
)
def test_shapes_that_do_not_fit_the_config_are_refused(
    content: Content, tmp_path: Path, key: str, value: object
) -> None:
    other = change_content(content, lambda c: c["vqvae_config"].update({key: value}))
    path = save(tmp_path / "m.distillgan", other)
    assert "does not fit vqvae_config" in refusal(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("num_quantizers", 3), ("residual_units", 2), ("channels", 5)],
)
def test_config_that_asks_for_more_weights_is_refused(
    content: Content, tmp_path: Path, key: str, value: object
) -> None:
    other = change_content(content, lambda c: c["vqvae_config"].update({key: value}))
    refused = refusal(save(tmp_path / "m.distillgan", other))
    assert "weight" in refused
    assert "is missing" in refused or "does not fit" in refused


@pytest.mark.parametrize(
    "weight",
    [
        torch.zeros(4, 4, 1),
        torch.zeros(4, 4, 1, 1, dtype=torch.float64),
        torch.full((4, 4, 1, 1), float("nan")),
        "text",
        None,
        [0.0] * 16,
    ],
)
def test_weight_that_is_none_is_refused(content: Content, tmp_path: Path, weight: object) -> None:
    name = "encoder.to_latent.1.weight"
    assert content["model_state_dict"][name].shape == (4, 4, 1, 1)
    other = change_content(content, lambda c: c["model_state_dict"].update({name: weight}))
    assert f"the weight {name}" in refusal(save(tmp_path / "m.distillgan", other))


IMPOSSIBLE = [
    ("vqvae_config", "codebook_dim", value) for value in (0, -1, 4.0, "4", None, True, [4], 10**9)
]
IMPOSSIBLE += [("vqvae_config", "dropout", value) for value in (-0.1, 1.5, float("nan"), "0")]
IMPOSSIBLE += [("vqvae_config", "decay", value) for value in (float("inf"), 10**400, None, [0.5])]
IMPOSSIBLE += [("vqvae_config", "channels", value) for value in (0, -4, 4.5, "4", [4], None, 10**7)]
IMPOSSIBLE += [("vqvae_config", "num_quantizers", value) for value in (0, 1000, 10**6)]
IMPOSSIBLE += [("vqvae_config", "residual_units", value) for value in (-1, 10**6)]
IMPOSSIBLE += [("vqvae_config", "stride", value) for value in (0, -3, 2.0, None, 10**6)]
IMPOSSIBLE += [("spectrogram_config", "n_fft", value) for value in (0, -2, 10**7, 512.5, 10**400)]
IMPOSSIBLE += [("spectrogram_config", "hop_length", value) for value in (0, None)]
IMPOSSIBLE += [("spectrogram_config", "n_mels", value) for value in (0, 10**6)]
IMPOSSIBLE += [("spectrogram_config", "std_db", value) for value in (0, -1, float("nan"))]
IMPOSSIBLE += [("spectrogram_config", "floor", value) for value in (0, -1e-3)]


@pytest.mark.parametrize(("part", "key", "value"), IMPOSSIBLE, ids=lambda value: str(value)[:20])
def test_impossible_setting_is_refused(
    content: Content, tmp_path: Path, part: str, key: str, value: object
) -> None:
    other = change_content(content, lambda c: c[part].update({key: value}))
    refused = refusal(save(tmp_path / "m.distillgan", other))
    assert key in refused


@pytest.mark.filterwarnings("ignore")
def test_strange_settings_load_or_are_refused(content: Content, tmp_path: Path) -> None:
    """Whatever stands in the two configurations, nothing but a BundleError comes out."""
    chance, path = random.Random(0), tmp_path / "m.distillgan"
    values = [
        1,
        2,
        3,
        1e-300,
        0.5,
        1e6,
        10**6,
        64,
        -1,
        -1e6,
        5,
        None,
        "x",
        {},
        [10**6] * 8,
        [1] * 8,
    ]
    ends = []
    for _ in range(60):
        other = copy.deepcopy(content)
        part = other[chance.choice(["vqvae_config", "spectrogram_config"])]
        part[chance.choice(list(part))] = chance.choice(values)
        save(path, other)
        try:
            ends.append(type(load_bundle(path)))
        except BundleError:
            ends.append(BundleError)
    assert set(ends) == {LoadedModel, BundleError}


def test_settings_unknown_to_this_version_are_ignored(content: Content, tmp_path: Path) -> None:
    other = change_content(content, lambda c: c["vqvae_config"].update(later="more"))
    assert load_bundle(save(tmp_path / "m.distillgan", other)).codec.network.config == CONFIG


def test_refusals_name_the_file(content: Content, tmp_path: Path) -> None:
    other = change_content(content, lambda c: c["metadata"].pop("name"))
    for path in (
        save(tmp_path / "my model.distillgan", other),
        save(
            tmp_path / "my model.distillgan",
            change_content(content, lambda c: c["vqvae_config"].clear()),
        ),
    ):
        assert refusal(path).startswith("my model.distillgan: ")
