"""`wiretrace db idf`: new idf tables from the texts that the store holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crawler.clock import Clock
from crawler.errors import StoreError
from crawler.link.frequencies import Frequencies, Text, count, refreshed
from crawler.link.tables import write_table
from crawler.model import Completeness
from crawler.pipeline.cpu import CpuPool, default_processes
from crawler.redistribution import WITHIN_THE_HOUSE
from crawler.settings import Settings
from crawler.store import Store

BATCH = 100  # texts counted at once in one process


@dataclass(frozen=True, slots=True)
class Written:
    """A table that was made, of how many texts."""

    language: str
    path: Path
    texts: int


@dataclass(slots=True)
class IdfReport:
    """What was done: texts read, tables written, and how many texts the languages have that were left out."""

    read: int = 0
    written: list[Written] = field(default_factory=list)
    too_few: dict[str, int] = field(default_factory=dict)


async def refresh_idf(
    settings: Settings,
    folder: Path,
    *,
    clock: Clock,
    least: int,
    watch: Callable[[IdfReport], None] = lambda report: None,
) -> IdfReport:
    """Counts the stems of all full texts in the store, pages and originals in their newest versions, and writes a
    table to `folder` for each language with at least `least` of them.

    Nothing goes by a table till `[link] idf` names it and the store is indexed anew. The same texts give the same
    table, whatever tables are set. Memory does not grow with the store. `watch` is told after each batch. Raises
    StoreError, InputError for a folder that can't be written.
    """
    report, found = IdfReport(), Frequencies()
    processes = settings.run.processes or default_processes()
    # Without the tables that are set, so that one which was lost can be made again.
    plain = settings.link.model_copy(update={"idf": ()})
    async with (
        await Store.open(settings.database, clock) as store,
        CpuPool(plain, (), processes=processes) as cpu,
    ):
        async for texts in _texts(store, BATCH * processes):
            batches = [texts[first : first + BATCH] for first in range(0, len(texts), BATCH)]
            for counted in await asyncio.gather(*(cpu.run(count, batch) for batch in batches)):
                found.add(counted)
            report.read += len(texts)
            watch(report)
        where = store.url
    if not any(texts >= least for texts in found.texts.values()):
        held = ", ".join(f"{texts:,} of {language}" for language, texts in sorted(found.texts.items())) or "none"
        raise StoreError(f"{where}: expected {least:,} texts of a language for a table, found {held}")
    for language, counted_texts in sorted(found.texts.items()):
        if counted_texts < least:
            report.too_few[language] = counted_texts
            continue
        table = await asyncio.to_thread(refreshed, language, counted_texts, found.stems[language])
        path = await asyncio.to_thread(write_table, folder, table, clock.now().date())
        report.written.append(Written(language, path, counted_texts))
    return report


async def _texts(store: Store, size: int) -> AsyncIterator[Sequence[Text]]:
    """All full texts, so many at a time."""
    held: list[Text] = []
    # A table of frequencies holds no sentence: every text may be counted.
    async for state in store.export_articles(passing=WITHIN_THE_HOUSE):
        if state["completeness"] != Completeness.FULL.value or not state["text"]:
            continue
        declared = state["language"]
        held.append(Text(str(state["title"]), str(state["text"]), str(declared) if declared else None))
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held
