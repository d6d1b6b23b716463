"""What is stored in its public JSON, a page at a time or by id, for those who ask over HTTP.

Articles and stories are told as the exports tell them, by the last row of each in the change log, and of a licensed
original's text no more than they do; links as they stand, for a link that was retracted is still looked up by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.errors import NotFound
from crawler.interchange import Json, article_brief, link_to_json, time_to_json
from crawler.model import Change, Look, Subject
from crawler.redistribution import Redistribution
from crawler.store import changelog, looking, stories
from crawler.store.browsing import Brief, briefs
from crawler.store.connected import Connected
from crawler.store.decisions import link_of_row
from crawler.store.export import redistribution_of
from crawler.store.rows import chunks
from crawler.store.tables import articles, changes, links
from crawler.store.tables import stories as story_rows
from crawler.store.transaction import Transaction

SCANNED = 1_000  # rows of the log that one page of articles looks through
MOST_TEXT = 4_000_000  # characters of the texts on one page
MOST_MEMBERS = 5_000  # articles of a story that is told with all its members


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles a list has; "": all."""

    role: str = ""
    publisher: str = ""
    completeness: str = ""


@dataclass(frozen=True, slots=True)
class PublicPage:
    """Rows in their public JSON. `next` is the place behind which the next page goes on, None: there is none."""

    rows: tuple[Json, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Rows of the change log. `last` is the number behind which to go on, whether there were rows or not."""

    changes: tuple[Change, ...]
    last: int
    more: bool


class Publishing(Connected):
    async def public_articles(self, wanted: ArticleFilter, *, before: int | None = None, limit: int = 30) -> PublicPage:
        """Articles, those that changed last first, behind the change numbered `before`.

        At most SCANNED rows of an index are looked through: a page may have fewer rows than `limit`, or none, and
        still a next one.
        """
        return await self._db.read(_articles, wanted, before, limit)

    async def public_article(self, article_id: str) -> Json:
        """Raises NotFound, for one that was removed as well."""
        return await self._db.read(_article, article_id)

    async def public_links(self, ids: Sequence[str]) -> list[Json]:
        """Links of whatever state, in the order of `ids`; unknown ones are left out. A row of four tables a link."""
        return await self._db.read(_links, tuple(ids))

    async def public_stories(self, ids: Sequence[str]) -> list[Json]:
        """Stories in the order of `ids`; members as in the change log, None where there are over a hundred."""
        return await self._db.read(_stories, tuple(ids))

    async def public_story(self, story_id: str) -> Json:
        """A story with all members, up to MOST_MEMBERS; one that was merged is told as that which it is part of.
        Raises NotFound."""
        return await self._db.read(_story, story_id)

    async def log_page(self, after: int, *, subject: Subject | None = None, limit: int = 100) -> LogPage:
        """Rows of the change log numbered above `after`, in order."""
        return await self._db.read(_log_page, after, subject, limit)

    async def log_head(self) -> int:
        """The number of the newest change; 0 where there is none."""
        return await self._db.read(changelog.head)


def change_to_json(change: Change) -> Json:
    """The public JSON of a row of the change log."""
    return {
        "seq": change.seq,
        "at": time_to_json(change.at),
        "subject": change.subject.value,
        "action": change.action.value,
        "id": change.id,
        "reason": change.reason,
        "state": change.state,
    }


def _articles(tx: Transaction, wanted: ArticleFilter, before: int | None, limit: int) -> PublicPage:
    is_last = ~stories.superseded(changelog.head(tx))
    scan = sa.select(changes.c.seq, changes.c.object_id).where(changes.c.subject == Subject.ARTICLE.value, is_last)
    if before is not None:
        scan = scan.where(changes.c.seq < before)
    scanned = tx.all(scan.order_by(changes.c.seq.desc()).limit(SCANNED))
    fitting = _fitting(tx, wanted, {row.object_id for row in scanned})
    passing = redistribution_of(tx)
    rows: list[Json] = []
    size, last = 0, 0
    for row in scanned:
        if row.object_id not in fitting:
            continue
        if len(rows) == limit or size > MOST_TEXT:
            return PublicPage(tuple(rows), last)
        last = row.seq
        state = _row(tx, Subject.ARTICLE, row.seq, passing).state
        if state is not None:
            rows.append(dict(state))
            size += len(str(state["text"]))
    return PublicPage(tuple(rows), scanned[-1].seq if len(scanned) == SCANNED else None)


def _fitting(tx: Transaction, wanted: ArticleFilter, ids: set[str]) -> set[str]:
    named = (("role", wanted.role), ("publisher", wanted.publisher), ("completeness", wanted.completeness))
    conditions = [articles.c[name] == value for name, value in named if value]
    found: set[str] = set()
    for part in chunks(sorted(ids)):
        rows = sa.select(articles.c.id).where(
            tx.dialect.among(articles.c.id, part), articles.c.state == "live", *conditions
        )
        found |= {row.id for row in tx.all(rows)}
    return found


def _last_change(
    tx: Transaction, subject: Subject, object_id: str, passing: Redistribution, *, whole: bool = False
) -> Change | None:
    rows = sa.select(changes.c.seq).where(changes.c.subject == subject.value, changes.c.object_id == object_id)
    seq = tx.scalar(rows.order_by(changes.c.seq.desc()).limit(1))
    return None if seq is None else _row(tx, subject, seq, passing, whole=whole)


def _row(tx: Transaction, subject: Subject, seq: int, passing: Redistribution, *, whole: bool = False) -> Change:
    return changelog.page(tx, after=seq - 1, until=seq, limit=1, subject=subject, last_only=whole, passing=passing)[0]


def _article(tx: Transaction, article_id: str) -> Json:
    told = _last_change(tx, Subject.ARTICLE, article_id, redistribution_of(tx))
    if told is None or told.state is None:
        raise NotFound(f"there is no article {article_id}")
    return dict(told.state)


def _links(tx: Transaction, ids: tuple[str, ...]) -> list[Json]:
    rows = [row for part in chunks(ids) for row in tx.all(sa.select(links).where(tx.dialect.among(links.c.id, part)))]
    known = briefs(tx, {number for row in rows for number in (row.rewrite_no, row.original_no)})
    looks = looking.of_links(tx, [row.id for row in rows])
    told = {row.id: _link(row, known[row.rewrite_no], known[row.original_no], looks.get(row.id, ())) for row in rows}
    return [told[one] for one in ids if one in told]


def _link(row: Row[Any], rewrite: Brief, original: Brief, looks: tuple[Look, ...]) -> Json:
    link = link_of_row(row, rewrite.id, original.id, looks)
    return link_to_json(link, article_brief(rewrite), article_brief(original))


def _stories(tx: Transaction, ids: tuple[str, ...]) -> list[Json]:
    passing = redistribution_of(tx)
    told = [_last_change(tx, Subject.STORY, one, passing) for one in ids]
    return [dict(one.state) for one in told if one is not None and one.state is not None]


def _story(tx: Transaction, story_id: str) -> Json:
    home = tx.scalar(sa.select(story_rows.c.merged_into).where(story_rows.c.id == story_id)) or story_id
    passing = redistribution_of(tx)
    told = _last_change(tx, Subject.STORY, home, passing)
    if told is not None and told.state is not None and told.state["members"] is None:
        size = told.state["size"]
        if isinstance(size, int) and size <= MOST_MEMBERS:
            told = _last_change(tx, Subject.STORY, home, passing, whole=True)
    if told is None or told.state is None:
        raise NotFound(f"there is no story {story_id}")
    return dict(told.state)


def _log_page(tx: Transaction, after: int, subject: Subject | None, limit: int) -> LogPage:
    until = changelog.head(tx)
    passing = redistribution_of(tx)
    found = changelog.page(tx, after=after, until=until, limit=limit, subject=subject, passing=passing)
    more = len(found) == limit and found[-1].seq < until
    return LogPage(tuple(found), found[-1].seq if more else max(after, until), more)
