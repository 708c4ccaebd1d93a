"""arguments of `distill library` → the action in the library, and the lines to print."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys

from distill.bundle import SUFFIX
from distill.catalog.catalog import Catalog
from distill.catalog.facts import WITH_SOUNDS, WITHOUT_SOUNDS
from distill.errors import DistillError, LibraryError, WriteError
from distill.library.view import SORT_KEYS, models_table, show_model
from distill.system.atomic import whole_file
from distill.system.terminal import console, duration, plain, quantity, say, say_figures


def list_models(catalog: Catalog, options: argparse.Namespace) -> None:
    """`list`: print one row for each model."""
    entries = catalog.entries()
    entries.sort(key=SORT_KEYS[options.sort], reverse=options.reverse)
    if options.json:
        console.file.write(json.dumps([entry.to_json() for entry in entries], indent=1) + "\n")
        return
    if entries:
        width = console.width if console.is_terminal else None
        for line in models_table(entries, width=width):
            console.file.write(line + "\n")
    else:
        say(f"no models in {catalog.folder}")


def show_info(catalog: Catalog, options: argparse.Namespace) -> None:
    """`info NAME`: print everything that the index holds about a model."""
    entry = catalog.find(options.name)
    if options.json:
        console.file.write(json.dumps(entry.to_json(), indent=1) + "\n")
    else:
        show_model(entry, catalog)


def show_sounds(catalog: Catalog, options: argparse.Namespace) -> None:
    """`sounds NAME`: print the sounds that a model's prior knows, a line each."""
    from distill.catalog.known import known_sounds_of  # torch: only here

    path = catalog.model_path(options.name)
    sounds = known_sounds_of(path)
    if options.json:
        console.file.write(json.dumps([vars(sound) for sound in sounds], indent=1) + "\n")
        return
    for sound in sounds:
        say_figures(f"{sound.number:5d}  {plain(sound.name)}  {duration(sound.seconds)}")
    if not sounds:
        say(f"{path} knows no sounds")


def delete_models(catalog: Catalog, options: argparse.Namespace) -> None:
    """`delete NAME...`: delete models; asks before each one unless --yes is given."""
    entries = {entry.file: entry for entry in map(catalog.find, options.names)}
    for entry in entries.values():
        path = catalog.path_of(entry)
        if not options.yes and not _ask(f"delete {path} ({entry.size_bytes / 1e6:.1f} MB)?"):
            say(f"kept: {path}")
            continue
        try:
            catalog.delete(entry)
        except OSError as error:
            raise LibraryError(f"{path}: cannot be deleted: {error.strerror}") from error
        say(f"deleted: {path}")


def rename_model(catalog: Catalog, options: argparse.Namespace) -> None:
    """`rename OLD NEW`: change a model's name in its bundle, in the index and in its file name."""
    entry = catalog.find(options.old)
    old = catalog.path_of(entry)
    try:
        path = catalog.rename(entry, options.new)
    except OSError as error:
        raise LibraryError(f"{old}: cannot be renamed: {error.strerror}") from error
    say(f"renamed: {entry.name} is now {options.new}, {path}")


def repair_index(catalog: Catalog, options: argparse.Namespace) -> None:
    """`repair`: make the index again from the model files."""
    if not catalog.folder.is_dir():
        raise LibraryError(f"{catalog.folder}: no such folder")
    try:
        done = catalog.repair()
    except OSError as error:
        raise LibraryError(f"{catalog.folder}: cannot be repaired: {error.strerror}") from error
    for what, names in (("added", done.added), ("dropped", done.dropped)):
        for name in names:
            say(f"{what}: {plain(name)}")
    for name, reason in done.refused.items():
        say(f"left out: {plain(name)}: {reason}")
    say(
        f"{quantity(done.kept + len(done.added), 'model')} in {catalog.folder}: {done.kept} kept, "
        f"{len(done.added)} added, {len(done.dropped)} dropped, {len(done.refused)} left out"
    )


def add_models(catalog: Catalog, options: argparse.Namespace) -> None:
    """`add FILE...`: copy bundles into the library; a bundle is made of each checkpoint."""
    from distill.catalog.conversion import bundle_of  # torch: only here

    wanted = {key: getattr(options, key) for key in ("name", "description", "tags")}
    changes = {key: value for key, value in wanted.items() if value is not None}
    for file in options.files:
        try:
            with bundle_of(file, changes) as bundle:
                path, is_new = catalog.add(bundle)
        except OSError as error:
            raise LibraryError(
                f"{file}: not added to {catalog.folder}: {error.strerror or error}"
            ) from error
        what = "added" if is_new else "already in the library"
        say(f"{what}: {path}")


def export_model(catalog: Catalog, options: argparse.Namespace) -> None:
    """`export NAME -o FILE`: write a model to a file, with the sounds that its prior keeps, or
    without them; a line says what that means.
    """
    from distill.catalog.known import known_sounds_of  # torch: only here
    from distill.catalog.sharing import shared

    source, target = catalog.model_path(options.name), options.out
    if target.suffix != SUFFIX:
        raise LibraryError(f"{target}: the name of a model file ends in {SUFFIX}")
    if os.path.lexists(target) and not options.overwrite:
        raise LibraryError(f"{target}: already exists; add --overwrite, or choose another name")
    with shared(source, with_sounds=not options.without_sounds) as bundle:
        try:
            with whole_file(target) as partial:
                shutil.copyfile(bundle, partial)
        except OSError as error:
            raise WriteError(target, error) from error
        keeps, kept = bool(known_sounds_of(bundle)), bool(known_sounds_of(source))
    without = f", without its sounds: {WITHOUT_SOUNDS}" if kept else ""
    say(f"exported: {target}{f'; {WITH_SOUNDS}' if keeps else without}")


def _ask(question: str) -> bool:
    if not sys.stdin.isatty():
        raise DistillError(
            f"{question} There is no terminal for the question; --yes deletes without asking"
        )
    try:
        answer = input(f"{plain(question)} [y/N] ")
    except EOFError:
        answer = ""
    return answer.strip().lower() in ("y", "yes")
