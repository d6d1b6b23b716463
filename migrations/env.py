"""Alembic's entry: runs the migrations on the connection that the store hands over, inside its transaction.

There is no alembic.ini: `wiretrace db upgrade`, or any command on a new or older store, is the way in.
"""

from __future__ import annotations

from alembic import context

from crawler.store.tables import metadata


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        raise SystemExit("migrations run through `wiretrace db upgrade`")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=False,
    )
    # The store began the transaction and commits it, together with the lock it holds.
    context.run_migrations()


run()
