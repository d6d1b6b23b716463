"""`db reindex`: the same links from a store that another linker signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from crawler.clock import SystemClock
from crawler.errors import LinkerMismatch
from crawler.jobs.importing import import_originals
from crawler.jobs.reindexing import reindex
from crawler.jobs.tracing import trace
from crawler.model import RawDocument
from crawler.settings import DatabaseSettings, RunSettings, Settings
from crawler.store import Store
from crawler.store.tables import fingerprints, linkers, original_postings, page_postings
from crawler.store.transaction import Transaction
from tests.stories import page_html, story


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite+aiosqlite:///{tmp_path / 'wire.db'}"
    return Settings(database=DatabaseSettings(url=url), run=RunSettings(processes=1))


@pytest.fixture
async def links(settings: Settings, tmp_path: Path) -> list[dict[str, Any]]:
    """The links of a store whose index another linker made, with keys that mean nothing to this one."""
    deliveries = tmp_path / "wire.txt"
    deliveries.write_text(f"{story('ferry-original').title}\n\n{story('ferry-original').text}\n")
    await import_originals(settings, [deliveries], clock=SystemClock(), publisher="The Wall Street Journal")
    body = page_html(story("ferry-spun")).encode()
    page = RawDocument(url="https://mirror.example/ferry", body=body, media_type="text/html")
    await trace(settings, page, clock=SystemClock(), keep=True)

    def make_old(tx: Transaction) -> None:
        tx.run(sa.update(linkers).values(linker="0-old"))
        for table in (original_postings, page_postings):
            tx.run(sa.update(table).values(key=table.c.key / 3))
        tx.run(sa.update(fingerprints).values(index_keys=b"", index_weights=b""))

    async with await Store.open(settings.database, SystemClock()) as store:
        await store._db.write(make_old)
    return await links_of(settings)


async def links_of(settings: Settings) -> list[dict[str, Any]]:
    async with await Store.open(settings.database, SystemClock()) as store:
        return [row async for row in store.export_links()]


async def test_a_store_of_another_linker_is_refused_till_it_is_indexed_anew(
    settings: Settings, links: list[dict[str, Any]]
) -> None:
    assert len(links) == 1
    page = RawDocument(url="https://mirror.example/new", body=page_html(story("ferry-spun")).encode())
    with pytest.raises(LinkerMismatch, match=r"0-old.*wiretrace db reindex"):
        await trace(settings, page, clock=SystemClock())
    report = await reindex(settings, clock=SystemClock())
    assert (report.signed, report.pages) == (2, 1)
    assert await links_of(settings) == links
    assert (await trace(settings, page, clock=SystemClock())).decision.link is not None


async def test_a_store_of_this_linker_is_left_as_it_is(settings: Settings, links: list[dict[str, Any]]) -> None:
    await reindex(settings, clock=SystemClock())
    again = await reindex(settings, clock=SystemClock())
    assert (again.signed, again.pages) == (0, 0)
    assert await links_of(settings) == links
