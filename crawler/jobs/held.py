"""The originals of a batch: their index and their texts, in memory and in a temporary file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from crawler.jobs.dumps import Row, same_file
from crawler.jobs.spool import Spool
from crawler.link.memory import MemoryIndex
from crawler.model import Article, Candidate, Fingerprint, Side


@dataclass(frozen=True, slots=True)
class Held:
    """An original: its number, and its place in the file that it was read from."""

    number: int
    path: Path
    line: int


class Originals(Protocol):
    """What a batch asks of the originals, wherever they are kept."""

    def __len__(self) -> int: ...

    def held(self, article_id: str) -> Held | None:
        """The original of that id."""

    def is_same(self, held: Held, row: Row) -> bool:
        """Whether a row of its id is that original, met again."""

    def add(self, row: Row, fingerprint: Fingerprint) -> None:
        """Takes an original whose id is not held."""

    def settle(self) -> None:
        """All are added, searches follow."""

    def search(self, fingerprint: Fingerprint, limit: int, least: float) -> list[Candidate]:
        """See `CandidateIndex`."""

    def article(self, article_id: str) -> Article:
        """One that is held."""


@dataclass(slots=True)
class OriginalsInMemory:
    """The index in memory, the texts in a spool; gone with the job."""

    spool: Spool
    _index: MemoryIndex = field(default_factory=MemoryIndex)
    _held: dict[str, Held] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._held)

    def held(self, article_id: str) -> Held | None:
        return self._held.get(article_id)

    def is_same(self, held: Held, row: Row) -> bool:
        """Whether it is one line, met twice: a dump may be given as originals and as articles."""
        return held.line == row.number and same_file(held.path, row.path)

    def add(self, row: Row, fingerprint: Fingerprint) -> None:
        article = row.article
        self._held[article.id] = Held(self.spool.add_article(article), row.path, row.number)
        self._index.add(article.id, fingerprint, Side.ORIGINAL)

    def settle(self) -> None:
        pass

    def search(self, fingerprint: Fingerprint, limit: int, least: float) -> list[Candidate]:
        return self._index.search(fingerprint, Side.ORIGINAL, limit, least)

    def article(self, article_id: str) -> Article:
        return self.spool.article(self._held[article_id].number)
