"""gathered codes → a Parquet file: a row for each sound, its codes as a list; needs pyarrow.

name            text: the name of the sound's code file, without its suffix
class           text: the folder of the sound that tells it apart
samples         length of the original
sample_rate_hz  its sample rate
channels        channels with codes of their own
columns         columns of each
codes           list of channels · columns · H · L whole numbers, in this order; row 0 is the
                lowest; -1 where a row has no such level

The fields of `distill.codec.gathered.Facts` are in the schema's metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from distill.codec.gathered import GatheredCodes

CODES_AT_ONCE, SOUNDS_AT_ONCE = 1 << 22, 1 << 14
"""Of a group of rows, which is held in memory; a single sound may have more codes."""


def write_table(gathered: GatheredCodes, path: Path) -> None:
    """Write the file; raises OSError."""
    kind = pa.from_numpy_dtype(gathered.dtype)
    schema = pa.schema(
        [
            ("name", pa.string()),
            ("class", pa.string()),
            ("samples", pa.int64()),
            ("sample_rate_hz", pa.int64()),
            ("channels", pa.int64()),
            ("columns", pa.int64()),
            ("codes", pa.list_(kind)),
        ],
        metadata={name: str(value) for name, value in asdict(gathered.facts).items()},
    )
    starts, classes = gathered.starts, gathered.classes()
    per_column = gathered.column_shape[0] * gathered.column_shape[1]
    with parquet.ParquetWriter(path, schema) as writer:
        for first, last in _groups(starts * per_column):
            values = np.concatenate(list(gathered.values(int(starts[first]), int(starts[last]))))
            offsets = ((starts[first : last + 1] - starts[first]) * per_column).astype(np.int32)
            columns = [
                pa.array(gathered.names[first:last], pa.string()),
                pa.array(classes[first:last], pa.string()),
                *(
                    pa.array(np.asarray(each[first:last]))
                    for each in (
                        gathered.samples,
                        gathered.sample_rates_hz,
                        gathered.channels,
                        gathered.columns,
                    )
                ),
                pa.ListArray.from_arrays(pa.array(offsets), pa.array(values)),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _groups(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Where the codes of each sound begin, and their end → first and last of sounds to write
    together; the last is not part of them.
    """
    first, sounds = 0, len(starts) - 1
    while first < sounds:
        enough = int(np.searchsorted(starts, starts[first] + CODES_AT_ONCE, side="right")) - 1
        last = min(max(enough, first + 1), first + SOUNDS_AT_ONCE, sounds)
        yield first, last
        first = last
