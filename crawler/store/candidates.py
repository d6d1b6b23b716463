"""The candidate index: which articles share keys with a fingerprint.

One posting a key and article, in a table for each side. The keys of each linker are salted with its number, so that
two indexes can stand side by side while one is made anew. The layout is this module's secret.
"""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from heapq import nlargest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.errors import LinkerMismatch
from crawler.lookups import most_counted, worth_reading
from crawler.model import Candidate, Fingerprint, Side
from crawler.store import crowds
from crawler.store.connected import Connected
from crawler.store.dialect import Dialect
from crawler.store.rows import chunks
from crawler.store.tables import POSTINGS, articles, fingerprints, linkers
from crawler.store.transaction import Transaction

_SALT = 0x9E3779B1  # 2^32 over the golden ratio: multiples of it differ in all bits
# Share of a fingerprint in keys that are passed over. The rare words that a story has in common with hundreds of others
# are less than half of it, the shingles are nobody else's.
_CROWD = 0.5
# Entries written by one statement: to be able to take it back SQLite keeps every page that it touches in memory, 4 KiB
# each, and in a large index that is a page an entry.
POSTED_AT_ONCE = 4_096
_WEIGHT_UNIT = 16  # weights are summed as whole numbers: no order of addition can break a tie


class PostingIndex(Connected):
    """Fulfils the linker's `CandidateIndex`."""

    async def candidates(
        self, fingerprint: Fingerprint, side: Side, limit: int = 200, least: float = 0.0
    ) -> list[Candidate]:
        """The `limit` best by the weight of shared keys, best first, ties by article id; none below the `least`.

        Reads a bounded number of entries, however large the index (`lookups`). Raises LinkerMismatch.
        """
        return await self._db.read(search, fingerprint, side, limit, least)


def put(tx: Transaction, article_no: int, side: Side, fingerprint: Fingerprint, *, first: bool = False) -> None:
    """Makes `fingerprint` the article's only one; `first`: it has none yet. Raises LinkerMismatch."""
    linker_no = _serving(tx, fingerprint)
    if not first:
        take_off(tx, [article_no])
    tx.run(_keep_fingerprint(tx.dialect), _row(article_no, linker_no, fingerprint))
    _post(tx, side, [(article_no, _salted(fingerprint.keys, linker_no))])


def put_many(tx: Transaction, side: Side, of_articles: Sequence[tuple[int, Fingerprint]]) -> None:
    """Puts articles that have no fingerprint yet. Raises LinkerMismatch."""
    rows: list[dict[str, Any]] = []
    posted: list[tuple[int, Sequence[int]]] = []
    serving_no: dict[tuple[str, str], int] = {}
    for article_no, fingerprint in of_articles:
        made_by = fingerprint.linker, fingerprint.scheme
        if made_by not in serving_no:
            serving_no[made_by] = _serving(tx, fingerprint)
        linker_no = serving_no[made_by]
        rows.append(_row(article_no, linker_no, fingerprint))
        posted.append((article_no, _salted(fingerprint.keys, linker_no)))
    tx.run(_keep_fingerprint(tx.dialect), rows)
    _post(tx, side, posted)


def put_beside(tx: Transaction, article_no: int, side: Side | None, fingerprint: Fingerprint, linker_no: int) -> None:
    """Adds the article to another linker's index; without a `side` its fingerprint is kept and not found."""
    tx.run(_keep_fingerprint(tx.dialect), _row(article_no, linker_no, fingerprint))
    if side is not None:
        _post(tx, side, [(article_no, _salted(fingerprint.keys, linker_no))])


def put_back(tx: Transaction, article_no: int, side: Side) -> None:
    """Postings again for an article whose fingerprint was kept."""
    for row in tx.all(sa.select(fingerprints).where(fingerprints.c.article_no == article_no)):
        _post(tx, side, [(article_no, _salted(_keys(row), row.linker_no))])


def move(tx: Transaction, article_no: int, side: Side) -> None:
    """Found on another side from now on."""
    take_off(tx, [article_no])
    put_back(tx, article_no, side)


def take_off(tx: Transaction, numbers: Sequence[int], *, forget: bool = False) -> None:
    """No longer found. `forget`: the fingerprints go as well."""
    for part in chunks(numbers):
        take_down(tx, tx.all(sa.select(fingerprints).where(tx.dialect.among(fingerprints.c.article_no, part))))
        if forget:
            tx.run(sa.delete(fingerprints).where(tx.dialect.among(fingerprints.c.article_no, part)))


def take_down(tx: Transaction, rows: Iterable[Row[Any]]) -> None:
    """Removes the postings of these rows of `fingerprints`."""
    for row in rows:
        # By whole primary keys: postings are ordered by key, not by article.
        salted = _salted(_keys(row), row.linker_no)
        keys = tx.dialect.as_list(salted)
        for side in POSTINGS:
            if tx.run(_unpost(tx.dialect, side), {"article_no": row.article_no, "index_keys": keys}):
                crowds.unmark(tx, side, salted)


def is_put(tx: Transaction, article_no: int, fingerprint: Fingerprint) -> bool:
    """Whether the article is in the index of the fingerprint's linker."""
    linker_no = _serving(tx, fingerprint)
    row = sa.select(fingerprints.c.linker_no).where(fingerprints.c.article_no == article_no)
    return tx.first(row.where(fingerprints.c.linker_no == linker_no)) is not None


def overlap_of(fingerprint: Fingerprint, row: Row[Any]) -> tuple[float, float]:
    """The weight of all keys that a row of `fingerprints` shares with a fingerprint, and the row's whole weight."""
    shared = set(_keys(row))
    weights = zip(fingerprint.keys, fingerprint.weights, strict=True)
    sixteenths: bytes = row.index_weights
    return sum(weight for key, weight in weights if key in shared), sum(sixteenths) / _WEIGHT_UNIT


def held(tx: Transaction, ids: Sequence[str]) -> dict[str, Fingerprint]:
    """The stored fingerprints of articles."""
    return {
        row.id: of_row(row)
        for part in chunks(ids)
        for row in tx.all(_held_by_id(tx.dialect), {"ids": tx.dialect.as_list(part)})
    }


def of_row(row: Row[Any]) -> Fingerprint:
    """The fingerprint in a row of `fingerprints` with its linker's `linker` and `scheme`."""
    weights = tuple(sixteenths / _WEIGHT_UNIT for sixteenths in row.index_weights)
    return Fingerprint(row.linker, row.scheme, row.minhash, _keys(row), weights)


def newest(tx: Transaction, number: int) -> Fingerprint:
    """The fingerprint of an article by the newest linker that made one. There must be one."""
    rows = sa.select(fingerprints, linkers.c.linker, linkers.c.scheme)
    rows = rows.join(linkers, linkers.c.no == fingerprints.c.linker_no).where(fingerprints.c.article_no == number)
    row = tx.first(rows.order_by(fingerprints.c.linker_no.desc()).limit(1))
    assert row is not None
    return of_row(row)


def serving(tx: Transaction) -> Row[Any] | None:
    """The linker whose index is in use: `no`, `linker`, `scheme`."""
    if tx.serving is None:
        tx.serving = tx.first(_SERVING)
    return tx.serving


_SERVING = sa.select(linkers).where(linkers.c.serving)
_SERVING_STILL = _SERVING.with_for_update(read=True)


@cache
def _held_by_id(dialect: Dialect) -> sa.Select[Any]:
    return (
        sa.select(articles.c.id, fingerprints, linkers.c.linker, linkers.c.scheme)
        .join(fingerprints, fingerprints.c.article_no == articles.c.no)
        .join(linkers, linkers.c.no == fingerprints.c.linker_no)
        .where(linkers.c.serving, dialect.listed(articles.c.id, "ids"))
    )


@cache
def _keep_fingerprint(dialect: Dialect) -> Any:
    upsert = dialect.insert(fingerprints)
    renewed = {name: getattr(upsert.excluded, name) for name in ("minhash", "index_keys", "index_weights")}
    return upsert.on_conflict_do_update(index_elements=["article_no", "linker_no"], set_=renewed)


@cache
def _add_postings(dialect: Dialect, side: Side) -> Any:
    table = POSTINGS[side]
    both = dialect.numbers("entries").c.value  # the key's bits above those of the number
    key, number = both.op(">>")(sa.literal_column("32")), both.op("&")(sa.literal_column("4294967295"))
    return sa.insert(table).from_select(
        ["key", "article_no"],
        sa.select(sa.cast(key, table.c.key.type), sa.cast(number, table.c.article_no.type)),
    )


@cache
def _unpost(dialect: Dialect, side: Side) -> Any:
    table = POSTINGS[side]
    return sa.delete(table).where(
        dialect.listed(table.c.key, "index_keys"),
        table.c.article_no == sa.bindparam("article_no", type_=table.c.article_no.type),
    )


def search(tx: Transaction, fingerprint: Fingerprint, side: Side, limit: int, least: float = 0.0) -> list[Candidate]:
    """See `PostingIndex.candidates`."""
    holders = _holders_of(tx, fingerprint, side)
    chosen = _worth_reading(tx, side, holders)
    return _ranked(tx, _sums(tx, fingerprint, holders, chosen), limit, least * _WEIGHT_UNIT)


def search_crowd(tx: Transaction, fingerprint: Fingerprint, side: Side, limit: int) -> list[str]:
    """Ids of the `limit` likeliest and, where hundreds share most of a fingerprint, as many of that crowd.

    What so many have in common is a sign of nothing but of copies or a template: `search` passes it over.
    """
    holders = _holders_of(tx, fingerprint, side, marked=True)
    chosen = _worth_reading(tx, side, holders)
    found = _ranked(tx, _sums(tx, fingerprint, holders, chosen), limit, 0.0)
    weights = dict(zip(fingerprint.keys, fingerprint.weights, strict=True))
    if sum(weights[key] for key in holders.keys() - set(chosen)) > _CROWD * sum(weights.values()):
        # Of each key the first few hundred holders: 18,000 entries of the usual 70 keys.
        found += _ranked(tx, _sums(tx, fingerprint, holders, list(holders)), limit, 0.0)
    return list(dict.fromkeys(one.article_id for one in found))


def entries_read(tx: Transaction, fingerprint: Fingerprint, side: Side) -> int:
    """How many entries of the index a `search` reads, marks of crowded keys included."""
    statement, values = search_statement(tx, fingerprint, side)
    counts = [tx.dialect.count_gathered(one.holders) for one in tx.all(statement, values) if one.holders is not None]
    return sum(counts) + len(crowds.marked(tx, side, _asked(tx, fingerprint)))


def search_statement(tx: Transaction, fingerprint: Fingerprint, side: Side) -> tuple[sa.Select[Any], dict[str, Any]]:
    """The statement with which a `search` reads the index, and its parameters."""
    return _holders(tx.dialect, side, False), {"index_keys": tx.dialect.as_list(_asked(tx, fingerprint))}


def _holders_of(tx: Transaction, fingerprint: Fingerprint, side: Side, *, marked: bool = False) -> dict[int, Any]:
    """The keys that somebody holds, each with its holders; those with a mark only where they are asked for."""
    asked = _asked(tx, fingerprint)
    if not asked:
        return {}
    found = tx.all(_holders(tx.dialect, side, marked), {"index_keys": tx.dialect.as_list(asked)})
    return {asked[one.key]: one.holders for one in found if one.holders is not None}


def _asked(tx: Transaction, fingerprint: Fingerprint) -> dict[int, int]:
    """The keys as they stand in the postings → as they were made; none while there is no index."""
    row = serving(tx)
    if row is None or not fingerprint.keys:
        return {}
    _check(row, fingerprint)
    return dict(zip(_salted(fingerprint.keys, row.no), fingerprint.keys, strict=True))


def _worth_reading(tx: Transaction, side: Side, holders: Mapping[int, Any]) -> list[int]:
    counts = ((key, tx.dialect.count_gathered(some)) for key, some in holders.items())
    return worth_reading(counts, side)


def _sums(
    tx: Transaction, fingerprint: Fingerprint, holders: Mapping[int, Any], chosen: Sequence[int]
) -> dict[int, int]:
    """What each holder of a chosen key has in common with the fingerprint, of these keys."""
    weights = dict(zip(fingerprint.keys, fingerprint.weights, strict=True))
    sums: dict[int, int] = defaultdict(int)
    for key in chosen:
        weight = round(weights[key] * _WEIGHT_UNIT)
        for number in tx.dialect.gathered(holders[key]):
            sums[number] += weight
    return sums


def _ranked(tx: Transaction, sums: Mapping[int, int], limit: int, least: float) -> list[Candidate]:
    """The candidates with the `limit` greatest sums, ties by id, of all that have at least the `least`."""
    if len(sums) > limit:
        # All that tie with the last go on to the ties by id.
        least = max(least, nlargest(limit, sums.values())[-1])
    overlaps = {number: total for number, total in sums.items() if total >= least}
    found = [
        Candidate(row.id, overlaps[row.no] / _WEIGHT_UNIT)
        for part in chunks(overlaps)
        for row in tx.all(_named(tx.dialect), {"numbers": tx.dialect.as_list(part)})
    ]
    return sorted(found, key=lambda one: (-one.overlap, one.article_id))[:limit]


@cache
def _holders(dialect: Dialect, side: Side, marked: bool) -> sa.Select[Any]:
    """Who holds each of the `index_keys`, as far as it matters; null for a key that nobody has."""
    keys, table = dialect.numbers("index_keys"), POSTINGS[side]
    key = sa.cast(keys.c.value, table.c.key.type)
    some = (
        sa.select(table.c.article_no).where(table.c.key == key).limit(most_counted(side) + 1).correlate(keys).subquery()
    )
    holders = sa.select(dialect.gather(some.c.article_no)).scalar_subquery()
    found = sa.select(keys.c.value.label("key"), holders.label("holders"))
    return found if marked else found.where(crowds.is_unmarked(side, key))


@cache
def _named(dialect: Dialect) -> sa.Select[Any]:
    return sa.select(articles.c.no, articles.c.id).where(dialect.listed(articles.c.no, "numbers"))


def _post(tx: Transaction, side: Side, put: Sequence[tuple[int, Sequence[int]]]) -> None:
    # In the order of the index: entries of one page of it are written one after the other.
    entries = sorted({key << 32 | number for number, keys in put for key in keys})
    for part in chunks(entries, POSTED_AT_ONCE):
        tx.run(_add_postings(tx.dialect, side), {"entries": tx.dialect.as_list(part)})
    if entries:
        crowds.mark(tx, side, put)


def _row(article_no: int, linker_no: int, fingerprint: Fingerprint) -> dict[str, Any]:
    return {
        "article_no": article_no,
        "linker_no": linker_no,
        "minhash": fingerprint.minhash,
        "index_keys": _packed(fingerprint.keys),
        "index_weights": bytes(round(weight * _WEIGHT_UNIT) for weight in fingerprint.weights),
    }


def _serving(tx: Transaction, fingerprint: Fingerprint) -> int:
    """The number of the linker in use, the first one that ever wrote. It stays in use to the transaction's end."""
    row = tx.first(_SERVING_STILL)
    if row is None:
        first = {"no": 1, "linker": fingerprint.linker, "scheme": fingerprint.scheme}
        values = {**first, "serving": True, "created": tx.now}
        tx.run(tx.dialect.insert(linkers).on_conflict_do_nothing(index_elements=["no"]), values)
        row = tx.first(_SERVING_STILL)
        assert row is not None
    _check(row, fingerprint)
    return int(row.no)


def _check(row: Row[Any], fingerprint: Fingerprint) -> None:
    if row.linker != fingerprint.linker:
        raise LinkerMismatch(row.linker, fingerprint.linker)
    if row.scheme != fingerprint.scheme:
        raise LinkerMismatch(f"{row.linker} ({row.scheme})", f"{fingerprint.linker} ({fingerprint.scheme})")


def _salted(keys: Sequence[int], linker_no: int) -> tuple[int, ...]:
    """The keys as they stand in the postings, in the same order; those of the first linker are as they were made."""
    salt = (linker_no - 1) * _SALT & 0xFFFFFFFF
    salt -= (salt & 0x80000000) << 1  # as a signed number of 32 bits: so are the keys
    return tuple(key ^ salt for key in keys)


def _keys(row: Row[Any]) -> tuple[int, ...]:
    keys = array("i", row.index_keys)
    if sys.byteorder == "big":
        keys.byteswap()
    return tuple(keys)


def _packed(keys: Sequence[int]) -> bytes:
    """Little-endian int32."""
    values = array("i", keys)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()
