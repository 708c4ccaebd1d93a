"""gathered codes → an `.npz` file, which `numpy.load` reads without pickle.

codes            (N, H, L) int16, or int32 for large codebooks: the columns of all channels of all
                 sounds, one after the other; row 0 is the lowest; -1 where a row has no such level
starts           (S + 1,) int64: the codes of sound i are codes[starts[i] : starts[i + 1]], which is
                 (channels[i] · columns[i], H, L)
names            (S,) text: the name of the sound's code file, without its suffix
labels           (S,) int32: place of its class in `classes`
classes          (C,) text: the folders of the sounds that tell them apart
samples          (S,) int64: length of the original
sample_rates_hz  (S,) int64: its sample rate
channels         (S,) int64: channels with codes of their own
columns          (S,) int64: columns of each
and, as single values, the fields of `distill.codec.gathered.Facts`
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from distill.codec.gathered import GatheredCodes

TEXTS_AT_ONCE = 1 << 12


def write_arrays(gathered: GatheredCodes, path: Path) -> None:
    """Write the file; raises OSError."""
    with ZipFile(path, "w", ZIP_STORED) as archive:
        shape = (int(gathered.starts[-1]), *gathered.column_shape)
        _write(archive, "codes", shape, gathered.dtype, gathered.values())
        _write_all(archive, "starts", gathered.starts)
        _write_texts(archive, "names", gathered.names)
        of_sounds = gathered.classes()
        classes = sorted(set(of_sounds))
        place = {name: number for number, name in enumerate(classes)}
        _write_all(archive, "labels", np.asarray([place[name] for name in of_sounds], "<i4"))
        _write_texts(archive, "classes", classes)
        for name in ("samples", "sample_rates_hz", "channels", "columns"):
            _write_all(archive, name, np.asarray(getattr(gathered, name)).astype("<i8"))
        for name, value in asdict(gathered.facts).items():
            _write_all(archive, name, np.asarray(value))


def _write_all(archive: ZipFile, name: str, values: NDArray[Any]) -> None:
    _write(archive, name, values.shape, values.dtype, [values])


def _write_texts(archive: ZipFile, name: str, texts: Sequence[str]) -> None:
    """Texts take as much as the longest one each, so that not all are made at once."""
    kind = np.dtype(f"<U{max(map(len, texts), default=0) or 1}")

    def pieces() -> Iterator[NDArray[Any]]:
        for first in range(0, len(texts), TEXTS_AT_ONCE):
            yield np.asarray(texts[first : first + TEXTS_AT_ONCE], kind)

    _write(archive, name, (len(texts),), kind, pieces())


def _write(
    archive: ZipFile,
    name: str,
    shape: tuple[int, ...],
    kind: np.dtype[Any],
    pieces: Iterable[NDArray[Any]],
) -> None:
    """Write an array as numpy does, but piece by piece."""
    header = {"descr": npy.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        npy.write_array_header_2_0(member, header)
        for piece in pieces:
            member.write(piece.tobytes())
