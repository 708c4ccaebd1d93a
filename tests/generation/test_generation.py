"""New sounds by a model with a prior: what is asked for is what comes, and nothing broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import distill
from distill.bundle.loaded import LoadedModel
from distill.codec.codes import Codes
from distill.errors import DistillError
from distill.generation import making, recombination
from distill.generation.finishing import (
    level_db,
    splice,
    to_level,
)
from distill.generation.known import KnownSounds
from distill.generation.making import ATTEMPTS, NewSound
from distill.generation.novelty import MelNeighbours, Nearest
from distill.generation.request import Request
from tests.helpers.made_bundle import make_bundle

RATE_HZ = 16_000


def noise(samples: int = 9_000, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.2 * torch.randn(samples, generator=generator)


def coded(model: LoadedModel, seed: int, samples: int = 9_000) -> Codes:
    return model.encode(noise(samples, seed), RATE_HZ)


def sounds_of(model: LoadedModel, count: int = 3, **request: object) -> list[NewSound]:
    return list(model.new_sounds(count, **request))


def distance(model: LoadedModel, one: Codes, other: Codes) -> float:
    """Between the vectors of the codes, over the columns that both have."""
    both = min(one.indices.shape[2], other.indices.shape[2])
    vectors = [
        model.codec.network.quantizer.from_indices(codes.indices[0, :, :both].flatten(0, 1)[None])
        for codes in (one, other)
    ]
    return float((vectors[0] - vectors[1]).square().sum(dim=-1).mean())


def test_the_seed_and_the_number_decide(drummer: LoadedModel) -> None:
    sounds = sounds_of(drummer, 3, seed=5)
    assert [sound.number for sound in sounds] == [1, 2, 3]
    (second,) = drummer.generation(Request(seed=5), total=1).sounds([2])
    assert torch.equal(second.waveform, sounds[1].waveform)
    assert not torch.equal(sounds[0].codes.indices[..., :3, :], sounds[1].codes.indices[..., :3, :])
    other = sounds_of(drummer, 1, seed=6)[0]
    assert not torch.equal(other.waveform, sounds[0].waveform)
    waveforms = drummer.generate(3, seed=5)
    assert all(torch.equal(a, b.waveform) for a, b in zip(waveforms, sounds, strict=True))


def test_what_is_delivered_begins_and_ends_quietly_and_does_not_clip(drummer: LoadedModel) -> None:
    for sound in sounds_of(drummer, 6, length_s=0.4):
        assert sound.waveform.shape == (6_400,)
        assert float(sound.waveform.abs().max()) <= 0.99
        assert float(sound.waveform[-80:].abs().max()) == 0
        assert abs(float(sound.waveform[0])) < 0.01
        assert sound.class_name in ("kick", "snare")
        assert sound.nearest.startswith(("kick/", "snare/"))


def test_a_class_can_be_asked_for(drummer: LoadedModel) -> None:
    assert {each.class_name for each in sounds_of(drummer, 5, class_name="snare")} == {"snare"}
    with pytest.raises(DistillError, match="class 'tom': no such class; .* kick, snare"):
        sounds_of(drummer, 1, class_name="tom")


def test_a_sound_has_the_level_of_its_class(drummer: LoadedModel) -> None:
    quiet = to_level(noise() * 0.2, -20.0)
    assert level_db(quiet) == pytest.approx(-20, abs=0.01)
    loud = to_level(noise() * 2, 0.0)
    assert float(loud.abs().max()) <= 0.99 + 1e-6


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"temperature": 9.0}, "temperature 9: must be from 0.05 to 3"),
        ({"length_s": 0.001}, "length 0.001: must be from 0.05 to 600"),
        ({"amount": 2.0}, "amount 2: must be from 0 to 1"),
        ({"levels": 3}, "levels=3: this model has 2"),
        ({"beginning": noise(9_000), "length_s": 0.5}, "the sound to continue is 0.56 s long"),
    ],
)
def test_what_cannot_be_is_told(drummer: LoadedModel, asked: dict[str, object], told: str) -> None:
    with pytest.raises(DistillError, match=told):
        sounds_of(drummer, 1, **asked)


def test_a_model_without_a_prior_says_how_to_get_one(tmp_path: Path) -> None:
    plain = distill.load(make_bundle(tmp_path / "plain.distillgan"))
    with pytest.raises(DistillError, match=r"has no prior.*stages=\[prior\]"):
        plain.generate(1)


def test_amount_nought_is_the_reconstruction_and_more_is_further(drummer: LoadedModel) -> None:
    like = coded(drummer, 0)
    same = sounds_of(drummer, 1, like=like, amount=0.0)[0]
    assert torch.equal(same.waveform, drummer.decode(like)[0])
    far = [
        sum(distance(drummer, s.codes, like) for s in sounds_of(drummer, 6, like=like, amount=a))
        for a in (0.1, 0.5, 1.0)
    ]
    assert 0 < far[0] < far[1] < far[2]
    assert all(len(s.waveform) == like.samples for s in sounds_of(drummer, 2, like=like))


def test_a_sound_of_several_channels_or_another_rate_is_told(drummer: LoadedModel) -> None:
    for waveform, rate_hz in ((noise().expand(2, -1), RATE_HZ), (noise(), 8_000)):
        codes = drummer.encode(waveform, rate_hz)
        with pytest.raises(DistillError, match="one channel at the model's own 16,000 Hz"):
            sounds_of(drummer, 1, like=codes)


def test_a_morph_goes_from_one_to_the_other(drummer: LoadedModel) -> None:
    first, second = coded(drummer, 1, 12_000), coded(drummer, 2, 6_000)
    way = sounds_of(drummer, 7, morph=(first, second))
    assert torch.equal(way[0].codes.indices, first.indices)
    assert torch.equal(way[-1].codes.indices, second.indices)
    assert max(float(sound.waveform.abs().max()) for sound in way) <= 0.99
    assert [len(sound.waveform) for sound in way] == list(range(12_000, 5_999, -1_000))


def test_what_a_morph_is_coded_of_leads_from_the_first_to_the_second(
    drummer: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is coded: the codec of these tests has learnt nothing."""
    first, second = coded(drummer, 1, 12_000), coded(drummer, 2, 6_000)
    network, mels = drummer.codec.network, []
    encode = network.encode
    monkeypatch.setattr(network, "encode", lambda mel: mels.append(mel) or encode(mel))
    sounds_of(drummer, 7, morph=(first, second))
    both = min(mel.shape[-1] for mel in mels)
    from_first = [float((mel[..., :both] - mels[0][..., :both]).abs().mean()) for mel in mels]
    assert len(mels) == 7
    assert from_first[0] == 0 < from_first[2] < from_first[-1]


def test_a_beginning_is_kept_and_goes_on(drummer: LoadedModel) -> None:
    beginning = noise(9_000)
    sound = sounds_of(drummer, 1, beginning=beginning, length_s=1.0)[0]
    assert len(sound.waveform) == RATE_HZ
    whole = splice(beginning, torch.zeros(12_000), 9_000, RATE_HZ)
    assert torch.equal(whole[:8_000], beginning[:8_000])
    scale = float(sound.waveform[4_000] / beginning[4_000])
    assert torch.allclose(sound.waveform[:8_000], scale * beginning[:8_000], atol=1e-6)
    assert 0.5 < scale <= 1
    codes = drummer.encode(beginning, RATE_HZ).indices
    assert torch.equal(sound.codes.indices[:, :, :5], codes[:, :, :5])
    assert sounds_of(drummer, 1, beginning=beginning)[0].waveform.shape[0] > 9_000


def test_classes_come_in_turn(drummer: LoadedModel) -> None:
    names = [sound.class_name for sound in sounds_of(drummer, 8)]
    assert names.count("kick") == names.count("snare") == 4


def test_waveforms_can_be_given_instead_of_codes(drummer: LoadedModel) -> None:
    (one,) = drummer.generate(1, like=noise(), amount=0.0)
    assert torch.equal(one, drummer.decode(coded(drummer, 0))[0])


def test_loops_come_from_the_model(drummer: LoadedModel) -> None:
    for sound in sounds_of(drummer, 3, loop=True, length_s=0.5):
        assert sound.waveform.shape == (8_000,)
        jumps = (sound.waveform[1:] - sound.waveform[:-1]).abs()
        assert abs(float(sound.waveform[0] - sound.waveform[-1])) <= float(jumps.max())


def test_fewer_levels_are_a_coarser_sound(drummer: LoadedModel) -> None:
    all_levels, one = (sounds_of(drummer, 1, levels=levels)[0] for levels in (2, 1))
    assert one.codes.levels == 1
    assert torch.equal(one.codes.indices, all_levels.codes.indices[..., :1])


def test_silence_and_copies_are_drawn_anew(
    drummer: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = {"silence": 0, "nearest": 0}
    nearest = MelNeighbours.nearest

    def silent(waveform: Tensor) -> bool:
        looked_at["silence"] += 1
        return looked_at["silence"] in (1, 2, 5)  # the first sound twice, in two rounds

    def copied(self: MelNeighbours, mel: Tensor) -> Nearest:
        looked_at["nearest"] += 1
        found = nearest(self, mel)
        return replace(found, distance_db=0.0 if looked_at["nearest"] in (3,) else 9.0)

    monkeypatch.setattr(making, "is_silent", silent)
    monkeypatch.setattr(MelNeighbours, "nearest", copied)
    sounds = sounds_of(drummer, 4, temperature=1.5)
    assert [sound.attempts for sound in sounds] == [3, 2, 2, 1]
    assert not any(sound.is_copy for sound in sounds)


def test_what_stays_a_copy_is_named_as_one(
    drummer: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MelNeighbours, "nearest", lambda self, mel: Nearest(2, 0.0))
    (sound,) = sounds_of(drummer, 1)
    assert sound.is_copy
    assert sound.attempts == ATTEMPTS
    assert sound.nearest == "kick/2.wav"


@pytest.mark.parametrize("temperature", [1.0, 1.5])
def test_progress_comes_to_the_number_of_sounds(drummer: LoadedModel, temperature: float) -> None:
    """Of sounds that need no drawing, half of the bar stayed empty."""
    shares: list[float] = []
    generation = drummer.generation(Request(temperature=temperature), total=5)
    assert len(list(generation.sounds(range(1, 6), shares.append))) == 5
    assert sum(shares) == pytest.approx(5)


def test_variations_have_the_level_of_what_they_come_from(drummer: LoadedModel) -> None:
    like = coded(drummer, 0)
    own_db = level_db(drummer.decode(like)[0])
    for sound in sounds_of(drummer, 3, like=like, amount=0.5):
        assert sound.level_db == pytest.approx(own_db, abs=1)


def test_a_variation_that_is_near_to_its_original_is_no_copy(drummer: LoadedModel) -> None:
    assert drummer.prior is not None
    known = KnownSounds(drummer.codec, drummer.prior).codes(0)
    (same,) = sounds_of(drummer, 1, like=known, amount=0.0)
    assert same.novelty < 0.3
    assert not same.is_copy


def test_a_small_variation_has_no_other_body(
    drummer: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of four small variations of a snare was a tom."""
    handed = []
    monkeypatch.setattr(recombination, "hand_over", lambda one, *_, **__: handed.append(1) or one)
    like = coded(drummer, 0)
    sounds_of(drummer, 20, like=like, amount=0.2)
    assert not handed
    sounds_of(drummer, 20, like=like, amount=0.4)
    assert handed


def test_of_the_nearest_sound_there_is_as_much_as_of_the_new_one(drummer: LoadedModel) -> None:
    for sound in sounds_of(drummer, 4, length_s=0.1):
        nearest = sound.nearest_codes
        assert nearest.samples <= len(sound.waveform)
        assert nearest.indices.shape[2] == drummer.codec.columns(nearest.samples)
