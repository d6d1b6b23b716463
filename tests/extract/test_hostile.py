from __future__ import annotations

import time
import unicodedata
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.extract import extract, extract_fragment, extract_html, extract_text
from crawler.extract.blocks import scan_markup
from crawler.model import Extraction, RawDocument, Verdict
from tests.extract import pages
from tests.extract.pages import PARAGRAPHS, TEXT, TITLE, URL, page, paragraphs

STORY = f"<article><h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS)}</article>"


def strings(found: Extraction) -> list[str]:
    values: list[str] = []
    for field in fields(found):
        value = getattr(found, field.name)
        values += (
            [value]
            if isinstance(value, str)
            else [v for v in value if isinstance(v, str)]
            if isinstance(value, tuple)
            else []
        )
    return values


def is_clean(found: Extraction) -> bool:
    return all(unicodedata.category(c) not in {"Cc", "Cs"} or c == "\n" for text in strings(found) for c in text)


def html_document(body: bytes, charset: str | None = None, media_type: str = "text/html") -> RawDocument:
    return RawDocument(URL, body, media_type, charset)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 20_000 + TEXT,
        "<div>" * 5_000 + TEXT + "</div>" * 5_000,
        "<ul><li>" * 20_000,
        "<table><tr><td>" * 20_000,
        "<b>" * 20_000 + "<p>x" * 20_000,
        "".join(f"<font size={n}>" for n in range(2_000)) + "<p>x" * 2_000,
        "<p " + " ".join(f"a{n}=1" for n in range(50_000)) + ">" + TEXT,
        "<p " + " ".join(f'a{n}=">"' for n in range(50_000)) + ">" + TEXT,
        "<p>x" * 300_000,
        "<br>" * 300_000,
        "<div>" * 2_000_000,
        f'<img alt="{"x" * 3_000_000}">{STORY}',
        "<script>" + TEXT,
        "<!--" * 50_000,
        '<a "' * 50_000,
        "<" * 500_000,
        "&" * 500_000,
        "<svg><desc>" * 5_000 + STORY,
        f'<script type="application/ld+json">{"[" * 100_000}</script>{STORY}',
        f'<script type="application/ld+json">{"[{}," * 50_000}</script>{STORY}',
    ],
    ids=range(20),
)
def test_hostile_markup_gives_a_verdict(html: str) -> None:
    assert is_clean(extract(html_document(html.encode())))


def test_a_huge_attribute_does_not_hide_the_story() -> None:
    assert extract_html(page(f'<img alt="{"x" * 3_000_000}">{STORY}'), URL).text == TEXT


def test_deep_nesting_does_not_hide_the_story() -> None:
    deep = "<div>" * 20_000 + "".join(f"<p>{text}</p>" for text in PARAGRAPHS) + "</div>" * 20_000
    assert extract_html(page(deep), URL).text == TEXT


def test_nulls_and_controls_are_gone() -> None:
    dirty = "\x00".join(page(STORY).replace("ferry", "fer\x01ry").replace("ship", "sh\u200bip\x7f"))
    found = extract(html_document(dirty.encode()))
    assert is_clean(found)
    assert is_clean(extract_text("\x00\x07" + TEXT + "\x1b[31m"))


def test_lone_surrogates_are_gone() -> None:
    found = extract_html(page(STORY.replace("harbour", "har\ud800bour")), URL)
    assert is_clean(found)
    assert found.verdict is Verdict.ARTICLE
    assert is_clean(extract_fragment(f"<p>{TEXT}\udfff</p>", URL, "A \ud83d title"))
    assert is_clean(extract_text(TEXT + "\ud83d"))


def test_surrogates_escaped_in_json_are_gone() -> None:
    head = (
        "<script "
        'type="application/ld+json">{"@type": "NewsArticle", "headline": "Cut \\ud83d ferries", '
        '"author": "Petra \\udc00 Lund"}</script>'
    )
    assert is_clean(extract_html(page(STORY, head), URL))


@pytest.mark.parametrize("charset", ["windows-1252", "utf-16", "shift_jis", "no-such-charset", None])
def test_a_wrong_charset_in_the_header_gives_a_verdict(charset: str | None) -> None:
    assert is_clean(extract(html_document(page(STORY).encode(), charset)))


def test_a_truncated_page_gives_what_came_before_the_break() -> None:
    html = page(STORY)
    found = extract_html(html[: html.index(PARAGRAPHS[3]) + 40], URL)
    assert found.text.startswith("\n\n".join(PARAGRAPHS[:3]))


def test_a_script_that_looks_like_text_is_no_text() -> None:
    script = f"<script>document.write('<p>{PARAGRAPHS[0].replace('ferry', 'fairy')}</p>'.repeat(9));</script>"
    assert (
        extract_html(
            page(f"{script}<style>p:after {{ content: 'Not a word of this is text.' }}</style>{STORY}"), URL
        ).text
        == TEXT
    )


@pytest.mark.parametrize(
    "body",
    [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"",
        b"  \n",
        bytes(range(256)) * 40,
    ],
)
@pytest.mark.parametrize("media_type", ["text/html", "text/plain", "", "application/octet-stream"])
def test_what_is_no_text_is_no_article(body: bytes, media_type: str) -> None:
    assert extract(html_document(body, media_type=media_type)).verdict is not Verdict.ARTICLE


@pytest.mark.parametrize("media_type", ["application/pdf", "image/png", "video/mp4", "application/json"])
def test_other_media_types_are_no_article(media_type: str) -> None:
    assert extract(html_document(page(STORY).encode(), media_type=media_type)) == Extraction(Verdict.NOT_ARTICLE)


@pytest.mark.parametrize(
    "media_type", ["text/html", "application/xhtml+xml", "", "text/plain", "application/octet-stream"]
)
def test_html_is_known_by_its_look(media_type: str) -> None:
    assert extract(html_document(page(STORY).encode(), media_type=media_type)).text == TEXT


def test_plain_text_is_known_by_its_look() -> None:
    assert extract(html_document(f"{TITLE}\n\n{TEXT}\n".encode(), media_type="")).text == TEXT


def test_a_feed_is_no_article() -> None:
    feed = b'<?xml version="1.0"?><rss version="2.0"><channel><title>Courier</title></channel></rss>'
    assert extract(html_document(feed, media_type="text/xml")).verdict is Verdict.NOT_ARTICLE


MARKUP = st.sampled_from(
    (
        "<p>", "</p>", "<div class='", "'>", "<a href='", "<b>", "</b>", "<script>", "</script>", "<!--", "-->",
        "<table>", "<td>", "<br>", "&#0;", "&#xD800;", "&amp", "\x00", "\ud800", "<svg>", "<pre>", "<textarea>",
        "<title>", "<h1>", "<time datetime='", '"', "'", ">", "<plaintext>", "<template>", "<select>", "<form>",
        "<meta name='author' content='", '<script type="application/ld+json">{"@type":', '"NewsArticle","author":',
        "[{", "}]", PARAGRAPHS[0], TITLE,
    )
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(MARKUP | st.text(max_size=20), max_size=40).map("".join))
def test_any_markup_gives_clean_fields(html: str) -> None:
    assert is_clean(extract_html(html, URL))
    assert is_clean(extract_fragment(html, URL, html[:50]))
    assert is_clean(extract_text(html))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(pages.MARKUPS)), st.data())
def test_a_damaged_page_gives_clean_fields(markup: str, data: st.DataObject) -> None:
    body = bytearray(pages.MARKUPS[markup]().encode())
    for _ in range(data.draw(st.integers(0, 20))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=10))
    charset = data.draw(st.sampled_from([None, "utf-8", "latin-1", "utf-16", "gb18030"]))
    media_type = data.draw(st.sampled_from(["text/html", "text/plain", ""]))
    assert is_clean(extract(RawDocument(URL, bytes(body) or b" ", media_type, charset)))


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(["text/html", "text/plain", "", "application/xml"]),
    st.sampled_from([None, "utf-8", "cp932"]),
)
def test_any_bytes_give_a_verdict(body: bytes, media_type: str, charset: str | None) -> None:
    assert is_clean(extract(RawDocument("not a url", body, media_type, charset)))


@pytest.mark.parametrize(
    "html",
    [
        "<nav>" * 100_000 + STORY,
        ("<nav>" * 20 + "<b>x</b>" * 10_000 + "</nav>") * 12,
        "<nav><a href=x>" * 50_000 + "</nav>" * 50_000,
        "<ul><li><a href=x>x</a></li>" * 100_000,
        "<svg></svg>" * 500_000 + STORY,
        "<ul g </span></h3>" * 100_000,
        "<table></div><div>" * 50_000,
        f"<p>x</p {' '.join(f'a{n}=1' for n in range(60_000))}>{STORY}",
        f"<p {' '.join(f'a{n}=1' for n in range(60_000))} <b class=x>{STORY}",
        "<template>" * 100_000 + STORY,
        "<script></scrip" * 100_000,
        f'<script id="__NEXT_DATA__" type="application/json">["{"ab cd " * 20_000}", "{"a" * 900_000} b."]</script>',
        "<xmp><style><!--" * 50_000,
        f"<script>{'x=[' * 300_000}</script>",
        f"<script>{'x={' * 10}{'[' * 900_000}</script>" * 3,
        f"<script>{'self.f.push([1,0]);' * 50_000}</script>",
    ],
    ids=range(16),
)
def test_markup_that_costs_much_to_parse_is_read_within_two_seconds(html: str) -> None:
    body = html.encode()
    start = time.process_time()
    assert is_clean(extract(html_document(body)))
    assert time.process_time() - start < 2.0


def test_an_end_tag_that_the_parser_left_raw_does_not_stop_the_scan() -> None:
    assert [block.text for block in scan_markup("<p>x</p></</nav>ol><p>y</p>").blocks] == ["x", "y"]


def test_thousands_of_lists_that_are_half_links_are_read_in_time() -> None:
    linked = "<li><a href=x>A council that decides on boats</a></li>"
    items = f"{linked}<li>is one thing, and ships that wait for their engineers all winter are another.</li>"
    lists = f"<ul>{items}</ul>" * 9_000
    body = html_document(f"<article>{paragraphs(*PARAGRAPHS)}{lists}</article>".encode())
    start = time.process_time()
    assert is_clean(extract(body))
    assert time.process_time() - start < 1.5


def test_a_text_of_many_lines_is_read_in_time() -> None:
    start = time.process_time()
    assert is_clean(extract(html_document(b"Ferries\n\n" * 900_000, media_type="text/plain")))
    assert time.process_time() - start < 1.5
