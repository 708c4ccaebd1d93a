"""A model that was changed in Python is saved as what it is now, and its old codes are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import distill
from distill.bundle.format import write_bundle
from distill.bundle.loaded import LoadedModel
from distill.bundle.reader import read_content
from distill.catalog.catalog import Catalog
from distill.errors import BundleError, CodesError, GenerationError, WriteError
from tests.helpers.golden_codes import GOLDEN_BUNDLE
from tests.helpers.made_bundle import STATES, tiny_fields
from tests.helpers.sounds import tone


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    """With a vocoder and a prior."""
    write_bundle(tmp_path / "tiny.distillgan", {**tiny_fields(), **STATES})
    return distill.load(tmp_path / "tiny.distillgan")


@torch.no_grad()
def change_in_place(model: LoadedModel) -> None:
    next(model.codec.network.encoder.parameters()).mul_(1.01)


def change_by_data(model: LoadedModel) -> None:
    """As optimizers of old, and codebooks that learn, do: torch does not count it."""
    next(model.codec.network.decoder.parameters()).data[:] *= 1.01


def change_a_codebook(model: LoadedModel) -> None:
    buffers = dict(model.codec.network.named_buffers())
    (book,) = [name for name in buffers if name.endswith("0._codebook.embed") and "low" not in name]
    buffers[book].data[0, [0, 1]] = buffers[book][0, [1, 0]].clone()


CHANGES = (change_in_place, change_by_data, change_a_codebook)


def test_an_unchanged_model_stays_what_it_was(model: LoadedModel, tmp_path: Path) -> None:
    path = model.save(tmp_path / "again.distillgan")
    before, after = (read_content(tmp_path / f"{n}.distillgan") for n in ("tiny", "again"))
    assert after["codec_digest"] == before["codec_digest"] == model.codec.digest
    saved = distill.load(path)
    assert saved.metadata == replace(model.metadata, save_date=saved.metadata.save_date)
    assert (saved.health, saved.history) == (model.health, model.history)
    assert saved.decode(model.encode(tone(440), 16_000)).shape == (1, 8_000)
    assert torch.equal(saved.generate(1, seed=3)[0], model.generate(1, seed=3)[0])


def test_the_first_format_keeps_its_digest(tmp_path: Path) -> None:
    model = distill.load(GOLDEN_BUNDLE)
    saved = distill.load(model.save(tmp_path / "golden.distillgan"))
    assert saved.codec.digest == model.codec.digest == read_content(GOLDEN_BUNDLE)["codec_digest"]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_codec_has_another_digest(
    model: LoadedModel, tmp_path: Path, change: Callable[[LoadedModel], None]
) -> None:
    codes, before = model.encode(tone(440), 16_000), model.codec.digest
    change(model)
    assert model.codec.digest != before
    with pytest.raises(CodesError, match="made by another state of this model"):
        model.decode(codes)
    anew = model.encode(tone(440), 16_000)
    saved = distill.load(model.save(tmp_path / "new.distillgan", without_prior=True))
    assert saved.codec.digest == model.codec.digest
    assert torch.equal(saved.decode(anew), model.decode(anew))
    with pytest.raises(CodesError, match="made by another state of this model"):
        saved.decode(codes)


def test_weights_put_back_have_their_digest_back(model: LoadedModel) -> None:
    codes, weights = model.encode(tone(440), 16_000), model.codec.network.state_dict()
    kept = {name: weight.clone() for name, weight in weights.items()}
    change_in_place(model)
    with pytest.raises(CodesError):
        model.decode(codes)
    model.codec.network.load_state_dict(kept)
    assert model.decode(codes).shape == (1, 8_000)
    assert len(model.generate(1)) == 1


def test_a_prior_of_other_codes_is_neither_used_nor_kept(
    model: LoadedModel, tmp_path: Path
) -> None:
    change_in_place(model)
    with pytest.raises(GenerationError, match="weights of its codec were changed"):
        model.generate(1)
    with pytest.raises(BundleError, match="without_prior=True"):
        model.save(tmp_path / "new.distillgan")
    assert not (tmp_path / "new.distillgan").exists()
    saved = distill.load(model.save(tmp_path / "new.distillgan", without_prior=True, name="New"))
    assert saved.prior is None
    assert saved.metadata.name == "New"


def test_figures_of_other_weights_are_not_kept(model: LoadedModel, tmp_path: Path) -> None:
    change_in_place(model)
    path = model.save(tmp_path / "new.distillgan", without_prior=True)
    saved = distill.load(path)
    assert saved.health == {}
    assert saved.history.val_mel_db == []
    assert saved.metadata.final_train_loss is None
    assert "changed after training" in saved.metadata.tags
    library = Catalog(tmp_path / "library")
    library.add(path)
    (entry,) = library.entries()
    assert entry.worst_utilization is None


def test_a_changed_vocoder_is_saved_and_codes_stay(model: LoadedModel, tmp_path: Path) -> None:
    codes = model.encode(tone(440), 16_000)
    network = model.vocoder.network  # type: ignore[attr-defined]
    with torch.no_grad():
        next(network.parameters()).mul_(2)
    saved = distill.load(model.save(tmp_path / "new.distillgan"))
    assert saved.codec.digest == model.codec.digest
    assert torch.allclose(saved.decode(codes), model.decode(codes), atol=1e-2)
    assert not torch.equal(
        saved.decode(codes), distill.load(tmp_path / "tiny.distillgan").decode(codes)
    )


def test_nothing_is_overwritten_or_spoilt(model: LoadedModel, tmp_path: Path) -> None:
    path = tmp_path / "tiny.distillgan"
    before = path.read_bytes()
    with pytest.raises(BundleError, match="already exists; to replace it: overwrite=True"):
        model.save(path)
    with pytest.raises(BundleError, match="ends with .distillgan"):
        model.save(tmp_path / "model.pt")
    with pytest.raises(WriteError):
        model.save(tmp_path / "nowhere" / "a.distillgan")
    with torch.no_grad():
        next(model.codec.network.parameters()).fill_(float("nan"))
    with pytest.raises(BundleError, match="holds NaN or infinity"):
        model.save(path, without_prior=True, overwrite=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.distillgan"]


def test_a_model_shows_itself_in_one_line(model: LoadedModel) -> None:
    assert repr(model).startswith("LoadedModel('Tiny – 🥁', id 01234567, 2 levels of 8 codes")
