"""Articles, fingerprints and decisions to store, and a clock that tests move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from crawler import urls
from crawler.model import (
    Article,
    Attribution,
    Coverage,
    Decision,
    Evidence,
    EvidenceKind,
    Fingerprint,
    Link,
    Precedence,
    Relation,
    Role,
    Source,
    Standing,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class StillClock:
    """Time stands until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def source(name: str = "Harbour Post", **other: Any) -> Source:
    fields: dict[str, Any] = {"url": "https://harbour.example/feed", "role": Role.AGGREGATOR, "publisher": name}
    return Source(name=name, **{**fields, **other})


def page(path: str = "ferry", **other: Any) -> Article:
    """An aggregator's page."""
    return _article(f"https://copy.example/{path}", Role.AGGREGATOR, "Copy Site", other)


def original(path: str = "ferry", **other: Any) -> Article:
    """An origin's full text with no vendor's id."""
    return _article(f"https://wire.example/{path}", Role.ORIGIN, "Tidewater Wire", other)


def delivery(number: str = "TW0001", **other: Any) -> Article:
    """A vendor's delivery under an accession number."""
    fields = {
        "id": urls.vendor_article_id("Tidewater Wire", number),
        "vendor_id": number,
        "vendor_source": "TIDE",
        "modified": NOON,
        **other,
    }
    return _article(f"https://wire.example/{number}", Role.ORIGIN, "Tidewater Wire", fields)


def _article(url: str, role: Role, publisher: str, other: Mapping[str, Any]) -> Article:
    fields: dict[str, Any] = {
        "id": urls.article_id(url),
        "url": url,
        "role": role,
        "publisher": publisher,
        "title": "Ferry line to reopen in May",
        "text": "The ferry line will reopen in May.\n\nTwo boats were refitted over the winter.",
        "published": NOON - HOUR,
        "fetched": NOON,
    }
    return Article(**{**fields, **other})


def fingerprint(
    *keys: int, weights: Sequence[float] | None = None, linker: str = "1", scheme: str = "x"
) -> Fingerprint:
    return Fingerprint(linker, scheme, b"\x01\x02\x03\x04", keys, tuple(weights or [1.0] * len(keys)))


def link(rewrite: Article, to: Article, **other: Any) -> Link:
    fields: dict[str, Any] = {
        "relation": Relation.REWRITE,
        "score": 0.93,
        "coverage": Coverage(0.9, 0.8),
        "evidence": (
            Evidence(EvidenceKind.PASSAGE, rewrite=(0, 34), original=(0, 34), similarity=0.7),
            Evidence(EvidenceKind.NAME, text="Ferry"),
        ),
        "precedence": Precedence.ORIGINAL_FIRST,
        "standing": Standing.OURS,
        "linker": "1",
    }
    return Link(rewrite.id, to.id, **{**fields, **other})


def linked(rewrite: Article, to: Article, **other: Any) -> Decision:
    made = link(rewrite, to, **other)
    return Decision(rewrite.id, "1", made.score, link=made)


def unlinked(rewrite: Article, attribution: Attribution | None = None) -> Decision:
    return Decision(rewrite.id, "1", 0.1, attribution=attribution)


def claim(teaser: Article | None = None) -> Attribution:
    """A page's own word that it comes from the wire."""
    marker = Evidence(EvidenceKind.MARKER, text="© Tidewater Wire")
    return Attribution("Tidewater Wire", (marker,), teaser.id if teaser else None, 0.8 if teaser else None)
