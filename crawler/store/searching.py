"""Search in the newest texts of all articles, by words and phrases.

Each engine has its own index of words, which the database keeps itself: SQLite an FTS5 table whose row numbers are
those of the articles, PostgreSQL an index of an expression. Both fold case and know no language; SQLite folds accents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from crawler.store import browsing
from crawler.store.browsing import Brief
from crawler.store.columns import storable
from crawler.store.connected import Connected
from crawler.store.stories import LIVE
from crawler.store.tables import articles, links, versions
from crawler.store.transaction import Transaction

MOST_TERMS = 16
MOST_READ = 20_000  # characters of a text that are handed out with a hit
_TERM = re.compile(r'"([^"]+)"|(\S+)')


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that has all words; `text` is its beginning, `link_id` its live link."""

    no: int
    brief: Brief
    text: str
    link_id: str | None


@dataclass(frozen=True, slots=True)
class HitPage:
    """`next`: the number behind which the next page goes on; None: there is none."""

    hits: tuple[Hit, ...]
    next: int | None


class Searching(Connected):
    async def search(self, query: str, *, after: int | None = None, limit: int = 20) -> HitPage:
        """Articles whose title or text has all words of `query`, those stored last first; "…" holds a phrase.

        Nothing in a query is an operator. One range of the index of words, and a text a hit.
        """
        return await self._db.read(_search, terms(query), after, limit)


def terms(query: str) -> list[str]:
    """The words and phrases of a query; what has no letter or digit is none."""
    found = [phrase or word.replace('"', "") for phrase, word in _TERM.findall(storable(query))]
    return [" ".join(one.split()) for one in found if any(character.isalnum() for character in one)][:MOST_TERMS]


def _search(tx: Transaction, wanted: list[str], after: int | None, limit: int) -> HitPage:
    if not wanted:
        return HitPage((), None)
    columns = (articles.c.no, sa.func.substr(versions.c.text, 1, MOST_READ).label("text"))
    newest = sa.and_(versions.c.article_no == articles.c.no, versions.c.version == articles.c.version)
    rows = sa.select(*columns).join(versions, newest).where(articles.c.state == "live")
    if tx.dialect.name == "sqlite":
        # In a query of its own, or each article would be looked for in the index of words.
        words = sa.table("article_words", sa.column("rowid"), sa.column("article_words"))
        found = sa.select(words.c.rowid).where(
            words.c.article_words.op("MATCH")(" ".join(f'"{one}"' for one in wanted))
        )
        if after is not None:
            found = found.where(words.c.rowid < after)
        numbers = [row.rowid for row in tx.all(found.order_by(words.c.rowid.desc()).limit(4 * limit))]
        more = numbers[-1] if len(numbers) == 4 * limit else None
        rows = rows.where(tx.dialect.among(articles.c.no, numbers))
    else:
        asked = sa.func.websearch_to_tsquery("simple", " ".join(f'"{one}"' for one in wanted))
        rows, more = rows.where(_words().op("@@")(asked)), None
        if after is not None:
            rows = rows.where(articles.c.no < after)
    read = tx.all(rows.order_by(articles.c.no.desc()).limit(limit + 1))
    shown = read[:limit]
    known = browsing.briefs(tx, [row.no for row in shown])
    live = sa.select(links.c.rewrite_no, links.c.id).where(
        tx.dialect.among(links.c.rewrite_no, [row.no for row in shown]), links.c.state.in_(LIVE)
    )
    linked = {row.rewrite_no: row.id for row in tx.all(live)}
    hits = tuple(Hit(row.no, known[row.no], row.text or "", linked.get(row.no)) for row in shown)
    if len(read) > limit:
        return HitPage(hits, shown[-1].no)
    return HitPage(hits, more)


def _words() -> sa.ColumnElement[Any]:
    """As the migration has it, letter by letter: else PostgreSQL does not take the index."""
    return sa.literal_column(
        "to_tsvector('simple', left(coalesce(wiretrace_title(versions.fields), '') || ' ' ||"
        " coalesce(versions.text, ''), 200000))"
    )


def fill_anew(connection: Connection) -> None:
    """SQLite's index of words made from what is stored, as the migration made it."""
    connection.exec_driver_sql("INSERT INTO article_words (article_words) VALUES ('delete-all')")
    connection.exec_driver_sql(_FILL)


# A NUL in a title, which JSON can say, would end it.
_FILL = r"""
INSERT INTO article_words (rowid, title, body)
  SELECT v.article_no, coalesce(json_extract(replace(v.fields, '\u0000', '\u0020'), '$.title'), ''),
         substr(coalesce(v.text, ''), 1, 200000)
  FROM versions v WHERE NOT EXISTS
    (SELECT 1 FROM versions w WHERE w.article_no = v.article_no AND w.version > v.version)
"""
