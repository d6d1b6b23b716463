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
