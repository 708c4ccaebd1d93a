"""the interface to the sounds of a run, which are a scanned collection or shards."""

from __future__ import annotations

from typing import Protocol


class Source(Protocol):
    """Facts about the sounds that a run trains on."""

    @property
    def name(self) -> str:
        """Name of the folder or folders."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of the sounds; those of shards may not exist on this machine."""

    @property
    def files(self) -> int:
        """Number of files that are used."""

    @property
    def duration_s(self) -> float:
        """Duration of all sounds together."""

    @property
    def fingerprint(self) -> str:
        """A hash of the sounds' contents."""
