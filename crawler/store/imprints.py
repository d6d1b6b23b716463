"""Originals whose text may be kept for some days only: hashes take its place, and all that hangs on it stays.

Links, stories and the index go on as they are. The key of the hashes is made here at first use, or given by a setting;
then this database holds no way to ask its hashes anything.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from crawler.model import PARAGRAPH_BREAK, Action, Article, Subject
from crawler.redistribution import text_hash
from crawler.store import held, textkeys
from crawler.store.connected import Connected
from crawler.store.righttables import hashed_texts
from crawler.store.tables import articles, tasks, versions
from crawler.store.transaction import Note, Transaction

HASHED = "its text was replaced by hashes"
MOST_PARAGRAPHS = 5_000


@dataclass(frozen=True, slots=True)
class Overdue:
    """An original whose text was kept long enough, with its number and version."""

    no: int
    version: int
    article: Article


@dataclass(frozen=True, slots=True)
class Hashed:
    """What was made of an overdue text."""

    of: Overdue
    hashes: bytes
    agency: bool


class Imprints(Connected):
    async def text_key(self) -> bytes:
        """The secret that texts are hashed with; made and kept here at first use, unless a setting gives it.

        Raises StoreError where the store has hashes that were made with another one.
        """
        return await self._db.write(textkeys.made)

    async def overdue_texts(self, before: datetime, limit: int) -> list[Overdue]:
        """Originals and releases whose text came before this time, the oldest first; such as wait for a decision are
        left for later. One index probe each."""
        return await self._db.read(_overdue, before, limit)

    async def replace_texts(self, made: Sequence[Hashed]) -> int:
        """Puts hashes in place of texts, in one transaction; those that changed since they were read are left.

        Texts and captions of all versions go. Links stay as they are. How many were replaced.
        """
        return await self._db.write(_replace, made)


def forget(tx: Transaction, numbers: Sequence[int]) -> None:
    """The hashes of these articles go: they went themselves, or have a text again."""
    tx.run(sa.delete(hashed_texts).where(tx.dialect.among(hashed_texts.c.article_no, numbers)))


def paragraph_starts(text: str) -> bytes:
    """Offsets in characters at which a text's first paragraphs begin, MOST_PARAGRAPHS at most, as they are stored."""
    starts, place = [0], text.find(PARAGRAPH_BREAK)
    while place >= 0 and len(starts) < MOST_PARAGRAPHS:
        starts.append(place + len(PARAGRAPH_BREAK))
        place = text.find(PARAGRAPH_BREAK, starts[-1])
    return struct.pack(f"<{len(starts)}I", *starts)


def paragraphs_of(tx: Transaction, number: int, version: int) -> tuple[int, ...]:
    """Where the paragraphs of a text began that is kept no longer; () where that is not known."""
    of = sa.select(hashed_texts.c.paragraphs).where(hashed_texts.c.article_no == number)
    stored = tx.scalar(of.where(hashed_texts.c.version == version))
    return struct.unpack(f"<{len(stored) // 4}I", stored) if stored else ()


_OVERDUE = (
    held.NEWEST.add_columns(articles.c.version)
    .where(
        articles.c.text_since.is_not(None),
        articles.c.text_since <= sa.bindparam("before", type_=articles.c.text_since.type),
        ~sa.exists().where(tasks.c.article_no == articles.c.no),
    )
    .order_by(articles.c.text_since)
    .limit(sa.bindparam("most"))
)


def _overdue(tx: Transaction, before: datetime, limit: int) -> list[Overdue]:
    rows = tx.all(_OVERDUE, {"before": before, "most": limit})
    return [Overdue(row.no, row.version, held.article(tx, row)) for row in rows]


def _replace(tx: Transaction, made: Sequence[Hashed]) -> int:
    tx.dialect.erase_for_good(tx.connection)
    replaced = 0
    for one in made:
        row = tx.first(sa.select(articles).where(articles.c.no == one.of.no).with_for_update())
        if row is None or row.text_since is None or row.version != one.of.version:
            continue
        forget(tx, [row.no])
        tx.run(
            sa.insert(hashed_texts),
            {
                "article_no": row.no,
                "version": row.version,
                "hashes": one.hashes,
                "agency": one.agency,
                "text_hash": text_hash(one.of.article.text),
                "at": tx.now,
                "paragraphs": paragraph_starts(one.of.article.text),
            },
        )
        _drop_texts(tx, row.no)
        tx.run(sa.update(articles).where(articles.c.no == row.no).values(text_since=None))
        if row.state == "live":
            tx.note(Note(Subject.ARTICLE, Action.CHANGED, row.id, HASHED, row.version, row.attribution_no))
        replaced += 1
    return replaced


def _drop_texts(tx: Transaction, number: int) -> None:
    """Of all versions; captions and what stood below the text are text, too."""
    of = versions.c.article_no == number
    for row in tx.all(sa.select(versions.c.version, versions.c.fields).where(of, versions.c.fields.is_not(None))):
        fields = json.dumps({**json.loads(row.fields), "captions": [], "trailer": []})
        tx.run(sa.update(versions).where(of, versions.c.version == row.version).values(text="", fields=fields))
