"""Stories of pages without an original, and what becomes of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.engine import Connection

from crawler.interchange import link_id
from crawler.model import Action, Article, Kinship, LinkState, Place, Removal, Role, Side, Subject
from crawler.settings import DatabaseSettings
from crawler.store import Store, schema
from crawler.store.stories import LARGE, LISTED
from crawler.store.tables import stories
from crawler.store.transaction import Note, Transaction
from tests.store.pieces import HOUR, NOON, StillClock, delivery, fingerprint, linked, page, unlinked
from tests.store.replaying import exported, replay

FIRST, SECOND, THIRD = (page(path) for path in ("first", "second", "third"))
ORIGINAL = delivery("TW1")


def part_of(first: Article, version: int = 1, **other: Any) -> Place:
    return Place(first.id, version, **{"relation": Kinship.REWRITE, "score": 0.9, **other})


async def join(store: Store, member: Article, first: Article, **other: Any) -> None:
    recorded = await store.record_decision(unlinked(member), part_of(first, **other), worker="w", reason="decided")
    assert recorded.current


@pytest.fixture
async def filled(store: Store) -> Store:
    for number, article in enumerate((FIRST, SECOND, THIRD, ORIGINAL)):
        await store.store_article(article, fingerprint(1, 10 + number))
    await take_all(store)
    return store


async def take_all(store: Store) -> dict[str, str]:
    """What is to be decided, and why; it is off the list then."""
    found = {task.article_id: task.reason for task in await store.pending("w", 99, 60)}
    for article_id in found:
        await store.settle(article_id, worker="w")
    return found


async def told(store: Store, since: int = 0) -> list[tuple[str, str, str]]:
    return [(change.subject.value, change.action.value, change.id) async for change in store.changes(since)]


async def only_story(store: Store) -> Mapping[str, Any]:
    (row,) = [row async for row in store.export_stories()]
    return row


async def head(store: Store) -> int:
    return max([change.seq async for change in store.changes()])


async def on_side(store: Store, side: Side) -> set[str]:
    return {one.article_id for one in await store.index.candidates(fingerprint(1), side)}


# --- what is told --------------------------------------------------------------------------------------------


async def test_a_page_with_another_of_its_story_is_told_as_a_story(filled: Store) -> None:
    since = await head(filled)
    await join(filled, SECOND, FIRST)
    assert await told(filled, since) == [("member", "created", SECOND.id), ("story", "created", FIRST.id)]
    assert await only_story(filled) == {
        "id": FIRST.id,
        "title": FIRST.title,
        "publisher": FIRST.publisher,
        "url": FIRST.url,
        "published": "2026-03-02T11:00:00Z",
        "aliases": [],
        "size": 2,
        "members": [
            {
                "id": SECOND.id,
                "url": SECOND.url,
                "title": SECOND.title,
                "publisher": SECOND.publisher,
                "relation": "rewrite",
                "score": 0.9,
                "via": FIRST.id,
                "link": None,
            }
        ],
    }


async def test_a_member_by_its_link_names_the_link(filled: Store) -> None:
    await filled.record_decision(linked(FIRST, ORIGINAL), reason="decided")
    story = await only_story(filled)
    (member,) = story["members"]
    assert (story["size"], member["via"], member["link"]) == (2, ORIGINAL.id, link_id(FIRST.id, ORIGINAL.id))


async def test_a_page_by_itself_is_no_story(filled: Store) -> None:
    await filled.record_decision(unlinked(FIRST), Place(), reason="decided")
    assert [row async for row in filled.export_stories()] == []


async def test_the_same_place_again_writes_nothing_to_the_log(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    since = await head(filled)
    await join(filled, SECOND, FIRST)
    assert await told(filled, since) == []


async def test_a_story_follows_the_score_of_its_member(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    since = await head(filled)
    await join(filled, SECOND, FIRST, score=0.95)
    assert await told(filled, since) == [("member", "changed", SECOND.id), ("story", "changed", FIRST.id)]
    (member,) = (await only_story(filled))["members"]
    assert member["score"] == 0.95


async def test_a_story_follows_the_headline_of_its_page(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    await filled.store_article(replace(FIRST, title="Ferry line reopens"), fingerprint(1))
    assert (await only_story(filled))["title"] == "Ferry line reopens"


async def test_a_new_text_under_the_same_headline_changes_no_story(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    since = await head(filled)
    await filled.store_article(replace(FIRST, text="Another text."), fingerprint(1))
    assert await told(filled, since) == [("article", "changed", FIRST.id)]


# --- merging -------------------------------------------------------------------------------------------------


async def test_a_late_original_takes_the_story_over_and_the_old_id_stays_as_an_alias(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    since = await head(filled)
    await filled.record_decision(linked(FIRST, ORIGINAL), reason="a late original")
    assert ("story", "merged", FIRST.id) in await told(filled, since)
    assert (await take_all(filled))[SECOND.id] == "the page that stood for its story went to another"
    await filled.record_decision(linked(SECOND, ORIGINAL), reason="a late original")
    story = await only_story(filled)
    assert (story["id"], story["aliases"], story["size"]) == (ORIGINAL.id, [FIRST.id], 3)
    assert {member["id"] for member in story["members"]} == {FIRST.id, SECOND.id}
    assert (await exported(filled))["member"] == {}


async def test_the_id_is_an_alias_also_if_the_members_went_first(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    await filled.record_decision(linked(SECOND, ORIGINAL), reason="a late original")
    await filled.record_decision(linked(FIRST, ORIGINAL), reason="a late original")
    assert (await only_story(filled))["aliases"] == [FIRST.id]


async def test_aliases_go_on_to_the_story_that_the_story_merges_into(filled: Store) -> None:
    await join(filled, THIRD, SECOND)
    await join(filled, SECOND, FIRST)
    await filled.record_decision(linked(FIRST, ORIGINAL), reason="a late original")
    assert (await only_story(filled))["aliases"] == sorted([FIRST.id, SECOND.id])
    merged = {change.id: change async for change in filled.changes() if change.action is Action.MERGED}
    assert set(merged) == {FIRST.id, SECOND.id}
    assert all(ORIGINAL.id in change.reason and change.state is None for change in merged.values())


async def test_a_page_whose_original_went_has_its_own_story_again(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    await filled.record_decision(linked(FIRST, ORIGINAL), reason="a late original")
    await filled.remove(Removal("TW1", None, NOON + HOUR))
    assert (await take_all(filled))[FIRST.id] == "its original was removed"
    await filled.record_decision(unlinked(FIRST), Place(), reason="its original was removed")
    story = await only_story(filled)  # whose member has not been decided anew in the meantime
    assert (story["id"], story["aliases"], story["size"]) == (FIRST.id, [], 2)


async def test_a_rejected_link_puts_the_page_back_to_where_its_text_belongs(filled: Store) -> None:
    await filled.record_decision(linked(SECOND, ORIGINAL), reason="decided")
    await filled.judge_link(link_id(SECOND.id, ORIGINAL.id), LinkState.REJECTED, "not ours")
    assert await on_side(filled, Side.ASIDE) == set()
    assert (await take_all(filled))[SECOND.id] == "stands for itself"
    case = await filled.case(SECOND.id, choice())
    assert case is not None
    assert case.rejected == {ORIGINAL.id}
    await filled.record_decision(linked(SECOND, ORIGINAL), part_of(FIRST), reason="decided")
    assert (await only_story(filled))["id"] == FIRST.id
    await filled.judge_link(link_id(SECOND.id, ORIGINAL.id), LinkState.CONFIRMED, "ours after all")
    assert (await only_story(filled))["id"] == ORIGINAL.id


def choice() -> Any:  # the pipeline's own
    from crawler.pipeline.linking import CHOICE

    return CHOICE


async def test_a_removed_original_leaves_no_headline_in_the_stories_of_the_past(
    filled: Store, clock: StillClock
) -> None:
    await filled.record_decision(linked(FIRST, ORIGINAL), reason="decided")
    await filled.remove(Removal("TW1", None, NOON + HOUR))
    assert [change.state async for change in filled.changes() if change.subject is Subject.STORY] == [None, None]
    assert ORIGINAL.title in json.dumps((await exported(filled))["article"][FIRST.id])  # as all pieces here have it

    def states(tx: Transaction) -> list[str]:
        return [row.state for row in tx.all(sa.text("SELECT state FROM changes WHERE subject = 'story'"))]  # type: ignore[arg-type]

    assert await filled._db.read(states) == [None, None]


# --- who stands for whom -------------------------------------------------------------------------------------


async def test_members_and_linked_pages_are_aside_in_the_index(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    await filled.record_decision(linked(THIRD, ORIGINAL), reason="decided")
    assert await on_side(filled, Side.PAGE) == {FIRST.id}
    assert await on_side(filled, Side.ASIDE) == {SECOND.id, THIRD.id}
    await filled.store_article(replace(SECOND, text="Another text."), fingerprint(1, 77))
    assert await on_side(filled, Side.ASIDE) == {SECOND.id, THIRD.id}
    await filled.record_decision(unlinked(SECOND), Place(), reason="decided")
    assert await on_side(filled, Side.PAGE) == {FIRST.id, SECOND.id}


async def test_a_late_original_concerns_pages_on_both_sides(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    case = await filled.case(ORIGINAL.id, choice())
    assert case is not None
    assert set(case.concerns) == {FIRST.id, SECOND.id, THIRD.id}


async def test_nobody_joins_a_page_that_belongs_to_another_by_now(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    for taken in (part_of(SECOND), part_of(FIRST, version=2), part_of(page("unknown"))):
        recorded = await filled.record_decision(unlinked(THIRD), taken, reason="decided")
        assert not recorded.current
        assert (await take_all(filled))[THIRD.id] == "decided on an article that went"
    await filled.record_decision(linked(FIRST, ORIGINAL), reason="decided")
    assert not (await filled.record_decision(unlinked(THIRD), part_of(FIRST), reason="decided")).current


async def test_a_new_text_has_the_members_of_its_story_decided_anew(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    await take_all(filled)
    await filled.store_article(replace(FIRST, text="Another text."), fingerprint(1))
    assert set(await take_all(filled)) == {FIRST.id, SECOND.id}


async def test_a_page_that_turns_out_to_be_an_original_leaves_the_story(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    await join(filled, THIRD, FIRST)
    await filled.store_article(replace(SECOND, role=Role.ORIGIN, text="Its own."), fingerprint(1))
    story = await only_story(filled)
    assert [member["id"] for member in story["members"]] == [THIRD.id]
    assert await on_side(filled, Side.ASIDE) == {THIRD.id}


async def test_a_page_without_a_text_leaves_the_story(filled: Store) -> None:
    await join(filled, SECOND, FIRST)
    await filled.store_article(replace(SECOND, text=""), None)
    assert [row async for row in filled.export_stories()] == []


def everything(overlap: float, here: float, there: float) -> bool:
    return True


async def test_a_page_is_compared_with_earlier_pages_and_moves_later_ones(store: Store, clock: StillClock) -> None:
    days = {number: page(f"day-{number}", first_seen=NOON + number * 24 * HOUR) for number in range(5)}
    for article in days.values():
        await store.store_article(article, fingerprint(1))
    await join(store, days[4], days[3])
    found = await store.neighbours(days[2], fingerprint(1), everything)
    assert [one.article.id for one in found.earlier] == [days[0].id, days[1].id]
    assert found.later == ()
    found = await store.neighbours(days[1], fingerprint(1), everything, later=True)
    assert found.earlier == ()
    assert {one.article.id for one in found.later} == {days[2].id, days[3].id, days[4].id}
    await store.store_article(replace(days[0], noindex=True, title="Not to be indexed"), fingerprint(1))
    assert not (await store.neighbours(days[1], fingerprint(1), everything)).earlier


async def test_pages_that_share_too_little_are_not_compared(filled: Store) -> None:
    asked: list[tuple[float, float, float]] = []

    def never(overlap: float, here: float, there: float) -> bool:
        asked.append((overlap, here, there))
        return False

    assert not await filled.neighbours(replace(FIRST, first_seen=NOON), fingerprint(1, 10), never)
    assert asked == [(1.0, 2.0, 2.0)] * 2


# --- large ones ----------------------------------------------------------------------------------------------


def many(store: Store, count: int) -> Any:
    """A story of `count` more pages, told in one transaction."""

    def body(tx: Transaction) -> None:
        for number in range(count):
            state = {"story": FIRST.id, "id": f"{number:032x}", "url": "u", "title": "t", "publisher": "p"}
            state |= {"published": None, "relation": "copy", "score": 0.5}
            note = Note(
                Subject.MEMBER,
                Action.CREATED,
                f"{number:032x}",
                "made up",
                story_id=FIRST.id,
                state=json.dumps(state),
            )
            tx.note(note)
            tx.touch(FIRST.id, 1)

    return store._db.write(body)


async def test_the_log_lists_the_members_of_a_small_story_only_and_the_export_those_of_all(filled: Store) -> None:
    await many(filled, LISTED)
    last = [change.state async for change in filled.changes()][-1]
    assert last is not None
    assert len(last["members"]) == LISTED  # type: ignore[arg-type]
    since = await head(filled)
    await join(filled, SECOND, FIRST)
    member, story = [change.state async for change in filled.changes(since)]
    assert member is not None
    assert story is not None
    assert (member["id"], member["story"]) == (SECOND.id, FIRST.id)
    assert (story["members"], story["size"]) == (None, LISTED + 2)
    whole = await only_story(filled)
    assert len(whole["members"]) == LISTED + 1
    assert SECOND.id in {one["id"] for one in whole["members"]}


async def test_aliases_are_listed_as_members_are(filled: Store) -> None:
    def body(tx: Transaction) -> None:
        tx.run(sa.insert(stories), [{"id": f"{number:032x}", "size": 1} for number in range(LISTED + 1)])
        for number in range(LISTED + 1):
            tx.homes[f"{number:032x}"] = FIRST.id
        tx.touch(FIRST.id, 0)

    await join(filled, SECOND, FIRST)
    await filled._db.write(body)
    assert [change.state async for change in filled.changes()][-1]["aliases"] is None  # type: ignore[index]
    assert len((await only_story(filled))["aliases"]) == LISTED + 1


async def test_stories_of_over_a_thousand_articles_are_reported(
    filled: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await many(filled, LARGE - 1)
        assert (await filled.status())["large_stories"] == {}
        assert not caplog.records
        await join(filled, SECOND, FIRST)
        await join(filled, THIRD, FIRST)
    assert (await filled.status())["large_stories"] == {FIRST.id: LARGE + 2}
    assert [record.getMessage() for record in caplog.records] == [f"story {FIRST.id} has more than 1000 articles"]
    assert (await filled.status())["stories"] == 1


async def test_who_reads_the_log_of_a_store_before_it_had_stories_of_pages_finds_the_old_ones(filled: Store) -> None:
    await filled.record_decision(linked(FIRST, ORIGINAL), reason="decided")
    now = await only_story(filled)

    def as_before(tx: Transaction) -> None:
        tx.run(sa.text("UPDATE changes SET state = NULL WHERE subject = 'story'"))

    await filled._db.write(as_before)
    assert await only_story(filled) == now
    assert (await replay(filled))["story"] == {ORIGINAL.id: now}


async def test_a_store_from_before_has_its_stories_counted_and_its_pages_compared(
    filled: Store, store_url: str, clock: StillClock
) -> None:
    await filled.record_decision(linked(FIRST, ORIGINAL), reason="decided")
    now = await only_story(filled)

    def down(connection: Connection) -> None:
        config = schema.config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")

    await filled._db.migrate(down)
    async with await Store.open(DatabaseSettings(url=store_url), StillClock(datetime.now(UTC) + HOUR)) as store:
        assert await only_story(store) == now
        assert await on_side(store, Side.PAGE) == {FIRST.id, SECOND.id, THIRD.id}
        assert await take_all(store) == {SECOND.id: "stories of pages", THIRD.id: "stories of pages"}
        # A linked page is no page of its own, though it still stands among them.
        found = await store.neighbours(replace(SECOND, first_seen=NOON), fingerprint(1, 11), everything)
        assert {one.article.id for one in (*found.earlier, *found.later)} == {THIRD.id}
        await store.record_decision(linked(SECOND, ORIGINAL), reason="a late original")
        assert (await only_story(store))["size"] == 3
