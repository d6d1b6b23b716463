"""Stories in the change log: an original with the pages linked to it, or a page with those that belong to it.

Who is a member is told by rows of its own, one for each link or membership. A story's row tells of which article it
is, how large, and which ids it had before; the list of members is put together from those rows when somebody reads it,
and only of a story that is small or exported as a whole. So a story of thousands of pages costs each of them the same.

A story bears the id of its article. Where that article becomes part of another story, the id stays as an alias of that
one. Members are decided anew one by one then; until they are, they are in no story that is told.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.interchange import Json, article_brief
from crawler.model import Action, LinkState, Subject
from crawler.store import held
from crawler.store.dialect import Dialect
from crawler.store.rows import chunks
from crawler.store.tables import changes, stories
from crawler.store.transaction import Note, Transaction

log = logging.getLogger(__name__)

LIVE = (LinkState.NEW.value, LinkState.CONFIRMED.value)
LARGE = 1_000  # articles; larger stories are reported
LISTED = 100  # members, and aliases, that one row of the log lists at most
MOST_REPORTED = 100  # large stories in the status
_HEAD = ("id", "title", "publisher", "url", "published")


@dataclass(slots=True)
class _Story:
    """A row of `stories`; one that was never told has size 1."""

    size: int = 1
    merged_into: str | None = None
    told: bool = False

    @property
    def is_live(self) -> bool:
        return self.size > 1 and self.merged_into is None


def are_touched(tx: Transaction) -> bool:
    return bool(tx.sizes or tx.homes or tx.heads)


def tell(tx: Transaction) -> list[Note]:
    """What became of the stories that a transaction touched. Its caller holds the head of the log."""
    touched = dict.fromkeys([*tx.sizes, *tx.homes, *tx.heads])
    before = _read(tx, touched)
    now = {story: replace(one) for story, one in before.items()}
    for story, grown in tx.sizes.items():
        now[story].size += grown
    moved = _move(tx, before, now)
    _write(tx, before, now)
    notes = [note for story in now if (note := _note(tx, story, before[story], now[story])) is not None]
    return [*moved, *notes]


def _read(tx: Transaction, ids: Iterable[str]) -> dict[str, _Story]:
    found = {story: _Story() for story in ids}
    for part in chunks(found):
        for row in tx.all(sa.select(stories).where(tx.dialect.among(stories.c.id, part))):
            found[row.id] = _Story(row.size, row.merged_into, told=True)
    return found


def _move(tx: Transaction, before: dict[str, _Story], now: dict[str, _Story]) -> list[Note]:
    """Merges stories whose article moved into the one where it is, and frees those whose article came back."""
    notes: list[Note] = []
    for story, home in tx.homes.items():
        one = now[story]
        left = one.merged_into
        for other in (left, home):  # one loses an alias, one gains it
            if other is not None and other not in now:
                before |= _read(tx, [other])
                now[other] = replace(before[other])
        one.merged_into = home
        if home is None:
            if not one.is_live and left is not None:
                notes.append(Note(Subject.STORY, Action.RETRACTED, story, "its page stands for itself"))
            continue
        aliases = [row.id for row in tx.all(sa.select(stories.c.id).where(stories.c.merged_into == story))]
        tx.run(sa.update(stories).where(stories.c.merged_into == story).values(merged_into=home))
        why = f"it is part of story {home}"
        notes += [Note(Subject.STORY, Action.MERGED, alias, why, story_id=home) for alias in (story, *aliases)]
    return notes


def _write(tx: Transaction, before: Mapping[str, _Story], now: Mapping[str, _Story]) -> None:
    for story, one in now.items():
        was = before[story]
        if one.size != was.size or one.merged_into != was.merged_into:
            tx.run(_put(tx.dialect), {"id": story, "size": one.size, "merged_into": one.merged_into})
        if was.size <= LARGE < one.size:
            log.warning("story %s has more than %d articles", story, LARGE)


@cache
def _put(dialect: Dialect) -> Any:
    upsert = dialect.insert(stories)
    renewed = {"size": upsert.excluded.size, "merged_into": upsert.excluded.merged_into}
    return upsert.on_conflict_do_update(index_elements=["id"], set_=renewed)


def _note(tx: Transaction, story: str, before: _Story, now: _Story) -> Note | None:
    """What is told of a story itself; that it merged is told already."""
    if not now.is_live:
        gone = before.is_live and now.merged_into is None
        return Note(Subject.STORY, Action.RETRACTED, story, "its members went") if gone else None
    state = _state(tx, story, now.size)
    only_head = story not in tx.sizes and story not in tx.homes and before.is_live and before == now
    if only_head and state == _told(tx, story):
        return None
    action = Action.CHANGED if before.is_live else Action.CREATED
    return Note(Subject.STORY, action, story, "its members changed", state=state)


def _state(tx: Transaction, story: str, size: int) -> str | None:
    """A story without its members, as JSON."""
    article = held.by_id(tx, [story]).get(story)
    if article is None:
        return None
    brief = article_brief(article)
    aliases = sa.select(stories.c.id).where(stories.c.merged_into == story).order_by(stories.c.id).limit(LISTED + 1)
    ids = [row.id for row in tx.all(aliases)]
    head = {name: brief[name] for name in _HEAD}
    return json.dumps({**head, "aliases": ids if len(ids) <= LISTED else None, "size": size})


def _told(tx: Transaction, story: str) -> str | None:
    rows = sa.select(changes.c.state).where(changes.c.subject == Subject.STORY.value, changes.c.object_id == story)
    state: str | None = tx.scalar(rows.order_by(changes.c.seq.desc()).limit(1))
    return state


# --- reading -------------------------------------------------------------------------------------------------


def superseded(until: Any) -> sa.ColumnElement[bool]:
    """A row of the log has a later one of the same thing, up to the number `until`."""
    later = changes.alias("later")
    return sa.exists().where(
        later.c.subject == changes.c.subject,
        later.c.object_id == changes.c.object_id,
        later.c.seq > changes.c.seq,
        later.c.seq <= until,
    )


def state_of(tx: Transaction, row: Row[Any], *, whole: bool) -> Json | None:
    """A story as of a row of the log. `whole`: with all members and aliases, however many."""
    told: Json | None = json.loads(row.state) if row.state else None
    if told is not None and told["size"] > LISTED + 1 and not whole:
        return {**told, "members": None}
    members = _members(tx, row.object_id, row.seq)
    if told is None:
        return None if not members else _of_links(members)
    if told["aliases"] is None and whole:
        told["aliases"] = _aliases(tx, row.object_id, row.seq)
    return story_json(told, members)


def story_json(told: Json, members: Sequence[Json]) -> Json:
    """A story's public JSON, of its own row and those of its links or memberships."""
    listed = sorted((_member(one) for one in members), key=lambda one: (-one["score"], one["id"]))
    return {**told, "members": listed}


def _member(told: Json) -> Json:
    if "rewrite" not in told:
        brief, via, link = told, told["story"], None
    else:
        brief, via, link = told["rewrite"], told["original"]["id"], told["id"]
    named = {name: brief[name] for name in ("id", "url", "title", "publisher")}
    return {**named, "relation": told["relation"], "score": told["score"], "via": via, "link": link}


def _of_links(members: Sequence[Json]) -> Json | None:
    """A story whose row was written before rows had a state of their own."""
    original = members[-1].get("original")
    if original is None:
        return None
    head = {name: original[name] for name in _HEAD}
    return story_json({**head, "aliases": [], "size": len(members) + 1}, members)


def _members(tx: Transaction, story: str, seq: int) -> list[Json]:
    rows = sa.select(changes.c.state).where(
        changes.c.story_id == story,
        changes.c.seq <= seq,
        changes.c.subject.in_((Subject.LINK.value, Subject.MEMBER.value)),
        changes.c.state.is_not(None),
        ~superseded(seq),
    )
    told = [json.loads(row.state) for row in tx.all(rows.order_by(changes.c.seq))]
    return [one for one in told if one.get("state", LIVE[0]) in LIVE]


def _aliases(tx: Transaction, story: str, seq: int) -> list[str]:
    merged = sa.select(changes.c.object_id).where(
        changes.c.story_id == story,
        changes.c.seq <= seq,
        changes.c.subject == Subject.STORY.value,
        changes.c.action == Action.MERGED.value,
        ~superseded(seq),
    )
    return sorted(row.object_id for row in tx.all(merged))


def counts(tx: Transaction) -> Json:
    """How many stories there are, and the largest of those over `LARGE` articles. One pass over all stories."""
    live = sa.and_(stories.c.size > 1, stories.c.merged_into.is_(None))
    count = tx.scalar(sa.select(sa.func.count()).select_from(stories).where(live))
    # Said as in the index, that it is taken.
    large = sa.select(stories).where(sa.text(f"size > {LARGE}"), stories.c.merged_into.is_(None))
    rows = tx.all(large.order_by(stories.c.size.desc(), stories.c.id).limit(MOST_REPORTED))
    return {"count": int(count or 0), "large": {row.id: row.size for row in rows}}
