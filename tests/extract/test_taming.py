"""What is cut out of a page before it is parsed, and what must not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extract import extract_html
from crawler.extract.document import canonical_markup
from crawler.extract.taming import trimmed
from tests.extract.pages import PARAGRAPHS, TEXT, TITLE, URL, page, paragraphs

STORY = f"<article><h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS)}</article>"


@pytest.mark.parametrize(
    "cut",
    [
        b"<script>if (a < b) { document.write('<p>no</p>') }</script>",
        b'<SCRIPT TYPE="text/javascript">x</Script >',
        b"<style>p > a { color: red }</style>",
        b"<svg viewBox='0 0 1 1'><path d='M0 0'/></svg>",
    ],
)
def test_scripts_styles_and_drawings_are_cut_out(cut: bytes) -> None:
    assert trimmed(b"<p>before</p>" + cut + b"<p>after</p>") == b"<p>before</p><p>after</p>"


@pytest.mark.parametrize(
    "kept",
    [
        b'<script type="application/ld+json">{"a": 1}</script>',
        b"<!-- <script> --><p>x</p><!-- </script> -->",
        b"<title>How a <script> tag works</title><p>x</p><script>y</script>",
        b'<p title="<script">x</p>',
        b"<svg><svg></svg></svg>",
        b"<script><!-- document.write('<script>x</script>') --></script>",
        b"<script>never ends",
        b"<!-- never ends <script>x</script>",
    ],
)
def test_what_has_no_certain_end_is_left_to_the_parser(kept: bytes) -> None:
    assert trimmed(kept) == kept


@pytest.mark.parametrize(
    "between",
    [
        "<!-- <p>Not a word of this. -->",
        "<!-- a < b -->",
        "<!---->",
        "<!-->",
        "<?php echo 1 ?>",
        "<template><p>Not a word of this.</p></template>",
        "<select><option>Aldby<option>Torsund</select>",
        "<iframe><p>Not a word of this.</iframe>",
        "<object><object><p>Not a word of this.</p></object></object>",
        "<noembed><p>Not a word of this.</noembed>",
    ],
)
def test_what_is_no_text_does_not_shift_the_text(between: str) -> None:
    html = page(
        f"<article><h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS[:2])}{between}{paragraphs(*PARAGRAPHS[2:])}</article>"
    )
    assert extract_html(html, URL).text == TEXT


@given(
    st.lists(st.sampled_from(["<script>", "</script>", "<!--", "-->", "<svg>", "</svg>", "<style>", "</style>", "x"]))
)
def test_any_order_of_their_tags_leaves_the_story_in_front_of_them(tags: list[str]) -> None:
    html = page(STORY + "".join(tags))
    assert extract_html(html, URL).text.startswith(TEXT[:600])


@given(st.binary(max_size=200))
def test_any_bytes_are_one_document(body: bytes) -> None:
    markup = canonical_markup(body)
    assert markup.startswith(("<html", "<!DOCTYPE", "<!--", "<?"))
    markup.encode()


MENU = b'<nav class="top"><div><ul><li><a href="/a">World</a></li><li><a href="/b">Money</a></li></ul></div></nav>'


@pytest.mark.parametrize(
    "menu",
    [
        MENU,
        b'<ul class="menu"><li id="m1"><a href="/a">World</a></li>\n<li><a href="/b"><span>Money</span></a></li></ul>',
        b"<ul><li><span><a href=/a>World</a></span></li> <li><a href=/b>Money <b>new</b></a> </li> </ul>",
    ],
)
def test_a_menu_leaves_the_number_of_its_links(menu: bytes) -> None:
    assert trimmed(b"<p>before</p>" + menu + b"<p>after") == b'<p>before</p><hr data-menu="2"><p>after'


@pytest.mark.parametrize(
    "kept",
    [
        b"<nav><p>" + PARAGRAPHS[0].encode() + b"</p></nav>",
        b"<nav><h1>A title</h1></nav>",
        b"<nav><div><a href=/a>World</a></nav>",
        b"<!-- <nav> --><p>x</p></nav>",
        b"<nav>never ends",
        b"<nav><!-- </nav> --><p>x</p></nav>",
        b'<p title="<nav">x</p></nav>',
        b"<ul><li><a href=/a>World</a>: the ferries of the world</li></ul>",
        b"<ul><li>Bread</li><li><a href=/a>Butter</a></li></ul>",
        b"<ul><li><a href=/a>" + b"Council decides on item after item " * 2 + b"</a></li></ul>",
    ],
)
def test_what_may_be_more_than_a_menu_stays(kept: bytes) -> None:
    assert trimmed(kept) == kept


@given(st.integers(0, 5), st.sampled_from([b"", b"<p>", b"<table><tr><td>", b"<b>"]))
def test_a_page_reads_the_same_without_its_menus(place: int, around: bytes) -> None:
    parts = [f"<p>{text}</p>".encode() for text in PARAGRAPHS]
    parts.insert(place, around + MENU)
    body = b"<article>" + b"".join(parts) + b"</article>"
    assert extract_html(body.decode(), URL).text == TEXT
