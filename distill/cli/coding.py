"""what the verbs that use a model share: their arguments, and finding and loading the model."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from distill.audio.delivery import BITS, RATES_HZ
from distill.catalog.catalog import Catalog
from distill.cli.batch import common_cause
from distill.cli.verb import add_library
from distill.codec import AUDIO_FORMATS, MOST_EFFORT
from distill.errors import CodesError, DistillError
from distill.system.given import LARGEST_SEED
from distill.system.paths import path_of
from distill.system.terminal import say, say_figures
from distill.vocoder.state import DEFAULT

if TYPE_CHECKING:
    import torch

    from distill.bundle.loaded import LoadedModel
    from distill.codec.codes import Codes

MODEL_HELP = "a .distillgan file, the folder of a run, or a name or id in the library"


def add_model_and_sounds(parser: argparse.ArgumentParser) -> None:
    """Add the arguments MODEL and IN, for verbs that read sounds."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("sounds", metavar="IN", nargs="+", help="audio files, or folders of them")


def add_outputs(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Add the arguments of all verbs that code; `default` is the folder for the results."""
    add_model_options(parser, default=default)
    parser.add_argument("--overwrite", action="store_true", help="replace existing results")


def add_model_options(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Add the arguments of all verbs that use a model; `default` is the folder for the results."""
    parser.add_argument(
        "-o",
        "--out",
        metavar="DIR",
        type=path_of,
        help=f"folder for the results (default: {default})",
    )
    parser.set_defaults(default_out=path_of(default))
    parser.add_argument(
        "--levels",
        type=_levels,
        metavar="N",
        help="only the first N of the codebook levels that all rows have; with fewer than all, "
        "without those of the low rows (default: all)",
    )
    add_library(parser)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 ... (default: cpu)")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="also print rates, speeds and bitrates"
    )


def add_effort(parser: argparse.ArgumentParser) -> None:
    """Add the argument `--effort N`, for verbs that encode."""
    parser.add_argument(
        "--effort",
        type=_effort,
        default=0,
        metavar="N",
        help="how long the codes are searched for: 0 not at all, 1 over the levels that are kept, "
        "2 through the decoder too, which takes a second or two for each second of sound; the "
        "files are as large, and decoded as fast (default: 0)",
    )


def add_audio(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of verbs that write sound from codes that are there."""
    parser.add_argument(
        "--seed",
        type=seed_of,
        default=0,
        help="number that the vocoder's random start depends on (default: 0)",
    )
    add_format(parser)


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of all verbs that write sound."""
    parser.add_argument(
        "--format",
        choices=AUDIO_FORMATS,
        default="wav",
        help="file format of the written sounds (default: wav)",
    )
    parser.add_argument(
        "--vocoder",
        choices=(DEFAULT,),
        help="not the model's own vocoder but this one, to compare",
    )


def add_delivery(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of verbs that write new sounds."""
    parser.add_argument(
        "--rate",
        type=int,
        choices=RATES_HZ,
        metavar="HZ",
        help=f"sample rate of the files: {', '.join(map(str, RATES_HZ))} (default: the model's)",
    )
    parser.add_argument(
        "--bits",
        type=int,
        choices=BITS,
        help="of each sample in WAV and FLAC (default: 24)",
    )


def out_folder(options: argparse.Namespace) -> Path:
    """The folder for the results."""
    return Path(options.out or options.default_out)


def say_out_folder(options: argparse.Namespace) -> None:
    """Print the folder for the results, unless the user chose it."""
    if options.out is None:
        say(f"results go to {options.default_out} (-o DIR for another folder)")


def choose_device(options: argparse.Namespace) -> torch.device:
    """The device given by --device; raises DistillError if it is not available."""
    import torch

    try:
        device = torch.device(options.device)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise DistillError(f"--device {options.device}: not available here: {reason}") from error
    return device


def load_model(path: Path, options: argparse.Namespace, *, sound: bool) -> LoadedModel:
    """Load the model onto the device and print a line about it; raises DistillError.

    The line has the effort of encoding, if it is not the usual one; with `sound`, it names the
    vocoder.
    """
    device = choose_device(options)

    from distill.bundle.loading import load_bundle

    own = not (sound and options.vocoder)
    model = load_bundle(path, device=device, own_vocoder=own)
    kept = model.codec.layout.first_levels(model.codec.check_levels(options.levels))
    effort = getattr(options, "effort", 0)
    say_figures(
        f"model {model.metadata.name} (id {model.metadata.model_id[:8]}): "
        f"{kept.words}, "
        f"{model.codec.bitrate_kbps(options.levels):.2f} kbit/s a channel"
        + (f", effort {effort}" if effort else "")
        + (f", {model.vocoder.name}" if sound else "")
    )
    return model


def model_chooser(
    catalog: Catalog, chosen: Path | None, options: argparse.Namespace
) -> Callable[[Codes, Path], LoadedModel]:
    """A function from codes and the path of their file to the model that decodes them: the chosen
    one, or the one in the library that made the codes. Each model is loaded once.
    """
    choose_device(options)

    @cache
    def load(path: Path) -> LoadedModel:
        return load_model(path, options, sound=True)

    def choose(codes: Codes, file: Path) -> LoadedModel:
        maker = codes.model_id, codes.codec_digest
        with common_cause(("no model", maker), file=file):
            path = chosen or model_of(codes, catalog)
        with common_cause(("not loaded", path)):
            model = load(path)
        with common_cause(("another model", maker), file=file):
            model.codec.check_codes(codes)
        return model

    return choose


def model_of(codes: Codes, catalog: Catalog) -> Path:
    """The path of the bundle in the library that made these codes; raises CodesError."""
    entries = catalog.entries()
    for entry in entries:
        if entry.codec_digest == codes.codec_digest:
            return catalog.path_of(entry)
    named = f"{codes.model_name or 'a model'} (id {codes.model_id[:8]})"
    if any(entry.id == codes.model_id for entry in entries):
        raise CodesError(
            f"made by {named}, but {catalog.folder} has this model after more or less training; "
            "name the right file with --model, such as the best.distillgan of its run"
        )
    raise CodesError(f"made by {named}, which is not in {catalog.folder}; name it with --model")


def _levels(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)


def _effort(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_EFFORT:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {MOST_EFFORT}")
    return int(text)


def seed_of(text: str) -> int:
    """The number that a user typed as a seed; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {LARGEST_SEED}")
    return int(text)
