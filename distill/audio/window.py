"""a part of a file → a file of its own for libsndfile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class Window:
    """The bytes [start, end) of a file, readable and seekable; `instead` replaces some of them."""

    def __init__(
        self, path: Path, start: int, end: int, *, instead: Mapping[int, int] | None = None
    ) -> None:
        """Open the file; `instead` is a position in the window → another byte. Raises OSError."""
        self._file = path.open("rb", buffering=0)
        self._start, self._end, self._instead = start, max(start, end), instead or {}
        self._file.seek(start)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, count: int = -1) -> bytes:
        """At most `count` bytes; all that are left if it is negative."""
        at = self.tell()
        left = self._end - self._start - at
        data = self._file.read(left if count < 0 else max(0, min(count, left)))
        if any(at <= position < at + len(data) for position in self._instead):
            patched = bytearray(data)
            for position, byte in self._instead.items():
                if at <= position < at + len(data):
                    patched[position - at] = byte
            return bytes(patched)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move, as in a file, and return the new position."""
        base = (0, self.tell(), self._end - self._start)[whence]
        self._file.seek(self._start + max(0, base + offset))
        return self.tell()

    def tell(self) -> int:
        """The position in the window."""
        return self._file.tell() - self._start

    def write(self, data: bytes) -> int:
        """Only there because soundfile asks for it."""
        raise OSError(f"cannot write {len(data)} bytes: opened to read")
