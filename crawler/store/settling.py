"""Originals by the hundred: their pending tasks ended together, as a delivery needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from crawler.model import Fingerprint, Role, Side
from crawler.store import candidates, tasks
from crawler.store.cases import MOST_PAGES
from crawler.store.connected import Connected
from crawler.store.records import PendingDecision
from crawler.store.rows import chunks
from crawler.store.tables import POSTINGS, articles
from crawler.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class _Original:
    no: int
    reason: str
    concerns: tuple[str, ...]  # ids of the pages that may stem from it


class Settling(Connected):
    async def settle_originals(self, pending: Sequence[PendingDecision], worker: str) -> list[PendingDecision]:
        """Ends the tasks of the originals and teasers among `pending` (leased by `worker`) and has the pages that
        may stem from them decided, as `case` and `settle` do it one by one. Returns the others, in their order.

        Costs an original one look at the index of pages, and nothing of that where there are no pages.
        """
        found = await self._db.read(_originals, list(pending))
        if found:
            await self._db.write(_end, list(found.values()), worker)
        return [one for one in pending if one.article_id not in found]


def _originals(tx: Transaction, pending: Sequence[PendingDecision]) -> Mapping[str, _Original]:
    reasons = {one.article_id: one.reason for one in pending}
    found = {}
    sides = [side for side in (Side.PAGE, Side.ASIDE) if _is_used(tx, side)]
    for part in chunks(list(reasons)):
        among = tx.dialect.among(articles.c.id, part)
        rows = tx.all(sa.select(articles.c.no, articles.c.id, articles.c.role).where(among))
        numbers = {row.id: row.no for row in rows if row.role != Role.AGGREGATOR.value}
        fingerprints = candidates.held(tx, list(numbers)) if sides else {}
        for identifier, number in numbers.items():
            concerns = _pages(tx, fingerprints.get(identifier), sides)
            found[identifier] = _Original(number, reasons[identifier], concerns)
    return found


def _pages(tx: Transaction, fingerprint: Fingerprint | None, sides: Sequence[Side]) -> tuple[str, ...]:
    if fingerprint is None:
        return ()
    pages = [page for side in sides for page in candidates.search(tx, fingerprint, side, MOST_PAGES)]
    pages.sort(key=lambda page: (-page.overlap, page.article_id))
    return tuple(page.article_id for page in pages[:MOST_PAGES])


def _is_used(tx: Transaction, side: Side) -> bool:
    return tx.first(sa.select(POSTINGS[side].c.key).limit(1)) is not None


def _end(tx: Transaction, originals: Sequence[_Original], worker: str) -> None:
    tasks.finish_all(tx, [one.no for one in originals], worker)
    due: dict[str, list[str]] = {}
    for one in originals:
        due.setdefault(one.reason, []).extend(one.concerns)
    for reason, pages in due.items():
        for part in chunks(list(dict.fromkeys(pages))):
            live = sa.and_(tx.dialect.among(articles.c.id, part), articles.c.state == "live")
            rows = tx.all(sa.select(articles.c.no).where(live))
            tasks.enqueue(tx, [row.no for row in rows], reason)
