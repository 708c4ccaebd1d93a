"""README, CONTRIBUTING and docs/ → links that lead somewhere, pages found, terms explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from distill.audio.reasons import Note, Reason
from distill.codec.level_health import LEVEL_HEADINGS, LOW
from distill.codec.yardstick import YARDSTICK, Closeness
from distill.library.view import HEADINGS
from distill.settings.schema import STAGES
from distill.version import VERSION
from tests.helpers.checkout import REPOSITORY

README = REPOSITORY / "README.md"
DOCS = sorted((REPOSITORY / "docs").glob("*.md"))
PAGES = (README, REPOSITORY / "CONTRIBUTING.md", *DOCS)
LINK = re.compile(r"\]\(([^)\s]+)\)")
MOST_LINES_OF_README = 120
MOST_SECTIONS_WITHOUT_CONTENTS = 3


def prose(page: Path) -> str:
    """The page without what stands between fences, or is indented as a command."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"^ {4}.*$", "", text, flags=re.M)


def headings(page: Path, marks: str = "#+") -> list[str]:
    return re.findall(rf"^{marks} (.+)$", prose(page), re.M)


def anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(prose(page)):
        path, _, place = link.partition("#")
        if re.match(r"\w+:", link):
            continue
        target = page.parent / path if path else page
        if not target.exists() or (place and place not in map(anchor, headings(target))):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_anchor_leads_somewhere(page: Path) -> None:
    assert [*broken_links(page)] == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `title`\n[a](#a-title) [b](#b) [c](page.md#a-title) [d](d.md) [e](https://e)"
    )
    assert [*broken_links(page)] == ["#b", "d.md"]


def test_the_readme_is_short_and_lists_every_page() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES_OF_README
    to_read_on = text.partition("## Where to read on")[2]
    listed = {link.partition("#")[0] for link in LINK.findall(to_read_on)}
    assert {f"docs/{page.name}" for page in DOCS} <= listed


@pytest.mark.parametrize(
    "words", ["pip install distill", "distill generate", "distill kit", "distill dashboard"]
)
def test_the_first_screen_says_how_to_make_sounds(words: str) -> None:
    assert words in "\n".join(README.read_text(encoding="utf-8").splitlines()[:40])


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_a_page_has_a_title_and_a_long_one_its_contents(page: Path) -> None:
    assert len(headings(page, "#")) == 1
    assert page.read_text(encoding="utf-8").startswith("# ")
    sections = headings(page, "##")
    if len(sections) > MOST_SECTIONS_WITHOUT_CONTENTS:
        contents = re.findall(r"^- \[(.+)\]\(#(.+)\)$", prose(page), re.M)
        assert contents == [(section, anchor(section)) for section in sections]


def test_the_glossary_explains_what_is_printed() -> None:
    told = re.findall(r"^- \*\*([^*]+)\*\*", prose(REPOSITORY / "docs" / "glossary.md"), re.M)
    assert told == sorted(told, key=str.lower)
    terms = {part.strip().lower() for term in told for part in term.split(",")}
    printed = {
        *(LEVEL_HEADINGS + HEADINGS + STAGES + (LOW,)),
        *(bounds.name for bounds in YARDSTICK.values()),
        *(bounds.above for bounds in YARDSTICK.values() if bounds.above),
        *(word.value for word in (*Closeness, *Reason, *Note)),
    }
    assert {word.lower() for word in printed} - terms == set()


def test_a_release_has_one_version_and_one_date() -> None:
    changes = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", changes, re.M)[0]
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert (VERSION, str(cited["date-released"])) == newest
    assert cited["version"] == VERSION
