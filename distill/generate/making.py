"""what a user typed → the request for new sounds, and how they are made and shown."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.cli.coding import MODEL_HELP, add_format, add_outputs, out_folder, seed_of
from distill.cli.verb import Parser
from distill.errors import DistillError
from distill.generation.ranges import LENGTHS_S, LONGEST_GIVEN_S, check_wishes
from distill.listen.folder import invitation
from distill.system import terminal
from distill.system.paths import from_here, path_of
from distill.system.stopping import raise_if_stopped
from distill.system.terminal import counted, say, say_figures

if TYPE_CHECKING:
    import torch

    from distill.bundle.loaded import LoadedModel
    from distill.codec.codes import Codes
    from distill.generation.request import Request

MOST_SOUNDS = 100_000


def parser_of_generate() -> Parser:
    """The arguments of the verb."""
    parser = Parser(
        prog="python -m distill.generate",
        description="New sounds by a model's prior. The same seed and number give the same sound, "
        "alone or with others. Beside them come listen.html, a page to play them and the training "
        "sounds that they are most like, generate.png, a picture of all, and generate.json, with "
        "the settings and facts.",
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
        help="lower: more usual sounds, higher: wilder ones (default: 1)",
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
    parser.add_argument("--like", metavar="FILE", help="variations of this sound")
    parser.add_argument(
        "--amount",
        type=float,
        metavar="A",
        help="how far from what they begin with, 0 to 1: with --like, 0 is the sound itself "
        "(default: 0.5); else, 1 is free of the known sounds (default: 0.3)",
    )
    parser.add_argument(
        "--morph", nargs=2, metavar=("A", "B"), help="sounds on the way from A to B"
    )
    parser.add_argument(
        "--continue", dest="beginning", metavar="FILE", help="sounds that begin with this one"
    )
    parser.add_argument(
        "--loop", action="store_true", help="the end of each sound fits its beginning"
    )
    add_outputs(parser, default="generated")
    add_format(parser)
    return parser


def check_combination(options: argparse.Namespace) -> None:
    """Raise DistillError for arguments that exclude each other, or cannot be."""
    ways = [
        f"--{name}"
        for name, value in (
            ("like", options.like),
            ("morph", options.morph),
            ("continue", options.beginning),
            ("loop", options.loop),
        )
        if value
    ]
    if len(ways) > 1:
        raise DistillError(f"{' and '.join(ways)}: give one of them")
    check_wishes(temperature=options.temperature, length_s=options.length, amount=options.amount)
    for file in filter(None, (options.like, options.beginning, *(options.morph or ()))):
        if not path_of(file).exists():
            raise DistillError(f"{file}: no such file")
    folder = out_folder(options)
    if folder.exists() and not folder.is_dir():
        raise DistillError(f"{folder}: is a file; give a folder with -o")
    if options.length is not None and (options.like or options.morph):
        raise DistillError(f"--length: {ways[0]} has the length of the sound that is given")


def make_sounds(model: LoadedModel, options: argparse.Namespace) -> None:
    """Make the sounds and write them, with a line for each. Raises DistillError."""
    from distill.listen.new_sounds import NewSounds, describe

    request, settings = _request(model, options)
    target = NewSounds(
        out_folder(options),
        model,
        seed=options.seed,
        suffix=f".{options.format}",
        settings=settings,
    )
    request = replace(request, seed=target.seed)
    generation = model.generation(request, total=options.count)
    numbers = range(1, options.count + 1)
    if not options.overwrite:
        for number in numbers:
            if (path := target.path(number)).exists():
                raise DistillError(
                    f"{path}: already exists; add --overwrite, or choose another --seed or -o"
                )
    _say_what_is_made(model, options)
    copies = 0
    try:
        with terminal.bar() as bar:
            task = bar.add_task("drawing sounds", total=2 * options.count)

            def advance(sounds: float) -> None:
                raise_if_stopped()
                bar.advance(task, sounds)

            for sound in generation.sounds(numbers, advance):
                path = target.add(sound)
                copies += sound.is_copy
                say_figures(f"{from_here(path)}: {describe(sound)}")
                advance(1)
    finally:
        written = target.close()
        if written.sheet:
            say(f"picture of them: {from_here(written.sheet)}")
        if written.page:
            say(invitation(written.page))
    if copies and not (options.like or options.morph or options.beginning):
        say_figures(f"{counted(copies, 'sound')} as near to a training sound as a copy")


def _say_what_is_made(model: LoadedModel, options: argparse.Namespace) -> None:
    prior = model.prior
    assert prior is not None
    if prior.config.classes and options.class_name is None:
        counts = Counter(sound.label for sound in prior.config.sounds)
        known = (f"{name} {counts[n]}" for n, name in enumerate(prior.config.classes))
        say_figures(f"classes, and how many sounds of each are known: {', '.join(known)}")
    if not terminal.console.is_terminal:
        say(f"drawing {counted(options.count, 'sound')}")
    if prior.is_learnt or options.like or options.morph or options.beginning:
        return
    say(
        "the prior could learn nothing from so few sounds; these are variations of the sounds "
        "that the model was trained on"
    )


def _request(model: LoadedModel, options: argparse.Namespace) -> tuple[Request, dict[str, Any]]:
    """The request, and the settings as they are told in `generate.json`."""
    from distill.generation.request import Request

    model.require_prior()
    request = Request(
        temperature=options.temperature,
        class_name=options.class_name,
        length_s=options.length,
        like=_codes(options.like, model) if options.like else None,
        amount=options.amount,
        morph=(
            (_codes(options.morph[0], model), _codes(options.morph[1], model))
            if options.morph
            else None
        ),
        beginning=_waveform(options.beginning, model) if options.beginning else None,
        loop=options.loop,
        levels=options.levels,
    )
    settings = {
        "temperature": options.temperature,
        "class": options.class_name,
        "length_s": options.length,
        "like": _name(options.like),
        "amount": options.amount,
        "morph": [_name(each) for each in options.morph] if options.morph else None,
        "continue": _name(options.beginning),
        "loop": options.loop or None,
        "levels": options.levels,
    }
    return request, settings


def _name(file: str | None) -> str | None:
    return path_of(file).name if file else None


def _codes(file: str, model: LoadedModel) -> Codes:
    return model.encode(_waveform(file, model), model.sample_rate_hz)


def _waveform(file: str, model: LoadedModel) -> torch.Tensor:
    """A sound file → (T,) at the model's sample rate, the mean of its channels."""
    import torch

    from distill.audio.chunks import resample_chunks
    from distill.audio.sound_file import SoundFile
    from distill.generation.finishing import is_silent

    sound = SoundFile.open(Path(path_of(file)))
    if sound.duration_s > LONGEST_GIVEN_S:
        raise DistillError(f"{file}: longer than {LONGEST_GIVEN_S:g} s")
    chunks = (chunk.mean(dim=0, keepdim=True) for chunk in sound.blocks())
    whole = torch.cat(
        list(resample_chunks(chunks, sound.sample_rate_hz, model.sample_rate_hz)), dim=1
    )
    if whole.shape[1] < LENGTHS_S[0] * model.sample_rate_hz:
        raise DistillError(f"{file}: shorter than {LENGTHS_S[0]:g} s")
    if is_silent(whole[0]):
        raise DistillError(f"{file}: is silent")
    return whole[0]


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_SOUNDS:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 to {MOST_SOUNDS:,}")
    return int(text)
