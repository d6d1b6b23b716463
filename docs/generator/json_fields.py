"""The page of JSON: the fields that the code writes, each with its words, and an example of each object."""

from __future__ import annotations

import asyncio
import io
import json
from array import array
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from crawler import interchange
from crawler.cli.archive import archive_json
from crawler.cli.purging import purge_json
from crawler.cli.storage import copy_json, reindex_json, schema_json
from crawler.corpus import Truth
from crawler.discover.choosing import Find, Offer, Verdict
from crawler.discover.finding import How
from crawler.errors import InputError
from crawler.evaluate import figures
from crawler.evaluate.estimate import Estimate
from crawler.evaluate.outcomes import Passage
from crawler.evaluate.peers import PeerFigures
from crawler.evaluate.reporting import Fault, Report
from crawler.interchange import Json
from crawler.jobs import exporting
from crawler.jobs.batch_linking import EvidenceLevel, link_row
from crawler.jobs.checking import Check
from crawler.jobs.extracting import extracted_json
from crawler.jobs.finding import offer_json
from crawler.jobs.grouping import Groups
from crawler.jobs.importing import ImportReport
from crawler.jobs.met_hosts import MetHost
from crawler.jobs.reindexing import ReindexReport
from crawler.jobs.rejects import reject_row
from crawler.jobs.suggesting import met_host_json
from crawler.model import (
    Action,
    ArchiveRecord,
    Article,
    Attribution,
    Change,
    Completeness,
    Considered,
    Coverage,
    Decision,
    Evidence,
    EvidenceKind,
    Kinship,
    Link,
    LinkState,
    Look,
    LookOutcome,
    Place,
    Precedence,
    RawDocument,
    Relation,
    Role,
    Source,
    SourceKind,
    Standing,
    Subject,
)
from crawler.pipeline.tally import Tally
from crawler.redistribution import Redistribution, text_hash
from crawler.store import ArchiveProgress, Purged, SourceRecord, Store
from crawler.store.attendance import Attendant
from crawler.store.copying import CopyReport, TableCopy
from crawler.store.places import membership_json
from crawler.store.reviews import Review, ReviewedText
from crawler.store.stories import story_json
from crawler.store.tokens import Right, Token
from crawler.store.webhooks import Letter, WebhookRecord
from crawler.webhooks import message
from docs.generator.words import described, table

_HEAD = """# JSON

What `trace --json`, `link`, `extract --json` and `export` write. JSONL has one object a line. Times are RFC 3339 in
UTC; what is unknown is `null`. Text is Unicode, its paragraphs joined by a blank line (`"\\n\\n"`); offsets count
characters (code points) and are half-open: `text[start:end]`. Fields may be added; those here keep name and meaning.

"""
_SEEN = datetime(2026, 1, 14, 7, 2, tzinfo=UTC)
_ORIGINAL = Article(
    id="a6aade0601bff83207a94b78c24d794a",
    url="factiva:WSJO000020260113em1d0001x",
    role=Role.ORIGIN,
    publisher="The Wall Street Journal",
    title="A Small Town’s Clockmaker Finds Its Hour in Railway Stations",
    text="…",
    published=datetime(2026, 1, 13, 10, 30, tzinfo=UTC),
)
_TEASER = Article(
    id="0b5f0c8f1d7e4a62b3a9c4d5e6f70812",
    url="https://wire.example/clocks",
    role=Role.ORIGIN,
    publisher="The Wall Street Journal",
    title="A Small Town’s Clockmaker Finds Its Hour in Railway Stations",
    text="…",
    published=datetime(2026, 1, 13, 10, 30, tzinfo=UTC),
    completeness=Completeness.TEASER,
)
_PAGE = Article(
    id="7f8f4a22d911c4b3c7b15e85e1e7b503",
    url="https://digest.example/watch-house",
    canonical_url="https://digest.example/watch-house",
    role=Role.AGGREGATOR,
    publisher="Crossroads Digest",
    site="Crossroads Digest",
    title="Train stops turn into the hour of a little city's watch house",
    byline=("Editorial Team",),
    published=datetime(2026, 1, 14, 6, 12, tzinfo=UTC),
    first_seen=_SEEN,
    fetched=_SEEN,
    language="en",
    text="…",
    captions=("The mill in winter. Sven Tarrow/Crossroads Digest",),
    copyright="Copyright © 2026 Dow Jones & Company, Inc. all rights are saved.",
    source="Crossroads Digest",
    backfill=True,
)
_COPY = Article(
    id="c1d0b7d39e5a4f7f8a6b2c3d4e5f6071",
    url="https://mirror.example/watch-house",
    role=Role.AGGREGATOR,
    publisher="Mirror Daily",
    title="Train stops turn into the hour of a little city's watch house",
    text="…",
    published=datetime(2026, 1, 14, 9, 40, tzinfo=UTC),
)
_MARKER = Evidence(EvidenceKind.MARKER, text="Copyright © 2026 Dow Jones & Company, Inc. all rights are saved.")
_LINK = Link(
    rewrite_id=_PAGE.id,
    original_id=_ORIGINAL.id,
    relation=Relation.REWRITE,
    score=0.999956,
    coverage=Coverage(0.9475, 0.9402),
    evidence=(
        Evidence(EvidenceKind.PASSAGE, rewrite=(447, 566), original=(397, 513), similarity=0.3643),
        Evidence(EvidenceKind.NAME, text="Wierzba"),
        Evidence(EvidenceKind.NUMBER, text="38.4 million"),
        _MARKER,
    ),
    precedence=Precedence.ORIGINAL_FIRST,
    standing=Standing.OURS,
    linker="1-5116a449",
    decided=_SEEN,
    archive=ArchiveRecord(
        "wiretrace-20260114070200-411-9f3a61c2.warc.gz", 48_122, "<urn:uuid:5e0c2a52-8f0e-4f4b-9a56-0d6a1f7c4b21>"
    ),
    looks=(Look(datetime(2026, 1, 16, 8, 40, tzinfo=UTC), LookOutcome.GONE, "status-410"),),
)
_LEFT = ("versions", "hashes", "index entries", "excerpts", "archive pointers", "log entries")
_PURGED = Purged((_ORIGINAL.id,), dict(zip(_LEFT, (2, 0, 1, 3, 1, 4), strict=True)), dict.fromkeys(_LEFT, 0))
_ATTRIBUTION = Attribution("Dow Jones", (_MARKER,), _TEASER.id, 0.93)


def json_page() -> str:
    attribution = interchange.attribution_to_json(_ATTRIBUTION, _TEASER)
    article = interchange.article_to_json(_PAGE, attribution) | {"text_hash": text_hash(_PAGE.text)}
    link = interchange.link_to_json(_LINK, interchange.article_brief(_PAGE), interchange.article_brief(_ORIGINAL))
    decision = Decision(
        _PAGE.id, _LINK.linker, _LINK.score, _LINK, None, (Considered(_ORIGINAL.id, _LINK.score, True, "taken"),)
    )
    candidate = interchange.candidates_to_json(decision, {_ORIGINAL.id: _ORIGINAL})[0]
    passage, other = (interchange.evidence_to_json(piece) for piece in (_LINK.evidence[0], _MARKER))
    return "\n".join(
        [
            _HEAD,
            _section("article", "Article", article),
            _section("attribution", "Attribution", attribution, shown=False),
            _section("teaser", "Teaser of an attribution", attribution["teaser"], shown=False),
            _section("link", "Link", link),
            _section("look", "Look at a confirmed page", link["looks"][0], shown=False),
            _section("brief", "The two articles of a link", link["rewrite"], shown=False),
            _section("coverage", "Coverage", link["coverage"], shown=False),
            _section("evidence", "Evidence", passage | other, shown=False),
            _section("archive", "Archive record", link["archive"], shown=False),
            _section("candidate", "Candidate", candidate),
            _section("story", "Story", _story(link)),
            _section("member", "Member of a story", _story(link)["members"][0], shown=False),
            _section("membership", "Place in a story without an original", _membership()),
            _section("change", "Change", _change_row(link), shown=False),
            _section("review", "Word on a link", _review_row()),
            _section("row", "Row of `link`", link_row(decision, EvidenceLevel.SHORT)),
            _section("group", "Row of `link --groups`", _group_row()),
            _section("reject", "Row of `link --rejects`", _reject_row()),
            _section("extract", "What `extract` adds to an article", _extract_fields()),
            _section("truth", "Row of a corpus' `links.jsonl`", _fields_of(Truth), shown=False),
            _section("evaluation", "What `evaluate` measures", _fields_of(Report), shown=False),
            _section("kind-figures", "Figures of a kind of reuse", _fields_of(figures.KindFigures), shown=False),
            _section("share", "A share with its bound", _fields_of(figures.Share), shown=False),
            _section("threshold-figures", "Figures of a threshold", _fields_of(figures.ThresholdFigures), shown=False),
            _section("stream", "Precision in a stream", _fields_of(figures.StreamPrecision), shown=False),
            _section("bin", "Bin of the reliability table", _fields_of(figures.Bin), shown=False),
            _section("fault", "Wrong decision", _fields_of(Fault), shown=False),
            _section("shown-passage", "Passage of a wrong decision", _fields_of(Passage), shown=False),
            _section("peer", "Another tool's figures", _fields_of(PeerFigures), shown=False),
            _section("estimate", "What a reviewed sheet tells", _fields_of(Estimate), shown=False),
            _section("run", "Summary of a run", Tally(sources=1, fetched=2, new=2, linked=1, seconds=6.75).as_json()),
            _section("worker", "Worker", _worker()),
            _section("import", "Summary of an import", ImportReport().as_json(), shown=False),
            _section("purge", "What `purge` did", purge_json(_PURGED, dry_run=False)),
            _section("store-copy", "What `db copy` did", _store_copy()),
            _section("copied-table", "A table that `db copy` copied", _copied_table(), shown=False),
            _section("schema", "Schema of the store", schema_json("0016", "0016")),
            _section("reindex", "What `db reindex` did", reindex_json(ReindexReport("2")), shown=False),
            _section("read-archive", "Archive that was read", archive_json(_read_archive()), shown=False),
            _section("source", "Source", _source().as_json(), shown=False),
            _section("token", "Access token", _token().as_json(), shown=False),
            _section("webhook", "Webhook", _webhook().as_json(), shown=False),
            _section("undelivered", "Undelivered change", _letter().as_json(), shown=False),
            _section("delivery", "Delivery to a webhook", _delivery(link), shown=False),
            _section("check", "Check of a source", Check("Example News", "https://news.example/feed").as_json(), False),
            _section("offer", "What `sources add` finds", _offer()),
            _section("met-host", "Suggested host", _met_host()),
        ]
    )


def _section(name: str, title: str, example: Json, shown: bool = True) -> str:
    meanings = described(name, example)
    intro = described("about-json", _SECTIONS)[name]
    parts = [f"## {title}\n", intro + "\n", table(("field", "meaning"), ((f"`{k}`", v) for k, v in meanings.items()))]
    if shown:
        parts.append(f"```json\n{json.dumps(example, ensure_ascii=False, indent=2)}\n```\n")
    return "\n".join(parts)


_SECTIONS = (
    "article", "attribution", "teaser", "link", "look", "brief", "coverage", "evidence", "archive", "candidate",
    "story", "member", "membership", "change", "review", "row", "group", "reject", "extract", "truth", "evaluation",
    "kind-figures", "share", "threshold-figures", "stream", "bin", "fault", "shown-passage", "peer", "estimate", "run",
    "worker", "import", "purge", "store-copy", "copied-table", "schema", "reindex", "read-archive", "source", "token",
    "webhook", "undelivered", "delivery", "check", "offer", "met-host",
)  # fmt: skip


def _worker() -> Json:
    started, heartbeat = (datetime(2026, 3, 2, 12, minute, tzinfo=UTC) for minute in (0, 45))
    name = "crawler-1:41:9f3c2a"
    return Attendant(name, "crawler-1", 41, "daemon", started, heartbeat, timedelta(seconds=12), 7, 24, 3, 0).as_json()


def _store_copy() -> Json:
    checksum = "0f2b9a2e4d5f1c7a88b5e2b1a9c3d4e5"
    table = TableCopy("articles", 78, 78, checksum, checksum)
    target = "postgresql+asyncpg://wiretrace:***@db.example/wiretrace"
    return copy_json(CopyReport("sqlite+aiosqlite:///wiretrace.db", target, 0.52, (table,)))


def _copied_table() -> Json:
    (table,) = _store_copy()["tables"]
    return dict(table)


def _read_archive() -> ArchiveProgress:
    name, read = "CC-NEWS-20260103.warc.gz", datetime(2026, 3, 2, 12, tzinfo=UTC)
    return ArchiveProgress("", name, f"/archives/{name}", 1_073_741_824, 31_200, read)


def _story(link: Json) -> Json:
    return story_json({**link["original"], "aliases": [_COPY.id], "size": 2}, [link])


def _membership() -> Json:
    """The copy of a page whose original is not held."""
    return membership_json(_COPY, _PAGE.id, Place(_PAGE.id, 1, Kinship.COPY, 0.999871))


def _fields_of(kind: type) -> Json:
    """The fields of an object whose JSON has a dataclass' names."""
    return dict.fromkeys(one.name for one in fields(kind))


def _change_row(link: Json) -> Json:
    """One row of `export changes`, written by the export itself."""

    class Log:
        async def redistribution(self, declared: object) -> Redistribution:
            return Redistribution()

        async def changes(self, since: object, passing: object) -> AsyncIterator[Change]:
            yield Change(4, _SEEN, Subject.LINK, Action.CREATED, link["id"], "new", link)

    out = io.StringIO()
    asyncio.run(exporting.export(cast(Store, Log()), exporting.Subject.CHANGES, out))
    row: Json = json.loads(out.getvalue())
    return row


def _review_row() -> Json:
    """A confirmed link, as `export reviews` writes it."""
    facts = interchange.link_to_json(_LINK, {}, {})
    names = ("relation", "score", "coverage", "evidence", "precedence", "standing", "decided", "linker")
    return Review(
        no=12,
        link_id=interchange.link_id(_PAGE.id, _ORIGINAL.id),
        at=datetime(2026, 1, 15, 8, 40, tzinfo=UTC),
        verdict=LinkState.CONFIRMED,
        before=LinkState.NEW,
        undoes=None,
        reviewer="morna",
        note="Same quotes in the same order.",
        rewrite=ReviewedText(_PAGE.id, 1, "30cf9a5f9a1a2d0c7d5d2f6d4d0f5a11"),
        original=ReviewedText(_ORIGINAL.id, 2, "f05b6f9f1d7a4b2f8a0f5d0f7d3e2c18"),
        facts={name: facts[name] for name in names},
        text_gone=None,
    ).as_json()


def _group_row() -> Json:
    """The row of a page that is dropped for the original it stems from."""
    numbers = array("q", (0, 0))
    groups = Groups([_ORIGINAL.id, _PAGE.id], numbers, numbers, ["earliest", "rewrite"], array("d", (1.0, _LINK.score)))
    return list(groups.rows())[1]


def _reject_row() -> Json:
    return reject_row(InputError("dump/part-07.jsonl.gz", "text: expected the article's text", 1_204))


def _extract_fields() -> Json:
    """What `extract --json` has beyond the article's own fields."""
    page = b"<html><head><title>A page</title></head><body><h1>A page</h1><p>It says nothing.</p></body></html>"
    row: dict[str, Any] = extracted_json(RawDocument("https://digest.example/a-page", page, "text/html"), "a-page.html")
    return {name: value for name, value in row.items() if name not in interchange.ARTICLE_FIELDS}


def _source() -> SourceRecord:
    source = Source("Example News", "https://news.example/feed", Role.AGGREGATOR, "Example News")
    return SourceRecord(source, "ok")


def _token() -> Token:
    return Token("desk", Right.WRITE, _SEEN, None, None)


def _webhook() -> WebhookRecord:
    return WebhookRecord("desk", 1_200, 0, None, "", 37, _SEEN)


def _letter() -> Letter:
    return Letter("desk", 1_200, "link.new", _PAGE.id, _SEEN, 13, "answered 503")


def _delivery(link: Json) -> Json:
    row: Json = json.loads(message(_change_row(link), "link.new", "msg_5d0c", _SEEN))
    return row


def _offer() -> Json:
    find = Find(
        "https://digest.example/feed",
        How.DECLARED,
        SourceKind.FEED,
        title="Crossroads Digest",
        entries=20,
        recent=20,
        newest=_PAGE.published,
    )
    return offer_json(Offer(find, Verdict.BEST), chosen=True)


def _met_host() -> Json:
    return met_host_json(MetHost("digest.example", 412, 37, 4, _PAGE.url))
