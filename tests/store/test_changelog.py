from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.errors import StoreError, UsageError
from crawler.interchange import article_to_json, link_from_json, link_id
from crawler.model import Action, Article, Completeness, Kinship, LinkState, Place, Removal
from crawler.settings import DatabaseSettings
from crawler.store import Store
from crawler.store.tables import articles, links, places, stories
from crawler.store.transaction import Transaction
from tests.databases import fresh_database
from tests.store.pieces import HOUR, NOON, StillClock, claim, delivery, fingerprint, linked, original, page, unlinked
from tests.store.replaying import Held, exported, nothing_held, replay


async def assert_same_as_the_tables(store: Store, held: Held) -> None:
    def body(tx: Transaction) -> tuple[set[str], set[str]]:
        live = tx.all(sa.select(articles.c.id).where(articles.c.state == "live"))
        linked_now = tx.all(sa.select(links.c.id).where(links.c.state != "retracted"))
        return {row.id for row in live}, {row.id for row in linked_now}

    live, link_ids = await store._db.read(body)
    assert set(held["article"]) == live
    assert set(held["link"]) == link_ids
    for identifier, article in (await store.articles(live)).items():
        attribution = held["article"][identifier].get("attribution")
        assert held["article"][identifier] == article_to_json(article, attribution)  # type: ignore[arg-type]
        assert (attribution is not None) == (await store.attribution_of(identifier) is not None)
        link = await store.link_of(identifier)
        told = [
            link_from_json(row)
            for row in held["link"].values()
            if row["state"] != "rejected" and row["rewrite"]["id"] == identifier  # type: ignore[index]
        ]
        assert told == ([link] if link is not None else [])
    by_link: dict[str, set[str]] = {}
    for row in held["link"].values():
        if row["state"] != "rejected":
            by_link.setdefault(row["original"]["id"], set()).add(row["rewrite"]["id"])  # type: ignore[index]
    await assert_same_stories(store, held, by_link)


async def assert_same_stories(store: Store, held: Held, by_link: dict[str, set[str]]) -> None:
    def body(tx: Transaction) -> tuple[dict[str, str], dict[str, tuple[int, str | None]]]:
        first = articles.alias("first")
        placed = sa.select(articles.c.id, first.c.id.label("first_id")).select_from(places)
        placed = placed.join(articles, articles.c.no == places.c.article_no)
        placed = placed.join(first, first.c.no == places.c.first_no)
        told = {row.id: (row.size, row.merged_into) for row in tx.all(sa.select(stories))}
        return {row.id: row.first_id for row in tx.all(placed)}, told

    placed, told = await store._db.read(body)
    assert {page: row["story"] for page, row in held["member"].items()} == placed
    expected = {story: set(pages) for story, pages in by_link.items()}
    for identifier, first in placed.items():
        expected.setdefault(first, set()).add(identifier)
    assert {story: len(pages) + 1 for story, pages in expected.items()} == {
        story: size for story, (size, _) in told.items() if size > 1
    }
    # A page that is part of another story keeps its members only till they are decided anew.
    merged = {story for story, (_, into) in told.items() if into is not None}
    assert not merged & {into for _, into in told.values()}  # an alias names the story itself, not another alias
    assert merged <= {*placed, *(page for pages in by_link.values() for page in pages)}
    live = {story: pages for story, pages in expected.items() if story not in merged}
    assert {key: {one["id"] for one in row["members"]} for key, row in held["story"].items()} == live  # type: ignore[attr-defined]
    for story, row in held["story"].items():
        assert row["size"] == len(live[story]) + 1
        assert row["aliases"] == sorted(alias for alias, (_, into) in told.items() if into == story)


HEADLINES = ("Ferry line to reopen", "Harbour wall to be raised")
steps = st.tuples(
    st.sampled_from(["page", "delivery", "teaser", "remove", "remove-source", "decide", "join", "claim", "judge"]),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 3),
)


async def take(store: Store, step: tuple[str, int, int, int]) -> None:
    """One thing that may happen to a store."""
    kind, one, two, three = step
    number, path = f"TW{two}", f"p{one}"
    teaser = original(f"t{two}", completeness=Completeness.TEASER, title=HEADLINES[three % 2], text="Short.")
    if kind == "page":
        await store.store_article(page(path, text=f"Text {three}."), fingerprint(one))
    elif kind == "delivery":
        given = delivery(number, modified=NOON + three * HOUR, title=HEADLINES[one % 2], text=f"Text {three}.")
        await store.store_article(given, fingerprint(two))
    elif kind == "teaser":
        await store.store_article(teaser, fingerprint(two))
    elif kind == "remove":
        await store.remove(Removal(number, None, NOON + three * HOUR))
    elif kind == "remove-source":
        await store.remove(Removal(None, "TIDE", NOON + (three - 2) * HOUR))
    elif await store.article(page(path).id) is None:
        return
    elif kind == "judge":
        state = (LinkState.CONFIRMED, LinkState.REJECTED, LinkState.NEW)[three % 3]
        try:
            await store.judge_link(link_id(page(path).id, delivery(number).id), state, "looked at")
        except (StoreError, UsageError):
            return
    elif kind == "join":
        await join(store, page(path), page(f"p{two}"))
    elif kind == "claim":
        await store.record_decision(unlinked(page(path), claim(teaser if three else None)), reason="decided")
    else:
        decision = linked(page(path), delivery(number), score=0.9 + three / 100) if three else unlinked(page(path))
        await store.record_decision(decision, reason="decided")


async def join(store: Store, member: Article, first: Article) -> None:
    """Has a page decided to belong to another's story, never both to each other's."""
    if member.id <= first.id or await store.article(first.id) is None:
        return
    found = Place(first.id, await version_of(store, first.id), Kinship.COPY, 0.9)
    await store.record_decision(unlinked(member), found, reason="decided")


async def version_of(store: Store, article_id: str) -> int:
    def body(tx: Transaction) -> int:
        return int(tx.scalar(sa.select(articles.c.version).where(articles.c.id == article_id)))

    return await store._db.read(body)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=5, max_size=40))
def test_who_replays_the_log_holds_what_the_store_holds(
    shared_folder: Path, tmp_path: Path, sequence: list[tuple[str, int, int, int]]
) -> None:
    async def work(url: str) -> None:
        async with await Store.open(DatabaseSettings(url=url), StillClock()) as store:
            await _run(store, sequence)

    for leftover in tmp_path.glob("wiretrace.db*"):
        leftover.unlink()
    with fresh_database("sqlite", shared_folder, tmp_path) as url:
        asyncio.run(work(url))


@pytest.mark.full
async def test_a_long_life_of_a_store_can_be_replayed_on_both_engines(store: Store) -> None:
    random = Random(11)
    kinds = [
        "page",
        "delivery",
        "teaser",
        "remove",
        "remove-source",
        *["decide"] * 3,
        *["join"] * 3,
        "claim",
        "judge",
        "judge",
    ]
    sequence = [(random.choice(kinds), *(random.randrange(n) for n in (3, 3, 4))) for _ in range(240)]
    await _run(store, sequence)


async def _run(store: Store, sequence: list[tuple[str, int, int, int]]) -> None:
    held: Held = nothing_held()
    seen = 0
    for place, step in enumerate(sequence):
        await take(store, step)
        if place % 7 == 0:  # a consumer that comes now and then and takes up where it was
            await replay(store, seen, held)
            seen = max([seen, *[change.seq async for change in store.changes(seen)]])
    await replay(store, seen, held)
    assert held == await replay(store)
    assert held == await exported(store)
    await assert_same_as_the_tables(store, held)
    numbers = [change.seq async for change in store.changes()]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_the_store_can_be_read_as_of_a_time(store: Store, clock: StillClock) -> None:
    random = Random(5)
    kinds = ["page", "delivery", "teaser", "decide", "decide", "join", "claim", "judge"]
    then: dict[int, Held] = {}
    for turn in range(40):
        clock.pass_by(60)
        await take(store, (random.choice(kinds), *(random.randrange(n) for n in (3, 3, 4))))
        then[turn] = await replay(store)
    for turn in (0, 7, 20, 33):
        moment = NOON + timedelta(seconds=60 * (turn + 1), milliseconds=1)
        assert await exported(store, as_of=moment) == then[turn]
    assert await exported(store, as_of=NOON) == nothing_held()


async def test_since_a_number_or_a_time_gives_what_changed_after_it(store: Store, clock: StillClock) -> None:
    for path in ("a", "b", "c"):
        await store.store_article(page(path), None)
        clock.pass_by(60)
    assert [row["id"] async for row in store.export_articles(since=2)] == [page("c").id]
    by_time = [row["id"] async for row in store.export_articles(since=NOON + timedelta(seconds=60))]
    assert by_time == [page("b").id, page("c").id]
    assert [change.seq async for change in store.changes(1, limit=1)] == [2]


async def test_time_in_the_log_never_goes_back_with_the_clock(store: Store, clock: StillClock) -> None:
    await store.store_article(page("a"), None)
    clock.pass_by(-3600)
    await store.store_article(page("b"), None)
    assert [change.at async for change in store.changes()] == [NOON, NOON]


async def test_a_failed_transaction_leaves_no_gap(store: Store) -> None:
    from crawler.model import Subject
    from crawler.store.transaction import Note

    def breaks(tx: Transaction) -> None:
        tx.note(Note(Subject.ARTICLE, Action.CREATED, "x", "never told"))
        tx.run(sa.insert(articles), {"no": 1})

    await store.store_article(page("a"), None)
    with pytest.raises(StoreError):
        await store._db.write(breaks)
    await store.store_article(page("b"), None)
    assert [change.seq async for change in store.changes()] == [1, 2]


async def test_a_reader_of_the_log_never_sees_a_number_before_a_smaller_one(store: Store) -> None:
    seen: list[int] = []

    async def read() -> None:
        while len(seen) < 60:
            seen.extend([change.seq async for change in store.changes(seen[-1] if seen else 0)])

    async def write(worker: int) -> None:
        for turn in range(15):
            await store.store_article(page(f"{worker}-{turn}"), fingerprint(worker, turn))

    await asyncio.gather(read(), *(write(worker) for worker in range(4)))
    assert seen == list(range(1, 61))
