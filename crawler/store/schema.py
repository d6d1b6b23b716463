"""The schema's revision, and the way to the newest one.

Alembic's scripts lie in `migrations/` of a source tree and in `crawler/migrations` of an installed package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from crawler.errors import SchemaTooNew, StoreError
from crawler.store.database import Database
from crawler.store.transaction import Transaction

HEAD = "0016"  # the newest revision; known here so that opening a store need not load Alembic
COPYING = "copying"  # in the place of a revision: `wiretrace db copy` writes into the store (see `copybook`)
_version = sa.table("alembic_version", sa.column("version_num", sa.Text))


async def prepare(database: Database, *, upgrade: bool) -> None:
    """Brings a new or older store to HEAD, one process at a time; the others wait and find it done.

    Without `upgrade` only looks. Raises SchemaTooNew.
    """
    found = await current(database)
    if found == HEAD:
        return
    if found is not None:
        refuse_unknown(database, found)
    if upgrade:
        await to_head(database)


async def to_head(database: Database) -> None:
    def steps(connection: Connection) -> None:
        found = _current(connection)  # under the lock: another process may have been faster
        if found == HEAD:
            return
        if found is not None:
            refuse_unknown(database, found)
        _upgrade(connection)

    await database.migrate(steps)


async def current(database: Database) -> str | None:
    """The store's revision; None for an empty store."""
    if database.file is not None and not database.file.exists():
        return None  # reading would make an empty file outside the lock

    def body(tx: Transaction) -> str | None:
        return _current(tx.connection)

    return await database.read(body)


def refuse_unknown(database: Database, found: str) -> None:
    if found == COPYING:
        raise StoreError(f"{database.name}: a copy into this store is not finished: start `wiretrace db copy` again")
    from alembic.script import ScriptDirectory

    if found not in {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}:
        raise SchemaTooNew(database.name, found, HEAD)


def config() -> Any:
    """Alembic's configuration, made here: there is no alembic.ini to lose."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def _upgrade(connection: Connection) -> None:
    from alembic import command

    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")


def _current(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table(_version.name):
        return None
    found = connection.execute(sa.select(_version.c.version_num)).scalar()
    return None if found is None else str(found)


def _scripts() -> Path:
    package = Path(__file__).resolve().parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"
