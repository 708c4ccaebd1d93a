"""many processes and one library, some of them killed → every model arrives, nothing is torn."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from distill.catalog.catalog import Catalog
from distill.catalog.entry import Entry
from distill.catalog.files import describe
from distill.catalog.index import NAME
from tests.helpers.forks import Fork, answer_of, start
from tests.helpers.made_bundle import index_of, publish_bundle

PROCESSES, MODELS = 4, 8
pytestmark = pytest.mark.slow


def started(library: Catalog, count: int) -> Fork:
    """A process that publishes models of one name."""
    words = (str(library.folder), "kit", str(count))
    return start(library.folder.parent, *words, program="tests.helpers.publish_many")


def listed(library: Catalog) -> list[Entry]:
    """The index as a reader sees it at this moment; anything that is not whole is an error."""
    if not (library.folder / NAME).exists():
        return []
    entries = [Entry.from_json(model) for model in index_of(library)["models"]]
    for entry in entries:
        assert library.path_of(entry).stat().st_size == entry.size_bytes
    return entries


def assert_all_fits(library: Catalog) -> None:
    """Files and entries are the same models, and each file is whole."""
    files = sorted(library.folder.glob("[!.]*.distillgan"))
    entries = sorted(library.entries(), key=lambda entry: entry.file)
    assert entries == [describe(path) for path in files]


def test_models_published_at_once_all_arrive(library: Catalog) -> None:
    publishers = [started(library, MODELS) for _ in range(PROCESSES)]
    before = 0
    while any(publisher.poll() is None for publisher in publishers):
        now = len(listed(library))
        assert now >= before
        before = now
        time.sleep(0.02)
    said, errors = zip(*(publisher.communicate() for publisher in publishers), strict=True)
    assert [publisher.returncode for publisher in publishers] == [0] * PROCESSES, errors
    entries = listed(library)
    assert len({entry.id for entry in entries}) == PROCESSES * MODELS
    numbered = {f"kit_{number}.distillgan" for number in range(1, PROCESSES * MODELS)}
    assert {entry.file for entry in entries} == {"kit.distillgan", *numbered}
    assert {name for names in said for name in names.split()} == {entry.file for entry in entries}
    assert_all_fits(library)
    assert not list(library.folder.glob(".*.part"))


def test_killed_at_any_step_nothing_is_torn(tmp_path: Path) -> None:
    """And a repair makes the rest right."""
    told = answer_of("die_at_each_step", tmp_path, tmp_path)
    deaths = dict(line.split() for line in told.splitlines())
    assert deaths.keys() == {"publish", "republish", "delete", "repair"}
    assert all(int(count) >= 8 for count in deaths.values()), deaths  # it did die


def test_killed_publishers_leave_a_library_that_others_can_use(library: Catalog) -> None:
    for models in (1, 2, 3):
        publisher = started(library, 1000)
        assert publisher.stdout
        for _ in range(models):
            assert publisher.stdout.readline().startswith("kit")
        publisher.kill()  # wherever it is by now
        publisher.communicate()
        assert len(listed(library)) >= models
    publish_bundle(library, "after")
    kept = {entry.file for entry in listed(library)}
    library.repair()
    assert kept <= {entry.file for entry in listed(library)}
    assert_all_fits(library)
