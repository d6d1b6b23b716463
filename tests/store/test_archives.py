"""What the store knows of archives: how far they were read, what they have of a page, and since when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crawler.errors import NotFound
from crawler.interchange import link_id
from crawler.model import ArchiveRecord, Article, LinkState
from crawler.store import ArchiveProgress, Store, StoreOutcome
from tests.store.pieces import HOUR, NOON, StillClock, fingerprint, linked, original, page

RECORD = ArchiveRecord("NEWS-01.warc.gz", 421, "<urn:uuid:1>")


def captured(hours: float, **other: Any) -> Article:
    """The page as an archive had it so many hours before noon."""
    at = NOON - hours * HOUR
    return replace(page(), fetched=at, captured=at, **other)


async def settle(store: Store) -> list[str]:
    """Ends what is pending; the reasons."""
    pending = await store.pending("setup", 9, 60)
    for task in pending:
        await store.settle(task.article_id, worker="setup")
    return [task.reason for task in pending]


async def test_progress_is_what_was_noted_last(store: Store, clock: StillClock) -> None:
    assert await store.archive_progress("k") is None
    await store.note_progress(ArchiveProgress("k", "a.warc.gz", "/old/a.warc.gz", 7, 1))
    clock.pass_by(5)
    await store.note_progress(ArchiveProgress("k", "a.warc.gz", "/new/a.warc.gz", 6_000_000_000, 2))
    expected = ArchiveProgress("k", "a.warc.gz", "/new/a.warc.gz", 6_000_000_000, 2, clock.now())
    assert await store.archive_progress("k") == expected
    assert await store.archives() == [expected]


async def test_archives_of_one_name_are_told_the_last_read_first(store: Store, clock: StillClock) -> None:
    for key, path in (("1", "/one/a.warc"), ("2", "/two/a.warc"), ("3", "/b.warc")):
        await store.note_progress(ArchiveProgress(key, path.rpartition("/")[2], path))
        clock.pass_by(5)
    assert await store.archive_paths("a.warc") == ["/two/a.warc", "/one/a.warc"]


async def test_an_older_capture_never_takes_the_place_of_a_newer_text(store: Store) -> None:
    await store.store_article(captured(2, text="The ferry sails."), None)
    older = await store.store_article(captured(3, text="The ferry may sail."), None)
    assert older.outcome is StoreOutcome.STALE
    newer = await store.store_article(captured(1, text="The ferry sailed."), None)
    assert newer.outcome is StoreOutcome.CHANGED
    held = await store.article(page().id)
    assert held is not None
    assert (held.text, held.fetched) == ("The ferry sailed.", NOON - HOUR)


async def test_the_earliest_capture_is_remembered_and_first_seen_is_our_own_clock(store: Store) -> None:
    for hours in (5, 9, 7):
        await store.store_article(captured(hours), fingerprint(1))
    held = await store.article(page().id)
    assert held is not None
    assert (held.first_seen, held.captured) == (NOON, NOON - 9 * HOUR)


async def test_a_page_is_decided_again_when_an_archive_had_it_earlier(store: Store) -> None:
    await store.store_article(page(), fingerprint(1))
    assert await settle(store) == ["new"]
    await store.store_article(captured(5), fingerprint(1))
    assert await settle(store) == ["an archive has an earlier capture"]
    await store.store_article(captured(4), fingerprint(1))
    assert await settle(store) == []


async def test_a_page_that_we_fetched_before_the_archive_did_has_no_capture(store: Store, clock: StillClock) -> None:
    await store.store_article(page(), fingerprint(1))
    clock.pass_by(7_200)
    later = replace(page(), fetched=NOON + HOUR, captured=NOON + HOUR, text="Later.")
    assert (await store.store_article(later, fingerprint(1))).outcome is StoreOutcome.CHANGED
    held = await store.article(page().id)
    assert held is not None
    assert (held.text, held.captured) == ("Later.", None)


@pytest.mark.parametrize("state", [LinkState.NEW, LinkState.CONFIRMED])
async def test_a_link_without_a_record_gets_the_first_that_its_page_has(store: Store, state: LinkState) -> None:
    await store.store_article(original(), fingerprint(1))
    await store.store_article(page(), fingerprint(1))
    await store.record_decision(linked(page(), original()), reason="decided")
    identifier = link_id(page().id, original().id)
    await store.judge_link(identifier, state, "seen")
    assert await store.archive_record(identifier) is None
    for number in (1, 2):
        await store.store_article(replace(page(), archive=replace(RECORD, offset=number)), fingerprint(1))
    found = await store.archive_record(identifier)
    assert found == await store.archive_record(page().id) == await store.archive_record(page().url)
    assert found == replace(RECORD, offset=1)
    told = [change async for change in store.changes() if change.id == identifier]
    assert told[-1].reason == "its page is in the archive now"
    assert told[-1].state is not None
    assert told[-1].state["archive"] == {"file": RECORD.file, "offset": 1, "record_id": RECORD.record_id}


async def test_what_is_not_stored_has_no_record(store: Store) -> None:
    with pytest.raises(NotFound, match="expected the id of a link or article"):
        await store.archive_record("https://copy.example/none")
