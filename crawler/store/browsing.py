"""What people look through: lists of links, newest first, and one link with all that it rests on.

Every list goes on from the last row that was shown (keyset): the thousandth page costs what the first does. A list
is found in one index that holds all a filter asks for, and only its rows are then read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.errors import NotFound
from crawler.interchange import evidence_from_json
from crawler.model import (
    ArchiveRecord,
    Article,
    Coverage,
    Evidence,
    Link,
    LinkState,
    Precedence,
    Relation,
    Standing,
)
from crawler.store import imprints, looking, reviews
from crawler.store.columns import UtcTime
from crawler.store.connected import Connected
from crawler.store.looking import NextLook
from crawler.store.reviews import Review
from crawler.store.rows import article_of, chunks, time_of
from crawler.store.tables import articles, decisions, links, versions
from crawler.store.transaction import Transaction

MOST_COUNTED = 10_000  # links counted exactly; of more is said that there are more
MOST_RIVALS = 6  # other candidates told with a link


@dataclass(frozen=True, slots=True)
class Brief:
    """What a list says of an article. Title and URL are "" where a deletion took them."""

    id: str
    role: str
    publisher: str
    first_seen: datetime
    title: str = ""
    url: str = ""
    published: datetime | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Which links a list has; None and "": all. Scores and times are bounds that are part of it (`until` is not)."""

    state: LinkState | None = LinkState.NEW
    relation: Relation | None = None
    publisher: str = ""
    site: str = ""
    least: float | None = None
    most: float | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: the next one goes on behind it."""

    decided: datetime
    id: str


@dataclass(frozen=True, slots=True)
class ListedLink:
    """A link as lists show it. `mark` is what a review of it says it has seen; lists come without the evidence, which
    is most of a link."""

    id: str
    state: LinkState
    relation: Relation
    score: float
    coverage: Coverage
    precedence: Precedence
    standing: Standing
    linker: str
    decided: datetime
    site: str
    lag: float | None  # seconds
    mark: str
    rewrite: Brief
    original: Brief
    evidence: tuple[Evidence, ...] = field(repr=False, default=())

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.decided, self.id)


@dataclass(frozen=True, slots=True)
class LinkPage:
    links: tuple[ListedLink, ...]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Rival:
    """Another original that was considered; `brief` is None where it is not held any more."""

    id: str
    score: float
    reason: str
    brief: Brief | None


@dataclass(frozen=True, slots=True)
class Reading:
    """An article as it was when a link was decided on it. `article` is None where that text had to go.

    `paragraphs` are the offsets at which those of a text began that is kept no longer (its `article.text` is ""); ()
    where they are not known.
    """

    brief: Brief
    hash: str
    version: int | None
    newest: int
    article: Article | None
    paragraphs: tuple[int, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is a newer text than the one that was decided on."""
        return self.version is not None and self.version != self.newest


@dataclass(frozen=True, slots=True)
class Redecision:
    """What the linker says of the page by now."""

    at: datetime
    linker: str
    score: float
    link_id: str | None


@dataclass(frozen=True, slots=True)
class LinkView:
    """One link with both texts, the other candidates, people's words, and the newest decision on its page."""

    listed: ListedLink
    link: Link
    rewrite: Reading
    original: Reading
    rivals: tuple[Rival, ...]
    reviews: tuple[Review, ...]
    newest: Redecision | None
    next_look: NextLook | None = None


class Browsing(Connected):
    async def browse_links(self, wanted: LinkFilter, *, after: Cursor | None = None, limit: int = 30) -> LinkPage:
        """A page of links, the newest decision first. One range of an index, and a row of four tables a link."""
        return await self._db.read(_browse, wanted, after, limit)

    async def count_links(self, wanted: LinkFilter) -> int:
        """How many links a list has; `MOST_COUNTED` + 1 stands for more."""
        return await self._db.read(_count, wanted)

    async def count_by_state(self) -> dict[LinkState, int]:
        """Links of each state, each counted as by `count_links`."""
        return await self._db.read(_by_state)

    async def view_link(self, link_id: str) -> LinkView:
        """Raises NotFound."""
        return await self._db.read(_view, link_id)

    async def listed_link(self, link_id: str) -> ListedLink:
        """One link as lists show it. Raises NotFound."""
        return await self._db.read(_listed_one, link_id)

    async def link_neighbours(self, wanted: LinkFilter, at: Cursor) -> tuple[str | None, str | None]:
        """Ids of the links before (newer) and behind (older) one in a list. Two index probes."""
        return await self._db.read(_neighbours, wanted, at)


def _conditions(wanted: LinkFilter) -> list[sa.ColumnElement[bool]]:
    """Equalities that an index begins with first; what follows is told from the index as well."""
    found: list[sa.ColumnElement[bool]] = []
    if wanted.site:
        found.append(links.c.site == wanted.site)
    elif wanted.publisher:
        found.append(links.c.publisher == wanted.publisher)
    if wanted.site and wanted.publisher:
        found.append(_aside(links.c.publisher) == wanted.publisher)
    if wanted.state is not None:
        # Where the site or the publisher leads, the state must not: SQLite would take its index by chance.
        column = _aside(links.c.state) if wanted.site or wanted.publisher else links.c.state
        found.append(column == wanted.state.value)
    if wanted.relation is not None:
        found.append(links.c.relation == wanted.relation.value)
    if wanted.least is not None:
        found.append(links.c.score >= wanted.least)
    if wanted.most is not None:
        found.append(links.c.score <= wanted.most)
    if wanted.since is not None:
        found.append(links.c.decided >= wanted.since)
    if wanted.until is not None:
        found.append(links.c.decided < wanted.until)
    return found


def _aside(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A column that is compared but does not choose the index."""
    return sa.func.coalesce(column, "")


def _place(at: Cursor) -> sa.ColumnElement[Any]:
    return sa.tuple_(sa.literal(at.decided, UtcTime), sa.literal(at.id, sa.Text))


_ORDER = sa.tuple_(links.c.decided, links.c.id)


def _ids(wanted: LinkFilter) -> sa.Select[Any]:
    return sa.select(links.c.id, links.c.decided).where(*_conditions(wanted))


def _browse(tx: Transaction, wanted: LinkFilter, after: Cursor | None, limit: int) -> LinkPage:
    rows = _ids(wanted).order_by(links.c.decided.desc(), links.c.id.desc()).limit(limit + 1)
    if after is not None:
        rows = rows.where(_place(after) > _ORDER)
    ids = [row.id for row in tx.all(rows)]
    found = listed(tx, ids[:limit])
    shown = tuple(found[identifier] for identifier in ids[:limit] if identifier in found)
    return LinkPage(shown, shown[-1].cursor if len(ids) > limit and shown else None)


def _count(tx: Transaction, wanted: LinkFilter) -> int:
    some = _ids(wanted).limit(MOST_COUNTED + 1).subquery()
    return int(tx.scalar(sa.select(sa.func.count()).select_from(some)) or 0)


def _by_state(tx: Transaction) -> dict[LinkState, int]:
    return {state: _count(tx, LinkFilter(state)) for state in LinkState}


def _neighbours(tx: Transaction, wanted: LinkFilter, at: Cursor) -> tuple[str | None, str | None]:
    newer = _ids(wanted).where(_place(at) < _ORDER).order_by(links.c.decided, links.c.id).limit(1)
    older = _ids(wanted).where(_place(at) > _ORDER).order_by(links.c.decided.desc(), links.c.id.desc()).limit(1)
    return tx.scalar(newer), tx.scalar(older)


def listed(tx: Transaction, ids: Iterable[str]) -> dict[str, ListedLink]:
    """Links as lists show them, by id."""
    rows = [row for part in chunks(ids) for row in tx.all(sa.select(links).where(tx.dialect.among(links.c.id, part)))]
    known = briefs(tx, {number for row in rows for number in (row.rewrite_no, row.original_no)})
    return {row.id: _listed(row, known) for row in rows}


def briefs(tx: Transaction, numbers: Iterable[int]) -> dict[int, Brief]:
    """What lists say of articles, by their numbers."""
    newest = sa.and_(versions.c.article_no == articles.c.no, versions.c.version == articles.c.version)
    columns = (articles.c.no, articles.c.id, articles.c.role, articles.c.publisher, articles.c.first_seen)
    of = sa.select(*columns, versions.c.fields).outerjoin(versions, newest)
    return {
        row.no: _brief(row)
        for part in chunks(sorted(numbers))
        for row in tx.all(of.where(tx.dialect.among(articles.c.no, part)))
    }


def _brief(row: Row[Any]) -> Brief:
    if row.fields is None:
        return Brief(row.id, row.role, row.publisher, row.first_seen, gone=True)
    told: Mapping[str, Any] = json.loads(row.fields)
    published = time_of(told["published"])
    return Brief(row.id, row.role, row.publisher, row.first_seen, told["title"], told["url"], published)


def _listed(row: Row[Any], known: Mapping[int, Brief], evidence: tuple[Evidence, ...] = ()) -> ListedLink:
    return ListedLink(
        id=row.id,
        state=LinkState(row.state),
        relation=Relation(row.relation),
        score=row.score,
        coverage=Coverage(row.coverage_rewrite, row.coverage_original),
        precedence=Precedence(row.precedence),
        standing=Standing(row.standing),
        linker=row.linker,
        decided=row.decided,
        site=row.site,
        lag=row.lag,
        mark=reviews.mark(row),
        rewrite=known[row.rewrite_no],
        original=known[row.original_no],
        evidence=evidence,
    )


def _listed_one(tx: Transaction, link_id: str) -> ListedLink:
    found = listed(tx, [link_id])
    if link_id not in found:
        raise NotFound(f"there is no link {link_id}")
    return found[link_id]


def _view(tx: Transaction, link_id: str) -> LinkView:
    row = tx.first(sa.select(links).where(links.c.id == link_id))
    if row is None:
        raise NotFound(f"there is no link {link_id}")
    evidence = tuple(evidence_from_json(piece) for piece in json.loads(row.evidence))
    one = _listed(row, briefs(tx, (row.rewrite_no, row.original_no)), evidence)
    decided = tx.first(sa.select(decisions).where(decisions.c.article_no == row.rewrite_no))
    link = Link(
        rewrite_id=one.rewrite.id,
        original_id=one.original.id,
        relation=one.relation,
        score=one.score,
        coverage=one.coverage,
        evidence=one.evidence,
        precedence=one.precedence,
        standing=one.standing,
        linker=one.linker,
        decided=one.decided,
        state=one.state,
        archive=ArchiveRecord(**json.loads(row.archive)) if row.archive else None,
        looks=looking.of_link(tx, link_id),
    )
    return LinkView(
        listed=one,
        link=link,
        rewrite=_reading(tx, row.rewrite_no, one.rewrite, row.rewrite_hash),
        original=_reading(tx, row.original_no, one.original, row.original_hash),
        rivals=_rivals(tx, decided, one.original.id),
        reviews=tuple(reviews.of_link(tx, link_id)),
        next_look=looking.next_of(tx, link_id),
        newest=Redecision(decided.at, decided.linker, decided.score, decided.link_id) if decided else None,
    )


def _reading(tx: Transaction, number: int, brief: Brief, digest: str) -> Reading:
    """The version that was decided on is told by its hash: what evidence points at are offsets into it."""
    newest = int(tx.scalar(sa.select(articles.c.version).where(articles.c.no == number)) or 0)
    of = sa.select(versions).where(versions.c.article_no == number, versions.c.content_hash == digest)
    row = tx.first(of.order_by(versions.c.version.desc()).limit(1))
    if row is None or row.fields is None:
        return Reading(brief, digest, row.version if row else None, newest, None)
    article = article_of(brief.id, brief.first_seen, row.text, row.fields)
    paragraphs = imprints.paragraphs_of(tx, number, row.version) if not article.text else ()
    return Reading(brief, digest, row.version, newest, article, paragraphs)


def _rivals(tx: Transaction, decided: Row[Any] | None, original_id: str) -> tuple[Rival, ...]:
    told = [one for one in json.loads(decided.considered) if one["original_id"] != original_id] if decided else []
    told = told[:MOST_RIVALS]
    named = sa.select(articles.c.no).where(tx.dialect.among(articles.c.id, [one["original_id"] for one in told]))
    known = {brief.id: brief for brief in briefs(tx, [row.no for row in tx.all(named)]).values()}
    return tuple(Rival(one["original_id"], one["score"], one["reason"], known.get(one["original_id"])) for one in told)
