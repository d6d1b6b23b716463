"""Stores of any size for `scale.py`: originals whose index keys are as frequent as those of real news.

A synthetic original takes the pattern of a real one: as many keys of each weight. Bands and parts (hashes of runs of
words) are nobody else's. A term is drawn anew among those of its weight: a weight is the natural logarithm of how many
texts there are for each one with the term, so that a weight stands for a share of all originals, and there are as
many terms of it as give each this share. The terms of the texts themselves are among them, so that pages meet as many
originals for each of their words as they would in a newspaper's archive of that size. Terms of the greatest weight,
which no table has, have a tail as names have: their shares fall with their rank, down to one in 10^8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.link.fingerprint import BAND_WEIGHT, PART_WEIGHT, STEP
from crawler.link.lexicon import MAX_IDF
from crawler.lookups import MOST_COUNTED_OF_ORIGINALS
from crawler.model import Fingerprint
from crawler.store.crowds import COUNTED

TAIL = 2_000  # terms of the greatest weight for each one of its head
FIRST_NO = 1_000_000  # row numbers of synthetic originals; below are those of real texts
PART = 20_000  # originals made at once: some 1.4 million keys
_WORDS = np.uint64(0x9E3779B97F4A7C15)

# A key is marked after some thirty entries more than count.
MARK = (
    "INSERT INTO crowded_keys (side, key) SELECT 'original', key FROM original_postings "
    f"GROUP BY key HAVING count(*) > {MOST_COUNTED_OF_ORIGINALS + COUNTED} ON CONFLICT DO NOTHING"
)

Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Index entries, ordered by article, then by key."""

    first: int  # row number of the first article
    count: int
    numbers: Keys  # of an entry's article
    keys: Keys  # signed, 32 bits
    sixteenths: NDArray[np.uint8]  # weights

    def fingerprints(self, source: np.random.Generator) -> Iterator[tuple[int, bytes, bytes, bytes]]:
        """Row number, MinHash values (of no text), packed keys and weights of each article."""
        ends = np.searchsorted(self.numbers, np.arange(self.first, self.first + self.count), side="right")
        minhash = source.bytes(128 * self.count)
        keys, weights = self.keys.astype("<i4").tobytes(), self.sixteenths.tobytes()
        start = 0
        for place, end in enumerate(ends.tolist()):
            of = minhash[128 * place : 128 * (place + 1)]
            yield self.first + place, of, keys[4 * start : 4 * end], weights[start:end]
            start = end

    def binary_rows(self) -> bytes:
        """The entries as rows (key, number) of PostgreSQL's COPY in binary, without its head and end."""
        rows = np.empty(len(self.keys), dtype=[("n", ">i2"), ("a", ">i4"), ("key", ">i4"), ("b", ">i4"), ("no", ">i4")])
        rows["n"], rows["a"], rows["b"] = 2, 4, 4
        rows["key"], rows["no"] = self.keys, self.numbers
        return rows.tobytes()


class Invention:
    """Draws the keys of synthetic originals."""

    def __init__(self, patterns: Sequence[Fingerprint], known: Sequence[Fingerprint]) -> None:
        """`patterns`: of real originals; `known`: of all texts whose terms are to be met."""
        weights = sorted({weight for one in patterns for weight in one.weights})
        place = {weight: at for at, weight in enumerate(weights)}
        each = Counter(weight for one in patterns for weight in one.weights)
        real: dict[float, set[int]] = {weight: set() for weight in weights}
        for one in known:
            for key, weight in zip(one.keys, one.weights, strict=True):
                real.setdefault(weight, set()).add(key)
        self._classes = [np.array([place[weight] for weight in one.weights], dtype=np.int64) for one in patterns]
        self._sixteenths = np.array([round(weight * STEP) for weight in weights], dtype=np.uint8)
        self._alone = np.array([weight in {BAND_WEIGHT, PART_WEIGHT} for weight in weights])
        self._rarest = np.array([weight == MAX_IDF for weight in weights])
        share = np.exp(-np.array(weights))
        a_text = np.array([each[weight] for weight in weights]) / len(patterns)
        tail = np.where(self._rarest, np.log(TAIL), 1.0)
        self._size = np.maximum(1.0, a_text / share / tail)
        self._real = [np.array(sorted(real[weight]), dtype=np.int64) for weight in weights]

    def batches(self, start: int, count: int) -> Iterator[Batch]:
        """The originals from the `start`-th on; the same place gives the same original, whatever is asked for."""
        for part in range(start - start % PART, start + count, PART):
            whole = self._batch(part, PART)
            low, high = FIRST_NO + max(part, start), FIRST_NO + min(part + PART, start + count)
            wanted = (whole.numbers >= low) & (whole.numbers < high)
            yield Batch(low, high - low, whole.numbers[wanted], whole.keys[wanted], whole.sixteenths[wanted])

    def _batch(self, part: int, count: int) -> Batch:
        source = np.random.default_rng(part + 1)
        chosen = [self._classes[at] for at in source.integers(0, len(self._classes), count)]
        classes = np.concatenate(chosen)
        numbers = np.repeat(np.arange(FIRST_NO + part, FIRST_NO + part + count), [len(one) for one in chosen])
        keys = self._keys(classes, source)
        # Two draws of one article may be the same term: it has it once.
        order = (numbers << 32) | (keys + (1 << 31))
        _, once = np.unique(order, return_index=True)
        return Batch(FIRST_NO + part, count, numbers[once], keys[once], self._sixteenths[classes[once]])

    def _keys(self, classes: Keys, source: np.random.Generator) -> Keys:
        even = source.random(len(classes))
        size = self._size[classes]
        ranks = np.where(self._rarest[classes], size * (np.power(float(TAIL), even) - 1.0), size * even).astype(
            np.int64
        )
        keys = _hashed(classes, ranks)
        for at, real in enumerate(self._real):
            here = np.flatnonzero((classes == at) & (ranks < len(real)))
            keys[here] = real[ranks[here]]
        alone = self._alone[classes]
        keys[alone] = source.integers(-(1 << 31), 1 << 31, int(alone.sum()))
        return keys


def _hashed(classes: Keys, ranks: Keys) -> Keys:
    """32 bits of each term, signed."""
    mixed = (classes.astype(np.uint64) << np.uint64(48)) ^ ranks.astype(np.uint64)
    mixed = (mixed + _WORDS) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return (mixed >> np.uint64(32)).astype(np.uint32).view(np.int32).astype(np.int64)


# --- into a store --------------------------------------------------------------------------------------------

_COPIED = "role, state, completeness, publisher, first_seen, received, checked, version, content_hash, backfill"
_NUMBERED = {
    "sqlite": "WITH RECURSIVE of(n) AS (SELECT {low} UNION ALL SELECT n + 1 FROM of WHERE n + 1 < {high}) ",
    "postgresql": "WITH of(n) AS (SELECT generate_series({low}, {high} - 1)) ",
}
_ID = {"sqlite": "printf('%032x', n)", "postgresql": "lpad(to_hex(n), 32, '0')"}


def article_statements(engine: str, bases: int, low: int, high: int, *, texts: bool) -> list[str]:
    """SQL that makes synthetic originals number `low` to `high` of the first `bases` articles and, with `texts`, of
    these."""
    numbered = _NUMBERED[engine].format(low=low, high=high)
    key = "(n * 2654435761) % 2305843009213693952"
    made = [
        f"INSERT INTO articles (no, id, vendor_id, headline_key, unindexed, {_COPIED}) {numbered}"
        f"SELECT n, {_ID[engine]}, 'FILL' || n, {key}, a.unindexed, {', '.join('a.' + one for one in _COPIED.split(', '))} "
        f"FROM of JOIN articles a ON a.no = n % {bases} + 1",
        f"INSERT INTO versions (article_no, version, at, content_hash, text, fields) {numbered}"
        f"SELECT n, 1, v.at, v.content_hash, v.text, v.fields FROM of "
        f"JOIN versions v ON v.article_no = n % {bases} + 1 AND v.version = 1",
    ]
    return made if texts else made[:1]


def fill_sqlite(file: Any, invention: Invention, bases: int, start: int, count: int, *, index_only: bool) -> None:
    """Adds originals to a SQLite file that nobody has open."""
    import sqlite3

    source = np.random.default_rng(start)
    with sqlite3.connect(file, isolation_level=None) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        connection.execute("BEGIN")
        low = FIRST_NO + start
        for statement in article_statements("sqlite", bases, low, low + count, texts=not index_only):
            connection.execute(statement)
        made = []
        for batch in invention.batches(start, count):
            if not index_only:
                marks = ((no, 1, *rest) for no, *rest in batch.fingerprints(source))
                connection.executemany("INSERT INTO fingerprints VALUES (?, ?, ?, ?, ?)", marks)
            made.append((batch.keys << 32) | batch.numbers)
        # In the order of the index: a million originals in minutes instead of hours.
        for part in np.array_split(np.sort(np.concatenate(made)), max(1, count // PART)):
            rows = zip((part >> 32).tolist(), (part & 0xFFFFFFFF).tolist(), strict=True)
            connection.executemany("INSERT INTO original_postings VALUES (?, ?)", rows)
        connection.execute(MARK)
        connection.execute("COMMIT")


async def fill_postgres(
    address: str, invention: Invention, bases: int, start: int, count: int, *, index_only: bool
) -> None:
    """Adds originals to a PostgreSQL store by COPY, and builds the index of the postings anew at the end.

    It is built with the third of its pages left free that an index has which grew by single entries.
    """
    import io

    import asyncpg

    source = np.random.default_rng(start)
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '1GB'")
        async with connection.transaction():
            low = FIRST_NO + start
            for statement in article_statements("postgresql", bases, low, low + count, texts=not index_only):
                await connection.execute(statement)
            await connection.execute("ALTER TABLE original_postings DROP CONSTRAINT pk_original_postings")
            for batch in invention.batches(start, count):
                if not index_only:
                    await connection.copy_records_to_table(
                        "fingerprints", records=[(no, 1, *rest) for no, *rest in batch.fingerprints(source)]
                    )
                rows = b"PGCOPY\n\xff\r\n\x00" + bytes(8) + batch.binary_rows() + b"\xff\xff"
                await connection.copy_to_table("original_postings", source=io.BytesIO(rows), format="binary")
            await connection.execute(
                "ALTER TABLE original_postings ADD CONSTRAINT pk_original_postings PRIMARY KEY (key, article_no) "
                "WITH (fillfactor = 70)"
            )
            await connection.execute(MARK)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
