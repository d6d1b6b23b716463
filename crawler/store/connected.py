"""What every part of the store has: the database."""

from __future__ import annotations

from crawler.store.database import Database


class Connected:
    def __init__(self, database: Database) -> None:
        self._db = database
