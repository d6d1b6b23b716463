"""Which links lead to further parts of an article, and which pages are parts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extract import extract
from crawler.extract.parts import MAX_PARTS, further_parts, join, numbered, part_of
from crawler.model import PARAGRAPH_BREAK, Extraction, RawDocument

STORY = "https://daily.example/2026/ferry-returns"


def document(body: str, url: str = STORY, *, title: str = "The ferry returns", told: int = 1) -> RawDocument:
    paragraphs = "".join(
        f"<p>In part {told} the captain tells how storm number {n} came over the northern quay, and who saw it.</p>"
        for n in range(6)
    )
    html = (
        f"<html lang=en><head><title>{title}</title></head><body><article><h1>{title}</h1>{paragraphs}</article>"
        f"{body}</body></html>"
    )
    return RawDocument(url, html.encode(), "text/html", "utf-8")


@pytest.mark.parametrize(
    ("url", "stem", "number"),
    [
        ("https://a.example/story?page=2", "https://a.example/story", 2),
        ("https://a.example/story?id=7&p=3", "https://a.example/story?id=7", 3),
        ("https://a.example/story/page/2/", "https://a.example/story/", 2),
        ("https://a.example/story/2/", "https://a.example/story/", 2),
        ("https://a.example/story/2", "https://a.example/story", 2),
        ("https://a.example/story-2.html", "https://a.example/story.html", 2),
        ("https://a.example/story_seite-2.html", "https://a.example/story.html", 2),
        ("https://a.example/story,2.html", "https://a.example/story.html", 2),
    ],
)
def test_a_page_number_is_read_off_an_address(url: str, stem: str, number: int) -> None:
    found = numbered(url)
    assert found is not None
    assert (found.stem, found.number) == (stem, number)


@pytest.mark.parametrize("url", ["https://a.example/", "https://a.example/2", STORY, "https://a.example/story?q=2"])
def test_an_address_without_a_page_number_has_none(url: str) -> None:
    assert numbered(url) is None


@pytest.mark.parametrize(
    ("link", "part"),
    [
        ('<a href="?page=2">2</a>', f"{STORY}?page=2"),
        ('<a href="/2026/ferry-returns/2/">Page 2 of 3</a>', f"{STORY}/2/"),
        (f"<a class=next href={STORY}/page/2>Next page »</a>", f"{STORY}/page/2"),
        ('<a href="ferry-returns/2/#text">2</a>', f"{STORY}/2/"),
        ('<a href="ferry-returns-2">Weiterlesen</a>', f"{STORY}-2"),
        ("<LINK REL='next' HREF='/2026/ferry-returns?p=2'>", f"{STORY}?p=2"),
        ('<a href="?page=2"><span>2</span></a>', f"{STORY}?page=2"),
        ('<link rel="next" href="/2026/ferry-returns/2">', f"{STORY}/2"),
    ],
)
def test_a_pagers_link_to_the_same_article_is_a_part(link: str, part: str) -> None:
    assert further_parts(document(link), STORY) == (part,)


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="next" href="/2026/harbour-closes">',  # the next story
        '<a rel="next" href="/2026/ferry-returns-2">A second ferry returns</a>',  # another one of nearly that name
        '<a href="https://elsewhere.example/2026/ferry-returns?page=2">2</a>',
        '<a href="/2026/other?page=2">2</a>',
        '<a href="?page=2">Two more ferries</a>',
        '<a href="?page=11">11</a>',
        '<a href="?page=1">1</a>',
        '<a href="javascript:page(2)">2</a>',
        '<a href="http://[?page=2">2</a>',
        "<a>2</a>",
    ],
)
def test_other_links_are_no_parts(link: str) -> None:
    assert further_parts(document(link), STORY) == ()


def test_an_address_that_is_a_number_alone_is_read_below_the_articles_own() -> None:
    assert further_parts(document('<a href="2/">2</a>', f"{STORY}/"), f"{STORY}/") == (f"{STORY}/2/",)


def test_parts_come_by_number_each_once_and_tracking_makes_no_other_article() -> None:
    links = '<a href="?page=3">3</a><a href="?page=2">2</a><a href="?page=2#top">Next</a>'
    page = document(links, f"{STORY}?utm_source=feed")
    assert further_parts(page, f"{STORY}?utm_source=feed") == (f"{STORY}?page=2", f"{STORY}?page=3")


@pytest.mark.parametrize(
    ("url", "body", "canonical"),
    [
        (f"{STORY}?page=2", "", STORY),
        (f"{STORY}?page=2", f'<a href="{STORY}">1</a>', None),
        (f"{STORY}/2/", f'<link rel="prev" href="{STORY}/">', None),
        (f"{STORY}/3", f'<a href="{STORY}/2">previous page</a>', None),
    ],
)
def test_a_later_part_names_its_article(url: str, body: str, canonical: str | None) -> None:
    found = part_of(document(body, url), canonical)
    assert found is not None
    assert found.rstrip("/") == STORY


@pytest.mark.parametrize(
    ("url", "body", "canonical"),
    [
        (STORY, f'<a href="{STORY}">1</a>', STORY),
        (f"{STORY}/2", f'<a href="{STORY}">All about ferries</a>', f"{STORY}/2"),
        (f"{STORY}/2", "", STORY),  # /section/2 with the section as its canonical address is no part of a story
        (f"{STORY}?page=12", "", STORY),
        ("no address", "", None),
    ],
)
def test_what_nothing_calls_a_part_is_none(url: str, body: str, canonical: str | None) -> None:
    assert part_of(document(body, url), canonical) is None


def first() -> Extraction:
    return extract(document(""))


def test_a_part_adds_its_text_and_what_both_have_stands_once() -> None:
    shared = "<p>The author of this story has lived on the northern quay for many years, with a dog and a boat.</p>"
    one = document("", title="The ferry returns")
    whole = extract(RawDocument(STORY, one.body.replace(b"</article>", f"{shared}</article>".encode()), "text/html"))
    two = document('<a href="?page=3">3</a>', f"{STORY}?page=2", title="The ferry returns - Page 2 of 3", told=2)
    two = RawDocument(two.url, two.body.replace(b"</article>", f"{shared}</article>".encode()), "text/html")
    joined = join(whole, two, STORY)
    assert joined.extraction is not None
    paragraphs = joined.extraction.text.split(PARAGRAPH_BREAK)
    assert len(paragraphs) == len(set(paragraphs)) == 13
    assert [paragraphs[0][:9], paragraphs[-1][:9]] == ["In part 1", "In part 2"]
    assert joined.extraction.title == "The ferry returns"
    assert joined.parts == (f"{STORY}?page=3",)


def test_the_same_page_again_is_no_part() -> None:
    again = document("<p>comment</p>", f"{STORY}?page=2")
    assert join(first(), again, STORY).extraction is None


def test_a_page_of_another_headline_is_no_part() -> None:
    other = document("", f"{STORY}/2", title="The harbour closes", told=2)
    assert join(first(), other, STORY).extraction is None


def test_what_a_part_asks_of_crawlers_holds_for_the_whole() -> None:
    asking = document("", f"{STORY}?page=2", told=2)
    asking = RawDocument(asking.url, asking.body.replace(b"<head>", b'<head><meta name=robots content="noarchive">'))
    joined = join(first(), asking, STORY)
    assert joined.extraction is not None
    assert joined.extraction.noarchive


@given(st.binary(max_size=2_000), st.sampled_from(["", '<a href="?page=2">2</a>', "<a href=", "<a <a <link rel="]))
def test_no_page_makes_it_raise(body: bytes, link: str) -> None:
    page = RawDocument(STORY, body + link.encode() + body, "text/html")
    assert len(further_parts(page, STORY)) < MAX_PARTS
    part_of(RawDocument(f"{STORY}?page=2", page.body), None)
    join(first(), page, STORY)


@pytest.mark.parametrize(
    "piece", [b"<a ", b"<a href=?page=2>", b"<a href='" + b"-" * 3_000, b"<link rel=next href=/2>"]
)
def test_endless_links_take_no_endless_time(piece: bytes) -> None:
    begun = time.process_time()
    further_parts(RawDocument(STORY, piece * (4_000_000 // len(piece))), STORY)
    part_of(RawDocument(f"{STORY}?page=2", piece * (4_000_000 // len(piece))), None)
    assert time.process_time() - begun < 3
