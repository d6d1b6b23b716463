"""The comparison where the original's text is kept no longer: the page's passages, and where they stood."""

from __future__ import annotations

from crawler.interchange import link_id
from crawler.model import Evidence, EvidenceKind
from crawler.store import Store
from crawler.store.imprints import Hashed
from tests.pages.conftest import FERRY, REWORDED, Browser
from tests.store.pieces import HOUR, StillClock, fingerprint, linked, original, page


def passage(rewrite: tuple[int, int], of: tuple[int, int] | None) -> Evidence:
    return Evidence(EvidenceKind.PASSAGE, rewrite=rewrite, original=of, similarity=0.7)


async def linked_and_hashed(store: Store, clock: StillClock) -> str:
    wire, copy = original(text=FERRY), page("one", text=REWORDED)
    await store.store_article(wire, fingerprint(1))
    await store.store_article(copy, fingerprint(2))
    second = FERRY.index("Two boats")
    evidence = (passage((0, 35), (0, 35)), passage((41, 80), (second, second + 20)), passage((82, 100), None))
    await store.record_decision(linked(copy, wire, evidence=evidence), reason="new")
    for task in await store.pending("w", 9, 60):
        await store.settle(task.article_id)
    overdue = await store.overdue_texts(clock.now() + HOUR, 9)
    assert await store.replace_texts([Hashed(one, b"hashes", False) for one in overdue]) == 1
    return link_id(copy.id, wire.id)


async def test_the_pages_passages_stand_with_the_originals_paragraphs(browser: Browser) -> None:
    link = await linked_and_hashed(browser.store, browser.clock)
    shown = await browser.get(f"/links/{link}")
    assert "Two boats" not in shown.text
    assert shown.texts(".text.original .places li") == ["1paragraph 1", "2paragraph 2", "3place not known"]
    assert all(shown.html.css_first(f".text.rewrite #r{number}") is not None for number in (1, 2, 3))
    assert not any("asked not to be indexed" in one for one in shown.texts(".notice"))
    report = await browser.get(f"/links/{link}/report")
    told = report.texts(".pairs .facts")
    assert any(one.startswith("Paragraph 2, characters") for one in told)
    assert any(one.startswith("Place not known") for one in told)
