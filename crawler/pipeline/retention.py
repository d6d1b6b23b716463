"""Originals' texts that were kept long enough give way to their hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from crawler.link.standing import has_agency_dateline
from crawler.model import Article
from crawler.pipeline.cpu import CpuPool, linker
from crawler.store import Hashed, Overdue, Store

BATCH = 50  # texts hashed at once
FOR_EVER = -1


async def replace_old_texts(
    store: Store, cpu: CpuPool, days: int, now: datetime, is_ending: Callable[[], bool] = lambda: False
) -> int:
    """Hashes the texts of originals and releases that came more than `days` ago (-1: none), but for those that wait for
    a decision; how many.

    Costs one probe where there is nothing to do; ends after a batch where `is_ending` says so. Raises StoreError where
    the key of the store's hashes is not at hand.
    """
    if days == FOR_EVER:
        return 0
    before, done = now - timedelta(days=days), 0
    while not is_ending() and (overdue := await store.overdue_texts(before, BATCH)):
        made = await cpu.run(hash_batch, [one.article for one in overdue], await store.text_key())
        replaced = await store.replace_texts(_of(overdue, made))
        done += replaced
        if replaced < len(overdue):
            break  # some changed just now: they come again with the next pass
    return done


def hash_batch(articles: Sequence[Article], key: bytes) -> list[tuple[bytes, bool]]:
    """Hashes of each text, and whether it is an agency's. Pure; runs in the CPU pool."""
    return [(linker().imprint(one, key), has_agency_dateline(one.text)) for one in articles]


def _of(overdue: Sequence[Overdue], made: Sequence[tuple[bytes, bool]]) -> list[Hashed]:
    return [Hashed(one, hashes, agency) for one, (hashes, agency) in zip(overdue, made, strict=True)]
