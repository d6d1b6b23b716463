"""What the linker says of a page, and what that changes: its link, its attribution, the change log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler import interchange
from crawler.errors import NotFound, StoreError, UsageError
from crawler.model import (
    Action,
    ArchiveRecord,
    Article,
    Attribution,
    Completeness,
    Coverage,
    Decision,
    Link,
    LinkState,
    Look,
    Place,
    Precedence,
    Relation,
    Role,
    Standing,
    Subject,
)
from crawler.store import held, listing, looking, places, reviewing, tasks
from crawler.store.connected import Connected
from crawler.store.dialect import Dialect
from crawler.store.records import PendingDecision, Recorded, RecordOutcome
from crawler.store.rows import chunks
from crawler.store.stories import LIVE
from crawler.store.tables import articles, attributions, changes, decisions, links
from crawler.store.transaction import Note, Transaction

JUDGED = (LinkState.NEW, LinkState.CONFIRMED, LinkState.REJECTED)


class Decisions(Connected):
    """Costs do not grow with the store, only with what hangs on the articles named."""

    async def pending(self, worker: str, limit: int, seconds: float) -> list[PendingDecision]:
        """Articles whose decision is due, the oldest first, leased to `worker` for `seconds`.

        Pages (role aggregator) want `record_decision`; originals, releases and teasers want the pages found
        that they may concern, and `settle` with these.
        """
        return await self._db.write(tasks.lease, worker, limit, seconds)

    async def pending_count(self) -> int:
        """Decisions that wait or are under way."""
        return await self._db.read(tasks.count)

    async def put_off(self, article_id: str, worker: str, seconds: float) -> None:
        """A decision that failed is due again in `seconds`."""
        await self._db.write(_put_off, article_id, worker, seconds)

    async def enqueue_decisions(self, article_ids: Iterable[str], reason: str) -> None:
        """Has pages decided (again)."""
        await self._db.write(_enqueue, list(article_ids), reason)

    async def settle(
        self, article_id: str, *, worker: str | None = None, enqueue: Iterable[str] = (), reason: str = ""
    ) -> None:
        """Ends the pending task of an article that gets no decision of its own, an original or teaser, and has
        the pages `enqueue` decided, in one transaction. `worker` as in `record_decision`."""
        await self._db.write(_settle, article_id, worker, list(enqueue), reason)

    async def record_decision(
        self, decision: Decision, place: Place | None = None, *, worker: str | None = None, reason: str
    ) -> Recorded:
        """Makes the link and the attribution what `decision` says and takes the page off the pending list.

        A page that is linked belongs to its original's story, any other where `place` says (None: to its own).
        A confirmed link stays as it is, whatever is decided later; a rejected pair does not return unless one
        of its texts changed. A decision that says what is known writes nothing to the change log. Where
        something came up since the page was leased, it stays on the list. `worker`: only if it still has the lease.
        """
        return await self._db.write(_record, decision, place, worker, reason)

    async def judge_link(self, link_id: str, state: LinkState, reason: str) -> None:
        """A person's word on a link: new, confirmed or rejected. Raises NotFound, UsageError."""
        await self._db.write(judge, link_id, state, reason)

    async def link_of(self, article_id: str) -> Link | None:
        """The page's live link."""
        return await self._db.read(_link_of, article_id)

    async def attribution_of(self, article_id: str) -> Attribution | None:
        return await self._db.read(_attribution_of, article_id)


def hanging_on(tx: Transaction, numbers: Sequence[int]) -> list[int]:
    """Pages with a live link to one of these articles, attributed to one of them as a teaser, or of their stories."""
    linked = sa.select(links.c.rewrite_no).where(
        tx.dialect.among(links.c.original_no, numbers), links.c.state.in_(LIVE)
    )
    named = sa.select(attributions.c.article_no).join(articles, articles.c.attribution_no == attributions.c.no)
    named = named.where(tx.dialect.among(attributions.c.teaser_no, numbers))
    return [*(row[0] for row in (*tx.all(linked), *tx.all(named))), *places.members(tx, numbers)]


def retell(tx: Transaction, number: int, reason: str) -> None:
    """Tells the links of an article anew where what they say of it (title, date …) is not so any more."""
    for row in _links_touching(tx, [number], sa.and_(links.c.state != LinkState.RETRACTED.value)):
        told = sa.select(changes.c.state).where(changes.c.subject == Subject.LINK.value, changes.c.object_id == row.id)
        before = tx.scalar(told.order_by(changes.c.seq.desc()).limit(1))
        both = held.by_number(tx, [row.rewrite_no, row.original_no])
        note = _note(Action.CHANGED, _link(tx, row, both), both[row.rewrite_no], both[row.original_no], reason)
        if note.state != before:
            tx.note(note)
            tx.touch(both[row.original_no].id)


def tell_look(tx: Transaction, link_id: str, reason: str) -> None:
    """Tells a link anew whose page was looked at again; who holds to the log sees what came of it."""
    row = tx.first(sa.select(links).where(links.c.id == link_id, links.c.state != LinkState.RETRACTED.value))
    if row is not None:
        both = held.by_number(tx, [row.rewrite_no, row.original_no])
        tx.note(_note(Action.CHANGED, _link(tx, row, both), both[row.rewrite_no], both[row.original_no], reason))


def name_archive(tx: Transaction, number: int, record: ArchiveRecord) -> None:
    """Has the page's link name a record where it named none; also a confirmed one, which no decision touches.

    `retell` after it tells the change.
    """
    nameless = sa.and_(links.c.rewrite_no == number, links.c.archive.is_(None), links.c.state.in_(LIVE))
    tx.run(sa.update(links).where(nameless).values(archive=json.dumps(asdict(record))))


def retract_own(tx: Transaction, page: Row[Any], reason: str) -> None:
    """The article stems from no other any more: its link goes, its attribution too."""
    own = sa.select(links).where(links.c.rewrite_no == page.no, links.c.state.in_(LIVE))
    for link in tx.all(own):
        _retract(tx, link, reason)
    if page.attribution_no is not None:
        _record_attribution(tx, None, page, reason)


def retract_all(tx: Transaction, numbers: Sequence[int], reason: str) -> None:
    """Nothing names these articles any more: links and attributions go, also from the log's older rows."""
    touching = _links_touching(tx, numbers)
    for part in chunks([row.id for row in touching]):
        gone = {"state": LinkState.RETRACTED.value, "evidence": "[]", "archive": None}
        tx.run(sa.update(links).where(tx.dialect.among(links.c.id, part)).values(gone))
        reviewing.forget_texts(tx, part)
        looking.forget(tx, part)
        told = sa.and_(changes.c.subject == Subject.LINK.value, tx.dialect.among(changes.c.object_id, part))
        tx.run(sa.update(changes).where(told).values(state=None))
    for part in chunks(sorted(_ids(tx, numbers).values())):
        headed = sa.and_(changes.c.subject == Subject.STORY.value, tx.dialect.among(changes.c.object_id, part))
        tx.run(sa.update(changes).where(headed, changes.c.state.is_not(None)).values(state=None))
    originals = _ids(tx, [row.original_no for row in touching])
    for row in touching:
        if row.state != LinkState.RETRACTED.value:
            story = originals[row.original_no]
            tx.note(Note(Subject.LINK, Action.RETRACTED, row.id, reason, story_id=story))
            tx.touch(story, -1 if row.state in LIVE else 0)
    named = sa.select(articles.c.no, articles.c.id, articles.c.version).join(
        attributions, attributions.c.no == articles.c.attribution_no
    )
    for row in tx.all(named.where(tx.dialect.among(attributions.c.teaser_no, numbers))):
        tx.run(sa.update(articles).where(articles.c.no == row.no).values(attribution_no=None))
        tx.note(Note(Subject.ARTICLE, Action.CHANGED, row.id, reason, row.version))
    tx.run(sa.update(attributions).where(tx.dialect.among(attributions.c.teaser_no, numbers)).values(data=""))


def _enqueue(tx: Transaction, ids: Sequence[str], reason: str) -> None:
    for part in chunks(ids):
        live = sa.select(articles.c.no).where(tx.dialect.among(articles.c.id, part), articles.c.state == "live")
        tasks.enqueue(tx, [row.no for row in tx.all(live)], reason)


def _settle(tx: Transaction, article_id: str, worker: str | None, pages: Sequence[str], reason: str) -> None:
    number = tx.scalar(sa.select(articles.c.no).where(articles.c.id == article_id))
    if number is not None:
        tasks.finish(tx, number, worker)
    _enqueue(tx, pages, reason)


def _put_off(tx: Transaction, article_id: str, worker: str, seconds: float) -> None:
    number = tx.scalar(sa.select(articles.c.no).where(articles.c.id == article_id))
    if number is not None:
        tasks.hand_back(tx, number, worker, after=seconds)


def _record(tx: Transaction, decision: Decision, place: Place | None, worker: str | None, reason: str) -> Recorded:
    rows = _locked(tx, decision, place)
    page = rows.get(decision.article_id)
    if page is None:
        raise NotFound(f"there is no article {decision.article_id}")
    none = RecordOutcome.NONE
    if page.state != "live":
        tasks.finish(tx, page.no, worker)
        return Recorded(none, none, current=False)
    if not _still_possible(tx, decision, place, rows):
        tasks.enqueue(tx, [page.no], "decided on an article that went")
        tasks.hand_back(tx, page.no, worker)
        return Recorded(none, none, current=False)
    link, link_id = _record_link(tx, decision.link, page, rows, reason)
    attribution = _record_attribution(tx, decision.attribution, page, reason)
    _keep(tx, decision, page)
    tasks.finish(tx, page.no, worker)
    places.settle(tx, page, _original_of(tx, page.no) if link_id is not None else None, place, reason)
    return Recorded(link, attribution, link_id)


def _original_of(tx: Transaction, number: int) -> str | None:
    """The id of the original that a page is linked to."""
    original = sa.select(articles.c.id).join(links, links.c.original_no == articles.c.no)
    found: str | None = tx.scalar(original.where(links.c.rewrite_no == number, links.c.state.in_(LIVE)))
    return found


def _locked(tx: Transaction, decision: Decision, place: Place | None) -> dict[str, Row[Any]]:
    """The rows of the page and of what the decision names: none of them goes before it is recorded."""
    ids = {decision.article_id}
    if decision.link is not None:
        if decision.link.rewrite_id != decision.article_id or decision.link.original_id == decision.article_id:
            raise StoreError(f"a decision on {decision.article_id} can't link another article, nor it to itself")
        ids.add(decision.link.original_id)
    if decision.attribution is not None and decision.attribution.teaser_id is not None:
        ids.add(decision.attribution.teaser_id)
    if place is not None and place.first_id is not None:
        ids.add(place.first_id)
    return {row.id: row for row in tx.all(_named(tx.dialect), {"ids": tx.dialect.as_list(sorted(ids))})}


@cache
def _named(dialect: Dialect) -> sa.Select[Any]:
    return sa.select(articles).where(dialect.listed(articles.c.id, "ids")).order_by(articles.c.no).with_for_update()


def _still_possible(tx: Transaction, decision: Decision, place: Place | None, rows: Mapping[str, Row[Any]]) -> bool:
    if place is not None and place.first_id is not None and not places.is_possible(place, rows.get(place.first_id), tx):
        return False
    if decision.link is not None:
        original = rows.get(decision.link.original_id)
        if original is None or original.state != "live" or original.role == Role.AGGREGATOR:
            return False
        if original.completeness != Completeness.FULL:
            return False
    if decision.attribution is not None and decision.attribution.teaser_id is not None:
        teaser = rows.get(decision.attribution.teaser_id)
        return teaser is not None and teaser.state == "live"
    return True


def _record_link(
    tx: Transaction, link: Link | None, page: Row[Any], rows: Mapping[str, Row[Any]], reason: str
) -> tuple[RecordOutcome, str | None]:
    """What became of the page's link, and the id of the one that is live now."""
    known = {row.id: row for row in tx.all(_LINKS_OF, {"page": page.no})}
    live = next((row for row in known.values() if row.state in LIVE), None)
    if live is not None and live.state == LinkState.CONFIRMED:
        return RecordOutcome.UNCHANGED, live.id
    original = rows[link.original_id] if link is not None else None
    if link is not None and original is not None:
        before = known.get(interchange.link_id(link.rewrite_id, link.original_id))
        if before is not None and before.state == LinkState.REJECTED and _same_texts(before, page, original):
            link = None
    if live is not None and (link is None or original is None or live.original_no != original.no):
        _retract(tx, live, reason)
    if link is None or original is None:
        return (RecordOutcome.RETRACTED if live is not None else RecordOutcome.NONE), None
    return _write_link(tx, link, page, original, known, reason)


_LINKS_OF = sa.select(links).where(links.c.rewrite_no == sa.bindparam("page"))


def _write_link(
    tx: Transaction,
    link: Link,
    page: Row[Any],
    original: Row[Any],
    known: Mapping[str, Row[Any]],
    reason: str,
) -> tuple[RecordOutcome, str]:
    identifier = interchange.link_id(link.rewrite_id, link.original_id)
    before = known.get(identifier)
    both = held.by_number(tx, [page.no, original.no])
    looks = looking.of_link(tx, identifier) if before is not None else ()
    link = replace(link, state=LinkState.NEW, decided=link.decided or tx.now, looks=looks)
    if before is not None and before.state == LinkState.NEW:
        same = replace(link, decided=before.decided)  # the same said again is no news
        if _facts(same, both[page.no], both[original.no]) == _facts(
            _link(tx, before, both), both[page.no], both[original.no]
        ):
            if not _same_texts(before, page, original):
                # No news, but a word on it is about these texts: by the old hashes a rejected pair would return.
                hashes = {"rewrite_hash": page.content_hash, "original_hash": original.content_hash}
                tx.run(sa.update(links).where(links.c.id == identifier).values(hashes))
            return RecordOutcome.UNCHANGED, identifier
    row = _link_row(identifier, link, page, original) | listing.columns(both[page.no], both[original.no])
    upsert = tx.dialect.insert(links)
    tx.run(upsert.on_conflict_do_update(index_elements=["id"], set_={name: upsert.excluded[name] for name in row}), row)
    told = before is not None and before.state != LinkState.RETRACTED
    action = Action.CHANGED if told else Action.CREATED
    tx.note(_note(action, link, both[page.no], both[original.no], reason))
    tx.touch(link.original_id, 0 if before is not None and before.state in LIVE else 1)
    return (RecordOutcome.CHANGED if told else RecordOutcome.CREATED), identifier


def _record_attribution(tx: Transaction, attribution: Attribution | None, page: Row[Any], reason: str) -> RecordOutcome:
    before = None
    if page.attribution_no is not None:
        before = tx.scalar(sa.select(attributions.c.data).where(attributions.c.no == page.attribution_no))
    if attribution is None:
        if before is None:
            return RecordOutcome.NONE
        number, outcome = None, RecordOutcome.RETRACTED
    else:
        data, teaser_no = _attribution_row(tx, attribution)
        if data == before:
            return RecordOutcome.UNCHANGED
        values = {"article_no": page.no, "at": tx.now, "teaser_no": teaser_no, "data": data}
        number = tx.scalar(sa.insert(attributions).values(values).returning(attributions.c.no))
        outcome = RecordOutcome.CREATED if before is None else RecordOutcome.CHANGED
    tx.run(sa.update(articles).where(articles.c.no == page.no).values(attribution_no=number))
    why = f"attribution {outcome.value}: {reason}"
    tx.note(Note(Subject.ARTICLE, Action.CHANGED, page.id, why, page.version, number))
    return outcome


def _attribution_row(tx: Transaction, attribution: Attribution) -> tuple[str, int | None]:
    teaser: Article | None = None
    number = None
    if attribution.teaser_id is not None:
        number = tx.scalar(sa.select(articles.c.no).where(articles.c.id == attribution.teaser_id))
        teaser = held.by_id(tx, [attribution.teaser_id]).get(attribution.teaser_id)
    return json.dumps(interchange.attribution_to_json(attribution, teaser)), number


def _keep(tx: Transaction, decision: Decision, page: Row[Any]) -> None:
    """The decision itself, the newest of each page: what it would link stands here even against a person's word."""
    link = decision.link
    row = {
        "article_no": page.no,
        "linker": decision.linker,
        "score": decision.score,
        "at": tx.now,
        "considered": json.dumps([asdict(one) for one in decision.considered]),
        "link_id": interchange.link_id(link.rewrite_id, link.original_id) if link is not None else None,
    }
    tx.run(_newest_decision(tx.dialect), row)


@cache
def _newest_decision(dialect: Dialect) -> Any:
    upsert = dialect.insert(decisions)
    renewed = {column.name: upsert.excluded[column.name] for column in decisions.c}
    return upsert.on_conflict_do_update(index_elements=["article_no"], set_=renewed)


def judge(tx: Transaction, link_id: str, state: LinkState, reason: str) -> None:
    """See `Decisions.judge_link`."""
    if state not in JUDGED:
        raise UsageError(f"a link is judged new, confirmed or rejected, not {state.value}")
    # The page first, as everybody else takes them.
    of = sa.select(links.c.rewrite_no).where(links.c.id == link_id).scalar_subquery()
    page = tx.first(sa.select(articles).where(articles.c.no == of).with_for_update())
    row = tx.first(sa.select(links).where(links.c.id == link_id).with_for_update())
    if row is None or page is None or row.state == LinkState.RETRACTED:
        raise NotFound(f"there is no link {link_id}")
    if row.state == state:
        return
    if state is not LinkState.REJECTED:
        other = sa.select(links.c.id).where(links.c.rewrite_no == row.rewrite_no, links.c.state.in_(LIVE))
        if tx.first(other.where(links.c.id != link_id)) is not None:
            raise UsageError(f"link {link_id} can't be {state.value}: its page has another link by now")
    tx.run(sa.update(links).where(links.c.id == link_id).values(state=state.value))
    looking.judged(tx, link_id, state)
    both = held.by_number(tx, [row.rewrite_no, row.original_no])
    link = replace(_link(tx, row, both), state=state)
    tx.note(_note(Action.CHANGED, link, both[row.rewrite_no], both[row.original_no], reason))
    is_live, was_live = state.value in LIVE, row.state in LIVE
    tx.touch(link.original_id, is_live - was_live)
    if is_live or was_live:
        places.settle(tx, page, link.original_id if is_live else None, None, reason)


def _retract(tx: Transaction, row: Row[Any], reason: str) -> None:
    tx.run(sa.update(links).where(links.c.id == row.id).values(state=LinkState.RETRACTED.value))
    story = _ids(tx, [row.original_no])[row.original_no]
    tx.note(Note(Subject.LINK, Action.RETRACTED, row.id, reason, story_id=story))
    tx.touch(story, -1 if row.state in LIVE else 0)


def _links_touching(
    tx: Transaction, numbers: Sequence[int], condition: sa.ColumnElement[bool] | None = None
) -> list[Row[Any]]:
    """Links from or to these articles; asked side by side, so that each has its index."""
    found: dict[str, Row[Any]] = {}
    for column in (links.c.rewrite_no, links.c.original_no):
        rows = sa.select(links).where(tx.dialect.among(column, numbers))
        found |= {row.id: row for row in tx.all(rows if condition is None else rows.where(condition))}
    return [found[identifier] for identifier in sorted(found)]


def _ids(tx: Transaction, numbers: Sequence[int]) -> dict[int, str]:
    return {
        row.no: row.id
        for part in chunks(sorted(set(numbers)))
        for row in tx.all(sa.select(articles.c.no, articles.c.id).where(tx.dialect.among(articles.c.no, part)))
    }


def _same_texts(row: Row[Any], page: Row[Any], original: Row[Any]) -> bool:
    return bool(row.rewrite_hash == page.content_hash and row.original_hash == original.content_hash)


def _note(action: Action, link: Link, rewrite: Article, original: Article, reason: str) -> Note:
    identifier = interchange.link_id(link.rewrite_id, link.original_id)
    state = json.dumps(_facts(link, rewrite, original))
    return Note(Subject.LINK, action, identifier, reason, story_id=original.id, state=state)


def _facts(link: Link, rewrite: Article, original: Article) -> dict[str, Any]:
    return interchange.link_to_json(link, interchange.article_brief(rewrite), interchange.article_brief(original))


def _link_row(identifier: str, link: Link, page: Row[Any], original: Row[Any]) -> dict[str, Any]:
    return {
        "id": identifier,
        "rewrite_no": page.no,
        "original_no": original.no,
        "state": link.state.value,
        "relation": link.relation.value,
        "score": link.score,
        "coverage_rewrite": link.coverage.rewrite,
        "coverage_original": link.coverage.original,
        "evidence": json.dumps([interchange.evidence_to_json(piece) for piece in link.evidence]),
        "precedence": link.precedence.value,
        "standing": link.standing.value,
        "linker": link.linker,
        "decided": link.decided,
        "archive": json.dumps(asdict(link.archive)) if link.archive else None,
        "rewrite_hash": page.content_hash,
        "original_hash": original.content_hash,
    }


def link_of_row(row: Row[Any], rewrite_id: str, original_id: str, looks: tuple[Look, ...]) -> Link:
    return Link(
        rewrite_id=rewrite_id,
        original_id=original_id,
        relation=Relation(row.relation),
        score=row.score,
        coverage=Coverage(row.coverage_rewrite, row.coverage_original),
        evidence=tuple(interchange.evidence_from_json(piece) for piece in json.loads(row.evidence)),
        precedence=Precedence(row.precedence),
        standing=Standing(row.standing),
        linker=row.linker,
        decided=row.decided,
        state=LinkState(row.state),
        archive=ArchiveRecord(**json.loads(row.archive)) if row.archive else None,
        looks=looks,
    )


def _link(tx: Transaction, row: Row[Any], both: Mapping[int, Article]) -> Link:
    return link_of_row(row, both[row.rewrite_no].id, both[row.original_no].id, looking.of_link(tx, row.id))


def _link_of(tx: Transaction, article_id: str) -> Link | None:
    mine = sa.select(articles.c.no).where(articles.c.id == article_id).scalar_subquery()
    row = tx.first(sa.select(links).where(links.c.rewrite_no == mine, links.c.state.in_(LIVE)))
    return None if row is None else _link(tx, row, held.by_number(tx, [row.rewrite_no, row.original_no]))


def _attribution_of(tx: Transaction, article_id: str) -> Attribution | None:
    data = tx.scalar(
        sa.select(attributions.c.data)
        .join(articles, articles.c.attribution_no == attributions.c.no)
        .where(articles.c.id == article_id)
    )
    if not data:
        return None
    row = json.loads(data)
    teaser = row["teaser"] or {}
    return Attribution(
        publisher=row["publisher"],
        evidence=tuple(interchange.evidence_from_json(piece) for piece in row["evidence"]),
        teaser_id=teaser.get("id"),
        teaser_score=teaser.get("score"),
    )
