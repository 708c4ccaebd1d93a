"""All that distill has left is moved, the sounds too, and the model is renamed: a run goes on where
it lies by now, with the model that is its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import distill
from distill.catalog.catalog import Catalog
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import Runs
from distill.errors import DistillError, RunError
from distill.settings.compose import load_config, resume_config
from distill.settings.quoting import quote_folders
from distill.training.run import train
from tests.helpers.fake_runs import show_run
from tests.helpers.runs import PREVIEWS, TINY, TINY_PRIOR
from tests.helpers.sounds import sound, write_sounds

RUN = Path("outputs/train/2026-01-31_14-00-00_kit")


@pytest.mark.slow
def test_what_was_moved_is_gone_on_with_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    monkeypatch.chdir(old)
    write_sounds(old / "sounds")
    RUN.mkdir(parents=True)
    words = [PREVIEWS, f"data.root={old}/sounds", "data.val_fraction=0.4", "name=kit"]
    train(load_config([*TINY, *words, f"library.dir={old}/outputs/library"]), RUN.absolute())

    old.rename(new)
    monkeypatch.chdir(new)
    (new / "sounds").rename(new / "klänge")
    places = Places(new / "outputs", new / "outputs" / "library")
    models, runs = Models(places), Runs(places)
    shown = show_run(runs)
    assert (shown["state"], shown["model"]) == (
        "finished",
        {"file": "kit.distillgan", "prior": False},
    )
    assert shown["previews"]["rows"]
    assert models.sounds("kit.distillgan")

    def go_on(*more: str) -> None:
        words = [*TINY_PRIOR[1:], "stages=[prior]", *more]
        train(resume_config(new / RUN / "config.yaml", words), new / RUN, resume=True)

    with pytest.raises(RunError, match=f"train FOLDER resume={RUN}"):
        go_on()
    sound(new / "others" / "a.wav")
    with pytest.raises(DistillError, match="12 of this run's 12 sounds are gone"):
        go_on(f"data.root={new}/others")
    library = Catalog(Path("outputs/library"))
    library.rename(*library.entries(), "Trommeln")
    go_on(quote_folders([f"{new}/klänge"]))

    assert not old.exists()
    (entry,) = library.entries()
    assert (entry.file, entry.name) == ("trommeln.distillgan", "Trommeln")
    assert show_run(runs)["model"] == {"file": "trommeln.distillgan", "prior": True}
    assert show_run(runs)["new_sounds"]
    assert len(distill.load("Trommeln").generate(1)) == 1
    assert distill.load(RUN).metadata.model_id == entry.id
