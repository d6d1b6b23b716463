"""Sources and their health."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.errors import NotFound, UsageError
from crawler.habits import Habits
from crawler.model import Role, Source, SourceKind, SourceState, Validators, Verdict
from crawler.store import hostbook
from crawler.store.connected import Connected
from crawler.store.hostbook import HostNote
from crawler.store.records import PollOutcome, PollResult, Reconciliation, SourceRecord
from crawler.store.tables import frontier, sources
from crawler.store.transaction import Transaction

LAST_PAGES = 20  # by which it is told whether a source's pages can be read
_CONFIGURED = (
    "url", "role", "publisher", "kind", "interval", "fetch_pages", "redistribute", "headers_env", "enabled", "declared",
    "backfill",
)  # fmt: skip
# All but what only a poll reads: the daemon looks at all sources every second.
_LISTED = tuple(column for column in sources.c if column.name != "habits")
_NO_ARTICLE = (*(verdict.value for verdict in Verdict if verdict is not Verdict.ARTICLE), "empty")


@dataclass(frozen=True, slots=True)
class ClaimedSources:
    """`notes` of the hosts that are the worker's now; `records` of all sources that were not removed meanwhile, by
    name, and the `habits` of those whose hosts were claimed."""

    notes: Mapping[str, HostNote]
    records: Mapping[str, SourceRecord]
    habits: Mapping[str, Habits]


class Sources(Connected):
    """Costs grow with the number of sources only, but for disabling one: with its queue."""

    async def reconcile(self, declared: Sequence[Source]) -> Reconciliation:
        """Makes the file's sources those of the store; the ones made by `add_source` are left alone.

        Raises UsageError where a name is used both in the file and by `add_source`.
        """
        return await self._db.write(_reconcile, declared)

    async def add_source(self, source: Source) -> SourceRecord:
        """A source that lives in the store only. Raises UsageError where the name is taken."""
        return await self._db.write(_add, source)

    async def add_sources(self, wanted: Sequence[Source]) -> None:
        """The same for many: all of them or, with the UsageError of the first, none."""
        await self._db.write(_add_all, wanted)

    async def remove_source(self, name: str, *, file: str = "the configuration file") -> None:
        """Forgets a source made by `add_source` and its queue; its articles stay.

        Raises UsageError for a source written in `file`, NotFound for an unknown one.
        """
        await self._db.write(_remove, name, file)

    async def sources(self, *, enabled_only: bool = False) -> list[SourceRecord]:
        """All sources by name."""
        return await self._db.read(_list, enabled_only)

    async def source(self, name: str) -> SourceRecord:
        """Raises NotFound."""
        return await self._db.read(_one, name)

    async def claim_sources(self, worker: str, hosts: Mapping[str, str], seconds: float) -> ClaimedSources:
        """Makes the hosts of some sources (name → host) the worker's own for `seconds`, where no other asks them now,
        and reads the sources as they are then: whoever had a host before has written down what it polled.
        """
        return await self._db.write(_claim, worker, hosts, seconds)

    async def habits(self, name: str) -> Habits:
        """What was learned of when the source brings news."""
        stored = await self._db.read(lambda tx: tx.scalar(sa.select(sources.c.habits).where(sources.c.name == name)))
        return Habits.decode(stored)

    async def readable(self, name: str) -> tuple[int, int]:
        """Of the pages announced last that were fetched, at most LAST_PAGES: how many held an article, and how many
        they are. Costs one index probe a page, those that failed among them."""
        return await self._db.read(_readable, name)

    async def record_poll(self, name: str, outcome: PollOutcome) -> SourceRecord | None:
        """What a poll gave, and the source as it is then; None for one that was removed in the meantime."""
        return await self._db.write(_record_poll, name, outcome)


def _reconcile(tx: Transaction, declared: Sequence[Source]) -> Reconciliation:
    tx.dialect.take_turns(tx.connection, "sources")
    held = {row.name: row for row in tx.all(sa.select(sources))}
    for source in declared:
        if source.name in held and held[source.name].declared == "store" and held[source.name].enabled:
            raise UsageError(
                f"source {source.name!r} is in the configuration file and was made by `wiretrace sources add`, too: "
                f"rename one, or run `wiretrace sources remove {source.name!r}`"
            )
    added, changed, unchanged = [], [], []
    for source in declared:
        if source.name not in held:
            _insert(tx, source)
            added.append(source.name)
        elif _update(tx, source, held[source.name]):
            changed.append(source.name)
        else:
            unchanged.append(source.name)
    wanted = {source.name for source in declared}
    gone = [row.name for row in held.values() if row.declared == "file" and row.enabled and row.name not in wanted]
    for name in gone:
        _switch(tx, name, enabled=False)
    return Reconciliation(*(tuple(sorted(names)) for names in (added, changed, gone, unchanged)))


def _add(tx: Transaction, source: Source) -> SourceRecord:
    tx.dialect.take_turns(tx.connection, "sources")
    made = {**_configured(source), "declared": "store"}
    row = tx.first(sa.select(sources).where(sources.c.name == source.name))
    if row is not None and row.enabled:
        where = "in the configuration file" if row.declared == "file" else "in the store"
        raise UsageError(f"source {source.name!r} is there already, {where}, with the URL {row.url}")
    if row is None:
        _insert(tx, source, declared="store")
    else:
        tx.run(sa.update(sources).where(sources.c.name == source.name).values(**made, **_afresh()))
        _unpark(tx, source.name)
    return _one(tx, source.name)


def _add_all(tx: Transaction, wanted: Sequence[Source]) -> None:
    for source in wanted:
        _add(tx, source)


def _remove(tx: Transaction, name: str, file: str) -> None:
    tx.dialect.take_turns(tx.connection, "sources")
    row = _row(tx, name)
    if row.declared == "file":
        where = f"is written in {file}" if row.enabled else f"was written in {file} and is disabled: its history stays"
        raise UsageError(f"source {name!r} {where}")
    tx.run(sa.delete(frontier).where(frontier.c.source == name, frontier.c.state.in_(("queued", "parked"))))
    tx.run(sa.delete(sources).where(sources.c.name == name))
    tx.wakes.add("sources")


def _list(tx: Transaction, enabled_only: bool) -> list[SourceRecord]:
    rows = sa.select(*_LISTED).order_by(sources.c.name)
    return [_record(row) for row in tx.all(rows.where(sources.c.enabled) if enabled_only else rows)]


def _one(tx: Transaction, name: str) -> SourceRecord:
    return _record(_row(tx, name))


def _claim(tx: Transaction, worker: str, hosts: Mapping[str, str], seconds: float) -> ClaimedSources:
    notes = hostbook.claim(tx, worker, hosts.values(), seconds)
    rows = tx.all(sa.select(sources).where(tx.dialect.among(sources.c.name, sorted(hosts))))
    return ClaimedSources(
        notes,
        {row.name: _record(row) for row in rows},
        {row.name: Habits.decode(row.habits) for row in rows if hosts[row.name] in notes},
    )


def _record_poll(tx: Transaction, name: str, outcome: PollOutcome) -> SourceRecord | None:
    failed = outcome.result is PollResult.FAILURE
    values: dict[str, Any] = {
        "state": outcome.state or (SourceState.FAILING if failed else SourceState.OK).value,
        "reason": outcome.reason,
        "last_polled": outcome.at,
        "next_poll": outcome.next_poll,
        "polls": sources.c.polls + 1,
        "consecutive_failures": sources.c.consecutive_failures + 1 if failed else 0,
        "found": sources.c.found + outcome.new,
        "advice": outcome.advice,
        "gaps": sources.c.gaps + int(outcome.gap),
    }
    if not failed:
        values["last_success"] = outcome.at
    if outcome.result is PollResult.SUCCESS:
        values["seen"] = outcome.seen
    if outcome.new:
        values["last_new"] = outcome.at
    if outcome.kind is not None:
        values["detected_kind"] = outcome.kind.value
    if outcome.hub is not None:
        values["hub"] = outcome.hub
    if outcome.habits is not None:
        values["habits"] = outcome.habits.encode()
    if outcome.news_a_day is not None:
        values["news_a_day"] = outcome.news_a_day
    if outcome.validators is not None:
        values["etag"], values["last_modified"] = outcome.validators.etag, outcome.validators.last_modified
    row = tx.first(sa.update(sources).where(sources.c.name == name).values(values).returning(*_LISTED))
    return None if row is None else _record(row)


def _insert(tx: Transaction, source: Source, **other: Any) -> None:
    tx.wakes.add("sources")
    counts = {"consecutive_failures": 0, "polls": 0, "seen": 0, "found": 0}
    values = {"name": source.name, **_configured(source), **_afresh(), **counts, "created": tx.now, **other}
    tx.run(sa.insert(sources).values(values))


def _update(tx: Transaction, source: Source, row: Row[Any]) -> bool:
    """Whether anything of the source is different from what is held."""
    wanted = _configured(source)
    if all(getattr(row, name) == wanted[name] for name in _CONFIGURED):
        return False
    tx.wakes.add("sources")
    if row.url != source.url or row.kind != wanted["kind"]:
        wanted |= _afresh()  # the old document's validators say nothing of the new one
    tx.run(sa.update(sources).where(sources.c.name == source.name).values(wanted))
    if source.enabled != row.enabled:
        _switch(tx, source.name, enabled=source.enabled)
    return True


def _switch(tx: Transaction, name: str, *, enabled: bool) -> None:
    tx.wakes.add("sources")
    tx.run(sa.update(sources).where(sources.c.name == name).values(enabled=enabled))
    if enabled:
        _unpark(tx, name)
    else:
        queue = sa.update(frontier).where(frontier.c.source == name, frontier.c.state == "queued")
        tx.run(queue.values(state="parked"))


def _unpark(tx: Transaction, name: str) -> None:
    parked = sa.update(frontier).where(frontier.c.source == name, frontier.c.state == "parked")
    tx.run(parked.values(state="queued"))
    tx.wakes.update(("pages", "sources"))


def _configured(source: Source) -> dict[str, Any]:
    return {
        "url": source.url,
        "role": source.role.value,
        "publisher": source.publisher,
        "kind": source.kind.value,
        "interval": source.interval,
        "fetch_pages": source.fetch_pages,
        "redistribute": source.redistribute,
        "headers_env": json.dumps(dict(source.headers_env), sort_keys=True),
        "enabled": source.enabled,
        "declared": source.declared,
        "backfill": source.backfill,
    }


def _afresh() -> dict[str, Any]:
    return {
        "state": SourceState.NEW.value,
        "reason": "",
        "advice": "",
        "habits": None,
        "news_a_day": None,
        "hub": None,
        "detected_kind": None,
        "etag": None,
        "last_modified": None,
        "last_polled": None,
        "last_success": None,  # its next document is a first one
        "next_poll": None,
        "consecutive_failures": 0,
    }


def _row(tx: Transaction, name: str) -> Row[Any]:
    row = tx.first(sa.select(sources).where(sources.c.name == name))
    if row is None:
        names = [known.name for known in tx.all(sa.select(sources.c.name))]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`wiretrace sources list` shows all"
        raise NotFound(f"there is no source {name!r}: {hint}")
    return row


def _record(row: Row[Any]) -> SourceRecord:
    return SourceRecord(
        source=Source(
            name=row.name,
            url=row.url,
            role=Role(row.role),
            publisher=row.publisher,
            kind=SourceKind(row.kind),
            interval=row.interval,
            fetch_pages=row.fetch_pages,
            redistribute=row.redistribute,
            headers_env=json.loads(row.headers_env),
            enabled=row.enabled,
            declared=row.declared,
            backfill=row.backfill,
        ),
        state=row.state if row.enabled else SourceState.DISABLED.value,
        reason=row.reason,
        kind=SourceKind(row.detected_kind) if row.detected_kind else None,
        validators=Validators(row.etag, row.last_modified),
        last_polled=row.last_polled,
        last_success=row.last_success,
        next_poll=row.next_poll,
        last_new=row.last_new,
        consecutive_failures=row.consecutive_failures,
        polls=row.polls,
        seen=row.seen,
        articles=row.found,
        advice=row.advice,
        hub=row.hub,
        gaps=row.gaps,
        news_a_day=row.news_a_day,
    )


def of_store(tx: Transaction) -> list[Source]:
    """All sources as they are configured, by name."""
    return [_record(row).source for row in tx.all(sa.select(sources).order_by(sources.c.name))]


def _readable(tx: Transaction, name: str) -> tuple[int, int]:
    held = sa.and_(frontier.c.state == "done", frontier.c.article_no.is_not(None))
    held_none = sa.and_(frontier.c.state == "failed", frontier.c.reason.in_(_NO_ARTICLE))
    pages = sa.select(frontier.c.state).where(frontier.c.source == name, sa.or_(held, held_none))
    rows = tx.all(pages.order_by(frontier.c.announced_at.desc()).limit(LAST_PAGES))
    return sum(row.state == "done" for row in rows), len(rows)
