"""sounds to encode → the codes of all of them in one file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from distill.cli import batch
from distill.cli.coding_work import codes_of_file
from distill.cli.files import Job
from distill.codec import CODES_SUFFIX
from distill.errors import DistillError, WriteError
from distill.system.atomic import whole_file
from distill.system.terminal import duration, quantity, say_figures

if TYPE_CHECKING:
    from distill.bundle.loaded import LoadedModel
    from distill.codec.gathered import GatheredCodes

KINDS = ("npz", "parquet")


def check_target(folder: Path, kind: str, *, overwrite: bool) -> None:
    """Raise DistillError if the file is there, or what writes it is not."""
    target = _target(folder, kind)
    if target.exists() and not overwrite:
        raise DistillError(f"{target}: already exists; add --overwrite or choose another -o")
    if kind == "parquet" and find_spec("pyarrow") is None:
        raise DistillError("--to parquet needs pyarrow, which is an extra: make parquet")


def gather(
    jobs: Sequence[Job], model: LoadedModel, options: argparse.Namespace, folder: Path
) -> None:
    """Encode the sounds, and write their codes to one file, which is there when all are done.

    Raises DistillError as `batch.run` does; sounds that could be encoded are then in the file.
    """
    from distill.codec.gathered import GatheredCodes

    target = _target(folder, options.to)
    names = {job.source: _name(job, folder) for job in jobs}
    with GatheredCodes(
        model_sample_rate_hz=model.sample_rate_hz, column_samples=model.codec.column_samples
    ) as gathered:

        def encode(job: Job, meter: batch.Meter) -> str:
            codes = codes_of_file(job, model, meter, levels=options.levels, effort=options.effort)
            with batch.new_file(job):
                gathered.add(names[job.source], job.source, codes, folder=folder)
            return f"{names[job.source]}: {duration(codes.duration_s)}"

        try:
            into_one = [replace(job, target=target) for job in jobs]
            batch.run(into_one, encode, overwrite=options.overwrite)
        except DistillError:
            if gathered and not gathered.is_spoilt:
                _write(gathered, target, options)
            raise
        _write(gathered, target, options)


def _target(folder: Path, kind: str) -> Path:
    return folder / f"codes.{kind}"


def _name(job: Job, folder: Path) -> str:
    """Of a sound: that of its code file, without the suffix, with `/` between folders."""
    return job.target.relative_to(folder).as_posix().removesuffix(CODES_SUFFIX)


def _write(gathered: GatheredCodes, target: Path, options: argparse.Namespace) -> None:
    if options.to == "npz":
        from distill.codec.code_arrays import write_arrays as write
    else:
        from distill.codec.code_table import write_table as write
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target, replace=options.overwrite) as partial:
            write(gathered, partial)
    except FileExistsError:
        raise DistillError(f"{target}: was made by another process meanwhile") from None
    except OSError as error:
        raise WriteError(target, error) from error
    columns, size = int(gathered.starts[-1]), target.stat().st_size
    say_figures(
        f"{target}: {quantity(len(gathered), 'sound')}, {quantity(columns, 'column')}, "
        f"{size:,} bytes"
    )
