"""a line or a table of figures → lines that fit a narrow terminal, with whole figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size

SHORT = {"utilization": "util.", "perplexity": "perpl.", "held-out": "held out"}
SHORTEST_LABEL = 8
INDENT = "    "


def fit_line(line: str, width: int, *, shorten: bool = False) -> list[str]:
    """Break a line between its parts, which end with a comma, a colon or two spaces; a longer part
    is broken between words, and a longer word is left whole.

    With `shorten`, well-known labels in the line are shortened first.
    """
    if cell_len(line) > width and shorten:
        line = shorten_labels(line)
    if cell_len(line) <= width:
        return [line]
    begin = line[: len(line) - len(line.lstrip())]
    pieces: list[tuple[str, str]] = []
    for gap, part in _parts(line.strip(), r"(?<=[,;:])( )|( {2,})"):
        if cell_len(begin + INDENT + part) <= width:
            pieces.append((gap, part))
        else:
            words = list(_parts(part, "( )"))
            pieces += [(gap, words[0][1]), *words[1:]]
    lines = [begin + pieces[0][1]]
    for gap, part in pieces[1:]:
        if cell_len(lines[-1] + gap + part) <= width:
            lines[-1] += gap + part
        else:
            lines.append(begin + INDENT + part)
    return lines


def shorten_labels(text: str) -> str:
    """Well-known labels in short, and narrow gaps."""
    for long, short in SHORT.items():
        text = text.replace(long, short)
    text = re.sub(r"(?<=[a-z.]) {2,}(?=\d)", " ", text)
    return re.sub(r"(?<=\S) {3,}", "  ", text)


def fit_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    labels: Sequence[str],
    texts: Sequence[str] = (),
) -> list[str]:
    """A table as lines of at most `width` cells: with headings below each other and shorter; where
    that is too wide, with the figures of each row below its label.

    Only cells in the columns `labels` are cut, where others leave no room; these and the columns
    `texts` are aligned left.
    """
    for short, gap in ((False, "  "), (True, " ")):
        stacked = [(shorten_labels(head) if short else head).split() for head in headings]
        widths = [
            max(cell_len(text) for text in (*head, *(row[place] for row in rows), ""))
            for place, head in enumerate(stacked)
        ]
        over = sum(widths) + len(gap) * (len(widths) - 1) - width
        for place, heading in enumerate(headings):
            if heading in labels and over > 0:
                less = min(over, max(0, widths[place] - SHORTEST_LABEL))
                widths[place] -= less
                over -= less
        if over <= 0:
            heads = list(zip_longest(*(head for head in stacked), fillvalue=""))
            lefts = [heading in labels or heading in texts for heading in headings]
            return [_row(cells, widths, lefts, gap) for cells in (*heads, *rows)]
    return [line for row in rows for line in _record(headings, row, labels, width)]


def cut_label(label: str, width: int) -> str:
    """A label of at most `width` cells; a longer one ends with …."""
    return label if cell_len(label) <= width else set_cell_size(label, width - 1) + "…"


def _record(
    headings: Sequence[str], row: Sequence[str], labels: Sequence[str], width: int
) -> list[str]:
    name = " ".join(cell for head, cell in zip(headings, row, strict=True) if head in labels)
    figures = [
        f"{shorten_labels(heading)} {cell}".strip()
        for heading, cell in zip(headings, row, strict=True)
        if heading not in labels and cell
    ]
    return [*fit_line(name, width), *fit_line("  " + "  ".join(figures), width)]


def _row(cells: Sequence[str], widths: Sequence[int], lefts: Sequence[bool], gap: str) -> str:
    shown = []
    for cell, width, left in zip(cells, widths, lefts, strict=True):
        text = cut_label(cell, width)
        padding = " " * (width - cell_len(text))
        shown.append(text + padding if left else padding + text)
    return gap.join(shown).rstrip()


def _parts(text: str, between: str) -> Iterator[tuple[str, str]]:
    """The parts of a text, each with the gap before it."""
    end, gap = 0, ""
    for found in re.finditer(between, text):
        yield gap, text[end : found.start()]
        end, gap = found.end(), found[0]
    yield gap, text[end:]
