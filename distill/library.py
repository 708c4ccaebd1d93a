"""`python -m distill.library`: the models that were published, and what is known of them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from distill.catalog.catalog import Catalog
from distill.catalog.index import repair_command
from distill.cli.library_view import SORT_KEYS, models_table, show_model
from distill.cli.verb import Parser, add_library, verb_entry
from distill.errors import DistillError, LibraryError
from distill.system import terminal
from distill.system.paths import path_of
from distill.system.terminal import console, counted, plain, say


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = _parser().parse_args(arguments)
        terminal.show_warnings(on_stderr=True)
        options.run(Catalog(options.library), options)


def list_models(catalog: Catalog, options: argparse.Namespace) -> None:
    """`list`: one row a model."""
    entries = catalog.entries()
    entries.sort(key=SORT_KEYS[options.sort], reverse=options.reverse)
    if options.json:
        console.file.write(json.dumps([entry.to_json() for entry in entries], indent=1) + "\n")
        return
    if entries:
        width = console.width if console.is_terminal else None
        for line in models_table(entries, catalog, width=width):
            console.file.write(line + "\n")
    else:
        say(f"no models in {catalog.folder}")
    if orphans := catalog.orphans(entries):
        terminal.warn_on_stderr(
            f"{counted(len(orphans), 'model file')} in {catalog.folder} not on this list, "
            f"{orphans[0]} for one; to add them, or to learn why not: "
            f"{repair_command(catalog.folder)}"
        )


def info(catalog: Catalog, options: argparse.Namespace) -> None:
    """`info NAME`: all that the index knows of a model."""
    entry = catalog.find(options.name)
    if options.json:
        console.file.write(json.dumps(entry.to_json(), indent=1) + "\n")
    else:
        show_model(entry, catalog)


def delete(catalog: Catalog, options: argparse.Namespace) -> None:
    """`delete NAME...`: after a question, or with --yes."""
    entries = {entry.file: entry for entry in map(catalog.find, options.names)}
    for entry in entries.values():
        path = catalog.path_of(entry)
        if not options.yes and not _agreed(f"delete {path} ({entry.size_bytes / 1e6:.1f} MB)?"):
            say(f"kept: {path}")
            continue
        try:
            catalog.delete(entry)
        except OSError as error:
            raise LibraryError(f"{path}: cannot be deleted: {error.strerror}") from error
        say(f"deleted: {path}")


def repair(catalog: Catalog, options: argparse.Namespace) -> None:
    """`repair`: the index made again from the files."""
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
        f"{counted(done.kept + len(done.added), 'model')} in {catalog.folder}: {done.kept} kept, "
        f"{len(done.added)} added, {len(done.dropped)} dropped, {len(done.refused)} left out"
    )


def add(catalog: Catalog, options: argparse.Namespace) -> None:
    """`add FILE...`: bundles, and checkpoints turned into bundles."""
    from distill.catalog.conversion import bundle_of  # torch: only here

    wanted = {key: getattr(options, key) for key in ("name", "description", "tags")}
    changes = {key: value for key, value in wanted.items() if value is not None}
    for file in options.files:
        try:
            with bundle_of(file, changes) as bundle:
                there = catalog.same_as(bundle)
                path = there or catalog.publish(bundle)
        except OSError as error:
            raise LibraryError(
                f"{file}: not added to {catalog.folder}: {error.strerror or error}"
            ) from error
        what = "there already" if there else "added"
        say(f"{what}: {path}")


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise DistillError(f"{question} There is nobody to ask: --yes deletes without asking")
    try:
        answer = input(f"{plain(question)} [y/N] ")
    except EOFError:
        answer = ""
    return answer.strip().lower() in ("y", "yes")


def _parser() -> Parser:
    parser = Parser(prog="python -m distill.library", description="The library of trained models.")
    shared = Parser(add_help=False)
    add_library(shared)
    verbs = parser.add_subparsers(required=True, metavar="list|info|delete|repair|add")
    listing = verbs.add_parser("list", parents=[shared], help="a table of all models")
    listing.add_argument("--sort", choices=list(SORT_KEYS), default="date", help="date")
    listing.add_argument("--reverse", action="store_true", help="the other way round")
    listing.add_argument("--json", action="store_true", help="all that is known, as JSON")
    listing.set_defaults(run=list_models)
    telling = verbs.add_parser("info", parents=[shared], help="all that is known of one model")
    telling.add_argument("name", metavar="NAME", help="name, file, id or its beginning")
    telling.add_argument("--json", action="store_true", help="as JSON")
    telling.set_defaults(run=info)
    deleting = verbs.add_parser("delete", parents=[shared], help="delete models")
    deleting.add_argument("names", metavar="NAME", nargs="+", help="as for info")
    deleting.add_argument("--yes", action="store_true", help="do not ask")
    deleting.set_defaults(run=delete)
    repairing = verbs.add_parser(
        "repair", parents=[shared], help="make the index again from the files"
    )
    repairing.set_defaults(run=repair)
    adding = verbs.add_parser("add", parents=[shared], help="add bundles or checkpoints")
    adding.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=path_of,
        help=".distillgan or .ckpt, or the folder of a run",
    )
    adding.add_argument("--name", help="under another name")
    adding.add_argument("--description", help="in a few words, what it is")
    adding.add_argument(
        "--tag",
        dest="tags",
        action="append",
        metavar="TAG",
        help="a word to find it by; repeatable",
    )
    adding.set_defaults(run=add)
    return parser


if __name__ == "__main__":
    main()
