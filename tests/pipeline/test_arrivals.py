"""Whatever comes first, the links are the same in the end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from crawler import urls
from crawler.clock import SystemClock
from crawler.jobs.importing import read_batch, settle_pending
from crawler.model import Article, Removal, Role
from crawler.pipeline.cpu import CpuPool
from crawler.pipeline.tally import Tally
from crawler.settings import DatabaseSettings, LinkSettings
from crawler.store import Store
from tests.stories import story

Event = Article | Removal


def delivery(name: str, number: str, *, later: int = 0, text: str = "") -> Article:
    """An original as a vendor sends it; `later`: hours by which its message is newer."""
    told = story(name)
    return replace(
        told,
        id=urls.vendor_article_id(told.publisher, number),
        role=Role.ORIGIN,
        vendor_id=number,
        vendor_source="WIRE",
        modified=(told.published or SystemClock().now()) + timedelta(hours=later),
        text=text or told.text,
    )


def page(name: str) -> Article:
    told = story(name)
    url = f"https://copies.example/{name}"
    return replace(told, id=urls.article_id(url), url=url, role=Role.AGGREGATOR, first_seen=told.published)


FERRY = delivery("ferry-original", "W1")
EVENTS: tuple[Event, ...] = (
    FERRY,
    # Replaced by what is another story altogether, then by the story itself with a line more.
    delivery("ferry-original", "W1", later=1, text=story("mansion-original").text),
    delivery("ferry-original", "W1", later=2, text=f"{FERRY.text}\n\nThis version adds a line."),
    delivery("port-original", "W2"),
    Removal("W2", None, (story("port-original").published or SystemClock().now()) + timedelta(hours=3)),
    delivery("wrap-january-original", "W3"),
    delivery("wrap-march-original", "W4"),
    *(
        page(name)
        for name in ("ferry-spun", "ferry-condensed", "ferry-independent", "port-severe", "wrap-january-spun")
    ),
)


async def links_after(events: Sequence[Event], folder: Path, *, settle_often: bool) -> dict[str, tuple[str, float]]:
    """Page → original and score, once all has arrived and all is decided."""
    settings = DatabaseSettings(url=f"sqlite+aiosqlite:///{folder}/wire.db")
    async with (
        await Store.open(settings, SystemClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        for event in events:
            if isinstance(event, Removal):
                await store.remove(event)
            else:
                ((article, fingerprint),) = await cpu.run(read_batch, [event])
                await store.store_article(article, fingerprint)
            if settle_often:
                await settle_pending(store, cpu, Tally())
        await settle_pending(store, cpu, Tally())
        rows = [row async for row in store.export_links()]
    return {row["rewrite"]["url"]: (row["original"]["id"], row["score"]) for row in rows}


@pytest.mark.parametrize("seed", range(4))
async def test_the_order_of_arrival_changes_no_link(seed: int, tmp_path: Path) -> None:
    expected = {
        page("ferry-spun").url: FERRY.id,
        page("ferry-condensed").url: FERRY.id,
        page("wrap-january-spun").url: delivery("wrap-january-original", "W3").id,
    }
    (tmp_path / "in order").mkdir()
    in_order = await links_after(EVENTS, tmp_path / "in order", settle_often=False)
    assert {url: original for url, (original, _) in in_order.items()} == expected
    shuffled = list(EVENTS)
    random.Random(seed).shuffle(shuffled)
    assert await links_after(shuffled, tmp_path, settle_often=seed % 2 == 0) == in_order
