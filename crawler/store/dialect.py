"""All that SQLite and PostgreSQL want said differently."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

CHANNEL = "wiretrace"  # of PostgreSQL's NOTIFY


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
        """A table of one column, `value`, of the integers that the parameter `name` is given by `as_list`."""
        ...

    def among(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
        """`column IN values` as one and the same statement for any number of values (prepared once)."""
        ...

    def listed(self, column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
        """The same with a parameter, which `as_list` fills: for statements that are made once and run for ever."""
        ...

    def as_list(self, values: Collection[Any]) -> Any:
        """`values` as the parameter of `listed` or `numbers`."""
        ...

    def gather(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The whole numbers of a column in one value; null of no rows."""
        ...

    def count_gathered(self, value: Any) -> int:
        """How many numbers are in what `gather` gave."""
        ...

    def gathered(self, value: Any) -> Iterable[int]:
        """The numbers in it."""
        ...

    def later(self, one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The greater of two values."""
        ...

    def take_turns(self, connection: Connection, what: str) -> None:
        """Waits until no other transaction is at `what`, to the end of this one."""
        ...

    def erase_for_good(self, connection: Connection) -> None:
        """What this connection deletes from now on is overwritten in the file, where the engine does that at once."""
        ...

    def take_all_turns(self, connection: Connection, what: Collection[str]) -> None:
        """The same of several things at once, in an order that is everyone's."""
        ...

    def tell(self, connection: Connection, topics: Iterable[str]) -> None:
        """Other processes hear of `topics` when this transaction is committed, where the engine can tell them."""
        ...


class Sqlite:
    """One writer at a time: BEGIN IMMEDIATE has taken every lock there is."""

    name = "sqlite"

    def insert(self, table: sa.Table) -> Upsert:
        return cast(Upsert, sqlite.insert(table))

    def among(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
        entries = sa.func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(sa.select(entries.c.value))

    def listed(self, column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
        entries = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
        return column.in_(sa.select(entries.c.value))

    def as_list(self, values: Collection[Any]) -> Any:
        return json.dumps(list(values))

    def numbers(self, name: str) -> sa.Subquery:
        entries = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
        return sa.select(entries.c.value).subquery()

    def gather(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.group_concat(column)

    def count_gathered(self, value: Any) -> int:
        return str(value).count(",") + 1

    def gathered(self, value: Any) -> Iterable[int]:
        return map(int, str(value).split(","))

    def later(self, one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.max(one, other, type_=one.type)

    def take_turns(self, connection: Connection, what: str) -> None:
        return None

    def erase_for_good(self, connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA secure_delete = ON")

    def take_all_turns(self, connection: Connection, what: Collection[str]) -> None:
        return None

    def tell(self, connection: Connection, topics: Iterable[str]) -> None:
        return None


class Postgresql:
    name = "postgresql"

    def insert(self, table: sa.Table) -> Upsert:
        return cast(Upsert, postgresql.insert(table))

    def among(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
        wanted = sa.bindparam(None, list(values), type_=postgresql.ARRAY(column.type))
        return column == sa.func.any(wanted)

    def listed(self, column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
        return column == sa.func.any(sa.bindparam(name, type_=postgresql.ARRAY(column.type)))

    def as_list(self, values: Collection[Any]) -> Any:
        return list(values)

    def numbers(self, name: str) -> sa.Subquery:
        entries = sa.func.unnest(sa.bindparam(name, type_=postgresql.ARRAY(sa.BigInteger))).table_valued("value")
        return sa.select(entries.render_derived().c.value).subquery()

    def gather(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.array_agg(column)

    def count_gathered(self, value: Any) -> int:
        return len(value)

    def gathered(self, value: Any) -> Iterable[int]:
        return cast(list[int], value)

    def later(self, one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.greatest(one, other, type_=one.type)

    def take_turns(self, connection: Connection, what: str) -> None:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_number(what))))

    def erase_for_good(self, connection: Connection) -> None:
        return None  # VACUUM does, and it can't be part of a transaction

    def take_all_turns(self, connection: Connection, what: Collection[str]) -> None:
        if what:
            each = self.numbers("turns").c.value
            numbers = sorted(lock_number(one) for one in what)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(each)), {"turns": numbers})

    def tell(self, connection: Connection, topics: Iterable[str]) -> None:
        for topic in topics:
            connection.execute(sa.select(sa.func.pg_notify(CHANNEL, topic)))


SQLITE, POSTGRESQL = Sqlite(), Postgresql()


def lock_number(what: str) -> int:
    """A signed 64-bit number for PostgreSQL's advisory locks."""
    digest = hashlib.blake2b(f"wiretrace {what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
