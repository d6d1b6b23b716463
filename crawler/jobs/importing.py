"""`wiretrace import`: deliveries of originals into the store."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from crawler import originals
from crawler.clock import Clock
from crawler.errors import InputError, StoreInUse, UsageError
from crawler.extract import extract
from crawler.model import Article, Fingerprint, Removal, Role, Verdict
from crawler.originals import Fault, Format, Item, RawOriginal
from crawler.pipeline.cpu import CpuPool, linker
from crawler.pipeline.linking import LinkingDesk
from crawler.pipeline.retention import replace_old_texts
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import Store

log = logging.getLogger(__name__)

BATCH = 64  # articles handed to the CPU pool at once
DECISIONS_AT_ONCE = 8
LEASE_SECONDS = 300.0


@dataclass(slots=True)
class ImportReport:
    """What an import did; `faults` are the items left out, each told when it was met."""

    outcomes: Counter[str] = field(default_factory=Counter)  # created | changed | unchanged | stale
    removed: int = 0
    faults: int = 0
    tally: Tally = field(default_factory=Tally)

    def as_json(self) -> dict[str, object]:
        return {
            "created": self.outcomes["created"],
            "changed": self.outcomes["changed"],
            "unchanged": self.outcomes["unchanged"],
            "stale": self.outcomes["stale"],
            "removed": self.removed,
            "faults": self.faults,
            "linked": self.tally.linked,
        }


async def import_originals(
    settings: Settings,
    paths: Sequence[Path],
    *,
    clock: Clock,
    kind: Format = Format.AUTO,
    publisher: str = "",
    on_fault: Callable[[InputError], None] = lambda fault: log.warning("%s", fault),
    processes: int = 0,
    report: ImportReport | None = None,
) -> ImportReport:
    """Loads every item of `paths` in order; an item that can't be read is told to `on_fault` and left out.

    `report`, where given, is counted up as it goes: what it says is stored, also when the import is cancelled.
    Raises InputError where a path itself can't be read, StoreError where the store can't be written.
    """
    report = ImportReport() if report is None else report
    files = [(file, file != path) for path in paths for file in files_of(path)]
    async with (
        await Store.open(settings.database, clock) as store,
        CpuPool(settings.link, settings.rights_list(), processes=processes) as cpu,
    ):
        with suppress(StoreInUse), store.exclusive_run():
            await store.reclaim()  # what an import that was killed had in hand
        items = ((file, item) for file, found in files for item in _items(file, kind, publisher, found=found))
        while batch := list(islice(items, BATCH)):
            await _take(batch, store, cpu, report, on_fault)
        await settle_pending(store, cpu, report.tally)
        await replace_old_texts(store, cpu, settings.originals.keep_text_days, clock.now())
    return report


async def settle_pending(store: Store, cpu: CpuPool, tally: Tally) -> None:
    """Makes every decision that waits: pages stored before their original get their link here."""
    desk = LinkingDesk(store, cpu)
    worker = f"import:{os.getpid()}"
    while pending := await store.pending(worker, DECISIONS_AT_ONCE, LEASE_SECONDS):
        for one in pending:
            await desk.decide(one.article_id, tally, worker=worker, reason=one.reason)
    await store.forget_unindexed()


def files_of(path: Path) -> Iterator[Path]:
    """The file itself, or the files of a folder in the order of their names (hidden ones left out)."""
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.is_file() and not one.name.startswith("."))
        if not found:
            raise InputError(path, "expected files in this folder, it is empty")
        yield from found
    elif path.exists():
        yield path
    else:
        raise InputError(path, "expected a file or a folder, there is none")


def _items(file: Path, kind: Format, publisher: str, *, found: bool) -> Iterator[Item]:
    """The file's items. One `found` in a folder may be anything: what can't be read is a fault, not the end."""
    try:
        yield from originals.read(file, kind, publisher=publisher)
    except (InputError, UsageError) as error:
        if not found:
            raise
        yield Fault(str(file), None, error.expected if isinstance(error, InputError) else str(error))


async def _take(
    batch: Sequence[tuple[Path, Item]],
    store: Store,
    cpu: CpuPool,
    report: ImportReport,
    on_fault: Callable[[InputError], None],
) -> None:
    read = await cpu.run(read_batch, [one for _, one in batch if not isinstance(one, Fault | Removal)])
    ready = iter(read)
    for file, item in batch:  # in the order of delivery: a removal must not overtake what it removes
        if isinstance(item, Fault):
            report.faults += 1
            on_fault(item.as_error())
        elif isinstance(item, Removal):
            report.removed += len(await store.remove(item))
        else:
            article, fingerprint = next(ready)
            if article.verdict is not Verdict.ARTICLE or not article.text:
                report.faults += 1
                reason = "" if article.verdict is Verdict.ARTICLE else f", found none ({article.verdict.value})"
                on_fault(InputError(file, f"expected an article with a text{reason}"))
                continue
            stored = await store.store_article(article, fingerprint)
            report.outcomes[stored.outcome] += 1


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
