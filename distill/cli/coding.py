"""what encode, decode and reconstruct share: arguments, the model, and how a result is told."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from distill.cli.verb import add_library
from distill.codec import AUDIO_FORMATS
from distill.errors import DistillError
from distill.system.paths import path_of
from distill.system.terminal import counted, duration, say

if TYPE_CHECKING:
    from distill.codec.codes import Codes
    from distill.codec.loaded import LoadedModel

LARGEST_SEED = 2**63 - 1
MODEL_HELP = "a .distillgan file, the folder of a run, or a name or id in the library"


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Arguments of all three verbs."""
    parser.add_argument(
        "-o", "--out", metavar="DIR", type=path_of, required=True, help="folder for the results"
    )
    parser.add_argument(
        "--levels", type=_levels, metavar="N", help="only the first N codebook levels"
    )
    add_library(parser)
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda, cuda:1 ...")
    parser.add_argument("--overwrite", action="store_true", help="replace results that are there")


def add_audio(parser: argparse.ArgumentParser) -> None:
    """Arguments of verbs that write sound."""
    parser.add_argument(
        "--format", choices=AUDIO_FORMATS, default="wav", help="of the written sounds: wav"
    )
    parser.add_argument("--seed", type=_seed, default=0, help="of the vocoder's first phase: 0")


def load(path: Path, options: argparse.Namespace) -> LoadedModel:
    """The model, on the device asked for; raises DistillError."""
    import torch

    from distill.bundle.loading import load_bundle

    try:
        device = torch.device(options.device)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise DistillError(f"--device {options.device}: not to be had here: {reason}") from error
    model = load_bundle(path, device=device)
    if options.levels is not None:
        model.check_levels(options.levels)
    return model


def tell_model(model: LoadedModel, *, levels: int | None, sound: bool) -> None:
    """One line on what the sounds go through."""
    kept, size = levels or model.model.config.num_quantizers, model.model.config.codebook_size
    say(
        f"model {model.metadata.name} (id {model.metadata.model_id[:8]}): "
        f"{counted(kept, 'level')} of {size} codes, "
        f"{model.bitrate_kbps(levels):.2f} kbit/s a channel"
        + (f", {model.vocoder.name}" if sound else "")
    )


def facts(codes: Codes) -> str:
    """`0:12, 2 channels at 44,100 Hz, 2.25 kbit/s`."""
    return (
        f"{duration(codes.duration_s)}, {counted(codes.indices.shape[0], 'channel')} at "
        f"{codes.sample_rate_hz:,} Hz, {codes.bitrate_kbps:.2f} kbit/s"
    )


def speed(duration_s: float, elapsed_s: float) -> str:
    """Seconds of sound a second of work."""
    factor = duration_s / elapsed_s
    return f"{factor:.0f} x real time" if factor >= 10 else f"{factor:.1f} x real time"


def _levels(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {LARGEST_SEED}")
    return int(text)
