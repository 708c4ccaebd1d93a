"""what a user typed → the options of the verb, which go together."""

from __future__ import annotations

import argparse

from distill.audio.delivery import BITS
from distill.cli.coding import MODEL_HELP, add_model_options, out_folder, seed_of
from distill.cli.verb import Parser, whole_to
from distill.errors import DistillError
from distill.generation.ranges import (
    KIT_RATES_HZ,
    MOST_LAYERS,
    MOST_PER_CLASS,
    MOST_ROBINS,
    NEW_AMOUNT,
    check_request_numbers,
)
from distill.system.shell import command_of

PRESETS = ("folder", "sfz", "decentsampler")
"""What a kit can be written for; the folder of sounds is always there."""


def parser_of_kit() -> Parser:
    """The arguments of the verb."""
    parser = Parser(
        prog=command_of("kit"),
        description="A kit of new sounds for a sampler: a folder for each class with its sounds, "
        "which begin at once, have the level of their class, and differ from each other and from "
        "all that the model knows; beside them presets that map them to pads from C1 on, and "
        "kit.json, which says what each is.",
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument(
        "--per-class",
        type=whole_to(MOST_PER_CLASS),
        default=4,
        metavar="N",
        help="how many sounds of each class (default: 4)",
    )
    parser.add_argument(
        "--class",
        dest="classes",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="only these classes: folders of the sounds that the model was trained on "
        "(default: all)",
    )
    parser.add_argument(
        "--round-robins",
        type=whole_to(MOST_ROBINS),
        default=1,
        metavar="N",
        help="how many takes of each sound, small variations that a sampler plays in turn "
        "(default: 1)",
    )
    parser.add_argument(
        "--layers",
        type=whole_to(MOST_LAYERS),
        default=1,
        metavar="N",
        help="how many velocity layers: softer strokes are softer and darker variations "
        "(default: 1)",
    )
    parser.add_argument(
        "--amount",
        type=float,
        metavar="A",
        help=f"how far from known sounds, 0 to 1 (default: {NEW_AMOUNT:g})",
    )
    parser.add_argument(
        "--rate",
        type=int,
        choices=KIT_RATES_HZ,
        default=KIT_RATES_HZ[0],
        metavar="HZ",
        help=f"sample rate: {' or '.join(map(str, KIT_RATES_HZ))} (default: {KIT_RATES_HZ[0]})",
    )
    parser.add_argument(
        "--bits", type=int, choices=BITS, default=BITS[1], help=f"of a sample (default: {BITS[1]})"
    )
    parser.add_argument(
        "--seed",
        type=seed_of,
        help="number that the sounds depend on (default: the first that was not asked for yet)",
    )
    parser.add_argument(
        "--to",
        type=_presets,
        default=PRESETS,
        metavar="KINDS",
        help=f"presets to write, some of {','.join(PRESETS)} (default: all)",
    )
    add_model_options(parser, default="kit")
    parser.set_defaults(vocoder=None)
    return parser


def check_combination(options: argparse.Namespace) -> None:
    """Raise DistillError for values that cannot be, and for a folder that is in use."""
    check_request_numbers(temperature=1.0, amount=options.amount)
    folder = out_folder(options)
    if folder.exists() and not folder.is_dir():
        raise DistillError(f"{folder}: is a file; give a folder with -o")


def _presets(text: str) -> tuple[str, ...]:
    kinds = tuple(text.lower().split(","))
    if wrong := [kind for kind in kinds if kind not in PRESETS]:
        raise argparse.ArgumentTypeError(
            f"{wrong[0] or text!r} is none of {', '.join(PRESETS)}, with commas between them"
        )
    return kinds
