"""Names and URLs of the sources that are there, and what is free beside them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from crawler.errors import UsageError
from crawler.jobs.held_sources import HeldSources, checked_source
from crawler.jobs.opml import export_opml, import_opml
from crawler.model import Role
from crawler.settings import DatabaseSettings
from crawler.store import SourceRecord, Store
from tests.store.pieces import NOON, StillClock, source


def held(*sources: object) -> HeldSources:
    return HeldSources(SourceRecord(one, "ok") for one in sources)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["http://harbour.example/feed", "https://HARBOUR.example:443/feed/", "https://harbour.example/feed#top"]
)
def test_spellings_of_one_url_are_one(url: str) -> None:
    assert held(source("Post")).named(url) == "Post"


@pytest.mark.parametrize("url", ["https://harbour.example/feed?edition=2", "https://www.harbour.example/feed"])
def test_what_may_be_another_document_is_another(url: str) -> None:
    assert held(source("Post")).named(url) is None


def test_a_source_that_went_from_the_file_names_its_url_no_more_but_keeps_its_name() -> None:
    known = held(source("Post", enabled=False))
    assert known.named("https://harbour.example/feed") is None
    assert known.free_name("Post", "https://harbour.example/feed") == "Post (harbour.example)"


def test_a_name_that_is_taken_gets_its_host_and_then_a_number() -> None:
    known = held(source("Post"))
    names = []
    for number in range(4):
        url = f"https://harbour.example/{number}"
        names.append(known.free_name(" Post ", url))
        known.take(source(names[-1], url=url))
    host = "Post (harbour.example)"
    assert names == [host, f"{host} 2", f"{host} 3", f"{host} 4"]
    assert known.free_name(" \t", "https://dale.example/rss/") == "dale.example/rss"


def test_names_are_as_long_as_names_may_be_and_thousands_of_one_name_take_no_time() -> None:
    known = held()
    begun = time.perf_counter()
    for number in range(5_000):
        url = f"https://harbour.example/{number}"
        name = known.free_name("x" * 300, url)
        assert len(name) <= 200
        known.take(source(name, url=url))
    assert time.perf_counter() - begun < 2


def test_a_fault_of_a_source_is_told_with_its_key() -> None:
    values = {"name": "Post", "url": "https://harbour.example/", "role": Role.ORIGIN, "interval": 0.0}
    with pytest.raises(ValueError, match='interval: expected "adaptive" or seconds'):
        checked_source(values)


async def test_a_source_that_is_no_document_of_the_web_is_in_no_list_and_in_no_ones_way(tmp_path: Path) -> None:
    settings = DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'wire.db'}")
    async with await Store.open(settings, StillClock()) as store:
        await store.add_source(source("archive:crawl.warc.gz", url="archive:crawl.warc.gz"))
        await store.add_source(source("Post"))
        text = await export_opml(store, NOON)
        assert text.count("<outline") == 1
        report = await import_opml(store, text.encode(), "list", Role.AGGREGATOR, pytest.fail)
        assert (report.added, report.held) == (0, 1)
        with pytest.raises(UsageError):
            await store.add_sources([source("Post")])
