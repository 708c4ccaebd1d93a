"""`die_at_each_step FOLDER`: does each action to a library again and again, each time killed at
another call to the file system or within a file; checks what is left, prints how often it died.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from itertools import chain, count
from pathlib import Path

from distill.catalog.catalog import Catalog
from distill.catalog.entry import Entry
from distill.catalog.files import describe
from tests.helpers.made_bundle import index_of, make_bundle, publish_bundle

CALLS = ("open", "os.rename", "os.link", "os.remove", "os.chmod", "os.mkdir", "shutil.copyfile")


def publish(library: Catalog) -> None:
    library.publish(library.folder.parent / "new.distillgan")


def republish(library: Catalog) -> None:
    library.publish(library.folder.parent / "further.distillgan")


def delete(library: Catalog) -> None:
    library.delete(library.find("kit.distillgan"))


def repair(library: Catalog) -> None:
    (library.folder / "kit.distillgan").unlink()
    os.link(library.folder / "other.distillgan", library.folder / "orphan.distillgan")
    library.repair()


ACTIONS: dict[str, Callable[[Catalog], None]] = {
    action.__name__: action for action in (publish, republish, delete, repair)
}


def die_at(step: int) -> None:
    """Be killed as by `kill -9` when the file system is next called for the `step`th time."""
    left = step

    def hook(event: str, _: object) -> None:
        nonlocal left
        if event not in CALLS:
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def die_within_a_file(size: int) -> None:
    """Be killed when a file grows beyond this size in bytes, with these written."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def check(library: Catalog, whole: set[bytes]) -> None:
    """All that is there is whole, and a repair makes the index fit it."""
    other = (library.folder / "other.distillgan").read_bytes()
    assert other in whole
    entries = [Entry.from_json(model) for model in index_of(library)["models"]]
    assert "other.distillgan" in [entry.file for entry in entries]
    for path in library.folder.glob("[!.]*.distillgan"):
        assert path.read_bytes() in whole, f"{path} is torn"
    assert not library.repair().refused
    files = sorted(library.folder.glob("[!.]*.distillgan"))
    entries = sorted(library.entries(), key=lambda entry: entry.file)
    assert entries == [describe(path) for path in files]


def deaths_of(action: Callable[[Catalog], None], folder: Path) -> int:
    """How often it can be killed on its way."""
    template = Catalog(folder / "template" / "library")
    kit = publish_bundle(template, "kit")
    publish_bundle(template, "other")
    make_bundle(folder / "template" / "new.distillgan", name="kit")
    make_bundle(folder / "template" / "further.distillgan", name="kit", model_id=kit.id)
    whole = {path.read_bytes() for path in (folder / "template").rglob("*.distillgan")}
    deaths = chain(
        (partial(die_within_a_file, size) for size in (0, 1000)),
        (partial(die_at, step) for step in count(1)),
    )
    for died, prepare_death in enumerate(deaths):
        shutil.copytree(folder / "template", folder / str(died))
        library = Catalog(folder / str(died) / "library")
        child = os.fork()
        if child == 0:
            prepare_death()
            action(library)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        check(library, whole)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            return died
    raise AssertionError("it never came to its end")


def main() -> None:
    """As described above."""
    for name, action in ACTIONS.items():
        print(name, deaths_of(action, Path(sys.argv[1]) / name))
