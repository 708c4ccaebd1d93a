"""what a user typed → the action of `distill library`, and its options."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from distill.catalog.catalog import Catalog
from distill.cli.verb import Parser, add_library
from distill.library.actions import (
    add_models,
    delete_models,
    export_model,
    list_models,
    rename_model,
    repair_index,
    show_info,
    show_sounds,
)
from distill.library.view import SORT_KEYS
from distill.system.paths import path_of
from distill.system.shell import command_of

VERBS = "list|info|sounds|rename|delete|repair|add|export"
NAME_HELP = "a model's name, file or id, or the beginning of its id"


def parser_of_library() -> Parser:
    """The arguments of the verb."""
    parser = Parser(prog=command_of("library"), description="The library of trained models.")
    shared = Parser(add_help=False)
    add_library(shared)
    verbs = parser.add_subparsers(required=True, metavar=VERBS)

    def add_verb(
        name: str, run: Callable[[Catalog, argparse.Namespace], None], help_line: str
    ) -> argparse.ArgumentParser:
        verb: argparse.ArgumentParser = verbs.add_parser(
            name, parents=[shared], help=help_line, description=help_line
        )
        verb.set_defaults(run=run)
        return verb

    verb = add_verb("list", list_models, "a table of all models")
    verb.add_argument(
        "--sort", choices=list(SORT_KEYS), default="date", help="column to sort by (default: date)"
    )
    verb.add_argument("--reverse", action="store_true", help="sort in reverse order")
    verb.add_argument("--json", action="store_true", help="print everything known, as JSON")
    verb = add_verb("info", show_info, "everything known about one model")
    verb.add_argument("name", metavar="NAME", help=NAME_HELP)
    verb.add_argument("--json", action="store_true", help="print it as JSON")
    verb = add_verb("sounds", show_sounds, "the sounds that a model's prior knows, by name")
    verb.add_argument("name", metavar="NAME", help=NAME_HELP)
    verb.add_argument("--json", action="store_true", help="print them as JSON")
    verb = add_verb("rename", rename_model, "give a model another name")
    verb.add_argument("old", metavar="OLD", help=NAME_HELP)
    verb.add_argument("new", metavar="NEW", help="its new name")
    verb = add_verb("delete", delete_models, "delete models")
    verb.add_argument("names", metavar="NAME", nargs="+", help=NAME_HELP)
    verb.add_argument("--yes", action="store_true", help="do not ask")
    add_verb("repair", repair_index, "make the list of models again from their files")
    verb = add_verb("add", add_models, "add bundles or checkpoints")
    verb.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=path_of,
        help="a .distillgan or .ckpt file, or the folder of a run",
    )
    verb.add_argument("--name", help="give the model another name")
    verb.add_argument("--description", help="describe the model in a few words")
    verb.add_argument(
        "--tag",
        dest="tags",
        action="append",
        metavar="TAG",
        help="a word to find the model by; can be given several times",
    )
    verb = add_verb("export", export_model, "write a model to a file, for others")
    verb.add_argument("name", metavar="NAME", help=NAME_HELP)
    verb.add_argument(
        "-o", "--out", metavar="FILE", type=path_of, required=True, help="a new .distillgan file"
    )
    verb.add_argument(
        "--without-sounds",
        action="store_true",
        help="leave out the codes and the names of the sounds that it was trained on",
    )
    verb.add_argument("--overwrite", action="store_true", help="replace the file if it is there")
    return parser
