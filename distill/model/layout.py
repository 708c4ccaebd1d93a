"""sizes of a codec → which codes a column of its latent grid has, and how many bits they take.

Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

ROWS_PER_LOW_ROW = 4
"""The lowest quarter of the rows are the low ones: with the default mel, everything under 1 kHz."""
NO_CODE = -1
"""In place of a code, where a row has no such level."""


@dataclass(frozen=True)
class CodeLayout:
    """Which levels the rows of a latent grid have: `levels` in all rows, and `low_levels` more in
    the low ones, which come after them.
    """

    rows: int
    """H of the latent grid; row 0 is the lowest."""
    levels: int
    codebook_size: int
    low_levels: int = 0
    low_codebook_size: int = 0
    """Codes of each of the low levels; 0 if there are none."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes in the codebook of each level."""
        return (self.codebook_size,) * self.levels + (self.low_codebook_size,) * self.low_levels

    @property
    def level_rows(self) -> tuple[int, ...]:
        """How many rows, from the lowest, have each level."""
        low = low_rows(self.rows)
        return (self.rows,) * self.levels + (low,) * self.low_levels

    @property
    def column_codes(self) -> int:
        """Codes in a column of the grid."""
        return self.rows * self.levels + low_rows(self.rows) * self.low_levels

    @property
    def column_bits(self) -> int:
        """Bits of a column's codes in a file."""
        own = self.rows * self.levels * bits_per_code(self.codebook_size)
        low = low_rows(self.rows) * self.low_levels * bits_per_code(self.low_codebook_size)
        return own + low

    @property
    def words(self) -> str:
        """Levels and sizes of their codebooks, in words."""
        text = f"{self.levels} level{'s' * (self.levels > 1)} of {self.codebook_size} codes"
        if not self.low_levels:
            return text
        return f"{text} and {self.low_levels} of {self.low_codebook_size} in the low rows"

    def first_levels(self, levels: int) -> CodeLayout:
        """The layout of the first `levels` levels of all rows; with fewer than all of these, the
        low rows have no more than the others.
        """
        if levels == self.levels:
            return self
        return CodeLayout(self.rows, levels, self.codebook_size)


def low_rows(rows: int) -> int:
    """How many of the rows of a latent grid are low ones."""
    return -(-rows // ROWS_PER_LOW_ROW)


def bits_per_code(codebook_size: int) -> int:
    """The number of bits of one code in a file."""
    return max(1, (codebook_size - 1).bit_length())
