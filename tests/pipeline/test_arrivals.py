"""Whatever comes first, the links and the stories are the same in the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from crawler import urls
from crawler.clock import SystemClock
from crawler.jobs.importing import read_batch, settle_pending
from crawler.model import Article, Removal, Role
from crawler.pipeline.cpu import CpuPool
from crawler.pipeline.linking import LinkingDesk
from crawler.pipeline.tally import Tally
from crawler.settings import DatabaseSettings, LinkSettings
from crawler.store import Store
from tests.databases import *  # noqa: F403 - fixtures
from tests.store.replaying import exported, replay
from tests.stories import story

Event = Article | Removal
NOW = SystemClock().now()


def delivery(name: str, number: str, *, later: int = 0, text: str = "") -> Article:
    """An original as a vendor sends it; `later`: hours by which its message is newer."""
    told = story(name)
    return replace(
        told,
        id=urls.vendor_article_id(told.publisher, number),
        role=Role.ORIGIN,
        vendor_id=number,
        vendor_source="WIRE",
        modified=(told.published or NOW) + timedelta(hours=later),
        text=text or told.text,
    )


def removal(name: str, number: str, *, later: int) -> Removal:
    return Removal(number, None, (story(name).published or NOW) + timedelta(hours=later))


def page(name: str, site: str = "copies", *, later: int = 0, text: str = "") -> Article:
    """A page as a site shows it; `later`: days by which it was met later."""
    told = story(name)
    url = f"https://{site}.example/{name}"
    seen = (told.published or NOW) + timedelta(days=later)
    return replace(
        told, id=urls.article_id(url), url=url, role=Role.AGGREGATOR, first_seen=seen, text=text or told.text
    )


def chain() -> tuple[Article, ...]:
    """Three pages of which the first and the last have nothing in common, the one between something with each."""
    one, other = (story(name).text.split("\n\n") for name in ("ferry-independent", "bakery-original"))
    between = "\n\n".join([*one[: len(one) * 3 // 4], *other[len(other) // 4 :]])
    return (
        page("bakery-original", "chain-c", later=1, text="\n\n".join(other)),
        page("ferry-independent", "chain-b", later=3, text=between),
        page("ferry-independent", "chain-a", later=2, text="\n\n".join(one)),
    )


ORPHAN, SEVERE = story("cable-orphan").text, story("port-severe").text
FERRY = delivery("ferry-original", "W1")
EVENTS: tuple[Event, ...] = (
    FERRY,
    # Replaced by what is another story altogether, then by the story itself with a line more.
    delivery("ferry-original", "W1", later=1, text=story("mansion-original").text),
    delivery("ferry-original", "W1", later=2, text=f"{FERRY.text}\n\nThis version adds a line."),
    delivery("port-original", "W2"),
    removal("port-original", "W2", later=3),
    delivery("wrap-january-original", "W3"),
    delivery("wrap-march-original", "W4"),
    delivery("drug-original", "W5"),
    removal("drug-original", "W5", later=1),
    delivery("drug-original", "W6", later=2),  # the same story again under another number
    page("ferry-spun"),
    page("ferry-spun", "mirror", text=story("ferry-spun").text.replace(" the ", " that ", 2)),
    page("ferry-condensed"),
    page("ferry-independent"),
    page("wrap-january-spun"),
    page("drug-spun"),
    page("drug-spun", "mirror", later=1),
    # Their original was deleted.
    page("port-severe", later=2),
    page("port-severe", "mirror", later=1, text=f"{SEVERE}\n\nShare this story with your friends."),
    page("port-severe", "again", text=SEVERE.replace(" the ", " that ", 3)),
    # They never had one.
    page("cable-orphan", later=1),
    page("cable-orphan", "mirror", text=ORPHAN.replace(" the ", " that ", 3)),
    page("cable-orphan", "again", text=f"{ORPHAN}\n\nMore will follow."),
    page("cable-orphan", "word-for-word", later=4),
    *chain(),
)


@dataclass(frozen=True)
class Outcome:
    links: Mapping[str, tuple[str, float]]  # page → original and score
    stories: Mapping[str, Mapping[str, object]]  # id → the public JSON but for the aliases, which tell of the past


class Always(random.Random):
    """Decisions are made after each arrival."""

    def random(self) -> float:
        return 0.0


async def outcome_of(events: Sequence[Event], url: str, *, dice: random.Random | None = None) -> Outcome:
    """What is told once all has arrived and all is decided. `dice`: decisions are made in between, too."""
    async with (
        await Store.open(DatabaseSettings(url=url), SystemClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        for event in events:
            if isinstance(event, Removal):
                await store.remove(event)
            else:
                ((article, fingerprint),) = await cpu.run(read_batch, [event])
                await store.store_article(article, fingerprint)
            if dice is not None and dice.random() < 0.6:
                await settle_pending(store, cpu, Tally())
        await settle_pending(store, cpu, Tally())
        told = await exported(store)
        assert await replay(store) == told
    links = {row["rewrite"]["url"]: (row["original"]["id"], row["score"]) for row in told["link"].values()}  # type: ignore[index]
    stories = {name: {**row, "aliases": None} for name, row in told["story"].items()}
    return Outcome(links, stories)


_in_order: list[Outcome] = []


async def in_order(url: str) -> Outcome:
    if not _in_order:
        _in_order.append(await outcome_of(EVENTS, url))
    return _in_order[0]


def members(outcome: Outcome, first: Article) -> set[str]:
    return {member["url"] for member in outcome.stories[first.id]["members"]}  # type: ignore[attr-defined]


async def test_pages_are_grouped_with_their_original_or_with_each_other(sqlite_url: str) -> None:
    found = await in_order(sqlite_url)
    drug = delivery("drug-original", "W6")
    assert {url: original for url, (original, _) in found.links.items()} == {
        page("ferry-spun").url: FERRY.id,
        page("ferry-spun", "mirror").url: FERRY.id,
        page("ferry-condensed").url: FERRY.id,
        page("wrap-january-spun").url: delivery("wrap-january-original", "W3").id,
        page("drug-spun").url: drug.id,
        page("drug-spun", "mirror").url: drug.id,
    }
    assert members(found, page("port-severe", "again")) == {page("port-severe").url, page("port-severe", "mirror").url}
    orphans = [page("cable-orphan", "mirror"), page("cable-orphan", "again")]
    first, second = sorted(orphans, key=lambda one: one.id)  # of one day
    assert members(found, first) == {
        second.url, page("cable-orphan").url, page("cable-orphan", "word-for-word").url
    }  # fmt: skip
    assert len(found.stories) == 6


async def test_a_chain_of_pages_whose_ends_share_nothing_is_no_story(sqlite_url: str) -> None:
    found = await in_order(sqlite_url)
    last, between, first = chain()
    together = [
        {name, *(member["id"] for member in row["members"])}  # type: ignore[attr-defined]
        for name, row in found.stories.items()
    ]
    assert any(between.id in story for story in together)
    assert not any({first.id, last.id} <= story for story in together)
    assert all(
        member["via"] == name
        for name, row in found.stories.items()
        for member in row["members"]  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 6))])
async def test_the_order_of_arrival_changes_no_link_and_no_story(
    seed: int, sqlite_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("in-order") / "wire.db"
    shuffled, dice = list(EVENTS), random.Random(seed)
    dice.shuffle(shuffled)
    found = await outcome_of(shuffled, sqlite_url, dice=dice if seed % 3 else None)
    assert found == await in_order(f"sqlite+aiosqlite:///{other}")


@pytest.mark.full
async def test_the_order_of_arrival_changes_nothing_in_postgresql(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("in-order") / "wire.db"
    shuffled, dice = list(EVENTS), random.Random(77)
    dice.shuffle(shuffled)
    found = await outcome_of(shuffled, postgres_url, dice=dice)
    assert found == await in_order(f"sqlite+aiosqlite:///{other}")


async def test_workers_that_decide_at_the_same_time_come_to_the_same_stories(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("in-order") / "wire.db"
    shuffled = list(EVENTS)
    random.Random(5).shuffle(shuffled)
    async with (
        await Store.open(DatabaseSettings(url=postgres_url), SystemClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        deletions = [event for event in shuffled if isinstance(event, Removal)]
        articles = [event for event in shuffled if isinstance(event, Article)]
        read = await cpu.run(read_batch, articles)
        work = [store.store_article(article, fingerprint) for article, fingerprint in read]
        work += [_decide_all(store, cpu, f"w{number}") for number in range(6)]  # type: ignore[misc]
        work += [store.remove(event) for event in deletions]  # type: ignore[misc]
        await asyncio.gather(*work)
        await asyncio.gather(*(_decide_all(store, cpu, f"again-{number}") for number in range(6)))
    assert await outcome_of([], postgres_url) == await in_order(f"sqlite+aiosqlite:///{other}")


async def _decide_all(store: Store, cpu: CpuPool, worker: str) -> None:
    desk = LinkingDesk(store, cpu)
    while pending := await store.pending(worker, 2, 60):
        await asyncio.gather(*(desk.decide(one.article_id, Tally(), worker=worker, reason="") for one in pending))


@pytest.mark.parametrize(
    "days", [(0, 1, 2), *(pytest.param(days, marks=pytest.mark.full) for days in sorted(permutations(range(3)))[1:])]
)
async def test_the_order_in_which_a_chain_comes_changes_no_story(days: tuple[int, ...], tmp_path: Path) -> None:
    seen = [replace(one, first_seen=NOW + timedelta(days=day)) for one, day in zip(chain(), days, strict=True)]
    found = []
    for number, events in enumerate(permutations(seen)):
        outcome = await outcome_of(events, f"sqlite+aiosqlite:///{tmp_path}/{number}.db", dice=Always())
        found.append({name: members(outcome, row) for row in seen if (name := row.id) in outcome.stories})
    assert found == found[:1] * 6
    assert found[0]
