"""The public JSON of articles, links and decisions, and the way back. Field names are a promise to users."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from dateutil import parser as dateparser

from crawler import urls
from crawler.errors import UrlRefused
from crawler.model import (
    ArchiveRecord,
    Article,
    Attribution,
    Completeness,
    Coverage,
    Decision,
    Evidence,
    EvidenceKind,
    Link,
    LinkState,
    Look,
    LookOutcome,
    Precedence,
    Relation,
    Role,
    Standing,
)

Json = dict[str, Any]

ARTICLE_FIELDS = (
    "id", "url", "canonical_url", "role", "publisher", "site", "title", "byline", "published", "modified",
    "first_seen", "fetched", "language", "text", "captions", "copyright", "source", "completeness",
)  # fmt: skip


_FORMULA_SIGNS = frozenset("=+-@＝＋－＠")


def time_to_json(time: datetime | None) -> str | None:
    """RFC 3339 in UTC; microseconds only where there are some."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def time_from_json(value: object) -> datetime | None:
    """A time from RFC 3339 or looser ISO text, or epoch milliseconds; without zone it is taken as UTC.

    Raises ValueError with what was expected.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
        if isinstance(value, str):
            if value.lstrip("-").isdigit() and len(value) > 8:  # epoch milliseconds as text; 20260131 is a date
                return datetime.fromtimestamp(int(value) / 1000, UTC)
            time = dateparser.isoparse(value.strip())
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise ValueError(f"expected a time such as 2026-01-31T08:15:00Z, got {value!r:.60}")


def article_to_json(article: Article, attribution: Json | None = None) -> Json:
    row: Json = {
        "id": article.id,
        "url": article.url,
        "canonical_url": article.canonical_url,
        "role": article.role.value,
        "publisher": article.publisher,
        "site": article.site,
        "title": article.title,
        "byline": list(article.byline),
        "published": time_to_json(article.published),
        "modified": time_to_json(article.modified),
        "first_seen": time_to_json(article.first_seen),
        "fetched": time_to_json(article.fetched),
        "language": article.language,
        "text": article.text,
        "captions": list(article.captions),
        "copyright": article.copyright,
        "source": article.source,
        "completeness": article.completeness.value,
    }
    if article.backfill:
        row["backfill"] = True
    if attribution is not None:
        row["attribution"] = attribution
    return row


def article_from_json(row: Mapping[str, Any], *, role: Role | None = None, publisher: str = "") -> Article:
    """An article from a row with the fields of the public JSON; `role` and `publisher` stand in where absent.

    Raises ValueError that names the field and what was expected.
    """
    url = _text(row, "url")
    identifier = _text(row, "id")
    if not identifier:
        try:
            identifier = urls.article_id(url)
        except UrlRefused:
            raise ValueError("id: expected an id or a URL") from None
    given = row.get("role")
    try:
        found_role = Role(given) if given else role or Role.AGGREGATOR
    except ValueError:
        raise ValueError(f"role: expected origin, aggregator or release, got {given!r:.40}") from None
    return Article(
        id=identifier,
        url=url,
        canonical_url=_text(row, "canonical_url") or None,
        role=found_role,
        publisher=_text(row, "publisher") or publisher,
        site=_text(row, "site"),
        title=_text(row, "title"),
        byline=_texts(row, "byline"),
        published=_time(row, "published"),
        modified=_time(row, "modified"),
        first_seen=_time(row, "first_seen"),
        fetched=_time(row, "fetched"),
        language=_text(row, "language") or None,
        text=_text(row, "text"),
        captions=_texts(row, "captions"),
        copyright=_text(row, "copyright") or None,
        source=_text(row, "source") or None,
        completeness=Completeness(_text(row, "completeness") or "full"),
    )


class Briefed(Protocol):
    """An article, or what a list holds of one."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def publisher(self) -> str: ...
    @property
    def published(self) -> datetime | None: ...


def article_brief(article: Briefed) -> Json:
    """What a link says of each of its two articles."""
    return {
        "id": article.id,
        "url": article.url,
        "title": article.title,
        "publisher": article.publisher,
        "published": time_to_json(article.published),
    }


def link_id(rewrite_id: str, original_id: str) -> str:
    """BLAKE2b-128 (hex) of the pair: the same in every store."""
    return hashlib.blake2b(f"{rewrite_id}\x00{original_id}".encode(), digest_size=16).hexdigest()


def link_to_json(link: Link, rewrite: Json, original: Json) -> Json:
    """`rewrite` and `original` as `article_brief` gives them."""
    return {
        "id": link_id(link.rewrite_id, link.original_id),
        "state": link.state.value,
        "archive": archive_to_json(link.archive),
        "rewrite": rewrite,
        "original": original,
        "relation": link.relation.value,
        "score": round(link.score, 6),
        "coverage": coverage_to_json(link.coverage),
        "evidence": [evidence_to_json(piece) for piece in link.evidence],
        "precedence": link.precedence.value,
        "standing": link.standing.value,
        "decided": time_to_json(link.decided),
        "linker": link.linker,
        "looks": [look_to_json(look) for look in link.looks],
    }


def look_to_json(look: Look) -> Json:
    return {
        "at": time_to_json(look.at),
        "outcome": look.outcome.value,
        "reason": look.reason,
        "text_hash": look.text_hash,
        "archive": archive_to_json(look.archive),
    }


def look_from_json(row: Mapping[str, Any]) -> Look:
    """The inverse of `look_to_json`."""
    at = time_from_json(row["at"])
    if at is None:
        raise ValueError("at: expected a time")
    archive = row.get("archive")
    return Look(
        at,
        LookOutcome(row["outcome"]),
        row.get("reason", ""),
        row.get("text_hash"),
        ArchiveRecord(**archive) if archive else None,
    )


def link_from_json(row: Mapping[str, Any]) -> Link:
    """The inverse of `link_to_json`, without the briefs' titles."""
    archive = row.get("archive")
    return Link(
        rewrite_id=row["rewrite"]["id"],
        original_id=row["original"]["id"],
        relation=Relation(row["relation"]),
        score=float(row["score"]),
        coverage=Coverage(**row["coverage"]),
        evidence=tuple(evidence_from_json(piece) for piece in row["evidence"]),
        precedence=Precedence(row["precedence"]),
        standing=Standing(row["standing"]),
        linker=row["linker"],
        decided=time_from_json(row.get("decided")),
        state=LinkState(row["state"]),
        archive=ArchiveRecord(**archive) if archive else None,
        looks=tuple(look_from_json(look) for look in row.get("looks", ())),
    )


def coverage_to_json(coverage: Coverage) -> Json:
    return {"rewrite": round(coverage.rewrite, 4), "original": round(coverage.original, 4)}


def evidence_to_json(piece: Evidence) -> Json:
    if piece.kind is EvidenceKind.PASSAGE:
        return {
            "kind": piece.kind.value,
            "rewrite": list(piece.rewrite or ()),
            "original": list(piece.original) if piece.original else None,
            "similarity": round(piece.similarity or 0.0, 4),
        }
    return {"kind": piece.kind.value, "text": piece.text}


def evidence_from_json(row: Mapping[str, Any]) -> Evidence:
    return Evidence(
        kind=EvidenceKind(row["kind"]),
        text=row.get("text"),
        rewrite=_span(row.get("rewrite")),
        original=_span(row.get("original")),
        similarity=row.get("similarity"),
    )


def archive_to_json(record: ArchiveRecord | None) -> Json | None:
    if record is None:
        return None
    return {"file": record.file, "offset": record.offset, "record_id": record.record_id}


def attribution_to_json(attribution: Attribution, teaser: Article | None) -> Json:
    named = None
    if teaser is not None:
        named = {**article_brief(teaser), "score": round(attribution.teaser_score or 0.0, 6)}
    return {
        "publisher": attribution.publisher,
        "evidence": [evidence_to_json(piece) for piece in attribution.evidence],
        "teaser": named,
    }


def candidates_to_json(decision: Decision, originals: Mapping[str, Article], most: int = 5) -> list[Json]:
    """The best candidates considered, each with its score and why it was or was not taken."""
    return [
        {
            **(article_brief(originals[one.original_id]) if one.original_id in originals else {"id": one.original_id}),
            "score": round(one.score, 6),
            "taken": one.taken,
            "reason": one.reason,
        }
        for one in decision.considered[:most]
    ]


def _span(value: Sequence[int] | None) -> tuple[int, int] | None:
    return (int(value[0]), int(value[1])) if value else None


def formula_safe(cell: str) -> str:
    """A cell of a CSV file that no spreadsheet takes for a formula, which it would run.

    Some look behind spaces and line ends for the sign that begins one, and some take its full-width form.
    """
    return "'" + cell if cell.startswith(("\t", "\r", "\n")) or cell.lstrip()[:1] in _FORMULA_SIGNS else cell


def whole_characters(text: str) -> str:
    """`text` with U+FFFD for each half of a character, which no file in UTF-8 can hold; of the same length."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    return text


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError(f"{name}: expected text, got {type(value).__name__}")
    return str(value)


def _texts(row: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = row.get(name)
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise ValueError(f"{name}: expected a list of texts, got {value!r:.40}")


def _time(row: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return time_from_json(row.get(name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
