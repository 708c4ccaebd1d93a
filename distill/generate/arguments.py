"""what a user typed → the options of the verb, which go together."""

from __future__ import annotations

import argparse

from distill.cli.coding import MODEL_HELP, add_format, add_outputs, out_folder, seed_of
from distill.cli.verb import Parser
from distill.errors import DistillError
from distill.generation.ranges import LIKE_AMOUNT, NEW_AMOUNT, check_request_numbers, check_ways

MOST_SOUNDS = 100_000


def parser_of_generate() -> Parser:
    """The arguments of the verb."""
    parser = Parser(
        prog="python -m distill.generate",
        description="New sounds by a model's prior. The same seed and number give the same sound, "
        "alone or with others. Beside them come listen.html, a page to play them and the training "
        "sounds that they are most like, generate.png, a picture of all, and generate.json, with "
        "the settings and facts. A sound to begin with is a file, or the name of a sound that the "
        "model knows, or that was made or kept before: kick_12, kicks/deep.wav.",
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument(
        "-n", "--count", type=_count, default=8, metavar="N", help="how many (default: 8)"
    )
    parser.add_argument(
        "--seed",
        type=seed_of,
        help="number that the sounds depend on (default: the first that is not in the folder yet)",
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        metavar="T",
        help="at another one than 1, the prior draws the sounds: lower, more usual ones, higher, "
        "wilder ones (default: 1)",
    )
    parser.add_argument(
        "--class",
        dest="class_name",
        metavar="NAME",
        help="only sounds of this class: a folder of the sounds that the model was trained on",
    )
    parser.add_argument(
        "--length", type=float, metavar="S", help="in seconds (default: as those of the class)"
    )
    parser.add_argument("--like", metavar="SOUND", help="variations of this sound")
    parser.add_argument(
        "--amount",
        type=float,
        metavar="A",
        help="how far from known sounds, 0 to 1; from what they begin with, if that is given "
        f"(default: {NEW_AMOUNT:g}; with --like {LIKE_AMOUNT:g}, and 0 is the sound itself)",
    )
    parser.add_argument(
        "--morph", nargs=2, metavar=("A", "B"), help="sounds on the way from A to B"
    )
    parser.add_argument(
        "--continue", dest="beginning", metavar="SOUND", help="sounds that begin with this one"
    )
    parser.add_argument(
        "--loop", action="store_true", help="the end of each sound fits its beginning"
    )
    add_outputs(parser, default="generated")
    add_format(parser)
    return parser


def check_combination(options: argparse.Namespace) -> None:
    """Raise DistillError for arguments that exclude each other, or cannot be."""
    ways = {
        "like": options.like,
        "morph": options.morph,
        "continue": options.beginning,
        "loop": options.loop,
    }
    check_ways(ways, has_length=options.length is not None, mark="--")
    check_request_numbers(
        temperature=options.temperature, length_s=options.length, amount=options.amount
    )
    folder = out_folder(options)
    if folder.exists() and not folder.is_dir():
        raise DistillError(f"{folder}: is a file; give a folder with -o")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_SOUNDS:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 to {MOST_SOUNDS:,}")
    return int(text)
