"""What is purged is gone: from every table, and from the file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from crawler.model import ArchiveRecord, Article, Blocks, Completeness, Side, SitePage
from crawler.settings import DatabaseSettings
from crawler.store import Hashed, Purge, Store
from tests.store.pieces import (
    HOUR,
    NOON,
    StillClock,
    claim,
    delivery,
    fingerprint,
    linked,
    original,
    page,
    unlinked,
)
from tests.store.replaying import exported, replay
from tests.store.test_imprints import contents

SECRET_TEXT = "Nobody but the licensee may read of the walrus at the quay. " * 40
CAPTION = "A walrus, seen from the customs house."
TITLE = "Walrus delays the ferry"
RECORD = ArchiveRecord("2026/pages.warc.gz", 1234, "<urn:uuid:1>")


def secret(number: str = "TW0001", **other: object) -> Article:
    fields = {"text": SECRET_TEXT, "captions": (CAPTION,), "title": TITLE, "source": "Licensed wire", **other}
    return delivery(number, **fields)


def copied(**other: object) -> Article:
    return page("copied", **{"archive": RECORD, "source": "Copy feed", "text": "A page about a walrus.", **other})


async def fill(store: Store, clock: StillClock) -> None:
    """An original in two versions, linked from a page in an archive; then another hour's original."""
    await store.store_article(secret(text=SECRET_TEXT + "First."), fingerprint(1, 2))
    await store.store_article(secret(modified=NOON + HOUR), fingerprint(1, 2))
    await store.store_article(copied(), fingerprint(1, 2))
    await store.record_decision(linked(copied(), secret(), archive=RECORD), reason="new")
    clock.pass_by(3600)
    await store.store_article(original("other"), fingerprint(3))


async def test_a_purge_by_accession_number_leaves_nothing_and_proves_it(store: Store, clock: StillClock) -> None:
    await fill(store, clock)
    done = await store.purge(Purge(vendor_id="TW0001"))
    assert done.ids == (secret().id,)
    assert done.before["versions"] == 2
    assert done.before["excerpts"] == 1
    assert done.before["archive pointers"] == 1
    assert set(done.after.values()) == {0}
    everything = await contents(store)
    for words in ("walrus at the quay", CAPTION, TITLE, "'passage'", '"passage"'):
        assert words not in everything
    assert await store.index.candidates(fingerprint(1, 2), Side.ORIGINAL) == []
    assert await store.link_of(copied().id) is None
    assert await store.article(original("other").id) is not None
    assert await replay(store) == await exported(store)


async def test_what_was_purged_does_not_come_back_with_an_old_message(store: Store, clock: StillClock) -> None:
    await fill(store, clock)
    await store.purge(Purge(received_before=clock.now()))
    assert (await store.store_article(secret(), fingerprint(1))).outcome == "stale"
    newer = secret(modified=clock.now() + HOUR)
    assert (await store.store_article(newer, fingerprint(1))).outcome == "created"


async def test_a_dry_run_tells_what_would_go_and_changes_nothing(store: Store, clock: StillClock) -> None:
    await fill(store, clock)
    before = await contents(store)
    planned = await store.would_purge(Purge(vendor_id="TW0001"))
    assert await contents(store) == before
    done = await store.purge(Purge(vendor_id="TW0001"))
    assert (planned.ids, planned.before) == (done.ids, done.before)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Purge(received_before=NOON + timedelta(seconds=1)), {"secret"}),
        (Purge(received_before=NOON + 2 * HOUR), {"secret", "other"}),
        (Purge(source="Licensed wire"), {"secret"}),
        (Purge(source="TIDE"), {"secret"}),
        (Purge(source="Copy feed"), {"copied"}),
        (Purge(source="Licensed wire", received_before=NOON), set()),
        (Purge(vendor_id="TW0001", source="Copy feed"), set()),
        (Purge(vendor_id="TW0002"), set()),
    ],
)
async def test_all_that_is_given_has_to_hold_and_pages_go_by_their_source_alone(
    store: Store, clock: StillClock, wanted: Purge, expected: set[str]
) -> None:
    await fill(store, clock)
    names = {secret().id: "secret", copied().id: "copied", original("other").id: "other"}
    assert {names[one] for one in (await store.purge(wanted)).ids} == expected
    assert {name for one, name in names.items() if await store.article(one) is None} == expected


async def test_a_page_goes_with_its_link_its_claim_and_what_its_site_remembers(store: Store, clock: StillClock) -> None:
    await fill(store, clock)
    teaser = original("teaser", completeness=Completeness.TEASER, title="A teaser")
    await store.store_article(teaser, fingerprint(7))
    site = SitePage("copy.example", Blocks(1, 9, (5,), (40,)), left_out=((0, "Walrus of the day"),))
    claiming = page("claiming", text="A walrus claims.", source="Copy feed")
    await store.store_article(claiming, fingerprint(8), page=site)
    await store.record_decision(unlinked(claiming, claim(teaser)), reason="new")
    done = await store.purge(Purge(source="Copy feed"))
    assert set(done.ids) == {copied().id, claiming.id}
    assert set(done.after.values()) == {0}
    assert done.archives == (RECORD.file,)
    everything = await contents(store)
    for words in ("A walrus claims", "Walrus of the day", "© Tidewater Wire", "A page about a walrus"):
        assert words not in everything
    assert await replay(store) == await exported(store)


async def test_hashes_are_purged_like_texts(store: Store, clock: StillClock) -> None:
    await fill(store, clock)
    await store.settle(secret().id)
    await store.text_key()
    due = await store.overdue_texts(clock.now(), 1)
    await store.replace_texts([Hashed(due[0], b"in its place", False)])
    done = await store.purge(Purge(vendor_id="TW0001"))
    assert (done.before["hashes"], done.after["hashes"]) == (1, 0)
    assert "in its place" not in await contents(store)


@pytest.mark.parametrize("way", ["purge", "hashes"])
async def test_no_byte_of_it_stays_in_the_file_of_a_sqlite_store(sqlite_url: str, clock: StillClock, way: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite+aiosqlite:///"))
    async with await Store.open(DatabaseSettings(url=sqlite_url), clock) as store:
        await fill(store, clock)
    assert b"walrus at the quay" in file.read_bytes()
    async with await Store.open(DatabaseSettings(url=sqlite_url), clock) as store:
        if way == "purge":
            await store.purge(Purge(vendor_id="TW0001"))
            assert not any(b"walrus at the quay" in one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
        else:
            await store.settle(secret().id)
            due = await store.overdue_texts(clock.now(), 1)
            await store.replace_texts([Hashed(due[0], b"x", False)])
    assert not any(b"walrus at the quay" in one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
