"""Deliveries stored by the batch: the store that the same articles give one by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import LinkerMismatch
from crawler.model import Article, Completeness, Fingerprint, Removal, Side
from crawler.settings import DatabaseSettings
from crawler.store import Store, StoreOutcome
from tests.databases import fresh_database
from tests.store.pieces import HOUR, NOON, StillClock, delivery, fingerprint, original, page

Pair = tuple[Article, Fingerprint | None]


def teaser(headline: str) -> Article:
    return original("teaser", title=headline, completeness=Completeness.TEASER)


def feed(number: str, **other: Any) -> Article:
    """A delivery under no address that a page could be met under."""
    return delivery(number, url=f"factiva:{number}", **other)


BEFORE: list[Pair] = [
    (feed("HELD"), fingerprint(1, 2)),
    (feed("OLD", modified=NOON + HOUR), fingerprint(2, 3)),
    (teaser("Boats are back"), fingerprint(5)),
    (page(), fingerprint(1, 9)),
]
REMOVED = [
    Removal(vendor_id="GONE", vendor_source=None, at=NOON + HOUR),
    Removal(vendor_id=None, vendor_source="SHUT", at=NOON + HOUR),
]
BATCH: list[Pair] = [
    (feed("N1"), fingerprint(1, 2, 3)),
    (feed("N2", title="Another\x00 headline", vendor_source=None), fingerprint(4)),
    (feed("N3"), None),  # no words that the linker takes
    (feed("HELD"), fingerprint(1, 2)),
    (feed("OLD"), fingerprint(2, 3)),
    (feed("GONE"), fingerprint(6)),
    (feed("S1", vendor_source="SHUT"), fingerprint(7)),
    (feed("S2", vendor_source="SHUT", modified=NOON + 2 * HOUR), fingerprint(8)),
    (feed("FULL", title="Boats are back"), fingerprint(5, 6)),
    (original("ferry"), fingerprint(10)),
    (delivery("N4", url="https://wire.example/met"), fingerprint(11)),
    (feed("N5"), fingerprint(12, 1)),
    (feed("N6", title="Boats are back"), fingerprint(13)),
    (feed("N7", modified=None, published=None), fingerprint(14)),
    (feed("N8", title="", language="en", byline=("Ida Mell",)), fingerprint(15)),
]


async def _told(store: Store) -> dict[str, Any]:
    changes = sorted(
        [
            json.dumps([one.subject, one.action, one.id, one.reason, one.state], sort_keys=True, default=str)
            async for one in store.changes(0)
        ]
    )
    found = {
        side: await store.index.candidates(fingerprint(*range(1, 16)), side) for side in (Side.ORIGINAL, Side.TEASER)
    }
    return {
        "changes": changes,
        "found": found,
        "articles": await store.articles([article.id for article, _ in (*BEFORE, *BATCH)]),
        "fingerprints": await store.fingerprints([article.id for article, _ in (*BEFORE, *BATCH)]),
        "pending": sorted(one.article_id for one in await store.pending("w", 100, 1.0)),
    }


async def _filled(store: Store, batch: Sequence[Pair], *, together: bool) -> list[Any]:
    for article, mark in BEFORE:
        await store.store_article(article, mark)
    for removal in REMOVED:
        await store.remove(removal)
    if together:
        return list(await store.store_deliveries(batch))
    return [await store.store_article(article, mark) for article, mark in batch]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_batch_gives_the_store_that_its_articles_give_alone(engine: str, shared_folder: Path, tmp_path: Path) -> None:
    async def outcome(url: str, *, together: bool) -> tuple[list[Any], dict[str, Any]]:
        async with await Store.open(DatabaseSettings(url=url), StillClock()) as store:
            stored, told = await _filled(store, BATCH, together=together), await _told(store)
            again = await store.store_deliveries(BATCH)
            assert not {one.outcome for one in again} & {"created", "changed"}
            return stored, told

    found = []
    for together in (False, True):
        (here := tmp_path / str(together)).mkdir()
        with fresh_database(engine, shared_folder, here) as url:
            found.append(asyncio.run(outcome(url, together=together)))
    assert found[0] == found[1]


async def test_a_batch_of_another_linker_stores_nothing(store: Store) -> None:
    await store.store_article(page(), fingerprint(1))
    new = [
        (delivery("N1", url="factiva:N1"), fingerprint(1)),
        (delivery("N2", url="factiva:N2"), fingerprint(2, linker="2")),
    ]
    with pytest.raises(LinkerMismatch):
        await store.store_deliveries(new)
    assert await store.articles([article.id for article, _ in new]) == {}


async def test_what_was_delivered_before_is_known_without_a_fingerprint(store: Store) -> None:
    for article, mark in BEFORE:
        await store.store_article(article, mark)
    for removal in REMOVED:
        await store.remove(removal)
    told = await store.delivered([article for article, _ in BATCH])
    stored = dict(zip([article.id for article, _ in BATCH], await store.store_deliveries(BATCH), strict=True))
    assert told == {identifier: stored[identifier] for identifier in (feed("HELD").id, feed("OLD").id)}
    assert {one.outcome for one in told.values()} == {StoreOutcome.UNCHANGED, StoreOutcome.STALE}
