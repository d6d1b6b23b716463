"""All that SQLite and PostgreSQL want said differently."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.sql.selectable import TableValuedAlias


class Upsert(Protocol):
    """What the INSERTs of both engines have in common beyond the standard's."""

    excluded: Any

    def values(self, *args: Any, **kwargs: Any) -> Any: ...
    def on_conflict_do_nothing(self, *, index_elements: Sequence[str]) -> Any: ...
    def on_conflict_do_update(
        self, *, index_elements: Sequence[str], set_: dict[str, Any], where: Any = None
    ) -> Any: ...


class Dialect(Protocol):
    name: str

    def __hash__(self) -> int: ...  # statements built for it are kept under it

    def insert(self, table: sa.Table) -> Upsert: ...

    def numbers(self, name: str) -> sa.Subquery:
        """A table of one column, `value`, of the integers that the parameter `name` is given by `as_numbers`."""
        ...

    def as_numbers(self, values: Sequence[int]) -> Any:
        """`values` as the parameter of `numbers`."""
        ...

    def among(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
        """`column IN values` as one and the same statement for any number of values (prepared once)."""
        ...

    def weighted_keys(self, keys: Sequence[int], weights: Sequence[int]) -> TableValuedAlias:
        """A table of the columns `key` and `weight`."""
        ...

    def later(self, one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The greater of two values."""
        ...

    def take_turns(self, connection: Connection, what: str) -> None:
        """Waits until no other transaction is at `what`, to the end of this one."""
        ...


class Sqlite:
    """One writer at a time: BEGIN IMMEDIATE has taken every lock there is."""

    name = "sqlite"

    def insert(self, table: sa.Table) -> Upsert:
        return cast(Upsert, sqlite.insert(table))

    def among(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
        entries = sa.func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(sa.select(entries.c.value))

    def numbers(self, name: str) -> sa.Subquery:
        entries = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
        return sa.select(entries.c.value).subquery()

    def as_numbers(self, values: Sequence[int]) -> Any:
        return json.dumps(values)

    def weighted_keys(self, keys: Sequence[int], weights: Sequence[int]) -> TableValuedAlias:
        pairs = sa.func.json_each(json.dumps([[key, weight] for key, weight in zip(keys, weights, strict=True)]))
        entries = pairs.table_valued("value").alias("entry")
        rows = sa.select(
            sa.func.json_extract(entries.c.value, "$[0]", type_=sa.BigInteger).label("key"),
            sa.func.json_extract(entries.c.value, "$[1]", type_=sa.BigInteger).label("weight"),
        )
        return cast(TableValuedAlias, rows.cte("wanted"))

    def later(self, one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.max(one, other, type_=one.type)

    def take_turns(self, connection: Connection, what: str) -> None:
        return None


class Postgresql:
    name = "postgresql"

    def insert(self, table: sa.Table) -> Upsert:
        return cast(Upsert, postgresql.insert(table))

    def among(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
        wanted = sa.bindparam(None, list(values), type_=postgresql.ARRAY(column.type))
        return column == sa.func.any(wanted)

    def numbers(self, name: str) -> sa.Subquery:
        entries = sa.func.unnest(sa.bindparam(name, type_=postgresql.ARRAY(sa.BigInteger))).table_valued("value")
        return sa.select(entries.render_derived().c.value).subquery()

    def as_numbers(self, values: Sequence[int]) -> Any:
        return list(values)

    def weighted_keys(self, keys: Sequence[int], weights: Sequence[int]) -> TableValuedAlias:
        numbers = postgresql.ARRAY(sa.BigInteger)
        return (
            sa.func.unnest(
                sa.bindparam(None, list(keys), type_=numbers), sa.bindparam(None, list(weights), type_=numbers)
            )
            .table_valued("key", "weight", name="wanted")
            .render_derived()
        )

    def later(self, one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.greatest(one, other, type_=one.type)

    def take_turns(self, connection: Connection, what: str) -> None:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_number(what))))


SQLITE, POSTGRESQL = Sqlite(), Postgresql()


def lock_number(what: str) -> int:
    """A signed 64-bit number for PostgreSQL's advisory locks."""
    digest = hashlib.blake2b(f"wiretrace {what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
