"""What a store that is being copied into knows of the copy: a table that is there from the first row to the last.

Meanwhile the schema's revision is `COPYING`, by which every other command refuses the store, and what costs time with
each row (indexes beside the keys, references, triggers) is laid by, as the statements that make it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Table, Text
from sqlalchemy.engine import Connection

from crawler.errors import StoreError, StoreInUse
from crawler.store import searching
from crawler.store.schema import COPYING, HEAD
from crawler.store.tables import log_head, metadata

# Not one of the store's tables: no migration makes it, and it is gone when the copy is done.
book = Table(
    "copying",
    sa.MetaData(),
    Column("what", Text, primary_key=True),  # origin | schema | rows TABLE | again NUMBER
    Column("words", Text, nullable=True),
    Column("rows", sa.BigInteger, nullable=True),
)

_SQLITE_LAID_BY = """
SELECT 'DROP ' || type || ' "' || name || '"' AS gone, sql AS again FROM sqlite_master
WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name NOT LIKE 'article\\_words%' ESCAPE '\\'
ORDER BY type, rowid
"""
# Indexes first: where a reference is made again, it is looked up in them.
_POSTGRES_LAID_BY = """
SELECT * FROM (
  SELECT 2 AS turn, format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS gone,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS again
  FROM pg_constraint
  WHERE contype = 'f' AND conparentid = 0 AND connamespace = current_schema()::regnamespace
  UNION ALL
  SELECT 1, format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
  WHERE relnamespace = current_schema()::regnamespace AND NOT relispartition
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
) AS found ORDER BY turn, again
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A copy under way: from where, of which schema, and how many rows of each table are there."""

    origin: str
    schema: str
    rows: dict[str, int]


def is_unused(connection: Connection) -> bool:
    """Whether the store is as its migrations have made it."""
    for table in metadata.sorted_tables:
        rows = sa.select(sa.literal(1)).select_from(table)
        if table is log_head:
            rows = rows.where(log_head.c.seq != 0)
        if connection.execute(rows.limit(1)).first() is not None:
            return False
    return True


def begin(origin: str) -> Callable[[Connection], None]:
    """Makes an unused store one that is being copied into. Raises StoreInUse where somebody has used it meanwhile."""

    def steps(connection: Connection) -> None:
        if not is_unused(connection):
            raise StoreInUse("another process has begun to use the store that was to be copied into")
        connection.execute(sa.delete(log_head))
        book.create(connection)
        rows: list[dict[str, Any]] = [
            {"what": "origin", "words": origin, "rows": None},
            {"what": "schema", "words": HEAD, "rows": None},
            *({"what": f"rows {table.name}", "words": None, "rows": 0} for table in metadata.sorted_tables),
        ]
        query = _SQLITE_LAID_BY if connection.dialect.name == "sqlite" else _POSTGRES_LAID_BY
        laid_by = connection.exec_driver_sql(query).all()
        rows += [{"what": f"again {at:04}", "words": one.again, "rows": None} for at, one in enumerate(laid_by)]
        # References before the indexes that they may rest on.
        for one in reversed(laid_by):
            connection.exec_driver_sql(one.gone)
        connection.execute(sa.insert(book), rows)
        _set_revision(connection, COPYING)

    return steps


def read(connection: Connection) -> Begun:
    known = {row.what: row for row in connection.execute(sa.select(book))}
    tables = {what.removeprefix("rows "): int(row.rows) for what, row in known.items() if what.startswith("rows ")}
    return Begun(known["origin"].words, known["schema"].words, tables)


def counted(table: sa.Table, before: int, after: int) -> Callable[[Connection], None]:
    """Notes that there are `after` rows. Raises StoreInUse where there are not `before`: two copies at once."""

    def step(connection: Connection) -> None:
        known = sa.update(book).where(book.c.what == f"rows {table.name}", book.c.rows == before)
        if connection.execute(known.values(rows=after)).rowcount != 1:
            raise StoreInUse("another `wiretrace db copy` writes into the same store")

    return step


def empty(table: sa.Table, before: int) -> Callable[[Connection], None]:
    """Takes out what there is of a table."""

    def steps(connection: Connection) -> None:
        counted(table, before, 0)(connection)
        connection.execute(sa.delete(table))

    return steps


def finish(connection: Connection) -> None:
    """Makes again what was laid by, and the store one like any other."""
    statements = sa.select(book.c.words).where(book.c.what.startswith("again ")).order_by(book.c.what)
    for row in connection.execute(statements).all():
        connection.exec_driver_sql(row.words)
    if connection.dialect.name == "sqlite":
        searching.fill_anew(connection)
        _require_references(connection)
    else:
        _set_sequences(connection)
        connection.exec_driver_sql("ANALYZE")
    book.drop(connection)
    _set_revision(connection, HEAD)


def _require_references(connection: Connection) -> None:
    """PostgreSQL looks when it makes the references again."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StoreError(f"a row of {broken[0]} refers to one of {broken[2]} that is not there: the origin is damaged")


def _set_sequences(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        for column in table.primary_key.columns:
            name = {"table_name": table.name, "column_name": column.name}
            sequence = connection.execute(
                sa.text("SELECT pg_get_serial_sequence(:table_name, :column_name)"), name
            ).scalar()
            if sequence is not None:
                last = connection.execute(sa.select(sa.func.max(column))).scalar()
                connection.execute(
                    sa.text("SELECT setval(CAST(:name AS regclass), :last, :used)"),
                    {"name": sequence, "last": last or 1, "used": last is not None},
                )


def _set_revision(connection: Connection, revision: str) -> None:
    connection.execute(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def table_names(connection: Connection) -> Sequence[str]:
    """All tables that are there, whoever made them."""
    return sa.inspect(connection).get_table_names()
