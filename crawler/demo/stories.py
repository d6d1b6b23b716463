"""The stories of the sample web, and what each of their paragraphs is on a page.

A corpus row's text holds everything that stands in an article's column: paragraphs, sub-headings, captions,
contact lines, notices, a box about the author. Sites mark these up differently, so they are told apart here.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crawler.interchange import article_from_json, time_from_json
from crawler.model import PARAGRAPH_BREAK, Article

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
UNDATED = datetime(2026, 1, 1, tzinfo=UTC)  # stands where a row has no time of publication


class Kind(Enum):
    PARAGRAPH = "paragraph"
    HEADING = "heading"
    CAPTION = "caption"
    SIGNATURE = "signature"  # "Written by …" above the first paragraph
    TRAILER = "trailer"  # contact line, notice, end mark
    BIO_TITLE = "bio-title"
    BIO = "bio"


@dataclass(frozen=True, slots=True)
class Block:
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Teaser:
    """A story of which only headline and lead are public."""

    publisher: str
    slug: str
    title: str
    byline: str
    published: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Hyperlink:
    """Words of a page that are linked to an original's page."""

    page: str
    words: str
    original: str


@dataclass(frozen=True, slots=True)
class Noise:
    """An address that a site announces and that holds no article. `answer` is an HTTP status or "image"."""

    host: str
    path: str
    title: str
    answer: int | str
    published: datetime


@dataclass(frozen=True, slots=True)
class Stories:
    """All that the sample web publishes.

    `public` are ids of originals that a public feed names as well, `canonical` pages whose canonical link is an
    original's address (page id → original id), `amp` pages that have an AMP twin, `kinds` says of each page what
    its author wrote it as (article id → kind of reuse, as in links.jsonl).
    """

    articles: tuple[Article, ...]
    teasers: tuple[Teaser, ...] = ()
    public: frozenset[str] = frozenset()
    canonical: Mapping[str, str] = field(default_factory=dict)
    amp: frozenset[str] = frozenset()
    hyperlinks: tuple[Hyperlink, ...] = ()
    noise: tuple[Noise, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def bundled(cls) -> Stories:
        """Those that ship with the package."""
        return read(CORPUS)

    def kind_of(self, url: str) -> str:
        """The kind of reuse of the page that is served at `url`, whatever the port and query; "" where unknown."""
        here = (host_label(url), path_of(url))
        for article in self.articles:
            if (host_label(article.url), path_of(article.url)) == here:
                return self.kinds.get(article.id, "")
        return ""

    def on(self, host: str) -> list[Article]:
        """The articles of one host (`northpress`), newest first."""
        here = [article for article in self.articles if host_label(article.url) == host]
        return sorted(here, key=lambda article: (published(article), article.id), reverse=True)


def read(directory: Path) -> Stories:
    """The stories of a corpus directory with their labels; `web.toml` in it tells what the rows can't."""
    articles = tuple(article_from_json(row) for row in _rows(directory / "articles.jsonl"))
    labels = {row["rewrite"]: row["kind"] for row in _rows(directory / "links.jsonl")}
    manifest = directory / "web.toml"
    table = tomllib.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    return Stories(
        articles=articles,
        teasers=tuple(Teaser(**{**row, "published": _time(row)}) for row in table.get("teasers", ())),
        public=frozenset(table.get("public", ())),
        canonical=table.get("canonical", {}),
        amp=frozenset(table.get("amp", ())),
        hyperlinks=tuple(Hyperlink(**row) for row in table.get("hyperlinks", ())),
        noise=tuple(Noise(**{**row, "published": _time(row)}) for row in table.get("noise", ())),
        kinds=labels,
    )


def published(article: Article) -> datetime:
    return article.published or UNDATED


def host_label(url: str) -> str:
    """`northpress` of http://northpress.localhost/…"""
    return (urlsplit(url).hostname or "").removesuffix(".localhost")


def path_of(url: str) -> str:
    return urlsplit(url).path or "/"


_TRAILER = re.compile(r"^(Write to |Copyright |\((THE )?(END|FINISH)\))")
_DATE_LINE = re.compile(r"^(?=.*\b(19|20)\d\d\b)[\w ,.:()]{1,45}$")  # "January 28, 2026 09:41 ET", below an end mark
_PHOTO = re.compile(r"\bPhoto: \S")
_CREDIT_AT_END = re.compile(r"(^|[.] )[A-Z][\w.'-]*( [A-Z][\w.'-]*){1,3}$")
_AGENCY_AT_END = re.compile(r"[\w.] ?/ ?[A-Z][\w& ]*$")
_MOST_WORDS_OF_CAPTION = 30
_MOST_WORDS_OF_HEADING = 8


def blocks(text: str) -> list[Block]:
    """An article's paragraphs with what each is."""
    found: list[Block] = []
    for paragraph in text.split(PARAGRAPH_BREAK):
        found.append(Block(_kind(paragraph, found[-1].kind if found else None), paragraph))
    return found


def _kind(paragraph: str, before: Kind | None) -> Kind:
    if before in {Kind.BIO_TITLE, Kind.BIO}:
        return Kind.BIO
    if paragraph == "About the author":
        return Kind.BIO_TITLE
    if before is None:
        return Kind.SIGNATURE if paragraph.startswith("Written by ") else Kind.PARAGRAPH
    if _TRAILER.match(paragraph) or (before is Kind.TRAILER and _DATE_LINE.match(paragraph)):
        return Kind.TRAILER
    return _kind_by_shape(paragraph)


def _kind_by_shape(paragraph: str) -> Kind:
    words = len(paragraph.split())
    short = words <= _MOST_WORDS_OF_HEADING
    if words > _MOST_WORDS_OF_CAPTION or paragraph.endswith((".", "”", "!", ":")):
        return Kind.PARAGRAPH
    if short and paragraph.startswith("About "):
        return Kind.HEADING  # a release's paragraph on the company
    if _PHOTO.search(paragraph) or _CREDIT_AT_END.search(paragraph) or _AGENCY_AT_END.search(paragraph):
        return Kind.CAPTION
    return Kind.HEADING if short else Kind.PARAGRAPH


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _time(row: Mapping[str, object]) -> datetime:
    time = time_from_json(str(row["published"]))
    assert time is not None
    return time
