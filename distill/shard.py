"""`python -m distill.shard FOLDER OUT [KEY=VALUE ...]`: sounds → shards that a run streams.

Imports little, because each process that writes shards imports this module.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence

from distill.cli.verb import Parser, verb_entry, whole_to
from distill.errors import DistillError
from distill.system import stopping
from distill.system.paths import path_of
from distill.system.shell import command_of
from distill.system.terminal import fail, quantity, say

MOST_WORKERS = 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        shard(_parser().parse_intermixed_args(arguments))


def shard(options: Namespace) -> None:
    """Read and split the sounds as a training run does, then write the segments of both sides."""
    from distill.data import shard_folder
    from distill.settings.compose import load_config
    from distill.settings.quoting import quote_folders

    shard_folder.check_out(options.folder, options.out)
    config = load_config([quote_folders([str(options.folder)]), *options.settings])
    try:  # torch and LitData: from here on
        from distill.data.shards import write_shards
    except ModuleNotFoundError as error:
        raise DistillError(f"shards need the extra: make streaming ({error})") from error
    from distill.data.manifest import SIDES, Manifest
    from distill.data.segments import segments_of
    from distill.training.sounds import collect, report

    collection, split = collect(config)
    rate_hz = config.mel.sample_rate_hz
    sides = {
        side: segments_of(
            pieces,
            config.data,
            held_out=side == "val",
            sample_rate_hz=rate_hz,
            seed=config.seed,
        )
        for side, pieces in zip(SIDES, (split.train, split.val), strict=True)
    }
    manifest = Manifest.of(collection, sides, config.data, seed=config.seed)
    with shard_folder.begin(collection, options.out) as path:
        report(collection, split, path)
        try:
            write_shards(sides, manifest, options.out, workers=options.workers)
        except (KeyboardInterrupt, SystemExit):  # LitData ends with exit code 0
            fail("stopped; type the same command again to continue")
            sys.exit(128 + (stopping.stop_signal() or signal.SIGINT))
    written = (f"{quantity(manifest.segments[side], 'segment')} to {side}" for side in SIDES)
    say(f"{options.out}: {' and '.join(written)}")


def _parser() -> Parser:
    parser = Parser(
        prog=command_of("shard"),
        description="A folder of sounds → shards, for collections too large for one disk: copy the "
        "shards to an object store, and train with data=streaming data.root=ADDRESS. To continue "
        "a command that was interrupted, type it again.",
    )
    parser.add_argument("folder", metavar="FOLDER", type=path_of, help="the sounds; only read")
    parser.add_argument("out", metavar="OUT", type=path_of, help="a new folder for the shards")
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help="settings of a run that change the segments: data.segment_s, data.val_fraction, "
        "mel.sample_rate_hz, seed",
    )
    parser.add_argument(
        "--workers",
        type=whole_to(MOST_WORKERS),
        default=os.cpu_count() or 1,
        metavar="N",
        help="number of processes that write (default: the number of processors)",
    )
    return parser


if __name__ == "__main__":
    main()
