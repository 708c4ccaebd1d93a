"""`python -m distill.library delete|repair|add`, as typed."""

from __future__ import annotations

import io
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import distill
from distill.catalog.catalog import Catalog
from tests.helpers.made_bundle import make_bundle, publish_bundle, tiny_fields
from tests.helpers.runs import Train
from tests.helpers.verbs import CONTROL, Say

OLD_FORMAT = (
    "This model was saved in v1 format which is no longer supported. Please retrain your model."
)


# -- delete ----------------------------------------------------------


class Keyboard(io.StringIO):
    """Somebody at a terminal, who types this."""

    def isatty(self) -> bool:
        return True


def test_nothing_is_deleted_without_a_question(say: Say, kit: Catalog) -> None:
    say("delete", "My Kit").is_mistake("my_kit.distillgan", "--yes")
    assert kit.path_of(kit.find("My Kit")).is_file()


@pytest.mark.parametrize("typed", ["y\n", "YES\n", "n\n", "\n", "what?\n", ""])
def test_delete_asks(say: Say, kit: Catalog, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """The last answer is Ctrl-D."""
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    said = say("delete", "My Kit")
    assert "delete outputs/library/my_kit.distillgan (0.1 MB)? [y/N]" in said.stdout
    agreed = typed.lower().startswith("y")
    assert [entry.name for entry in kit.entries()] == ([] if agreed else ["My Kit"])
    assert (kit.folder / "my_kit.distillgan").exists() != agreed
    assert ("deleted:" if agreed else "kept:") in said.stdout


def test_delete_takes_several_names_or_none(say: Say, kit: Catalog) -> None:
    publish_bundle(kit, "other")
    say("delete", "My Kit", "nothing", "--yes").is_mistake("nothing")
    assert len(kit.entries()) == 2
    said = say("delete", "My Kit", "abcd", "other", "--yes")
    assert (said.exit_code, said.stdout.count("deleted:")) == (0, 2)
    assert [path.name for path in kit.folder.glob("*.distillgan")] == []


# -- rename ----------------------------------------------------------


@pytest.mark.parametrize(("new", "file"), [("Dusty 808s", "dusty_808s"), ("MY KIT", "my_kit")])
def test_a_renamed_model_has_its_name_everywhere(
    say: Say, kit: Catalog, new: str, file: str
) -> None:
    publish_bundle(kit, "other")
    before = distill.load("My Kit")
    said = say("rename", "abcd", new)
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout == f"renamed: My Kit is now {new}, outputs/library/{file}.distillgan\n"
    assert sorted(path.stem for path in kit.folder.glob("*.distillgan")) == sorted([file, "other"])
    assert [entry.name for entry in kit.entries()] == [new, "other"], "in its old place"
    renamed = distill.load(new)
    assert renamed.metadata == replace(before.metadata, name=new)
    weights = before.codec.network.state_dict()
    assert all(
        torch.equal(weights[key], w) for key, w in renamed.codec.network.state_dict().items()
    )
    assert new in say("list").stdout
    assert say("repair").out[-1].endswith("2 kept, 0 added, 0 dropped, 0 left out")


def test_a_name_that_is_taken_or_empty_is_refused(say: Say, kit: Catalog) -> None:
    publish_bundle(kit, "Other One")
    files = {path.name: path.read_bytes() for path in kit.folder.glob("*")}
    for new in ("Other One", "other_one"):
        say("rename", "My Kit", new).is_mistake(f"{new}: another model has this name")
    say("rename", "My Kit", " ").is_mistake("empty")
    say("rename", "nothing", "x").is_mistake("nothing: no such model file")
    assert {path.name: path.read_bytes() for path in kit.folder.glob("*")} == files


# -- repair ----------------------------------------------------------


def test_repair_tells_what_it_did(say: Say, kit: Catalog) -> None:
    publish_bundle(kit, "gone")
    (kit.folder / "gone.distillgan").unlink()
    shutil.copy(kit.folder / "my_kit.distillgan", kit.folder / "copy.distillgan")
    (kit.folder / "junk.distillgan").write_bytes(b"")
    said = say("repair")
    assert (said.exit_code, said.stderr) == (0, "")
    lines = said.stdout.splitlines()
    assert lines[:2] == ["added: copy.distillgan", "dropped: gone.distillgan"]
    assert lines[2].startswith("left out: junk.distillgan: truncated")
    assert lines[3] == ("2 models in outputs/library: 1 kept, 1 added, 1 dropped, 1 left out")


def test_repair_tells_of_hostile_files_without_commanding_the_terminal(
    say: Say, models: Catalog
) -> None:
    make_bundle(models.folder / "x.distillgan", fields={"codebook_health_snapshot": {CONTROL: {}}})
    (models.folder / f"{CONTROL}.distillgan").write_bytes(b"")
    said = say("repair")
    assert said.stdout.count("left out:") == 2
    said.is_plain()


# -- add -------------------------------------------------------------


@pytest.mark.slow
def test_checkpoint_becomes_the_bundle_of_its_run(
    sounds: Path,
    train_here: Train,
    say: Say,
) -> None:
    run = train_here("run", "data.root=sounds", "name=kit")
    said = say("add", "run/checkpoints/best.ckpt", "--library", "other")
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout == "added: other/kit.distillgan\n"
    saved, added = distill.load(run / "best.distillgan"), distill.load("other/kit.distillgan")
    weights = added.codec.network.state_dict()
    assert weights.keys() == saved.codec.network.state_dict().keys()
    assert all(torch.equal(weights[key], w) for key, w in saved.codec.network.state_dict().items())
    assert added.codec.network.config == saved.codec.network.config
    assert added.codec.spectrogram.config == saved.codec.spectrogram.config
    assert (added.health, added.history) == (saved.health, saved.history)
    assert (added.metadata, added.training_config) == (saved.metadata, saved.training_config)
    # the run has published the same model
    there = "already in the library: outputs/library/kit.distillgan\n"
    assert say("add", "run/best.distillgan", "run/checkpoints/best.ckpt").stdout == 2 * there
    assert len(Catalog(Path("outputs/library")).entries()) == 1
    said = say("add", "run/checkpoints/best.ckpt", "--name", "Späte Kits", "--description", "808s")
    assert said.stdout == "added: outputs/library/spate_kits.distillgan\n"
    named = distill.load("outputs/library/spate_kits.distillgan")
    own = {"name": "Späte Kits", "description": "808s", "model_id": named.metadata.model_id}
    assert named.metadata == replace(saved.metadata, **own)
    assert named.metadata.model_id != saved.metadata.model_id
    assert named.codec.digest == saved.codec.digest
    name = "decoder.from_latent.weight"
    assert torch.equal(named.codec.network.state_dict()[name], weights[name])


def test_bundle_is_added_once(say: Say, models: Catalog) -> None:
    bundle = make_bundle(Path("kit.distillgan"), name="My Kit")
    added = say("add", "kit.distillgan")
    assert (added.exit_code, added.stdout) == (0, "added: outputs/library/my_kit.distillgan\n")
    assert (models.folder / "my_kit.distillgan").read_bytes() == bundle.read_bytes()
    again = say("add", "kit.distillgan")
    assert (again.exit_code, again.stdout) == (
        0,
        "already in the library: outputs/library/my_kit.distillgan\n",
    )
    assert len(models.entries()) == 1


def test_bundle_is_added_under_another_name(say: Say, models: Catalog) -> None:
    make_bundle(Path("kit.distillgan"), name="My Kit")
    words = ["--name", "Other", "--description", "dusty", "--tag", "a", "--tag", "b c"]
    said = say("add", "kit.distillgan", *words)
    assert said.stdout == "added: outputs/library/other.distillgan\n"
    entry, before = models.find("Other"), distill.load("kit.distillgan").metadata
    assert (entry.description, entry.tags) == ("dusty", ["a", "b c"])
    assert (entry.id, before.name) == (before.model_id, "My Kit")


def spoilt(folder: Path) -> dict[str, Path]:
    """Files that are no model, by what is told of them."""
    make_bundle(folder / "good.distillgan")
    data = (folder / "good.distillgan").read_bytes()
    weights = tiny_fields()["model_state_dict"]["decoder.from_latent.weight"].numpy().tobytes()
    files = {
        "no such file": b"",
        "is a folder": b"",
        "truncated": data[:-100],
        "altered or damaged": data.replace(weights, bytes(len(weights))),
        "not a .distillgan file": b"RIFF....WAVE",
    }
    paths = {told: folder / f"{number}.distillgan" for number, told in enumerate(files)}
    for told, content in files.items():
        paths[told].write_bytes(content)
    paths["no such file"].unlink()
    paths["is a folder"] = folder
    paths[OLD_FORMAT] = folder / "old.distill"
    shutil.copy(folder / "good.distillgan", paths[OLD_FORMAT])
    return paths


def test_what_is_no_model_is_not_added(say: Say, models: Catalog, tmp_path: Path) -> None:
    for told, path in spoilt(tmp_path / "files").items():
        said = say("add", str(path))
        said.is_mistake(told)
        if told == OLD_FORMAT:
            assert said.stderr == f"distill: {OLD_FORMAT}\n"
        else:
            assert path.name in said.stderr
    assert not models.folder.exists()


def test_files_before_a_mistake_are_added(say: Say, models: Catalog) -> None:
    make_bundle(Path("one.distillgan"), name="one")
    said = say("add", "one.distillgan", "missing.distillgan")
    said.is_mistake("missing.distillgan: no such file")
    assert said.stdout == "added: outputs/library/one.distillgan\n"
    assert [entry.name for entry in models.entries()] == ["one"]


def part(**bundle: object) -> dict[str, object]:
    """A checkpoint that holds less, or other, than one of distill."""
    return {"distill": {"bundle": bundle}, "state_dict": {}}


@pytest.mark.parametrize(
    "checkpoint",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({"state_dict": {}}, id="another tool's"),
        pytest.param(part(), id="empty"),
        pytest.param(part(metadata=[]), id="no metadata"),
        pytest.param(part(metadata={}), id="no settings"),
        pytest.param(part(metadata={"tags": {1, 2}}), id="no plain value"),
        pytest.param({**part(metadata={}), "state_dict": []}, id="no weights"),
        pytest.param({**part(metadata={}), "state_dict": {1: 2}}, id="no names of weights"),
        pytest.param({**part(metadata={}), "state_dict": {"model.x": 3}}, id="no weight"),
    ],
)
def test_what_is_no_checkpoint_of_distill_is_told(
    say: Say, models: Catalog, checkpoint: object
) -> None:
    """Those of other tools, and damaged ones."""
    torch.save(checkpoint, "best.ckpt")
    say("add", "best.ckpt").is_mistake("best.")
    assert not models.folder.exists()


def test_unreadable_checkpoint_is_told(say: Say) -> None:
    Path("junk.ckpt").write_bytes(b"junk")
    say("add", "junk.ckpt").is_mistake("junk.ckpt: not a readable checkpoint")
    say("add", "gone.ckpt").is_mistake("gone.ckpt", "No such file")


def test_hostile_checkpoint_is_not_run(say: Say, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "was run"),)

    torch.save({**part(metadata={}), "hparams": Evil()}, "best.ckpt")
    say("add", "best.ckpt").is_mistake("not a readable checkpoint")
    assert not (tmp_path / "was run").exists()
    torch.load("best.ckpt", weights_only=False)
    assert (tmp_path / "was run").exists()  # the trap does work where it is let
