"""A crawl learns the furniture of the sites it reads, in the run that reads them."""

from __future__ import annotations

from dataclasses import replace

from crawler import daemon
from crawler.clock import SystemClock
from crawler.model import PARAGRAPH_BREAK, Article, Role
from crawler.store import Store
from tests.daemon.conftest import Configure
from tests.stories import feed, page_html, story
from tests.web import Web

NOTE = (
    "This paper is put together by hand on the old quay. Its makers are glad of letters, of pictures of boats and of "
    "every correction, and they answer most of what they are sent."
)


def told(number: int) -> Article:
    parts = [
        f"The ferry number {number * 10 + part} sails at dawn, and {part * 7 + number} people wait for it on the quay, "
        f"where the snow of the year {1900 + number * 10 + part} is still told of."
        for part in range(5)
    ]
    return replace(story("ferry-spun"), title=f"Ferry {number} sails", text=PARAGRAPH_BREAK.join([*parts, NOTE]))


async def test_one_pass_stores_all_pages_of_a_site_without_its_furniture(configure: Configure, store_url: str) -> None:
    async with Web("127.0.0.3") as site:
        pages = {f"/ferry/{number}": told(number) for number in range(12)}
        for path, article in pages.items():
            site.page(path, page_html(article))
        items = [(site.url(path), article) for path, article in pages.items()]
        site.page("/feed", feed(items), media="application/rss+xml")
        settings = configure(database=store_url, site=(site.url("/feed"), Role.AGGREGATOR))
        result = await daemon.run(settings, once=True)
        assert (result.tally.new, result.tally.failed.total()) == (12, 0)
        async with await Store.open(settings.database, SystemClock()) as store:
            stored = {row["url"]: row["text"] async for row in store.export_articles()}
            assert await store.site_work("w", 1.0) == []
        own = {site.url(path): article.text.removesuffix(PARAGRAPH_BREAK + NOTE) for path, article in pages.items()}
        assert stored == own
