"""What deliveries are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from crawler.errors import InputError
from crawler.model import Article, RawDocument, Removal


class Format(StrEnum):
    """How originals are delivered; `auto`: told by content."""

    AUTO = "auto"
    FACTIVA = "factiva"  # Streams and Snapshots as JSON, CSV or Avro
    NEWSML = "newsml"  # NewsML-G2
    NITF = "nitf"
    JSONL = "jsonl"  # rows with the fields of the public JSON
    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class RawOriginal:
    """An original whose body is still to be extracted; `article` holds what the delivery says of it, without text."""

    document: RawDocument
    article: Article


@dataclass(frozen=True, slots=True)
class Fault:
    """An item of a delivery that can't be read. `item` is a line or element number from 1, None: the whole file.

    `skipped`: there is nothing wrong with it, it only holds no article.
    """

    path: str
    item: int | None
    reason: str
    skipped: bool = False

    def as_error(self) -> InputError:
        return InputError(self.path, self.reason, self.item)

    def __str__(self) -> str:
        return str(self.as_error())


Delivery = Article | Removal | RawOriginal
Item = Delivery | Fault


class Skipped(ValueError):
    """An item that holds no article by its nature, its message says which."""


class Unreadable(ValueError):
    """The rest of a file can't be read, its message says why; what came before stands."""

    def __init__(self, reason: str, item: int | None = None) -> None:
        self.item = item
        super().__init__(reason)
