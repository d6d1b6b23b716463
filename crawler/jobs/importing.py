"""`wiretrace import`: deliveries of originals into the store."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from crawler import metrics, originals
from crawler.clock import Clock
from crawler.errors import InputError, StoreInUse, UsageError
from crawler.extract import extract
from crawler.model import Article, Fingerprint, Removal, Role, Verdict
from crawler.originals import Fault, Format, Item, RawOriginal
from crawler.originals.sidecars import is_sidecar
from crawler.pipeline.cpu import CpuPool, WorkCrashed, default_processes, linker
from crawler.pipeline.linking import LinkingDesk
from crawler.pipeline.retention import replace_old_texts
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import Store, StoredArticle

log = logging.getLogger(__name__)

BATCH = 64  # articles handed to the CPU pool at once
BATCH_BYTES = 4_000_000  # of their texts and bodies, about; one article may have more
# Articles stored in one transaction. Their index keys are scattered over the whole index: of the more articles the keys
# are sorted, the more of them share a page of it, and a page is written once. Of 64 it was nearly a page for each key.
STORED_AT_ONCE = 512
AHEAD = STORED_AT_ONCE // BATCH + 3  # batches whose signatures are made while earlier ones are stored
DECISIONS_AT_ONCE = 8
ORIGINALS_AT_ONCE = 256
LEASE_SECONDS = 300.0
WORTH_PROCESSES = 1_000_000  # bytes of a delivery, before processes of their own pay for their start

OnFault = Callable[[InputError], None]


@dataclass(slots=True)
class ImportReport:
    """What an import did; `faults` are the items left out, each told when it was met, `skipped` those that hold no
    article by their nature."""

    outcomes: Counter[str] = field(default_factory=Counter)  # created | changed | unchanged | stale
    removed: int = 0
    faults: int = 0
    skipped: int = 0
    tally: Tally = field(default_factory=Tally)

    @property
    def items(self) -> int:
        """All that were met so far."""
        return self.outcomes.total() + self.removed + self.faults + self.skipped

    def as_json(self) -> dict[str, object]:
        return {
            "created": self.outcomes["created"],
            "changed": self.outcomes["changed"],
            "unchanged": self.outcomes["unchanged"],
            "stale": self.outcomes["stale"],
            "removed": self.removed,
            "faults": self.faults,
            "skipped": self.skipped,
            "linked": self.tally.linked,
        }


class Reach:
    """How far an import is, from the sizes of its files: where in a file an item stood is not known."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._before: dict[Path, int] = {}
        self._all = 0  # bytes
        for file in files:
            self._before.setdefault(file, self._all)
            self._all += file.stat().st_size

    def expected(self, items: int, file: Path) -> int | None:
        """How many items there will be, `items` of which were done when one of `file` was; None in the first file."""
        before = self._before[file]
        return max(items, round(items * self._all / before)) if before else None


def tell(fault: InputError) -> None:
    log.warning("%s", fault)


async def import_originals(
    settings: Settings,
    paths: Sequence[Path],
    *,
    clock: Clock,
    kind: Format = Format.AUTO,
    publisher: str = "",
    on_fault: OnFault = tell,
    processes: int | None = None,
    report: ImportReport | None = None,
    watch: Callable[[int, int | None], None] = lambda done, expected: None,
) -> ImportReport:
    """Loads every item of `paths` in order; an item that can't be read is told to `on_fault` and left out.

    `report`, where given, is counted up as it goes: what it says is stored, also when the import is cancelled.
    `watch` is told how many items are done and, once a file is, how many the sizes of the others let expect.
    `processes` None: as many as the delivery is worth. Raises InputError where a path itself can't be read, StoreError
    where the store can't be written.
    """
    report = ImportReport() if report is None else report
    files = [(file, file != path) for path in paths for file in files_of(path)]
    if processes is None:
        small = sum(file.stat().st_size for file, _ in files) < WORTH_PROCESSES
        processes = 0 if small else settings.run.processes or default_processes()
    async with importer(settings, clock=clock, processes=processes, report=report, on_fault=on_fault) as taking:
        reach = Reach([file for file, _ in files])
        await taking.take(
            ((file, item) for file, found in files for item in items_of(file, kind, publisher, found=found)),
            lambda file: watch(report.items, reach.expected(report.items, file)),
        )
        await taking.settle()
    return report


@asynccontextmanager
async def importer(
    settings: Settings, *, clock: Clock, processes: int, report: ImportReport, on_fault: OnFault, outage: float = 0.0
) -> AsyncIterator[Importer]:
    """An importer on the store of the settings. `outage`: seconds that a database which went away is waited for."""
    async with (
        await Store.open(settings.database, clock) as store,
        CpuPool(settings.link, settings.rights_list(), processes=processes) as cpu,
    ):
        store.outage = outage
        with suppress(StoreInUse), store.exclusive_run():
            await store.reclaim()  # what an import that was killed had in hand
        yield Importer(store, cpu, report, on_fault, settings.originals.keep_text_days, clock)


@dataclass(frozen=True, slots=True)
class Importer:
    """Takes items into an open store, in the order of delivery."""

    store: Store
    cpu: CpuPool
    report: ImportReport
    on_fault: OnFault
    keep_text_days: int
    clock: Clock

    async def take(
        self, items: Iterator[tuple[Path, Item]], stored: Callable[[Path], None] = lambda file: None
    ) -> None:
        """Stores all of them; when it returns they are committed. What can't be read is told and left out.

        Reading, signatures and storing overlap, in bounded memory. `stored` is told, batch by batch, from which file
        the last item came.
        """
        ahead: deque[tuple[Sequence[tuple[Path, Item]], asyncio.Task[list[Prepared]]]] = deque()
        ready: list[tuple[Path, Item]] = []
        prepared: list[Prepared] = []
        try:
            while True:
                batch = await asyncio.to_thread(_next_batch, items)
                if batch:
                    ahead.append((batch, asyncio.create_task(self._prepared(batch))))
                if ahead and (not batch or len(ahead) > AHEAD):
                    first, preparing = ahead.popleft()
                    prepared += await preparing
                    ready += first
                if ready and (not ahead or len(ready) >= STORED_AT_ONCE):
                    await self._store(ready, prepared)
                    stored(ready[-1][0])
                    ready, prepared = [], []
                if not ahead and not batch:
                    return
        finally:
            for _, preparing in ahead:
                preparing.cancel()
            await asyncio.gather(*(preparing for _, preparing in ahead), return_exceptions=True)

    async def settle(self) -> None:
        """Makes every decision that waits, then lets go of the texts that may be kept no longer."""
        await settle_pending(self.store, self.cpu, self.report.tally)
        await replace_old_texts(self.store, self.cpu, self.keep_text_days, self.clock.now())

    async def _prepared(self, batch: Sequence[tuple[Path, Item]]) -> list[Prepared]:
        """Of each item that is an article, in order: what it is, or what became of it where that is known."""
        items = [item for _, item in batch if not isinstance(item, Fault | Removal)]
        articles = [item for item in items if isinstance(item, Article)]
        times = Counter(article.id for article in articles)
        # Of two versions the later one is no news only if the earlier one was stored, which it may not be yet.
        known = await self.store.delivered([article for article in articles if times[article.id] == 1])
        told = [known.get(item.id) if isinstance(item, Article) else None for item in items]
        wanted = [item for item, one in zip(items, told, strict=True) if one is None]
        try:
            fresh = iter(await self.cpu.run(prepare_batch, wanted) if wanted else [])
        except WorkCrashed:
            # One that kills its process or never ends must not take sixty others along.
            fresh = iter([await self._prepared_alone(item) for item in wanted])
        return [next(fresh) if one is None else one for one in told]

    async def _prepared_alone(self, item: Article | RawOriginal) -> Prepared:
        try:
            return (await self.cpu.run(prepare_batch, [item]))[0]
        except WorkCrashed as error:
            return str(error)

    async def _store(self, batch: Sequence[tuple[Path, Item]], prepared: Sequence[Prepared]) -> None:
        ready = iter(prepared)
        together: dict[str, tuple[Article, Fingerprint | None]] = {}
        for file, item in batch:
            if isinstance(item, Fault):
                self._tell(item)
            elif isinstance(item, Removal):
                await self._store_together(together)  # a removal must not overtake what it removes
                self.report.removed += len(await self.store.remove(item))
            elif isinstance(found := next(ready), str):
                self._tell(Fault(str(file), None, found))
            elif isinstance(found, StoredArticle):
                self.report.outcomes[found.outcome] += 1
            else:
                article, fingerprint = (item, found.fingerprint) if isinstance(item, Article) else found.whole()
                if article.id in together:  # nor a version the one before
                    await self._store_together(together)
                together[article.id] = (article, fingerprint)
        await self._store_together(together)

    async def _store_together(self, waiting: dict[str, tuple[Article, Fingerprint | None]]) -> None:
        """Stores different articles in one transaction."""
        if not waiting:
            return
        storing = asyncio.ensure_future(self._store_all(list(waiting.values())))
        waiting.clear()
        try:
            await asyncio.shield(storing)
        except asyncio.CancelledError:
            await storing  # it is written all the same, and shall be counted
            raise

    async def _store_all(self, pairs: Sequence[tuple[Article, Fingerprint | None]]) -> None:
        for stored in await self.store.store_deliveries(pairs):
            self.report.outcomes[stored.outcome] += 1

    def _tell(self, fault: Fault) -> None:
        if fault.skipped:
            self.report.skipped += 1
        else:
            self.report.faults += 1
        self.on_fault(fault.as_error())


@dataclass(frozen=True, slots=True)
class Ready:
    """What the CPU pool made of an item: its fingerprint, and the article where it was still to be extracted."""

    fingerprint: Fingerprint | None
    article: Article | None = None

    def whole(self) -> tuple[Article, Fingerprint | None]:
        assert self.article is not None
        return self.article, self.fingerprint


Prepared = Ready | StoredArticle | str  # a text: why the item is no article


def prepare_batch(items: Sequence[Article | RawOriginal]) -> list[Prepared]:
    """What is worth the way back out of the CPU pool: an article that came whole is known outside."""
    prepared: list[Prepared] = []
    for item, (article, fingerprint) in zip(items, read_batch(items), strict=True):
        if article.verdict is not Verdict.ARTICLE or not article.text:
            found = "" if article.verdict is Verdict.ARTICLE else f", found none ({article.verdict.value})"
            prepared.append(f"expected an article with a text{found}")
        else:
            prepared.append(Ready(fingerprint, None if article is item else article))
    return prepared


def read_batch(items: Sequence[Article | RawOriginal]) -> list[tuple[Article, Fingerprint | None]]:
    """Articles with their fingerprints; raw bodies are extracted first. Pure; runs in the CPU pool."""
    read = []
    for item in items:
        article = _extracted(item) if isinstance(item, RawOriginal) else item
        fingerprint = linker().fingerprint(article) if article.text else None
        read.append((article, fingerprint))
    return read


def _extracted(raw: RawOriginal) -> Article:
    """What the delivery says of an article goes before what its body says."""
    found = extract(raw.document)
    known = raw.article
    return replace(
        known,
        role=known.role or Role.ORIGIN,
        title=known.title or found.title,
        text=found.text,
        byline=known.byline or found.byline,
        published=known.published or found.published,
        modified=known.modified or found.modified,
        language=known.language or found.language,
        captions=found.captions,
        copyright=known.copyright or found.copyright,
        trailer=found.trailer,
        verdict=found.verdict,
    )


async def settle_pending(store: Store, cpu: CpuPool, tally: Tally) -> None:
    """Makes every decision that waits: pages stored before their original get their link here."""
    desk = LinkingDesk(store, cpu)
    worker = f"import:{os.getpid()}"
    while pending := await store.pending(worker, ORIGINALS_AT_ONCE, LEASE_SECONDS):
        pages = await store.settle_originals(pending, worker)
        metrics.DECISIONS.add("original", len(pending) - len(pages))
        for at in range(0, len(pages), DECISIONS_AT_ONCE):
            some = pages[at : at + DECISIONS_AT_ONCE]
            await asyncio.gather(
                *(desk.decide(one.article_id, tally, worker=worker, reason=one.reason) for one in some)
            )
    await store.forget_unindexed()


def files_of(path: Path) -> Iterator[Path]:
    """The file itself, or the files of a folder in the order of their names, without hidden ones and sidecars."""
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.is_file() and not one.name.startswith("."))
        if not found:
            raise InputError(path, "expected files in this folder, it is empty")
        yield from (one for one in found if not is_sidecar_file(one))
    elif path.exists():
        yield path
    else:
        raise InputError(path, "expected a file or a folder, there is none")


def is_sidecar_file(path: Path) -> bool:
    """Whether the file says something of a page or text beside it."""
    return is_sidecar(path.name, lambda name: (path.parent / name).is_file())


def items_of(file: Path, kind: Format, publisher: str, *, found: bool) -> Iterator[Item]:
    """The file's items. One `found` in a folder may be anything: what can't be read is a fault, not the end."""
    try:
        yield from originals.read(file, kind, publisher=publisher)
    except (InputError, UsageError) as error:
        if not found:
            raise
        if isinstance(error, InputError):
            yield Fault(error.path, None, error.expected)
        else:
            yield Fault(str(file), None, str(error).removeprefix(f"{file}: "))


def _next_batch(items: Iterator[tuple[Path, Item]]) -> list[tuple[Path, Item]]:
    batch, size = [], 0
    for file, item in items:
        batch.append((file, item))
        if isinstance(item, RawOriginal):
            size += len(item.document.body)
        elif isinstance(item, Article):
            size += len(item.text)
        if len(batch) == BATCH or size > BATCH_BYTES:
            break
    return batch
