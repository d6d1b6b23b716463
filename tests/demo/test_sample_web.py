"""Every page of the sample web: all of the story, hardly anything else, and what stands around it read right."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import pytest

from crawler.demo.sites import AMP, Document, Layout
from crawler.demo.stories import Kind, Stories, blocks, host_label, path_of
from crawler.extract import extract
from crawler.model import Article, Extraction, RawDocument, Role, Verdict

PORT = 8_080
BEHIND_CONSENT = "feedgazette"  # its pages are a wall, its feed carries the text
STORY = {Kind.PARAGRAPH, Kind.HEADING}
WORD = re.compile(r"\w+")
STORIES = Stories.bundled()
SHELVES = Layout(STORIES, PORT).shelves()
PAGES = {
    article.id + twin: (article, SHELVES[f"{host_label(article.url)}.localhost"][path_of(article.url) + twin])
    for article in STORIES.articles
    for twin in ("", AMP)
    if article.role is Role.AGGREGATOR
    and path_of(article.url) + twin in SHELVES[f"{host_label(article.url)}.localhost"]
}
READABLE = [name for name, (article, _) in PAGES.items() if host_label(article.url) != BEHIND_CONSENT]


@dataclass(frozen=True, slots=True)
class Read:
    article: Article
    found: Extraction

    def words(self, *, of_story: bool) -> Counter[str]:
        texts = (block.text for block in blocks(self.article.text) if (block.kind in STORY) is of_story)
        return Counter(WORD.findall(" ".join(texts)))


def read(name: str) -> Read:
    article, document = PAGES[name]
    return Read(article, extract(_raw(article, document)))


def _raw(article: Article, document: Document) -> RawDocument:
    media_type, _, charset = (document.media_type or "").partition("; charset=")
    url = f"http://{host_label(article.url)}.localhost:{PORT}{path_of(article.url)}"
    return RawDocument(url, document.body, media_type, charset or None)


def test_there_are_pages_to_read() -> None:
    assert len(READABLE) > 40


@pytest.mark.parametrize("name", READABLE)
def test_the_page_is_an_article_with_the_whole_story_and_hardly_anything_else(name: str) -> None:
    page = read(name)
    story, aside, given = page.words(of_story=True), page.words(of_story=False), Counter(WORD.findall(page.found.text))
    assert page.found.verdict is Verdict.ARTICLE
    assert (story & given).total() >= 0.98 * story.total()
    # Captions, lines of origin and the box about the author may be taken for text; the site's own words may not.
    assert (given - story - aside).total() <= 0.05 * given.total()


@pytest.mark.parametrize("name", READABLE)
def test_the_page_tells_its_headline_day_and_authors(name: str) -> None:
    page = read(name)
    article, found = page.article, page.found
    assert article.published is not None
    assert found.title == article.title
    assert found.published is not None
    assert found.published.date() == article.published.date()
    assert found.byline == tuple(author for author in article.byline if "Staff" not in author)


@pytest.mark.parametrize("name", [name for name in PAGES if name not in READABLE])
def test_a_consent_wall_is_no_article(name: str) -> None:
    assert read(name).found.verdict is Verdict.CONSENT


@pytest.mark.parametrize("host", ["dailyharbor", "northpress"])
def test_the_hour_in_a_time_element_is_kept(host: str) -> None:
    here = [page for page in map(read, READABLE) if host_label(page.article.url) == host]
    assert here
    assert all(page.found.published == page.article.published for page in here)
