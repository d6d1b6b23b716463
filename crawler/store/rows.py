"""Articles as rows, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from crawler.interchange import time_to_json
from crawler.model import ArchiveRecord, Article, Completeness, Reference, Role, Verdict
from crawler.store.columns import in_utc
from crawler.store.transaction import CHUNK

T = TypeVar("T")


def article_fields(article: Article) -> str:
    """All of an article but its id, its text and the time it was first seen, as JSON."""
    return json.dumps(
        {
            "url": article.url,
            "canonical_url": article.canonical_url,
            "role": article.role,
            "publisher": article.publisher,
            "site": article.site,
            "title": article.title,
            "byline": article.byline,
            "published": time_text(article.published),
            "modified": time_text(article.modified),
            "fetched": time_text(article.fetched),
            "language": article.language,
            "captions": article.captions,
            "copyright": article.copyright,
            "source": article.source,
            "completeness": article.completeness,
            "vendor_id": article.vendor_id,
            "vendor_source": article.vendor_source,
            "credit": article.credit,
            "section": article.section,
            "verdict": article.verdict,
            "trailer": article.trailer,
            "hyperlinks": article.hyperlinks,
            "archive": asdict(article.archive) if article.archive else None,
            "noindex": article.noindex,
            "backfill": article.backfill,
        }
    )


def article_of(
    id: str, first_seen: datetime, text: str | None, fields: str, captured: datetime | None = None
) -> Article:
    """The article that `article_fields` was made of."""
    row: dict[str, Any] = json.loads(fields)
    archive = row["archive"]
    return Article(
        id=id,
        url=row["url"],
        role=Role(row["role"]),
        publisher=row["publisher"],
        title=row["title"],
        text=text or "",
        canonical_url=row["canonical_url"],
        site=row["site"],
        byline=tuple(row["byline"]),
        published=time_of(row["published"]),
        modified=time_of(row["modified"]),
        first_seen=first_seen,
        fetched=time_of(row["fetched"]),
        language=row["language"],
        captions=tuple(row["captions"]),
        copyright=row["copyright"],
        source=row["source"],
        completeness=Completeness(row["completeness"]),
        vendor_id=row["vendor_id"],
        vendor_source=row["vendor_source"],
        credit=row["credit"],
        section=row["section"],
        verdict=Verdict(row["verdict"]),
        trailer=tuple(row["trailer"]),
        hyperlinks=tuple(row["hyperlinks"]),
        archive=ArchiveRecord(**archive) if archive else None,
        noindex=row["noindex"],
        captured=captured,
        backfill=row.get("backfill", False),  # versions written before there was such a thing
    )


def with_archive(fields: str, record: ArchiveRecord) -> str | None:
    """Stored fields with the place in the archive that they lacked; None where they have one."""
    row = json.loads(fields)
    return None if row["archive"] else json.dumps({**row, "archive": asdict(record)})


def content_hash(article: Article) -> str:
    """BLAKE2b-128 (hex) of what makes a version: title, byline, dates, text, captions, copyright."""
    content = [
        article.title,
        article.byline,
        time_text(article.published),
        time_text(article.modified),
        article.text,
        article.captions,
        article.copyright,
        article.completeness,
    ]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()


def reference_text(reference: Reference) -> str:
    row = asdict(reference)
    row["published"], row["modified"] = time_text(reference.published), time_text(reference.modified)
    return json.dumps(row)


def reference_of(text: str | None, url: str) -> Reference:
    if text is None:
        return Reference(url=url)
    row = json.loads(text)
    row["published"], row["modified"] = time_of(row["published"]), time_of(row["modified"])
    row["byline"] = tuple(row["byline"])
    return Reference(**row)


def time_text(moment: datetime | None) -> str | None:
    return time_to_json(in_utc(moment))


def time_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """`values` in order, at most `size` at a time."""
    rows = list(values)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
