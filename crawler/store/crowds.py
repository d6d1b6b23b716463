"""Keys of the candidate index that more articles hold than a search counts: they are known, and not read.

A search passes such a key over (`lookups`). To learn that it has too many entries it would have to read as many as
count, for three terms in four of every page once a store holds 100,000 originals. So they are written down in a table
of their own, a row a key: a mark. That a key is marked means that it has more than `most_counted` entries; the reverse
need not hold, what is not marked is counted as ever. So a mark changes nothing but the cost.

Entries are added far more often than a key becomes one of many. Of the articles that are put into the index one in 32
has its keys counted: a key is marked after some thirty more than count, and counting takes on average at most three
entries for each one of an original that is written, eight of a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from crawler.lookups import most_counted
from crawler.model import Side
from crawler.store.dialect import Dialect
from crawler.store.tables import POSTINGS, crowded_keys
from crawler.store.transaction import Transaction

COUNTED = 32  # one article in so many has its keys counted when it is put
_GOLDEN = 0x9E3779B1  # 2^32 over the golden ratio
_COUNTED_BELOW = (1 << 32) // COUNTED


def is_unmarked(side: Side, key: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a key of this side has no mark. One index probe."""
    of_key = sa.select(crowded_keys.c.key).where(crowded_keys.c.side == side.value, crowded_keys.c.key == key)
    # Not as EXISTS: of that PostgreSQL makes a join, for which it reads all marks there are.
    return of_key.correlate_except(crowded_keys).scalar_subquery().is_(None)


def mark(tx: Transaction, side: Side, put: Iterable[tuple[int, Sequence[int]]]) -> None:
    """Marks keys that hold too many articles now. `put`: numbers of articles with the keys put for them."""
    # Multiples of the golden ratio are spread evenly: of any three dozen numbers in a row one is chosen.
    keys = {key for number, some in put if number * _GOLDEN & 0xFFFFFFFF < _COUNTED_BELOW for key in some}
    if keys:
        tx.run(_mark(tx.dialect, side), {"index_keys": tx.dialect.as_list(sorted(keys))})


def unmark(tx: Transaction, side: Side, keys: Iterable[int]) -> None:
    """Takes the marks off those of the keys, of which entries went, that have no longer too many."""
    tx.run(_unmark(tx.dialect, side), {"index_keys": tx.dialect.as_list(sorted(keys))})


def marked(tx: Transaction, side: Side, keys: Iterable[int]) -> set[int]:
    """Those of the keys that have a mark."""
    of_side = sa.select(crowded_keys.c.key).where(crowded_keys.c.side == side.value)
    return {row.key for row in tx.all(of_side.where(tx.dialect.among(crowded_keys.c.key, list(keys))))}


def _has_too_many(side: Side, key: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    table = POSTINGS[side]
    one_more = sa.select(table.c.article_no).where(table.c.key == key).limit(1).offset(most_counted(side))
    return one_more.correlate_except(table).exists()


@cache
def _mark(dialect: Dialect, side: Side) -> Any:
    keys = dialect.numbers("index_keys")
    key = sa.cast(keys.c.value, crowded_keys.c.key.type)
    found = sa.select(sa.literal(side.value, crowded_keys.c.side.type), key).where(_has_too_many(side, key))
    insert: Any = dialect.insert(crowded_keys)
    return insert.from_select(["side", "key"], found).on_conflict_do_nothing(index_elements=["side", "key"])


@cache
def _unmark(dialect: Dialect, side: Side) -> sa.Delete:
    return sa.delete(crowded_keys).where(
        crowded_keys.c.side == side.value,
        dialect.listed(crowded_keys.c.key, "index_keys"),
        ~_has_too_many(side, crowded_keys.c.key),
    )
