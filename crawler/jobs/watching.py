"""`wiretrace import --watch`: deliveries as they are dropped into folders, each exactly once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from crawler.clock import Clock
from crawler.errors import InputError
from crawler.jobs.dropfolder import SETTLE, DropFolder
from crawler.jobs.importing import Importer, ImportReport, OnFault, importer, items_of, tell
from crawler.model import Removal
from crawler.originals import Fault, Format, Item
from crawler.pipeline.cpu import default_processes
from crawler.settings import Settings

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds between two looks
MOST_REASONS = 1_000  # lines of a reason file
OUTAGE = 300.0  # seconds that a database which went away is waited for


async def watch_folders(
    settings: Settings,
    folders: Sequence[Path],
    *,
    clock: Clock,
    report: ImportReport,
    kind: Format = Format.AUTO,
    publisher: str = "",
    on_fault: OnFault = tell,
    settle: float = SETTLE,
    processes: int | None = None,
) -> None:
    """Imports what is dropped into the folders until it is cancelled; what `report` counts is stored.

    First what an earlier process had taken and not put away. A file is put away when all of it is committed, so that
    one killed in between is imported again, which changes nothing. Raises InputError where a folder can't be watched,
    StoreError where the store can't be written: the file in hand is then taken up by the next start.
    """
    if processes is None:
        processes = settings.run.processes or default_processes()
    with ExitStack() as stack:
        watched = [stack.enter_context(DropFolder.held(folder, settle)) for folder in folders]
        async with importer(
            settings, clock=clock, processes=processes, report=report, on_fault=on_fault, outage=OUTAGE
        ) as taking:
            for folder in watched:
                for taken in await asyncio.to_thread(folder.left_over):
                    log.info("taking up %s, which was cut off", folder.dropped_name(taken))
                    await _import(folder, taken, taking, kind, publisher)
            await taking.settle()
            while True:
                if not await _look(watched, taking, clock, kind, publisher):
                    await clock.sleep(PAUSE)


async def _look(folders: Sequence[DropFolder], taking: Importer, clock: Clock, kind: Format, publisher: str) -> bool:
    """Imports all that is whole at this moment; whether there was anything."""
    found = False
    for folder in folders:
        for name in await asyncio.to_thread(folder.look, clock.monotonic()):
            taken = await asyncio.to_thread(folder.take, name)
            if taken is not None:
                found = True
                await _import(folder, taken, taking, kind, publisher)
    if found:
        await taking.settle()
    return found


@dataclass(slots=True)
class _Course:
    """How the import of one file goes."""

    orders: int = 0  # to remove something, whether or not there was anything to remove
    skipped: int = 0
    reasons: list[str] = field(default_factory=list)
    more: int = 0  # reasons that are only counted

    def counted(self, items: Iterator[Item]) -> Iterator[Item]:
        for item in items:
            self.orders += isinstance(item, Removal)
            self.skipped += isinstance(item, Fault) and item.skipped
            yield item

    def tell(self, reason: str) -> None:
        if len(self.reasons) < MOST_REASONS:
            self.reasons.append(reason)
        else:
            self.more += 1

    def lines(self) -> list[str]:
        return [*self.reasons, *([f"… and {self.more:,} more"] if self.more else [])]


def _items(taken: Path, kind: Format, publisher: str) -> Iterator[Item]:
    if taken.is_symlink():  # whoever may drop files must not have us read others
        yield Fault(str(taken), None, "expected a file, it is a link to one")
    else:
        yield from items_of(taken, kind, publisher, found=True)


async def _import(folder: DropFolder, taken: Path, taking: Importer, kind: Format, publisher: str) -> None:
    course = _Course()
    shown = folder.root / folder.dropped_name(taken)

    def on_fault(fault: InputError) -> None:
        told = InputError(fault.path.replace(str(taken), str(shown), 1), fault.expected, fault.item)
        course.tell(str(told))
        taking.on_fault(told)

    stored_before = taking.report.outcomes.total()
    mine = replace(taking, on_fault=on_fault)
    await mine.take((taken, item) for item in course.counted(_items(taken, kind, publisher)))
    good = taking.report.outcomes.total() - stored_before + course.orders + course.skipped
    failed = good == 0 and bool(course.reasons)
    await asyncio.to_thread(folder.put_away, taken, failed=failed, reasons=course.lines())
    log.info("%s: %s", shown, "failed" if failed else "done")
