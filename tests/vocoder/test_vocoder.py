"""a model's mel front end → the vocoder that makes its sound, chosen in one place."""

from __future__ import annotations

from pathlib import Path

import torch

from distill.model.mel import LogMel
from distill.vocoder.vocoder import default_vocoder, vocode
from tests.helpers.checkout import REPOSITORY
from tests.helpers.tiny_bundle import SPECTROGRAM, mel


def test_default_vocoder_has_a_name_and_makes_sound_of_chunks() -> None:
    vocoder = default_vocoder(LogMel(SPECTROGRAM))
    assert vocoder.name == "Griffin-Lim"
    given = mel()
    chunks = list(vocoder.stream(given.split(16, dim=-1), seed=3))
    whole = vocode(vocoder, given, samples=sum(chunk.shape[1] for chunk in chunks), seed=3)
    assert torch.equal(torch.cat(chunks, dim=1), whole)


def test_sound_is_cut_or_filled_to_the_samples_asked_for() -> None:
    vocoder, given = default_vocoder(LogMel(SPECTROGRAM)), mel()
    long, short = (vocode(vocoder, given, samples=samples) for samples in (20_000, 500))
    assert (long.shape, short.shape) == ((1, 20_000), (1, 500))
    assert torch.equal(long[:, :500], short)
    assert not long[:, 80 * 128 :].any()


def test_no_other_room_knows_which_vocoder_it_is() -> None:
    package = REPOSITORY / "distill"
    named = [
        path.relative_to(package)
        for path in package.rglob("*.py")
        if "griffin" in path.read_text(encoding="utf-8").lower()
    ]
    assert {path.parts[0] for path in named} == {"vocoder"}
    assert Path("vocoder/griffin_lim.py") in named
