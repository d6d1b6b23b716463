"""A review sheet: pages of the store drawn at random, so that a person can say how many of them are rewrites.

Rewrites are rare, so a plain draw says little of them for the work it takes. Pages are drawn in two phases instead
(double sampling for stratification: Neyman 1938): many are scored and sorted into strata by score, and each stratum
gets as many rows of the sheet as make the estimate surest. Every row carries what its stratum stands for.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from crawler.clock import Clock
from crawler.evaluate.outcomes import Passage, lenient, passages
from crawler.model import Article, Completeness, Fingerprint, Relation, Role
from crawler.pipeline.cpu import CpuPool, WorkCrashed, default_processes
from crawler.pipeline.linking import LinkingDesk
from crawler.redistribution import Redistribution
from crawler.settings import LinkSettings, Settings
from crawler.store import Store

SCORED_FOR_A_ROW, MOST_SCORED = 20, 5_000  # pages; a page takes some 10 ms
LEAST_ROWS = 10  # of a sheet
LEAST_IN_STRATUM = 2  # rows, so that no stratum goes unseen
WITHHELD = "(not for passing on)"  # in place of a sentence
AT_ONCE = 64  # pages held in memory
# Lower edges of the strata's scores. The names are no numbers: spreadsheets would make dates of them.
STRATA = ((0.0, "below 0.01"), (0.01, "0.01 to 0.2"), (0.2, "0.2 to 0.8"), (0.8, "0.8 and above"))
_SURE = 0.02  # a stratum is planned for as if at least so many of its pages could be other than they look


@dataclass(frozen=True, slots=True)
class Scored:
    """A page of the first phase with its best candidate."""

    page_id: str
    original_id: str | None
    score: float
    linked: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One page for review. `share` is that of its stratum among all pages, `weight` the pages it stands for."""

    page: Article
    original: Article | None
    score: float
    linked: bool
    relation: Relation | None
    passages: tuple[Passage, ...]
    stratum: str
    share: float
    weight: float


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows, and of how many `pages` in the store how many were `scored`."""

    rows: tuple[Row, ...]
    pages: int
    scored: int


async def sample(
    settings: Settings,
    count: int,
    *,
    clock: Clock,
    chance: random.Random | None = None,
    processes: int | None = None,
) -> Sample:
    """`count` pages of the store, or all where it holds fewer. Reads the store once; memory does not grow with it.

    Raises StoreError, LinkerMismatch.
    """
    chance = chance or random.SystemRandom()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(await Store.open(settings.database, clock))
        workers = default_processes() if processes is None else processes
        cpu = CpuPool(settings.link, settings.rights_list(), processes=workers)
        await stack.enter_async_context(cpu)
        passing = await store.redistribution(settings.source_list())
        pages, drawn = await _draw(store, min(MOST_SCORED, count * SCORED_FOR_A_ROW), chance)
        scored: list[Scored] = []
        for first in range(0, len(drawn), AT_ONCE):
            scored += await _score(store, LinkingDesk(store, cpu), drawn[first : first + AT_ONCE])
        strata = [[one for one in scored if stratum(one.score) == name] for _, name in STRATA]
        rows: list[Row] = []
        for members, wanted in zip(strata, allocation(strata, count), strict=True):
            for one in chance.sample(members, wanted):
                share = len(members) / len(scored)
                row = await _row(store, cpu, settings.link, one, share, share * pages / wanted)
                rows += [_passed_on(row, passing)] if row else []
        chance.shuffle(rows)  # who reviews must not see from the order what to expect
        return Sample(tuple(rows), pages, len(scored))


def stratum(score: float) -> str:
    return next(name for edge, name in reversed(STRATA) if score >= edge)


def allocation(strata: Sequence[Sequence[Scored]], count: int) -> list[int]:
    """How many rows each stratum gets: one by one to where the estimate's variance falls most (Wright 2012)."""
    spreads = []
    for members in strata:
        mean = sum(one.score for one in members) / len(members) if members else 0.0
        likely = min(1 - _SURE, max(_SURE, mean))
        spreads.append(len(members) * math.sqrt(likely * (1 - likely)))
    given = [min(len(members), LEAST_IN_STRATUM) for members in strata]
    for _ in range(sum(given), count):
        open_ones = [place for place, members in enumerate(strata) if given[place] < len(members)]
        if not open_ones:
            break
        gains = {place: spreads[place] ** 2 / (given[place] * (given[place] + 1)) for place in open_ones}
        given[max(open_ones, key=lambda place: gains[place])] += 1
    return given


async def _draw(store: Store, most: int, chance: random.Random) -> tuple[int, list[str]]:
    """The number of pages with a text, and the ids of `most` of them (reservoir sampling: Vitter 1985)."""
    pages, drawn = 0, list[str]()
    async for state in store.export_articles():
        wanted = (Role.AGGREGATOR.value, Completeness.FULL.value)
        if (state["role"], state["completeness"]) != wanted or state["text"] == "":
            continue
        pages += 1
        if len(drawn) < most:
            drawn.append(str(state["id"]))
        elif (place := chance.randrange(pages)) < most:
            drawn[place] = str(state["id"])
    return pages, drawn


async def _score(store: Store, desk: LinkingDesk, ids: Sequence[str]) -> list[Scored]:
    held, prints = await store.articles(ids), await store.fingerprints(ids)
    pairs = [(held[one], prints[one]) for one in ids if one in held and one in prints]
    found = await asyncio.gather(*(_weigh(desk, *pair) for pair in pairs))
    return [one for one in found if one is not None]


async def _weigh(desk: LinkingDesk, page: Article, fingerprint: Fingerprint) -> Scored | None:
    try:
        decision = (await desk.verify(page, fingerprint)).decision
    except WorkCrashed:
        return None  # a page that no process survives can't be linked either
    best = decision.considered[0].original_id if decision.considered else None
    return Scored(page.id, best, decision.score, decision.link is not None)


async def _row(
    store: Store, cpu: CpuPool, settings: LinkSettings, one: Scored, share: float, weight: float
) -> Row | None:
    wanted = [one.page_id, *([one.original_id] if one.original_id else [])]
    held = await store.articles(wanted)
    page, original = held.get(one.page_id), held.get(one.original_id or "")
    if page is None:
        return None  # deleted while we looked
    relation, shown = await cpu.run(_likeness, page, original, settings) if original else (None, ())
    return Row(page, original, one.score, one.linked, relation, shown, stratum(one.score), share, weight)


def _passed_on(row: Row, passing: Redistribution) -> Row:
    """A row without the words of an original that may not leave: a sheet goes to whoever reviews it."""
    if row.original is None or passing.permits(row.original):
        return row
    return replace(row, passages=tuple(replace(one, original=WITHHELD) for one in row.passages))


def _likeness(page: Article, original: Article, settings: LinkSettings) -> tuple[Relation | None, tuple[Passage, ...]]:
    """What speaks for a candidate, taken or not. Pure; runs in the CPU pool."""
    link = lenient(settings).decide(page, [original]).link
    return (link.relation, passages(link.evidence, page, original)) if link else (None, ())
