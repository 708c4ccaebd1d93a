"""An id is one model, whatever it is called: what is published later comes to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.bundle.loading import load_bundle
from distill.catalog.catalog import Catalog
from tests.helpers.made_bundle import STATES, VOCODER, make_bundle, publish_bundle


def test_a_model_that_was_renamed_gets_what_its_run_adds(library: Catalog, tmp_path: Path) -> None:
    """Under the name that it has by now; and nothing that only the library has is lost."""
    first = publish_bundle(library, "kit", fields=VOCODER)
    renamed = library.rename(first, "Trommeln")
    prior = {"prior_state": STATES["prior_state"]}
    run = make_bundle(tmp_path / "f.distillgan", name="kit", model_id=first.id, fields=prior)
    assert library.publish(run) == renamed == library.find_id(first.id)
    (entry,) = library.entries()
    assert (entry.name, entry.file, entry.id) == ("Trommeln", "trommeln.distillgan", first.id)
    loaded = load_bundle(renamed)
    assert loaded.metadata.name == "Trommeln"
    assert loaded.vocoder_state is not None
    assert loaded.prior_state is not None


@pytest.mark.parametrize(("bits", "kept"), [(812.9, 812.9), (820.0, 812.5)])
def test_a_better_prior_that_another_run_has_added_stays(
    library: Catalog, tmp_path: Path, bits: float, kept: float
) -> None:
    first = publish_bundle(library, "kit", fields=STATES)
    training = {**STATES["prior_state"]["training_metadata"], "final_bits_per_s": bits}
    later = {"prior_state": {**STATES["prior_state"], "training_metadata": training}}
    library.publish(make_bundle(tmp_path / "f.distillgan", model_id=first.id, fields=later))
    (entry,) = library.entries()
    assert entry.prior is not None
    assert entry.prior.final_bits_per_s == kept


def test_another_state_that_is_added_is_a_model_of_its_own(
    library: Catalog, tmp_path: Path
) -> None:
    first = publish_bundle(library, "kit")
    state = make_bundle(tmp_path / "f.distillgan", name="kit", model_id=first.id, tags=["early"])
    for is_new in (True, False):
        assert library.add(state) == (library.folder / "kit_1.distillgan", is_new)
    assert len({entry.id for entry in library.entries()}) == 2


def test_a_model_made_from_another_has_the_next_number(library: Catalog) -> None:
    for name in ("kit", "kit 2", "Juno 60", "hats", "hats"):
        publish_bundle(library, name)
    assert library.next_name("kit", is_numbered=False) == "kit 3"
    assert library.next_name("kit 2", is_numbered=True) == "kit 3"
    assert library.next_name("Juno 60", is_numbered=False) == "Juno 60 2", "a name of its own"
    publish_bundle(library, "kit 7")
    assert library.next_name("kit 2", is_numbered=True) == "kit 8", "higher than all"
    publish_bundle(library, "hats")  # in hats_2.distillgan
    assert library.next_name("hats", is_numbered=False) == "hats 3", "its file has that number, too"
    assert library.next_name("other", is_numbered=False) == "other 2"
