"""Codes belong to the codec: what else changes in a bundle leaves them decodable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle.format import write_bundle
from distill.bundle.loaded import LoadedModel
from distill.bundle.loading import load_bundle
from distill.catalog.catalog import Catalog
from distill.codec.codes import Codes
from distill.errors import CodesError
from tests.helpers.made_bundle import STATES, bundle, tiny_fields
from tests.helpers.sounds import sound, tone
from tests.helpers.tiny_bundle import prior_state, vocoder_state
from tests.helpers.verbs import Run

CHANGES: dict[str, dict[str, Any]] = {
    "name": {"metadata": {"name": "Other", "tags": ["a", "b"], "description": "dusty"}},
    "id": {"metadata": {"model_id": "feed" * 4}},
    "vocoder": {"vocoder_state": vocoder_state()},
    "prior": {"prior_state": prior_state()},
    "all": {"metadata": {"name": "Other", "tags": []}, **STATES},
}


def rewritten(path: Path, change: dict[str, Any], *, seed: int = 0) -> Path:
    """The tiny bundle with a change; with another seed, of another codec."""
    fields = tiny_fields(seed)
    metadata = {**fields["metadata"], **change.get("metadata", {})}
    write_bundle(path, {**fields, **change, "metadata": metadata})
    return path


def codes_of_a_tone(model: LoadedModel) -> Codes:
    return model.encode(torch.from_numpy(tone(440)), 16_000)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_of_the_codec_leaves_codes_decodable(tmp_path: Path, change: str) -> None:
    before = load_bundle(bundle(tmp_path / "a.distillgan"))
    codes_of_a_tone(before).save(tmp_path / "a.distillcodes")
    path = rewritten(tmp_path / "b.distillgan", CHANGES[change])
    after = load_bundle(path, own_vocoder=False)
    assert load_bundle(path).decode(codes_of_a_tone(before)).shape == (1, 8_000)
    codes = Codes.load(tmp_path / "a.distillcodes")
    assert after.checksum != before.checksum
    assert torch.equal(after.decode(codes), before.decode(codes))


@pytest.mark.parametrize("change", CHANGES)
def test_codes_are_decoded_by_a_changed_model_of_the_library(
    run: Run, library: Catalog, tmp_path: Path, change: str
) -> None:
    sound(tmp_path / "kick.wav")
    assert run("encode", "tiny", "kick.wav", "-o", "codes").exit_code == 0
    same_vocoder = ("--vocoder", "griffin-lim")
    assert run("decode", "codes", "-o", "before", *same_vocoder).exit_code == 0
    library.delete(*library.entries())
    library.add(rewritten(tmp_path / "other.distillgan", {}, seed=1))
    library.add(rewritten(tmp_path / "changed.distillgan", CHANGES[change]))
    told = run("decode", "codes", "-o", "after", *same_vocoder)
    assert (told.exit_code, told.err) == (0, [])
    before, after = (tmp_path / name / "kick.wav" for name in ("before", "after"))
    assert sound_data(after) == sound_data(before)


def sound_data(path: Path) -> bytes:
    """All of a WAV file but its tags, which name the model."""
    data = path.read_bytes()
    start = data.index(b"data")
    return data[start : start + 8 + int.from_bytes(data[start + 4 : start + 8], "little")]


@pytest.mark.parametrize("part", ["weights", "vqvae_config", "spectrogram_config"])
def test_what_is_of_the_codec_does_not(tmp_path: Path, part: str) -> None:
    before = load_bundle(bundle(tmp_path / "a.distillgan"))
    codes = codes_of_a_tone(before)
    fields = tiny_fields()
    change = {
        "weights": {},
        "vqvae_config": {"vqvae_config": {**fields["vqvae_config"], "decay": 0.9}},
        "spectrogram_config": {
            "spectrogram_config": {**fields["spectrogram_config"], "mean_db": -31.0}
        },
    }[part]
    seed = 1 if part == "weights" else 0
    after = load_bundle(rewritten(tmp_path / "b.distillgan", change, seed=seed))
    with pytest.raises(CodesError, match="made by another state of this model"):
        after.decode(codes)
