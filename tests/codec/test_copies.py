"""Channels that go together stay together, and what is short or ends suddenly keeps its level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from distill.bundle.loaded import LoadedModel
from distill.codec.copies import Separator
from distill.codec.facts import COPY, OWN, REST, ChannelFacts
from distill.codec.restoring import restore
from tests.helpers.made_bundle import bundle

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    import distill

    return distill.load(bundle(tmp_path_factory.mktemp("models") / "tiny.distillgan"))


def noise(samples: int = 12_000, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(samples, generator=generator)


def low(samples: int = 12_000) -> Tensor:
    """Noise up to half of the highest frequency, between silence."""
    spectrum = torch.fft.rfft(noise(samples))
    spectrum[len(spectrum) // 2 :] = 0
    return torch.fft.irfft(spectrum, n=samples) * torch.hann_window(samples)


def later(sound: Tensor, samples: float) -> Tensor:
    spectrum = torch.fft.rfft(sound)
    turns = torch.arange(len(spectrum)) / len(sound) * samples
    return torch.fft.irfft(spectrum * torch.exp(-2j * torch.pi * turns), n=len(sound))


def db(ratio: float) -> float:
    return 10 * float(np.log10(max(ratio, 1e-12)))


def level_db(sound: Tensor) -> float:
    return db(float(sound.square().mean()))


def side_db(channels: Tensor) -> float:
    return level_db(channels[0] - channels[1]) - level_db(channels.flatten()) - 6.02


@pytest.mark.parametrize(
    ("right", "delay", "gain_db"),
    [
        (low(), 0, 0),
        (-low(), 0, 0),
        (0.1 * low(), 0, -20),
        (later(low(), 7.25), 7.25, 0),
        (-0.5 * later(low(), -15.5), -15.5, -6.02),
    ],
    ids=["same", "opposite", "panned", "later", "earlier and opposite"],
)
def test_a_channel_that_is_a_copy_comes_back_as_one(
    model: LoadedModel, right: Tensor, delay: float, gain_db: float
) -> None:
    original = torch.stack([low(), right])
    alone, codes = model.encode(original[0], RATE_HZ), model.encode(original, RATE_HZ)
    assert codes.facts[1].kind == COPY
    assert codes.facts[1].delay / 64 == delay
    assert torch.equal(codes.indices, alone.indices)
    assert codes.bits == alone.bits + 8 * 6
    decoded = model.decode(codes)
    assert torch.equal(decoded[:1], model.decode(alone))
    expected = float(torch.sign(right[200:] @ low()[200:] if not delay else original.new_tensor(1)))
    inside = slice(100, -300)  # the shift of the test goes round
    copy = expected * later(decoded[0], delay)
    scale = 10 ** (gain_db / 20)
    sign = 1 if delay != -15.5 else -1
    torch.testing.assert_close(decoded[1][inside], sign * scale * copy[inside], atol=2e-3, rtol=0)


@pytest.mark.parametrize("size", [12_000, 1, 999])
def test_what_is_no_copy_is_coded_and_all_comes_back(size: int) -> None:
    own, rest = noise(seed=1), 0.15 * noise(seed=2)
    original = torch.stack([low(), 0.5 * later(low(), 3.5) + 0.5 * rest, own, torch.zeros(12_000)])
    separator = Separator(RATE_HZ)
    coded = list(separator.separate(iter(original.split(size, dim=1)[: 12_000 // size])))
    facts = separator.facts()
    samples = 12_000 // size * size
    assert [each.kind for each in facts] == [OWN, REST, OWN, OWN]
    assert level_db(coded[0][1]) == pytest.approx(level_db(0.5 * rest), abs=0.3)
    (restored,) = restore(coded, facts, rate_hz=RATE_HZ, coded_hz=RATE_HZ)
    torch.testing.assert_close(restored, original[:, :samples], atol=6e-3, rtol=0)


def test_a_quiet_rest_is_not_lost_where_it_is_heard(model: LoadedModel) -> None:
    left = torch.cat([0.5 * noise(6_000), torch.zeros(6_000)])
    for rest, kind in ((0.05 * noise(seed=3), REST), (0.01 * left * noise(seed=3), COPY)):
        codes = model.encode(torch.stack([left, left + rest]), RATE_HZ)
        assert codes.facts[1].kind == kind


def test_what_is_in_one_channel_alone_does_not_get_into_another(model: LoadedModel) -> None:
    high = noise(seed=4) - later(noise(seed=4), 1)
    codes = model.encode(torch.stack([low() + 0.1 * high, low()]), RATE_HZ)
    assert [each.kind for each in codes.facts] in ([OWN, OWN], [])


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_level_of_any_length(model: LoadedModel, rate_hz: int) -> None:
    """The tiny network knows nothing of levels; what is kept beside its codes does."""
    for samples in (1, 2, 10, 50, 79, 200, 511, 1_000, 1_700):
        time_s = torch.arange(samples) / rate_hz
        original = 0.4 * torch.sin(2 * torch.pi * 440 * time_s + 1)
        decoded = model.decode(model.encode(original, rate_hz))[0]
        assert level_db(decoded) == pytest.approx(level_db(original), abs=1.5), samples
        end = max(1, round(0.005 * rate_hz))
        assert level_db(decoded[-end:]) == pytest.approx(level_db(original[-end:]), abs=2), samples


def test_a_sudden_end_keeps_its_level_and_a_slow_one_costs_nothing(model: LoadedModel) -> None:
    sudden = model.encode(noise(), RATE_HZ)
    assert sudden.facts[0].end > 0 == sudden.facts[0].level
    for gain_db in (-20, 8):  # of the end alone: it is mended
        coded = noise()[None].clone()
        coded[0, -80:] *= 10 ** (gain_db / 20)
        assert level_db(end_of(coded, sudden.facts)) == pytest.approx(-20, abs=0.6)
    soft = 0.1 * noise()[None]  # all of it: an end that stands out would be a burst
    assert level_db(end_of(soft, sudden.facts)) == pytest.approx(-34, abs=1)
    short = model.encode(noise(160), RATE_HZ).facts
    for soft in (slice(0, 80), slice(80, 160)):  # as a vocoder has it that knows longer sounds
        coded = noise(160)[None].clone()
        coded[0, soft] *= 0.01
        assert level_db(end_of(coded, short)) == pytest.approx(level_db(noise(160)[-80:]), abs=1.5)
        assert level_db(restored(coded, short)) == pytest.approx(level_db(noise(160)), abs=1.5)
    slow = model.encode(noise() * torch.linspace(1, 0, 12_000) ** 2, RATE_HZ)
    assert slow.facts == ()
    without = torch.cat(list(model.codec.decode_stream(slow, model.vocoder)), dim=1)
    assert torch.equal(model.decode(slow), without)


def restored(coded: Tensor, facts: tuple[ChannelFacts, ...]) -> Tensor:
    return torch.cat(list(restore([coded], facts, rate_hz=RATE_HZ, coded_hz=RATE_HZ)), dim=1)[0]


def end_of(coded: Tensor, facts: tuple[ChannelFacts, ...]) -> Tensor:
    return restored(coded, facts)[-80:]


def facts_of(chunks: Sequence[Tensor], model: LoadedModel) -> tuple[ChannelFacts, ...]:
    return model.encode_stream(iter(chunks), RATE_HZ).facts


def test_facts_do_not_depend_on_chunks(model: LoadedModel) -> None:
    original = torch.stack([low(), later(low(), 2.5) + 0.1 * noise(seed=1)])
    whole = facts_of([original], model)
    assert all(facts_of(original.split(size, dim=1), model) == whole for size in (777, 5_000))
