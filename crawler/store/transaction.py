"""A transaction under way: what its body reads, writes and wants told in the change log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from crawler.model import Action, Subject
from crawler.store.dialect import Dialect

Reading = sa.Select[Any] | sa.UpdateBase | sa.CompoundSelect[Any]

CHUNK = 500  # rows handled by one statement, at most


@dataclass(frozen=True, slots=True)
class Note:
    """One row of the change log to be. Its number is given at the end of the transaction."""

    subject: Subject
    action: Action
    object_id: str
    reason: str
    version: int | None = None  # articles
    attribution_no: int | None = None  # articles
    story_id: str | None = None  # links and members: the story; merged stories: the one they are part of now
    state: str | None = None  # links, members, stories: JSON


class Transaction:
    """One connection inside one transaction. Bodies may run again after a deadlock: they keep nothing outside."""

    __slots__ = (
        "connection",
        "dialect",
        "heads",
        "homes",
        "known_text_key",
        "notes",
        "now",
        "serving",
        "sizes",
        "text_key",
        "wakes",
    )

    def __init__(self, connection: Connection, dialect: Dialect, now: datetime, text_key: bytes | None = None) -> None:
        self.connection, self.dialect, self.now = connection, dialect, now
        self.known_text_key: bytes | None = None  # once it was looked up and found good
        self.text_key = text_key  # of originals that are hashed, where a setting gives it
        self.notes: list[Note] = []
        self.serving: Row[Any] | None = None  # the linker in use, once it was looked up
        self.sizes: dict[str, int] = {}  # stories touched, in order, and by how many members each grew
        self.homes: dict[str, str | None] = {}  # pages that moved: the story they are part of, None for their own
        self.heads: set[str] = set()  # articles of which a story may have to be told anew
        self.wakes: set[str] = set()  # what there is to do now: pages, tasks, sources; told on commit

    def run(self, statement: sa.Executable, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> int:
        """Executes a writing statement; how many rows it touched."""
        if rows is not None and not rows:
            return 0
        result = self.connection.execute(statement, rows)
        return int(getattr(result, "rowcount", 0))

    def all(self, statement: Reading, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        return self.connection.execute(statement, values).all()

    def inserted(self, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]) -> Sequence[Row[Any]]:
        """Inserts many rows; what the statement's RETURNING gives of them."""
        return self.connection.execute(statement, rows).all()

    def first(self, statement: Reading, values: Mapping[str, Any] | None = None) -> Row[Any] | None:
        return self.connection.execute(statement, values).first()

    def scalar(self, statement: Reading, values: Mapping[str, Any] | None = None) -> Any:
        return self.connection.execute(statement, values).scalar()

    def note(self, note: Note) -> None:
        self.notes.append(note)

    def touch(self, story_id: str, grown: int = 0) -> None:
        """A story is another by now, by so many members."""
        self.sizes[story_id] = self.sizes.get(story_id, 0) + grown
