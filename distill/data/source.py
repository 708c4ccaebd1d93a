"""what a run reports about its sounds, from a scanned collection or from its shards."""

from __future__ import annotations

from typing import Protocol


class Source(Protocol):
    """The sounds that a run learns from, wherever they come from."""

    @property
    def name(self) -> str:
        """Of the folder or folders."""

    @property
    def folders(self) -> tuple[str, ...]:
        """Where the sounds lie, or lay."""

    @property
    def files(self) -> int:
        """How many are used."""

    @property
    def duration_s(self) -> float:
        """Of all together."""

    @property
    def fingerprint(self) -> str:
        """The same sounds have the same."""
