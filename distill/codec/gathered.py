"""codes of many sounds, one after the other → one file that describes itself, at constant memory.

The codes wait in a temporary file without a name; of each sound, a few numbers and its name are
kept in memory. `code_arrays` and `code_table` write the file.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from distill.codec.codes import Codes
from distill.data.classes import classes_of
from distill.version import VERSION

FORMAT, FORMAT_VERSION = "distill_codes", 1
AT_ONCE = 1 << 20
"""How many codes are copied at once."""


@dataclass(frozen=True)
class Facts:
    """What all sounds of the file share."""

    codec_digest: str
    """Of the codec that made the codes."""
    model_id: str
    model_name: str
    rows: int
    """H: row 0 is the lowest."""
    levels: int
    """How many all rows have."""
    codebook_size: int
    low_levels: int
    """How many more the low rows have; other rows have -1 there."""
    low_codebook_size: int
    model_sample_rate_hz: int
    column_samples: int
    """Samples at that rate that a column stands for."""
    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    distill_version: str = VERSION


class GatheredCodes:
    """Codes of sounds by one codec, all with the same levels."""

    def __init__(self, *, model_sample_rate_hz: int, column_samples: int) -> None:
        self._rate_hz, self._column_samples = model_sample_rate_hz, column_samples
        self._open = ExitStack()
        self._file: IO[bytes] | None = None
        self._facts: Facts | None = None
        self.names: list[str] = []
        self._paths: list[str] = []
        self.samples = array("q")
        """Length of each original, at its own sample rate."""
        self.sample_rates_hz = array("q")
        self.channels = array("q")
        """Of each sound, those with codes of their own."""
        self.columns = array("q")
        """Latent columns of each channel."""
        self.is_spoilt = False
        """Whether codes could not be kept, so that there must be no file."""

    def __enter__(self) -> GatheredCodes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # what a full disk left unwritten
            self._open.close()

    def __len__(self) -> int:
        return len(self.names)

    def add(self, name: str, path: Path, codes: Codes, *, folder: Path) -> None:
        """Keep the codes of a sound. The temporary file is in `folder`. Raises OSError."""
        facts = self._facts_of(codes)
        assert self._facts in (None, facts)
        coded, _, columns, _ = codes.indices.shape
        # in order of time for each channel: (C, W, H, L)
        values = codes.indices.transpose(1, 2).numpy().astype(_type_of(facts))
        try:
            if self._file is None:
                unnamed = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115, closed at the end
                self._file = self._open.enter_context(unnamed)
            self._file.write(np.ascontiguousarray(values).data)
            self._file.flush()
        except OSError:
            self.is_spoilt = True
            raise
        self._facts = facts
        self.names.append(_text(name))
        self._paths.append(str(path))
        for values_of, value in (
            (self.samples, codes.samples),
            (self.sample_rates_hz, codes.sample_rate_hz),
            (self.channels, coded),
            (self.columns, columns),
        ):
            values_of.append(value)

    @property
    def facts(self) -> Facts:
        """What the sounds share; there must be one."""
        assert self._facts is not None
        return self._facts

    @property
    def column_shape(self) -> tuple[int, int]:
        """(H, L) of a column's codes."""
        return self.facts.rows, self.facts.levels + self.facts.low_levels

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the codes: the smallest of 16 or 32 bits, little-endian."""
        return _type_of(self.facts)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each sound begins among the columns of all channels of all sounds, and the end:
        (sounds + 1,).
        """
        counts = np.asarray(self.channels) * np.asarray(self.columns)
        return np.concatenate([[0], counts.cumsum()]).astype("<i8")

    def classes(self) -> list[str]:
        """The class of each sound, by the folder that it lies in."""
        found = classes_of(self._paths)
        return [_text(found[path]) for path in self._paths]

    def values(self, first: int = 0, last: int | None = None) -> Iterator[NDArray[Any]]:
        """The codes (n,) of the columns from `first` to before `last`, in pieces."""
        assert self._file is not None
        per_column = self.column_shape[0] * self.column_shape[1]
        size = self.dtype.itemsize
        end = int(self.starts[-1]) if last is None else last
        left = (end - first) * per_column
        self._file.seek(first * per_column * size)
        while left:
            piece = self._file.read(min(left, AT_ONCE) * size)
            yield np.frombuffer(piece, self.dtype)
            left -= len(piece) // size

    def _facts_of(self, codes: Codes) -> Facts:
        return Facts(
            codes.codec_digest,
            codes.model_id,
            _text(codes.model_name),
            codes.indices.shape[1],
            codes.levels,
            codes.codebook_size,
            codes.low_levels,
            codes.low_codebook_size,
            self._rate_hz,
            self._column_samples,
        )


def _type_of(facts: Facts) -> np.dtype[Any]:
    return np.dtype(
        "<i2" if max(facts.codebook_size, facts.low_codebook_size) <= 1 << 15 else "<i4"
    )


def _text(text: str) -> str:
    """Bytes of names that are not Unicode as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
