from __future__ import annotations

from dataclasses import replace

import pytest

from crawler.errors import NotFound, StoreError, UsageError
from crawler.interchange import link_id
from crawler.model import Completeness, LinkState, Relation
from crawler.store import Recorded, RecordOutcome, Store
from tests.store.pieces import HOUR, NOON, StillClock, claim, fingerprint, link, linked, original, page, unlinked

ONE, TWO = original("one"), original("two")
ID = link_id(page().id, ONE.id)


@pytest.fixture
async def filled(store: Store) -> Store:
    for article in (ONE, TWO, page()):
        await store.store_article(article, fingerprint(1))
    for task in await store.pending("setup", 9, 60):
        await store.settle(task.article_id, worker="setup")
    return store


async def log(store: Store, since: int = 0) -> list[tuple[str, str]]:
    return [(change.subject.value, change.action.value) async for change in store.changes(since)]


async def test_a_decision_makes_the_link_it_says(filled: Store) -> None:
    recorded = await filled.record_decision(linked(page(), ONE), reason="decided")
    assert recorded == Recorded(RecordOutcome.CREATED, RecordOutcome.NONE, ID)
    assert await filled.link_of(page().id) == replace(link(page(), ONE), decided=NOON)
    (row,) = [row async for row in filled.export_links()]
    assert (row["id"], row["state"]) == (ID, "new")


async def test_the_same_decision_again_writes_nothing_to_the_log(filled: Store, clock: StillClock) -> None:
    await filled.record_decision(linked(page(), ONE), reason="decided")
    told = await log(filled)
    clock.pass_by(60)
    again = await filled.record_decision(linked(page(), ONE), reason="decided again")
    assert again.link is RecordOutcome.UNCHANGED
    assert await log(filled) == told
    kept = await filled.link_of(page().id)
    assert kept is not None
    assert kept.decided == NOON


async def test_a_decision_that_failed_is_due_again_later(filled: Store, clock: StillClock) -> None:
    await filled.enqueue_decisions([page().id], "again")
    await filled.pending("w", 9, 60)
    await filled.put_off(page().id, "w", 600)
    await filled.extend_leases("w", 60)
    assert await filled.pending("w", 9, 60) == []
    clock.pass_by(601)
    assert [task.article_id for task in await filled.pending("w", 9, 60)] == [page().id]


async def test_a_different_score_or_relation_changes_the_link(filled: Store) -> None:
    await filled.record_decision(linked(page(), ONE), reason="decided")
    changed = await filled.record_decision(linked(page(), ONE, relation=Relation.COPY, score=0.99), reason="again")
    assert changed.link is RecordOutcome.CHANGED
    assert (await log(filled))[-2:] == [("link", "changed"), ("story", "changed")]


async def test_a_better_original_takes_the_links_place(filled: Store) -> None:
    await filled.record_decision(linked(page(), ONE), reason="decided")
    recorded = await filled.record_decision(linked(page(), TWO), reason="a late original")
    assert recorded == Recorded(RecordOutcome.CREATED, RecordOutcome.NONE, link_id(page().id, TWO.id))
    assert [row["original"]["id"] async for row in filled.export_links()] == [TWO.id]
    assert (await log(filled))[-4:] == [
        ("link", "retracted"),
        ("link", "created"),
        ("story", "retracted"),
        ("story", "created"),
    ]
    back = await filled.record_decision(linked(page(), ONE), reason="back")
    assert back.link is RecordOutcome.CREATED


async def test_a_decision_without_a_link_retracts_the_one_there_was(filled: Store) -> None:
    await filled.record_decision(linked(page(), ONE), reason="decided")
    recorded = await filled.record_decision(unlinked(page()), reason="again")
    assert recorded == Recorded(RecordOutcome.RETRACTED, RecordOutcome.NONE)
    assert await filled.link_of(page().id) is None
    assert (await filled.record_decision(unlinked(page()), reason="again")).link is RecordOutcome.NONE


async def test_a_confirmed_link_stays_whatever_is_decided_later(filled: Store) -> None:
    await filled.record_decision(linked(page(), ONE), reason="decided")
    await filled.judge_link(ID, LinkState.CONFIRMED, "looked at")
    for decision in (linked(page(), TWO), unlinked(page()), linked(page(), ONE, score=0.5)):
        recorded = await filled.record_decision(decision, reason="later")
        assert (recorded.link, recorded.link_id) == (RecordOutcome.UNCHANGED, ID)
    kept = await filled.link_of(page().id)
    assert kept == replace(link(page(), ONE), decided=NOON, state=LinkState.CONFIRMED)


async def test_a_rejected_pair_returns_only_with_another_text(filled: Store) -> None:
    await filled.record_decision(linked(page(), ONE), reason="decided")
    await filled.judge_link(ID, LinkState.REJECTED, "not ours")
    assert (await filled.record_decision(linked(page(), ONE), reason="again")).link is RecordOutcome.NONE
    assert await filled.link_of(page().id) is None
    await filled.store_article(page(text="Another text."), fingerprint(1))
    assert (await filled.record_decision(linked(page(), ONE), reason="again")).link is RecordOutcome.CHANGED
    assert await filled.link_of(page().id) is not None


async def test_a_judgement_can_be_undone_but_not_against_another_link(filled: Store) -> None:
    await filled.record_decision(linked(page(), ONE), reason="decided")
    await filled.judge_link(ID, LinkState.REJECTED, "no")
    await filled.judge_link(ID, LinkState.NEW, "undone")
    await filled.judge_link(ID, LinkState.REJECTED, "no")
    await filled.record_decision(linked(page(), TWO), reason="another")
    with pytest.raises(UsageError, match="has another link by now"):
        await filled.judge_link(ID, LinkState.CONFIRMED, "yes")
    with pytest.raises(NotFound):
        await filled.judge_link("0" * 32, LinkState.CONFIRMED, "yes")


async def test_an_attribution_is_part_of_the_article(filled: Store) -> None:
    recorded = await filled.record_decision(unlinked(page(), claim()), reason="decided")
    assert recorded == Recorded(RecordOutcome.NONE, RecordOutcome.CREATED)
    assert await filled.attribution_of(page().id) == claim()
    rows = {row["id"]: row async for row in filled.export_articles()}
    assert rows[page().id]["attribution"] == {
        "publisher": "Tidewater Wire",
        "evidence": [{"kind": "marker", "text": "© Tidewater Wire"}],
        "teaser": None,
    }
    told = await log(filled)
    again = await filled.record_decision(unlinked(page(), claim()), reason="again")
    assert (again.attribution, await log(filled)) == (RecordOutcome.UNCHANGED, told)
    gone = await filled.record_decision(linked(page(), ONE), reason="its original came")
    assert gone.attribution is RecordOutcome.RETRACTED
    assert await filled.attribution_of(page().id) is None


async def test_an_attribution_names_its_teaser(filled: Store) -> None:
    teaser = original("teaser", completeness=Completeness.TEASER, title="A teaser")
    await filled.store_article(teaser, fingerprint(1))
    await filled.record_decision(unlinked(page(), claim(teaser)), reason="decided")
    assert await filled.attribution_of(page().id) == claim(teaser)
    with_page = [row async for row in filled.export_articles() if "attribution" in row]
    assert with_page[0]["attribution"]["teaser"]["title"] == "A teaser"  # type: ignore[index]


async def test_a_decision_takes_the_page_off_the_list(filled: Store) -> None:
    await filled.enqueue_decisions([page().id], "late original")
    (task,) = await filled.pending("w", 9, 60)
    assert (task.article_id, task.reason) == (page().id, "late original")
    await filled.record_decision(unlinked(page()), worker="w", reason=task.reason)
    assert await filled.pending_count() == 0


async def test_what_comes_up_during_a_decision_has_the_page_decided_again(filled: Store) -> None:
    await filled.enqueue_decisions([page().id], "first")
    await filled.pending("w", 9, 60)
    await filled.enqueue_decisions([page().id], "a late original")
    assert await filled.pending("other", 9, 60) == []
    await filled.record_decision(unlinked(page()), worker="w", reason="first")
    (task,) = await filled.pending("other", 9, 60)
    assert task.reason == "a late original"


async def test_a_pending_decision_of_a_dead_worker_goes_to_another(filled: Store, clock: StillClock) -> None:
    await filled.enqueue_decisions([page().id], "first")
    await filled.pending("dead", 9, 60)
    clock.pass_by(61)
    assert len(await filled.pending("alive", 9, 60)) == 1
    await filled.record_decision(unlinked(page()), worker="dead", reason="late")
    assert await filled.pending_count() == 1
    await filled.release("alive")
    assert len(await filled.pending("third", 9, 60)) == 1


async def test_an_original_settles_its_task_and_names_the_pages_it_concerns(filled: Store) -> None:
    await filled.enqueue_decisions([ONE.id], "new")
    await filled.pending("w", 9, 60)
    await filled.settle(ONE.id, worker="w", enqueue=[page().id, "0" * 32], reason="late original")
    assert [task.article_id for task in await filled.pending("w", 9, 60)] == [page().id]


async def test_a_changed_original_has_its_pages_decided_again(filled: Store) -> None:
    await filled.record_decision(linked(page(), ONE), reason="decided")
    await filled.store_article(replace(ONE, text="Corrected."), fingerprint(1))
    due = {task.article_id: task.reason for task in await filled.pending("w", 9, 60)}
    assert due == {ONE.id: "changed", page().id: "its original changed"}


async def test_links_follow_a_changed_headline(filled: Store) -> None:
    await filled.record_decision(linked(page(), ONE), reason="decided")
    await filled.store_article(replace(ONE, title="Ferry line reopens", modified=NOON + HOUR), fingerprint(1))
    (row,) = [row async for row in filled.export_links()]
    (story,) = [row async for row in filled.export_stories()]
    assert (row["original"]["title"], story["title"]) == ("Ferry line reopens", "Ferry line reopens")  # type: ignore[index]


async def test_decisions_that_make_no_sense_are_refused(filled: Store) -> None:
    with pytest.raises(NotFound):
        await filled.record_decision(unlinked(page("unknown")), reason="x")
    with pytest.raises(StoreError, match="nor it to itself"):
        await filled.record_decision(linked(page(), page()), reason="x")
    nowhere = await filled.record_decision(linked(page(), original("unknown")), reason="x")
    assert not nowhere.current
