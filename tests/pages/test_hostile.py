"""What strangers wrote is shown as they wrote it, and does nothing."""

from __future__ import annotations

import pytest

from crawler.model import Evidence, EvidenceKind
from crawler.web import passages, taming
from tests.pages.conftest import FERRY, Browser, put_link
from tests.store.pieces import fingerprint, linked, original, page

SCRIPT = "<script>alert(1)</script>"
HANDLER = '"><img src=x onerror=alert(2)>'
BIDI = "\u202etxet\u202c \u2066x\u2069"
HOSTILE = f"{SCRIPT} {HANDLER} {BIDI} {{{{ 7*7 }}}} &amp;"


async def put_hostile(browser: Browser) -> str:
    return await put_link(
        browser.store,
        "hostile",
        title=HOSTILE,
        text=f"{HOSTILE}\n\n{FERRY}",
        publisher=HOSTILE,
        byline=(HOSTILE,),
        site=HOSTILE,
        url="javascript:alert(3)",
    )


@pytest.mark.parametrize("path", ["/", "/links/{link}", "/articles/{page}", "/search?q=ferry", "/stories", "/sites"])
async def test_mark_up_in_a_page_is_text(browser: Browser, path: str) -> None:
    link = await put_hostile(browser)
    answer = await browser.get(path.format(link=link, page=page("hostile").id))
    assert answer.status == 200
    html = answer.html
    assert not [node for node in html.css("script") if "alert" in node.text()]
    assert not html.css("[onerror], img, [href^='javascript']")
    assert not any(character in answer.text for character in BIDI if ord(character) > 0x2000)
    assert "49" not in answer.texts("h1, h2")


async def test_a_search_for_mark_up_shows_it_as_text(browser: Browser) -> None:
    for query in (SCRIPT, HANDLER, BIDI, 'a" OR "b', "NEAR(", "title:x", "*", "\x00", "(((", "--", "a AND"):
        answer = await browser.session.get(browser.root + "/search", params={"q": query})
        assert answer.status == 200, query
        assert SCRIPT not in await answer.text()


async def test_the_title_of_a_link_stays_readable(browser: Browser) -> None:
    await put_hostile(browser)
    (title,) = (await browser.get("/")).texts("#links .open")
    assert title.startswith(f"{SCRIPT} {HANDLER}")


async def test_a_megabyte_of_text_is_shown_in_part_and_quickly(browser: Browser) -> None:
    link = await put_link(browser.store, "long", text="x" * 1_000_000, title="y" * 1_000_000)
    answer = await browser.get(f"/links/{link}")
    assert answer.status == 200
    assert len(answer.text) < 200_000
    assert any("940,000 more characters are not shown" in text for text in answer.texts(".notice"))
    assert len((await browser.get("/")).text) < 50_000


async def test_evidence_that_points_past_its_text_is_passed_over(browser: Browser) -> None:
    copy, wire = page("one", text="Short."), original(text=FERRY)
    await browser.store.store_article(wire, fingerprint(1))
    await browser.store.store_article(copy, fingerprint(2))
    wild = tuple(
        Evidence(EvidenceKind.PASSAGE, rewrite=span, original=span, similarity=0.5)
        for span in ((0, 9_999), (5, 2), (2, 4), (3, 6), (2, 4))
    )
    recorded = await browser.store.record_decision(linked(copy, wire, evidence=wild), worker=None, reason="new")
    answer = await browser.get(f"/links/{recorded.link_id}")
    assert answer.texts(".rewrite .body") == ["Sh3 ort."[:2] + "3or" + "t."]


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "https:///x", "//a.example", "http://[", ""],
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert taming.web_address(url) == ""


def test_what_is_replaced_is_replaced_one_for_one() -> None:
    text = "a\u202eb\x00c\u2069d\u200ee\r\nf"
    assert len(taming.tamed(text)) == len(text)


def test_an_evidence_of_thousands_of_marks_is_bounded() -> None:
    name = (Evidence(EvidenceKind.NAME, text="a"),)
    shown = passages.shown("a " * 30_000, name, "rewrite")
    assert sum(piece.term for paragraph in shown.paragraphs for run in paragraph for piece in run.pieces) <= 30_000
    lines = passages.shown("a\n\n" * 20_000, name, "rewrite")
    assert len(lines.paragraphs) == passages.MOST_PARAGRAPHS
    assert lines.left_out > 0
    marked = [piece.term for paragraph in lines.paragraphs for run in paragraph for piece in run.pieces]
    assert sum(marked) <= passages.MOST_MARKS
