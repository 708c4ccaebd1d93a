"""rows → the text of a page to listen: HTML that needs no network and asks none for anything."""

from __future__ import annotations

import base64
import hashlib
import html
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from distill.audio.own_output import PAGE_MARK
from distill.codec.yardstick import rate, show_figures
from distill.listen.rows import Row, medians
from distill.system.terminal import duration, plain, quantity

HERE = Path(__file__).parent
ROW_SCRIPTS = (HERE / "loop.js", HERE / "player.js", HERE / "rows.js")
"""What plays rows of sounds; the dashboard's page includes it, too."""
SCRIPT, STYLE = HERE / "page.js", HERE / "page.css"


def which_of(rows: Sequence[Row], others: int) -> str:
    """`12 sounds`, or which of them all these rows are: `the newest 200 of 212 sounds`."""
    if not others:
        return quantity(len(rows), "sound")
    kinds = {"worst" if row.figures else "newest" for row in rows}
    which = " and ".join(sorted(kinds))
    return f"the {which} {len(rows):,} of {quantity(len(rows) + others, 'sound')}"


def draw_page(
    rows: Sequence[Row], intro: Sequence[str], scripts: Mapping[str, str], *, others: int = 0
) -> str:
    """The page with these rows in their order, below the sentences of `intro`; `scripts` hold the
    takes that can be repeated without a gap, by their paths; `others` is how many results the page
    does not show.
    """
    script = "\n".join(path.read_text(encoding="utf-8") for path in (*ROW_SCRIPTS, SCRIPT))
    style = STYLE.read_text(encoding="utf-8")
    models = list(dict.fromkeys(row.model for row in rows if row.model))
    title = f"Listen: {', '.join(models)}" if models else "Listen"
    order = "the worst beginning first" if any(row.figures for row in rows) else ""
    if len({row.call for row in rows if not row.figures}) > 1:
        order = " and ".join(filter(None, ("those of the newest call first", order)))
    which = which_of(rows, others)
    parts = [which[0].upper() + which[1:], *filter(None, [order])]
    beside = " The others are beside this page." * bool(others)
    lines = [_text(f"{', '.join(parts)}.{beside}")]
    if len(rows) > 1 and (middle := _figures(medians([row.figures for row in rows]))):
        lines[0] += f" In the median, {middle}."
    lines += map(_text, intro)
    body = "\n".join(
        _row(number, row, scripts, names_model=len(models) > 1)
        for number, row in enumerate(rows, start=1)
    )
    return f"""{PAGE_MARK}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(script, style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(title)}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{_text(title)}</h1>
{"".join(f"<p>{line}</p>" for line in lines)}
<p class="keys"><kbd>space</kbd> plays and pauses, <kbd>x</kbd> or <kbd>←</kbd> <kbd>→</kbd>
switches at the same position, <kbd>↑</kbd> <kbd>↓</kbd> goes to another sound, <kbd>r</kbd>
repeats. A click on a picture plays from there. In the pictures, low notes are below, bright is
loud, and both of a pair have the same colours.</p>
<p><label><input type="checkbox" id="repeat"> Repeat</label></p>
<noscript><p>The buttons need JavaScript. Without it, the links open the sounds.</p></noscript>
</header>
<main>
<ol>
{body}
</ol>
</main>
<script>{script}</script>
</body>
</html>
"""


def _row(number: int, row: Row, scripts: Mapping[str, str], *, names_model: bool) -> str:
    name = _text(row.name)
    notes = [_figures(row.figures), _text(row.model) if names_model else "", _text(row.note)]
    takes = "".join(
        f'<button type="button" class="take" data-src="{_address(take.path)}" '
        f"{_script(scripts.get(take.path))}"
        f'aria-pressed="{"false" if index else "true"}">{_text(take.label)}</button>'
        for index, take in enumerate(row.takes)
    )
    links = {take.path: take.label for take in row.takes}
    links.setdefault(row.file, "the whole result")
    shown = " ".join(
        f'<a href="{_address(path)}">{_text(label)}</a>' for path, label in links.items()
    )
    return f"""<li class="row" id="sound-{number}" data-seconds="{row.seconds:.6f}">
<div class="about">
<h2><bdi>{name}</bdi></h2>
{"".join(f"<p>{note}</p>" for note in notes if note)}
<div role="group" aria-label="{name}" class="buttons">
<button type="button" class="play" aria-label="Play {name}">Play</button>
{takes}
</div>
<p class="problem" role="status"></p>
<p class="files">{duration(row.seconds)}; files: {shown}</p>
</div>
{_mels(row)}
</li>"""


def _script(path: str | None) -> str:
    return f'data-script="{_address(path)}" ' if path else ""


def _mels(row: Row) -> str:
    if row.picture is None:
        return ""
    labels = "".join(f"<p><span>{_text(take.label)}</span></p>" for take in row.takes)
    above = " above ".join(take.label for take in row.takes)
    return (
        f'<div class="mels"><img src="{_address(row.picture)}" loading="lazy" '
        f'alt="mel spectrograms, {_text(above)}"><div class="labels" aria-hidden="true">{labels}'
        '</div><div class="cursor" aria-hidden="true"></div></div>'
    )


def _figures(figures: dict[str, float]) -> str:
    """The figures as HTML, none of them broken between two lines, and how close they sound."""
    parts = [f'<span class="figure">{_text(part)}</span>' for part in show_figures(figures)]
    rating = rate(figures)
    word = f"; sounds <strong>{rating.closeness}</strong>{_text(rating.fault)}" if rating else ""
    return ", ".join(parts) + word


def _text(text: str) -> str:
    """Any text → HTML of the same text, for between tags and within quotes."""
    return html.escape(plain(text))


def _address(path: str) -> str:
    """A path seen from the page → its address; nothing in it has a meaning but `/`."""
    return quote(os.fsencode(path), safe="/")


def _policy(script: str, style: str) -> str:
    """What the browser lets the page do: its own scripts and style, and files beside it."""
    beside = "'self' file:"
    own = f"{beside} data:"
    return (
        f"default-src 'none'; script-src '{_digest(script)}' {beside}; "
        f"style-src '{_digest(style)}'; "
        f"img-src {own}; media-src {own}; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
