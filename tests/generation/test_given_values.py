"""Whatever a program gives to a model: a result, or one line of what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import distill
from distill.bundle.loaded import LoadedModel
from distill.errors import DistillError
from tests.helpers.made_bundle import make_bundle
from tests.helpers.tiny_bundle import prior_state

RATE_HZ = 16_000
NUMBERS = st.sampled_from(
    (0, 1, 2, -1, True, 1.0, 0.3, 1.5, 16_000, 2**63, 10**400, -0.0, 1e300)
    + (float("nan"), float("inf"), np.int64(1), np.float32(0.5), torch.tensor(1), 1j)
)
SHAPES = st.sampled_from(((), (0,), (1,), (900,), (1, 900), (2, 900), (3, 0), (900, 2), (1, 2, 9)))
DTYPES = st.sampled_from(("float16", "float32", "float64", ">f4", "int16", "complex64", "bool"))
SCALES = st.sampled_from((0.0, 0.3, 1.0, 1e4, float("nan"), float("inf")))


@st.composite
def arrays(draw: Callable[..., Any]) -> Any:
    """NumPy or torch, in many shapes, types and ranges."""
    shape, dtype, scale = draw(SHAPES), draw(DTYPES), draw(SCALES)
    noise = np.random.default_rng(0).uniform(-1, 1, shape)
    with np.errstate(all="ignore"):
        array = np.asarray(noise * scale).astype(dtype)
    return torch.from_numpy(array) if draw(st.booleans()) and ">" not in dtype else array


VALUES = st.one_of(
    NUMBERS,
    arrays(),
    st.sampled_from((None, "kick", "", b"x", [0.1] * 900, [], (1, 2), {}, object)),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    path = tmp_path_factory.mktemp("models") / "kit.distillgan"
    return distill.load(make_bundle(path, fields={"prior_state": prior_state()}))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.5, 0.5, shape).astype(np.float32)


def works_or_is_told(work: Callable[[], Any]) -> None:
    told = ""
    try:
        work()
    except DistillError as error:
        told = str(error)
    assert "\n" not in told
    assert len(told) < 300


@settings(max_examples=50, deadline=None, derandomize=True)
@given(what=VALUES, other=VALUES, which=st.integers(0, 4))
def test_any_value_to_code_gives_codes_or_one_line(
    model: LoadedModel, what: Any, other: Any, which: int
) -> None:
    codes = model.encode(noise(900), RATE_HZ)
    calls: tuple[Callable[[], Any], ...] = (
        lambda: model.decode(model.encode(what, RATE_HZ)),
        lambda: model.encode(noise(900), what, levels=other),
        lambda: model.decode(what),
        lambda: model.decode(codes, seed=what, sample_rate_hz=other),
        lambda: model.decode(replace(codes, indices=what, samples=other), levels=1),
    )
    works_or_is_told(calls[which])


KEYS = ("seed", "temperature", "class_name", "length_s", "like", "amount")
KEYS += ("morph", "beginning", "loop", "levels", "count")


@settings(max_examples=50, deadline=None, derandomize=True)
@given(key=st.sampled_from(KEYS), value=VALUES, other=VALUES)
def test_any_value_of_a_request_gives_a_sound_or_one_line(
    model: LoadedModel, key: str, value: Any, other: Any
) -> None:
    request = {key: (value, other) if key == "morph" else value}
    works_or_is_told(lambda: next(iter(model.new_sounds(**request)), None))


@pytest.mark.parametrize("key", ["like", "beginning"])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_channels_to_begin_with_are_mixed_in_python_too(
    model: LoadedModel, key: str, kind: Callable[[np.ndarray], Any]
) -> None:
    left = noise(9_000)
    (alone,) = model.generate(1, **{key: kind(left)})
    (opposite,) = model.generate(1, **{key: kind(np.stack([left, -left]))})
    assert torch.equal(alone, opposite)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"seed": -1}, "a seed must be a whole number from 0 to 9223372036854775807, not -1"),
        ({"seed": 1.5}, "a seed must be .*, not 1.5"),
        ({"length_s": "long"}, "length 'long': must be from 0.05 to 600"),
        ({"count": -1}, "count -1: must be a whole number"),
        ({"morph": noise(9_000)}, "morph: must be two sounds"),
        ({"like": noise(9_000), "loop": True}, "like and loop: give one of them"),
        ({"like": noise(9_000), "length_s": 1.0}, "length: like has the length of the sound"),
        ({"like": noise(100)}, "like: shorter than 0.05 s"),
        ({"beginning": 3e4 * noise(9_000)}, "beginning: .* reach 14,99. where 1 is full scale"),
        ({"beginning": np.zeros(9_000)}, "beginning: is silent"),
        ({"loop": "yes"}, "loop 'yes': must be True or False"),
        ({"nonsense": 3}, "nonsense: new sounds cannot be asked for by this"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_a_mistake_in_python_is_told(model: LoadedModel, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(DistillError, match=told):
        next(model.new_sounds(**asked))
