"""The append-only change log: one numbered row for each thing that became different.

It is written in the transaction of what it tells, and every output to others is made from it: an export is the
last row of each thing, and a time in the past is a number up to which rows count. Rows of articles name a version
and hold no second copy of its text; rows of links and members hold their public JSON; a story's members are put
together from those that were its at that row (`stories`).

Numbers come from one row of `log_head`, taken as the last thing a transaction does. PostgreSQL holds that row
until the commit, so no number becomes visible before a smaller one, and a transaction that fails leaves no gap.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.interchange import article_to_json
from crawler.model import Action, Change, Subject
from crawler.redistribution import Redistribution, is_licensed, text_hash, without_text
from crawler.store import stories
from crawler.store.dialect import Dialect
from crawler.store.righttables import hashed_texts
from crawler.store.rows import article_of
from crawler.store.stories import superseded
from crawler.store.tables import articles, attributions, changes, log_head, versions
from crawler.store.transaction import Note, Transaction

_APPEND = sa.insert(changes)


def append(tx: Transaction) -> None:
    """Numbers and writes what the transaction noted, then what follows from it for stories."""
    if stories.are_touched(tx):
        # Who holds the head sees every story as all transactions before left it.
        _take_numbers(tx, 0)
        tx.notes.extend(stories.tell(tx))
    if not tx.notes:
        return
    last, at = _take_numbers(tx, len(tx.notes))
    first = last - len(tx.notes) + 1
    tx.run(_APPEND, [_row(note, first + place, at) for place, note in enumerate(tx.notes)])


def head(tx: Transaction) -> int:
    """The number of the newest row; 0 where there is none."""
    return int(tx.scalar(sa.select(log_head.c.seq).where(log_head.c.id == 1)) or 0)


def last_before(tx: Transaction, moment: datetime, *, inclusive: bool) -> int:
    """The number of the last row earlier than `moment` (inclusive: or of that time). One index probe."""
    bound = changes.c.at <= moment if inclusive else changes.c.at < moment
    found = sa.select(changes.c.seq).where(bound).order_by(changes.c.at.desc(), changes.c.seq.desc()).limit(1)
    return int(tx.scalar(found) or 0)


def page(
    tx: Transaction,
    *,
    after: int,
    until: int,
    limit: int,
    subject: Subject | None = None,
    last_only: bool = False,
    passing: Redistribution,
) -> list[Change]:
    """At most `limit` rows numbered above `after` up to `until`, in order, each with its state.

    Texts of licensed originals only as `passing` says. `last_only`: of each thing only its last row up to `until`, and
    stories with all their members. Costs one index probe a row passed over; a story's row one more for each row its
    members ever had, unless it is large.
    """
    of = sa.and_(articles.c.id == changes.c.object_id, changes.c.subject == Subject.ARTICLE.value)
    its = sa.and_(versions.c.article_no == articles.c.no, versions.c.version == changes.c.version)
    rows = (
        sa.select(
            changes,
            articles.c.first_seen,
            versions.c.text,
            versions.c.fields,
            attributions.c.data,
            hashed_texts.c.text_hash,
        )
        .select_from(changes)
        .outerjoin(articles, of)
        .outerjoin(versions, its)
        .outerjoin(
            hashed_texts,
            sa.and_(hashed_texts.c.article_no == articles.c.no, hashed_texts.c.version == changes.c.version),
        )
        .outerjoin(attributions, attributions.c.no == changes.c.attribution_no)
        .where(changes.c.seq > after, changes.c.seq <= until)
        .order_by(changes.c.seq)
        .limit(limit)
    )
    if subject is not None:
        rows = rows.where(changes.c.subject == subject.value)
    if last_only:
        rows = rows.where(~superseded(until))
    return [_change(tx, row, passing, whole=last_only) for row in tx.all(rows)]


def _take_numbers(tx: Transaction, count: int) -> tuple[int, datetime]:
    """The last of `count` new numbers and their time, which never goes back even where the clock does."""
    row = tx.first(_move_head(tx.dialect), {"count": count, "now": tx.now})
    assert row is not None
    return int(row.seq), row.at


@cache
def _move_head(dialect: Dialect) -> sa.Update:
    now = sa.bindparam("now", type_=log_head.c.at.type)
    moved = {"seq": log_head.c.seq + sa.bindparam("count"), "at": dialect.later(log_head.c.at, now)}
    head_row = sa.update(log_head).where(log_head.c.id == 1).values(moved)
    return head_row.returning(log_head.c.seq, log_head.c.at)


def _row(note: Note, seq: int, at: datetime) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": at,
        "subject": note.subject.value,
        "action": note.action.value,
        "object_id": note.object_id,
        "reason": note.reason,
        "version": note.version,
        "attribution_no": note.attribution_no,
        "story_id": note.story_id,
        "state": note.state,
    }


def _change(tx: Transaction, row: Row[Any], passing: Redistribution, *, whole: bool) -> Change:
    subject, action = Subject(row.subject), Action(row.action)
    state: dict[str, Any] | None = None
    if action not in {Action.RETRACTED, Action.MERGED}:
        if subject is Subject.ARTICLE:
            state = _article_state(row, passing)
        elif subject is Subject.STORY:
            state = stories.state_of(tx, row, whole=whole)
        else:
            state = json.loads(row.state) if row.state else None
    return Change(row.seq, row.at, subject, action, row.object_id, row.reason, state)


def _article_state(row: Row[Any], passing: Redistribution) -> dict[str, Any] | None:
    if row.fields is None:
        return None  # a deletion took this version's content, too
    article = article_of(row.object_id, row.first_seen, row.text, row.fields)
    attribution = json.loads(row.data) if row.data else None
    if is_licensed(article) and not (article.text and passing.permits(article)):
        state = article_to_json(without_text(article), attribution)
        state["text_hash"] = text_hash(article.text) if article.text else row.text_hash
        return state
    state = article_to_json(article, attribution)
    if article.noindex:
        state["text"] = ""  # its text is ours to compare, not to pass on
    return state
