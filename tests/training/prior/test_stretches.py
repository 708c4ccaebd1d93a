"""Sounds as the codes that a prior learns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.data.segments import Draw
from distill.settings.compose import load_config
from distill.training.prior.coder import SoundCoder
from distill.training.prior.known import Classes, code_evenly
from distill.training.prior.stretches import VERSIONS, Stretches, held_out_stretches
from tests.helpers.tiny_bundle import SPECTROGRAM, tiny_model

AUGMENT = load_config([]).data.augment
STILL = replace(AUGMENT, enabled=False)


class Noises:
    """Sounds of these lengths in samples, in two folders."""

    def __init__(self, *lengths: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.waves = [0.1 * torch.randn(length, generator=generator) for length in lengths]

    def __len__(self) -> int:
        return len(self.waves)

    def samples(self, index: int) -> int:
        return len(self.waves[index])

    def name(self, index: int) -> str:
        return f"{self.class_name(index)}/{index}.wav"

    def class_name(self, index: int) -> str:
        return "odd" if index % 2 else "even"

    def read(self, index: int, first: int, count: int) -> Tensor:
        wave = torch.nn.functional.pad(self.waves[index], (max(0, -first), count))
        begin = max(0, first)
        return wave[begin : begin + count].clone()


@pytest.fixture
def codec() -> Codec:
    from distill.model.mel import LogMel

    return Codec(tiny_model(), LogMel(SPECTROGRAM), "x", "y")


def test_the_codes_of_a_whole_sound_are_those_of_a_file(codec: Codec) -> None:
    from distill.codec.stream import between_silence

    sounds = Noises(9_000, 300)
    coder = SoundCoder(codec, sounds)
    for index, wave in enumerate(sounds.waves):
        whole = between_silence(wave[None], codec.spectrogram, codec.network)
        expected = codec.network.encode(codec.spectrogram(whole[None]))[0]
        assert torch.equal(coder.codes(index).long(), expected)
        assert expected.shape[1] == coder.columns(index)


def test_a_part_has_the_codes_of_the_whole(codec: Codec) -> None:
    coder = SoundCoder(codec, Noises(60_000))
    whole = coder.codes(0)
    part = coder.codes(0, 6, 9)
    assert (part == whole[:, 6:15]).float().mean() > 0.97


def test_a_draw_is_the_same_each_time_and_versions_differ(codec: Codec) -> None:
    def stretches() -> Stretches:
        return Stretches(SoundCoder(codec, Noises(9_000, 70_000)), [0, 1], window=8, seed=0)

    one, other = stretches(), stretches()
    assert len(one) > 4, "a long sound has several stretches"
    firsts = set()
    for lap in range(VERSIONS):
        drawn, again = (each.draw(Draw(3, lap), AUGMENT, align=2) for each in (one, other))
        assert torch.equal(drawn.codes, again.codes)
        assert drawn.first % 2 == 0
        assert drawn.codes.shape[1] <= 8
        assert drawn.first + drawn.codes.shape[1] <= drawn.columns
        firsts.add((drawn.first, drawn.level_db))
    assert len(firsts) > VERSIONS // 2
    assert torch.equal(
        one.draw(Draw(3, VERSIONS), AUGMENT, align=2).codes,
        one.draw(Draw(3, 0), AUGMENT, align=2).codes,
    )


def test_without_augmentation_a_short_sound_is_as_it_is(codec: Codec) -> None:
    coder = SoundCoder(codec, Noises(9_000))
    drawn = Stretches(coder, [0], window=20, seed=0).draw(Draw(0, 5), STILL, align=2)
    assert torch.equal(drawn.codes, coder.codes(0))
    assert drawn.level_db == coder.level_db(0) == pytest.approx(-20, abs=0.2)


def test_each_held_out_code_counts_once(codec: Codec) -> None:
    coder = SoundCoder(codec, Noises(9_000, 70_000))
    codes = code_evenly(coder, most_s=60, shown="")
    seen: dict[int, int] = {0: 0, 1: 0}
    for stretch, known in held_out_stretches(coder, [0, 1], codes, window=8):
        index = stretch.label
        new = stretch.codes[:, known:]
        start = stretch.first + known
        assert start == seen[index]
        assert torch.equal(new, codes[index][:, start : start + new.shape[1]])
        assert stretch.codes.shape[1] <= 8
        seen[index] += new.shape[1]
    assert seen == {index: whole.shape[1] for index, whole in codes.items()}


def test_classes_are_folders_if_there_are_several() -> None:
    sounds = Noises(10, 10, 10)
    classes = Classes.of(sounds)
    assert classes.names == ("even", "odd")
    assert classes.labels(sounds) == [0, 1, 0]
    assert Classes.of(Noises(10)).names == ()
    assert Classes.of(Noises(10)).labels(sounds) == [-1, -1, -1]
