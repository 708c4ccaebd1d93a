"""what a user typed → the options of the verb, which go together."""

from __future__ import annotations

import argparse

from distill.audio.delivery import NORMAL_PEAK_DBFS, Delivery
from distill.cli.coding import (
    MODEL_HELP,
    add_delivery,
    add_format,
    add_outputs,
    out_folder,
    seed_of,
)
from distill.cli.verb import Parser, whole_to
from distill.errors import DistillError
from distill.generation.ranges import (
    BEATS,
    BEATS_IN_BAR,
    LIKE_AMOUNT,
    NEW_AMOUNT,
    USUAL_BEATS,
    check_request_numbers,
    check_time,
    check_ways,
)
from distill.system.shell import command_of

MOST_SOUNDS = 100_000


def parser_of_generate() -> Parser:
    """The arguments of the verb."""
    parser = Parser(
        prog=command_of("generate"),
        description="New sounds by a model's prior. The same seed and number give the same sound, "
        "alone or with others. Beside them come listen.html, a page to play them and the training "
        "sounds that they are most like, generate.png, a picture of all, and generate.json, with "
        "the settings and facts. A sound to begin with is a file, or the name of a sound that the "
        "model knows, or that was made or kept before: kick_12, kicks/deep.wav.",
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument(
        "-n",
        "--count",
        type=whole_to(MOST_SOUNDS),
        default=8,
        metavar="N",
        help="how many (default: 8)",
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
    parser.add_argument(
        "--bpm",
        type=float,
        metavar="T",
        help="tempo of loops: beats a minute, onsets on sixteenths",
    )
    bars = parser.add_mutually_exclusive_group()
    bars.add_argument(
        "--bars",
        type=_bars,
        dest="beats",
        metavar="N",
        help=f"length of such loops in bars of {BEATS_IN_BAR} beats "
        f"(default: {USUAL_BEATS // BEATS_IN_BAR})",
    )
    bars.add_argument("--beats", type=int, metavar="N", help="the same in beats")
    add_outputs(parser, default="generated")
    add_format(parser)
    add_delivery(parser)
    parser.add_argument(
        "--normalise",
        action="store_true",
        help=f"each sound has a peak of {NORMAL_PEAK_DBFS:g} dBFS, rather than its own level",
    )
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
    has_length = options.length is not None
    check_time(options.bpm, options.beats, is_loop=options.loop, has_length=has_length, mark="--")
    check_request_numbers(
        temperature=options.temperature, length_s=options.length, amount=options.amount
    )
    Delivery(bits=options.bits).check_format(options.format)
    folder = out_folder(options)
    if folder.exists() and not folder.is_dir():
        raise DistillError(f"{folder}: is a file; give a folder with -o")


def _bars(text: str) -> int:
    return BEATS_IN_BAR * whole_to(BEATS[1] // BEATS_IN_BAR)(text)
