"""Where pages belong: to the story of their original, to that of another page, or to none but themselves.

A page that belongs to another's story is aside: it has a row in `places` and stands on its own side of the index, so
that a thousand copies do not hide the one page that stands for them. Whoever moves a page holds the lock on its
article, and on that of the page it moves to.

Which of two pages stands for the other follows from what is stored alone: the one of the earlier day, of one day the
one with the lesser id. Within a day it is chance which of two sites is polled first; and were it the exact time, each
of thousands of copies that arrive latest first would have all the others compared anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.interchange import article_brief
from crawler.model import Action, Article, Completeness, Fingerprint, Place, Role, Side, Subject
from crawler.store import candidates, held, tasks
from crawler.store.connected import Connected
from crawler.store.dialect import Dialect
from crawler.store.records import Neighbour, Neighbours
from crawler.store.stories import LIVE
from crawler.store.tables import articles, changes, fingerprints, linkers, links, places, stories
from crawler.store.transaction import Note, Transaction

_SEARCHED = 24  # pages of each side whose keys are looked at
MOST_COMPARED = 6  # of each kind: earlier pages, later ones, members of stories of later ones

WorthComparing = Callable[[float, float, float], bool]


class Places(Connected):
    async def neighbours(
        self, page: Article, fingerprint: Fingerprint, worth: WorthComparing, *, later: bool = False
    ) -> Neighbours:
        """Stored pages that may be one story with a stored page, as far as they are worth a comparison: earlier ones
        or, where there are none or only `later` ones are wanted, later ones.

        `worth` is asked with the overlap and the whole weights of the two fingerprints. Costs two searches, and one
        read of at most 12 texts.
        """
        return await self._db.read(neighbours, page, fingerprint, worth, later)


def side_of(tx: Transaction, number: int, side: Side) -> Side:
    """The side of the index for an article that `Side.of` puts on `side`."""
    if side is not Side.PAGE:
        return side
    return Side.PAGE if tx.first(_PLACE, {"number": number}) is None else Side.ASIDE


def members(tx: Transaction, numbers: Sequence[int]) -> list[int]:
    """Pages that belong to the stories of these pages."""
    hanging = sa.select(places.c.article_no).where(tx.dialect.among(places.c.first_no, numbers))
    return [row.article_no for row in tx.all(hanging)]


def is_possible(place: Place, first: Row[Any] | None, tx: Transaction) -> bool:
    """Whether the page that a place names still stands for itself, with the text that was compared."""
    if first is None or (first.state, first.role, first.version) != ("live", Role.AGGREGATOR.value, place.version):
        return False
    if tx.first(_PLACE, {"number": first.no}) is not None:
        return False
    linked = sa.select(links.c.id).where(links.c.rewrite_no == first.no, links.c.state.in_(LIVE))
    return tx.first(linked) is None


def settle(tx: Transaction, page: Row[Any], original: str | None, place: Place | None, reason: str) -> None:
    """Puts a page where it belongs now: to `original` if it is linked to one, else where `place` says.

    Pages that hang on it are decided anew where it is no longer one that others can belong to.
    """
    before = tx.first(_PLACE, {"number": page.no})
    first = None
    if original is None and place is not None and place.first_id is not None:
        first = tx.first(sa.select(articles.c.no, articles.c.id).where(articles.c.id == place.first_id))
    _tell(tx, page, before, place if first is not None else None, first, reason)
    aside = original is not None or first is not None
    if aside:
        joined = first is not None and place is not None
        row = {
            "article_no": page.no,
            "first_no": first.no if first is not None else None,
            "relation": place.relation.value if joined and place is not None else None,
            "score": place.score if joined and place is not None else None,
        }
        tx.run(_put(tx.dialect), row)
    if aside and before is None:
        candidates.move(tx, page.no, Side.ASIDE)
        tasks.enqueue(tx, members(tx, [page.no]), "the page that stood for its story went to another")
    elif before is not None and not aside:
        tx.run(sa.delete(places).where(places.c.article_no == page.no))
        candidates.move(tx, page.no, Side.PAGE)
        # Only now can others see it; whoever was decided meanwhile has not.
        tasks.enqueue(tx, [page.no], "stands for itself")
    if place is not None and not aside:
        _displace(tx, place.displaced)
    _note_home(tx, page.id, original or (first.id if first is not None else None))


def leave(tx: Transaction, page: Row[Any], reason: str) -> None:
    """The article is no page any more, or has no text: it belongs to no other's story, and no page to its own."""
    before = tx.first(_PLACE, {"number": page.no})
    tasks.enqueue(tx, members(tx, [page.no]), reason)
    if before is None:
        return
    _tell(tx, page, before, None, None, reason)
    tx.run(sa.delete(places).where(places.c.article_no == page.no))
    _note_home(tx, page.id, None)


def _tell(
    tx: Transaction,
    page: Row[Any],
    before: Row[Any] | None,
    place: Place | None,
    first: Row[Any] | None,
    reason: str,
) -> None:
    """Notes what becomes of the page's membership in another page's story."""
    left = before.first_id if before is not None else None
    joined = first.id if first is not None else None
    if left is not None and left != joined:
        tx.touch(left, -1)
        if joined is None:
            tx.note(Note(Subject.MEMBER, Action.RETRACTED, page.id, reason, story_id=left))
    if joined is None or place is None:
        return
    state = json.dumps(membership_json(held.by_id(tx, [page.id])[page.id], joined, place))
    if left == joined:
        if state != _told(tx, page.id):
            tx.note(Note(Subject.MEMBER, Action.CHANGED, page.id, reason, story_id=joined, state=state))
            tx.touch(joined)  # what it says of its members is told as of its own last change
        return
    tx.touch(joined, 1)
    action = Action.CREATED if left is None else Action.CHANGED
    tx.note(Note(Subject.MEMBER, action, page.id, reason, story_id=joined, state=state))


def membership_json(page: Article, story: str, place: Place) -> dict[str, Any]:
    """The public JSON of a page's place in the story of another page."""
    return {
        **article_brief(page),
        "story": story,
        "relation": place.relation.value,
        "score": round(place.score, 6),
    }


def _told(tx: Transaction, page_id: str) -> str | None:
    rows = sa.select(changes.c.state).where(changes.c.subject == Subject.MEMBER.value, changes.c.object_id == page_id)
    state: str | None = tx.scalar(rows.order_by(changes.c.seq.desc()).limit(1))
    return state


def _note_home(tx: Transaction, page_id: str, home: str | None) -> None:
    """Has the story that bore the page's id merged, or be one of its own again."""
    story = tx.first(_STORY, {"id": page_id})
    if story is not None and story.merged_into != home:
        tx.homes[page_id] = home


def _displace(tx: Transaction, ids: Sequence[str]) -> None:
    if ids:
        rows = tx.all(sa.select(articles.c.no).where(tx.dialect.among(articles.c.id, ids), articles.c.state == "live"))
        tasks.enqueue(tx, [row.no for row in rows], "an earlier page of its story came")


_STORY = sa.select(stories.c.merged_into).where(stories.c.id == sa.bindparam("id"))
_FIRST = articles.alias("first")
_PLACE = (
    sa.select(places, _FIRST.c.id.label("first_id"))
    .outerjoin(_FIRST, _FIRST.c.no == places.c.first_no)
    .where(places.c.article_no == sa.bindparam("number"))
)


@cache
def _put(dialect: Dialect) -> Any:
    upsert = dialect.insert(places)
    renewed = {column.name: upsert.excluded[column.name] for column in places.c}
    return upsert.on_conflict_do_update(index_elements=["article_no"], set_=renewed)


# --- who may be one story with a page -----------------------------------------------------------------------

Rank = tuple[date, str]


def _rank(first_seen: datetime, identifier: str) -> Rank:
    """What orders pages: the lesser one stands for the greater. No page can forge it."""
    return first_seen.date(), identifier


def neighbours(
    tx: Transaction, page: Article, fingerprint: Fingerprint, worth: WorthComparing, later: bool = False
) -> Neighbours:
    """See `Places.neighbours`."""
    if page.first_seen is None or not _can_belong(page):
        return Neighbours()
    mine = _rank(_seen(page), page.id)
    # Copies that have not been decided yet crowd each other out, till all but one are aside.
    found = candidates.search_crowd(tx, fingerprint, Side.PAGE, _SEARCHED)
    alone = _near(tx, page.id, fingerprint, found, worth)
    if not later and (earlier := _earlier(tx, alone, mine)):
        return Neighbours(earlier=earlier)
    if not _can_stand(page):
        return Neighbours()
    rows = [row for row in alone if _rank(row.first_seen, row.id) > mine][:MOST_COMPARED]
    aside = [one.article_id for one in candidates.search(tx, fingerprint, Side.ASIDE, _SEARCHED)]
    members = _near(tx, page.id, fingerprint, aside, worth)
    rows += [row for row in members if _hangs_on_later(row, mine)][:MOST_COMPARED]
    return Neighbours(later=tuple(one for one in _with_texts(tx, rows) if _can_belong(one.article)))


def _earlier(tx: Transaction, alone: Sequence[Row[Any]], mine: Rank) -> tuple[Neighbour, ...]:
    rows = [row for row in alone if _rank(row.first_seen, row.id) < mine][:MOST_COMPARED]
    found = [one for one in _with_texts(tx, rows) if _can_stand(one.article)]
    return tuple(sorted(found, key=lambda one: _rank(_seen(one.article), one.article.id)))


def _near(
    tx: Transaction, page_id: str, fingerprint: Fingerprint, found: Sequence[str], worth: WorthComparing
) -> list[Row[Any]]:
    """Those of the pages found that are worth a comparison, likeliest first; none that has an original."""
    others = [one for one in found if one != page_id]
    if not others:
        return []
    weight = sum(fingerprint.weights)
    near: list[tuple[float, Row[Any]]] = []
    for row in tx.all(_about(tx.dialect), {"ids": tx.dialect.as_list(others)}):
        overlap, whole = candidates.overlap_of(fingerprint, row)
        if worth(overlap, weight, whole):
            near.append((overlap, row))
    return [row for _, row in sorted(near, key=lambda one: (-one[0], one[1].id))]


def _hangs_on_later(row: Row[Any], mine: Rank) -> bool:
    """Whether a page and the one it belongs to are both later."""
    return _rank(row.first_seen, row.id) > mine and _rank(row.first_first_seen, row.first_id) > mine


@cache
def _about(dialect: Dialect) -> sa.Select[Any]:
    linked = sa.exists().where(links.c.rewrite_no == articles.c.no, links.c.state.in_(LIVE))
    return (
        sa.select(
            articles.c.id,
            articles.c.first_seen,
            articles.c.version,
            fingerprints.c.index_keys,
            fingerprints.c.index_weights,
            places.c.first_no,
            _FIRST.c.id.label("first_id"),
            _FIRST.c.first_seen.label("first_first_seen"),
        )
        .join(fingerprints, fingerprints.c.article_no == articles.c.no)
        .join(linkers, sa.and_(linkers.c.no == fingerprints.c.linker_no, linkers.c.serving))
        .outerjoin(places, places.c.article_no == articles.c.no)
        .outerjoin(_FIRST, _FIRST.c.no == places.c.first_no)
        .where(
            dialect.listed(articles.c.id, "ids"),
            articles.c.state == "live",
            sa.or_(places.c.article_no.is_(None), places.c.first_no.is_not(None)),
            ~linked,
        )
    )


def _with_texts(tx: Transaction, rows: Sequence[Row[Any]]) -> list[Neighbour]:
    texts = held.by_id(tx, [row.id for row in rows])
    return [Neighbour(texts[row.id], row.version) for row in rows if row.id in texts]


def _can_belong(article: Article) -> bool:
    return article.role is Role.AGGREGATOR and article.completeness is Completeness.FULL and bool(article.text)


def _can_stand(article: Article) -> bool:
    """Whether others can belong to a page: the text of one that asks not to be indexed will be gone."""
    return _can_belong(article) and not article.noindex


def _seen(article: Article) -> datetime:
    assert article.first_seen is not None  # every stored article has it
    return article.first_seen
