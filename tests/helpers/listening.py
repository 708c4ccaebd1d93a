"""A page to listen → what is on it; and rows for one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

from distill.listen.folder import ListeningPage
from distill.listen.rows import Row, Take

LINKS = ("src", "data-src", "href")


@dataclass
class Shown(HTMLParser):
    """What a browser finds on a page."""

    names: list[str] = field(default_factory=list)
    """The names of the sounds, in their order."""
    links: list[str] = field(default_factory=list)
    """The addresses of files."""
    tags: list[str] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in LINKS]
        if tag == "bdi":
            self.names.append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.tags and self.tags[-1] == "bdi" and not self.names[-1]:
            self.names[-1] = data


def read_page(path: Path) -> Shown:
    """The page, of which every file is there."""
    shown = Shown()
    shown.feed(path.read_text(encoding="utf-8"))
    for link in shown.links:
        assert "://" not in link
        assert not link.startswith(("/", "."))
        assert Path(
            path.parent, unquote_to_bytes(link).decode("utf-8", "surrogateescape")
        ).is_file()
    return shown


def make_row(page: ListeningPage, name: str, **figures: float) -> Row:
    """A row for a result of this name; its files are there, and hold nothing."""
    page.make_files_folder()
    (page.folder / name).touch()
    original, picture = page.name(name, "original", ".wav"), page.name(name, "mels", ".png")
    for path in (original, picture):
        (page.folder / path).touch()
    takes = (Take("original", original), Take("result", name))
    return Row(name, takes, 1.0, name, model="kit", picture=picture, figures=figures)


def rows_on_record(folder: Path) -> list[dict[str, object]]:
    """The rows that a later call adds to."""
    path = folder / "listen_files" / "distill_listen.json"
    rows: list[dict[str, object]] = json.loads(path.read_text())["rows"]
    return rows
