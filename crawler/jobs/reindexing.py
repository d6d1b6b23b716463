"""`wiretrace db reindex`: after a change of linker, a new index beside the old one, then every page decided anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from crawler.clock import Clock
from crawler.jobs.importing import settle_pending
from crawler.model import Article, Fingerprint
from crawler.pipeline.cpu import CpuPool, default_processes, linker
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import Store

BATCH = 100  # articles signed and written at once


@dataclass(slots=True)
class ReindexReport:
    """What was done: articles signed, pages decided anew, and what that changed."""

    linker: str = ""
    to_sign: int = 0
    signed: int = 0
    pages: int = 0
    tally: Tally = field(default_factory=Tally)


async def reindex(
    settings: Settings, *, clock: Clock, watch: Callable[[ReindexReport], None] = lambda report: None
) -> ReindexReport:
    """Signs all articles with this program's linker, puts the new index in the old one's place and decides all
    pages anew. Cut off at any point, it goes on from there when it is run again; till the new index is whole the
    old one serves.

    `watch` is told after each batch. Raises StoreError.
    """
    report = ReindexReport()
    processes = settings.run.processes or default_processes()
    async with (
        await Store.open(settings.database, clock) as store,
        CpuPool(settings.link, settings.rights_list(), processes=processes) as cpu,
    ):
        empty = await cpu.run(sign_batch, [])
        report.linker = empty.linker
        index = await store.begin_index(empty.linker, empty.scheme)
        if index is not None:
            report.to_sign = await store.unsigned_count(index)
            report.pages = await _make_whole(store, cpu, index, report, watch)
        await _drop_old(store)
        await settle_pending(store, cpu, report.tally)
    return report


@dataclass(frozen=True, slots=True)
class Signed:
    """Fingerprints in the order of their articles, and who made them."""

    linker: str
    scheme: str
    fingerprints: tuple[Fingerprint, ...]


def sign_batch(batch: Sequence[Article]) -> Signed:
    """Runs in the CPU pool."""
    return Signed(linker().id, linker().scheme, tuple(linker().fingerprint(article) for article in batch))


async def _make_whole(
    store: Store, cpu: CpuPool, index: int, report: ReindexReport, watch: Callable[[ReindexReport], None]
) -> int:
    """Passes over the store until nothing is left to sign and the index serves; how many pages are to be decided."""
    while True:
        after = 0
        while batch := await store.unsigned(index, after, BATCH):
            after = batch[-1].no
            made = await cpu.run(sign_batch, [one.article for one in batch])
            await store.sign(index, list(zip(batch, made.fingerprints, strict=True)))
            report.signed += len(batch)
            watch(report)
        while await store.carry_over(index, BATCH):
            pass
        pages = await store.serve_index(index)
        if pages is not None:
            return pages


async def _drop_old(store: Store) -> None:
    after: int | None = 0
    while after is not None:
        after = await store.drop_old_index(after, BATCH)
