from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from crawler.directives import Directives
from crawler.extract import extract, extract_html
from crawler.model import Extraction, RawDocument
from tests.extract import pages
from tests.extract.pages import PARAGRAPHS, TITLE, URL, json_ld, page, paragraphs

STORY = f"<article><h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS)}</article>"


def read(body: str = STORY, head: str = "", url: str = URL, **how: str) -> Extraction:
    return extract_html(page(body, head, **how), url)


def test_json_ld_gives_all_fields() -> None:
    found = extract_html(pages.json_ld_news(), URL)
    assert found.byline == ("Petra Lund", "Jonas Weir")
    assert found.published == datetime(2026, 3, 14, 7, 30, tzinfo=UTC)
    assert found.modified == datetime(2026, 3, 14, 10, 0, tzinfo=UTC)
    assert found.published.utcoffset() == timedelta(hours=1)
    assert (found.site, found.section, found.language) == ("The Lindhaven Courier", "Money", "en")


def test_microdata_gives_author_and_time() -> None:
    found = extract_html(pages.microdata(), URL)
    assert found.byline == ("Petra Lund",)
    assert found.published == datetime(2026, 3, 14, 7, 30, tzinfo=UTC)


def test_the_visible_page_gives_author_and_time() -> None:
    found = extract_html(pages.blog_theme(), "https://news.example/harbour-ferries")
    assert found.byline == ("Petra Lund",)
    assert found.published == datetime(2026, 3, 14, 8, 30, tzinfo=timezone(timedelta(hours=1)))


def test_json_ld_in_a_graph_with_references_and_a_trailing_comma_is_read() -> None:
    head = (
        '<script type="application/ld+json">{"@graph": [{"@type": "Person", "@id": "#p", "name": "Petra Lund"},'
        '{"@type": "NewsArticle", "headline": "'
        + TITLE
        + '", "author": {"@id": "#p"}, "datePublished": "2026-03-13",},]}</script>'
    )
    found = read(head=head)
    assert found.byline == ("Petra Lund",)
    assert found.published == datetime(2026, 3, 13, tzinfo=UTC)


def test_broken_json_ld_leaves_the_other_evidence() -> None:
    found = read(
        head='<script type="application/ld+json">{"headline": "Cut</script><meta name="author" content="Jonas Weir">'
    )
    assert found.title == TITLE
    assert found.byline == ("Jonas Weir",)


def test_json_ld_outranks_meta_and_meta_the_url() -> None:
    head = '<meta property="article:published_time" content="2026-03-12T10:00:00Z">'
    assert read(head=head).published == datetime(2026, 3, 12, 10, tzinfo=UTC)
    assert read(head=head + json_ld(datePublished="2026-03-11T09:00:00Z")).published == datetime(
        2026, 3, 11, 9, tzinfo=UTC
    )
    assert read().published == datetime(2026, 3, 14, tzinfo=UTC)


def test_microdata_outranks_meta_and_json_ld_outranks_both() -> None:
    meta = '<meta property="article:published_time" content="2026-03-12T08:00:00Z">'
    item = '<meta itemprop="datePublished" content="2026-03-13T08:00:00Z">'
    body = f"<article><h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS)}</article>"
    linked = json_ld(headline=TITLE, datePublished="2026-03-14T08:00:00Z")
    for head, day in ((meta, 12), (meta + item, 13), (meta + item + linked, 14)):
        published = extract_html(page(body, head), "https://news.example/harbour-ferries").published
        assert published is not None
        assert published.day == day


def test_a_date_under_the_headline_is_earlier_than_a_system_that_stamped_the_page_anew() -> None:
    body = f'<article><h1>{TITLE}</h1><p class="date">March 9, 2026</p>{paragraphs(*PARAGRAPHS)}</article>'
    found = read(body, json_ld(datePublished="2026-03-20T09:00:00Z"), "https://news.example/ferries")
    assert found.published == datetime(2026, 3, 9, tzinfo=UTC)


def test_a_change_before_the_publication_is_no_change() -> None:
    head = json_ld(datePublished="2026-03-14T08:00:00Z", dateModified="2026-03-01T08:00:00Z")
    assert read(head=head).modified is None


def test_a_page_without_any_date_has_none() -> None:
    assert read(url="https://news.example/ferries").published is None


@pytest.mark.parametrize(
    "title",
    [
        f"{TITLE} | The Lindhaven Courier",
        f"{TITLE} - The Lindhaven Courier",
        f"The Lindhaven Courier: {TITLE}",
        f"{TITLE} — Money — The Lindhaven Courier",
    ],
)
def test_the_title_comes_without_the_name_of_the_site(title: str) -> None:
    body = f"<article>{paragraphs(*PARAGRAPHS)}</article>"
    found = read(body, '<meta property="og:site_name" content="The Lindhaven Courier">', title=title)
    assert found.title.startswith(TITLE)
    assert "Courier" not in found.title


def test_a_heading_that_names_the_site_is_not_the_title() -> None:
    body = f"<h1>The Lindhaven Courier</h1><article><h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS)}</article>"
    assert read(body).title == TITLE


@pytest.mark.parametrize(
    ("shown", "told", "title"),
    [
        ("HARBOUR OPERATOR CUTS WINTER FERRIES", TITLE, TITLE),
        ("Marrow Lines’ Winter of Cuts", "Marrow Lines' Winter of Cuts", "Marrow Lines' Winter of Cuts"),
        (
            "Why the Harbour Operator Leaves Two Ferries in Port",
            TITLE,
            "Why the Harbour Operator Leaves Two Ferries in Port",
        ),
        ("Subscribe to our evening letter today", TITLE, TITLE),
    ],
)
def test_of_a_headline_told_in_two_ways_the_readers_words_count_and_the_heads_spelling(
    shown: str, told: str, title: str
) -> None:
    assert read(f"<h1>{shown}</h1><article>{paragraphs(*PARAGRAPHS)}</article>", title=told).title == title


def test_a_byline_on_the_page_adds_the_authors_that_the_head_leaves_out() -> None:
    head = json_ld(headline=TITLE, author={"@type": "Person", "name": "Petra Lund"})
    shown = f'<h1>{TITLE}</h1><p class="byline">By Petra Lund, Dr. Aldo van Reest and the shipping desk</p>'
    assert read(f"<article>{shown}{paragraphs(*PARAGRAPHS)}</article>", head).byline == (
        "Petra Lund",
        "Dr. Aldo van Reest",
    )


def test_an_organisation_that_signs_yields_to_a_person_and_a_checker_is_no_author() -> None:
    head = json_ld(headline=TITLE, author={"@type": "Organization", "name": "Institute of Coastal Shipping"})
    checked = '<p class="author">Fact checked by Runa Feld</p>'
    story = paragraphs(*PARAGRAPHS)
    signed = f'<h1>{TITLE}</h1><p class="author">Petra Lund</p>{checked}'
    assert read(f"<article>{signed}{story}</article>", head).byline == ("Petra Lund",)
    assert read(f"<article><h1>{TITLE}</h1>{checked}{story}</article>", head).byline == (
        "Institute of Coastal Shipping",
    )


def test_the_canonical_url_is_the_pages_own_claim_even_of_another_site() -> None:
    link = '<link rel="canonical" href="https://origin.example/story">'
    assert read(head=link).canonical_url == "https://origin.example/story"
    assert read(head='<meta property="og:url" content="/story">').canonical_url == "https://news.example/story"
    assert read(head='<link rel="canonical" href="javascript:void(0)">').canonical_url is None
    assert read().canonical_url is None


def test_robots_directives_are_told() -> None:
    found = read(head='<meta name="ROBOTS" content="NoIndex, NoArchive">')
    assert found.noindex
    assert found.noarchive
    found = read(head='<meta name="robots" content="index, follow, max-image-preview:large">')
    assert not found.noindex
    assert not found.noarchive


def test_a_directive_said_to_us_by_name_is_taken_and_one_said_to_another_is_not() -> None:
    page = b'<html><head><meta name="%s" content="noarchive"></head><body><p>The ferry sails.</p></body></html>'

    def asked(name: bytes) -> bool:
        return extract(RawDocument("https://a.example/", page % name, robot="wiretrace")).noarchive

    assert asked(b"WireTrace")
    assert asked(b"googlebot")
    assert not asked(b"otherbot")


def test_what_the_headers_ask_is_asked_of_any_kind_of_document() -> None:
    asked = Directives(noarchive=True)
    assert extract(RawDocument("https://a.example/", b"Just a text.", "text/plain", directives=asked)).noarchive
    page = b'<html><head><meta name="robots" content="noindex"></head><body><p>The ferry sails.</p></body></html>'
    both = extract(RawDocument("https://a.example/", page, directives=asked))
    assert (both.noindex, both.noarchive) == (True, True)


@pytest.mark.parametrize(
    ("claim", "language"), [("de-at", "de-AT"), ("en_US", "en-US"), ("zh-Hant", "zh-Hant"), ("%lang%", None)]
)
def test_the_language_is_a_tag_or_none(claim: str, language: str | None) -> None:
    assert read(language=claim).language == language
