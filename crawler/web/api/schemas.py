"""The shapes of answers as JSON Schema (2020-12, the dialect of OpenAPI 3.1).

They are those of the exports: objects may have further fields, none that stands here is ever missing.
"""

from __future__ import annotations

from crawler.interchange import ARTICLE_FIELDS, Json
from crawler.model import (
    Action,
    Completeness,
    EvidenceKind,
    LinkState,
    LookOutcome,
    Precedence,
    Relation,
    Role,
    Standing,
    Subject,
)
from crawler.store.tokens import Right

ID = "^[0-9a-f]{32}$"


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, *, optional: tuple[str, ...] = ()) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Json) -> Json:
    return {"type": "array", "items": schema}


_TEXT: Json = {"type": "string"}
_TEXT_OR_NULL: Json = {"type": ["string", "null"]}
_COUNT: Json = {"type": "integer", "minimum": 0}
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
_TIME: Json = {"type": "string", "format": "date-time"}
_TIME_OR_NULL: Json = {"type": ["string", "null"], "format": "date-time"}
_ID: Json = {"type": "string", "pattern": ID}
_ANYTHING: Json = {"type": "object"}
_SPAN: Json = {"type": "array", "items": _COUNT, "minItems": 2, "maxItems": 2}


def page_of(name: str) -> Json:
    """A page of a list."""
    return _object({"data": _list(ref(name)), "next": _TEXT_OR_NULL})


def _words(*kinds: str) -> Json:
    return {"type": "string", "enum": list(kinds)}


def _article() -> Json:
    typed: Json = {
        "id": _ID,
        "url": _TEXT,
        "role": _words(*Role),
        "publisher": _TEXT,
        "site": _TEXT,
        "title": _TEXT,
        "text": _TEXT,
        "completeness": _words(*Completeness),
        "byline": _list(_TEXT),
        "captions": _list(_TEXT),
        **dict.fromkeys(("published", "modified", "first_seen", "fetched"), _TIME_OR_NULL),
    }
    fields = {name: typed.get(name, _TEXT_OR_NULL) for name in ARTICLE_FIELDS}
    extra = {
        "backfill": {"type": "boolean"},
        "attribution": _or_null(ref("Attribution")),
        "text_hash": _TEXT_OR_NULL,  # where a licensed text may not leave
    }
    return _object({**fields, **extra}, optional=tuple(extra))


_BRIEF = _object({"id": _ID, "url": _TEXT, "title": _TEXT, "publisher": _TEXT, "published": _TIME_OR_NULL})
_ARCHIVE = _object({"file": _TEXT, "offset": _COUNT, "record_id": _TEXT})
_COVERAGE = _object({"rewrite": _SHARE, "original": _SHARE})
_EVIDENCE = _object(
    {
        "kind": _words(*EvidenceKind),
        "text": _TEXT_OR_NULL,
        "rewrite": _SPAN,
        "original": _or_null(_SPAN),
        "similarity": _SHARE,
    },
    optional=("text", "rewrite", "original", "similarity"),
)
_FACTS: Json = {
    "relation": _words(*Relation),
    "score": _SHARE,
    "coverage": ref("Coverage"),
    "evidence": _list(ref("Evidence")),
    "precedence": _words(*Precedence),
    "standing": _words(*Standing),
    "decided": _TIME_OR_NULL,
    "linker": _TEXT,
}
_REVIEWED = _object({"id": _ID, "version": {"type": ["integer", "null"]}, "hash": _TEXT})
_CANDIDATE = _object({"id": _ID, "score": _SHARE, "taken": {"type": "boolean"}, "reason": _TEXT})
_SOURCE_TEXTS = ("name", "url", "publisher", "kind", "declared", "state", "reason", "advice")


def components() -> Json:
    """All named shapes."""
    article = _article()
    return {
        "Article": article,
        "Attribution": _object({"publisher": _TEXT, "evidence": _list(ref("Evidence")), "teaser": _or_null(_ANYTHING)}),
        "Brief": _BRIEF,
        "Coverage": _COVERAGE,
        "Evidence": _EVIDENCE,
        "Link": _object(
            {
                "id": _ID,
                "state": _words(*LinkState),
                "archive": _or_null(_ARCHIVE),
                "rewrite": ref("Brief"),
                "original": ref("Brief"),
                **_FACTS,
                "looks": _list(ref("Look")),
            }
        ),
        "Look": _object(
            {
                "at": _TIME,
                "outcome": _words(*LookOutcome),
                "reason": _TEXT,
                "text_hash": _TEXT_OR_NULL,
                "archive": _or_null(_ARCHIVE),
            }
        ),
        "AskedLook": _object({"link": _ID, "due": _TIME}),
        "Story": _object(
            {
                **_BRIEF["properties"],
                "aliases": _or_null(_list(_ID)),
                "size": _COUNT,
                "members": _or_null(_list(ref("Member"))),
            }
        ),
        "Member": _object(
            {
                **{name: _BRIEF["properties"][name] for name in ("id", "url", "title", "publisher")},
                "relation": _TEXT,
                "score": _SHARE,
                "via": _ID,
                "link": _or_null(_ID),
            }
        ),
        "Review": _object(
            {
                "no": _COUNT,
                "link": _ID,
                "at": _TIME,
                "verdict": _words(*LinkState),
                "before": _words(*LinkState),
                "undoes": {"type": ["integer", "null"]},
                "reviewer": _TEXT,
                "note": _TEXT,
                "rewrite": _REVIEWED,
                "original": _REVIEWED,
                **_FACTS,
                "text_gone": _TIME_OR_NULL,
            }
        ),
        "NewReview": {
            "type": "object",
            "properties": {
                "verdict": _words(LinkState.CONFIRMED.value, LinkState.REJECTED.value),
                "note": {"type": "string", "maxLength": 2_000},
            },
            "required": ["verdict"],
            "additionalProperties": False,
        },
        "Source": _source(),
        "Status": _status(),
        "Change": _object(
            {
                "seq": _COUNT,
                "at": _TIME,
                "subject": _words(*Subject),
                "action": _words(*Action),
                "id": _TEXT,
                "reason": _TEXT,
                "state": {"type": ["object", "null"]},
            }
        ),
        "Trace": {
            **article,
            "properties": {
                **article["properties"],
                "link": _or_null(ref("Link")),
                "attribution": _or_null(ref("Attribution")),
                "candidates": _list(_CANDIDATE),
            },
            "required": [*article["required"], "link", "attribution", "candidates"],
        },
        "TraceUrl": {
            "type": "object",
            "properties": {"url": {"type": "string", "maxLength": 4_000}},
            "required": ["url"],
            "additionalProperties": False,
        },
        "Caller": _object({"name": _TEXT, "rights": _words(*Right)}),
        "Problem": _object(
            {"type": _TEXT, "title": _TEXT, "status": _COUNT, "detail": _TEXT, "reason": _TEXT}, optional=("reason",)
        ),
    }  # fmt: skip


def _source() -> Json:
    times = dict.fromkeys(("last_polled", "last_success", "last_new", "next_poll"), _TIME_OR_NULL)
    return _object(
        {
            **dict.fromkeys(_SOURCE_TEXTS, _TEXT),
            "role": _words(*Role),
            "found_kind": _TEXT_OR_NULL,
            "enabled": {"type": "boolean"},
            **times,
            "consecutive_failures": _COUNT,
            "articles": _COUNT,
            "news_a_day": {"type": ["number", "null"]},
            "gaps": _COUNT,
            "hub": _TEXT_OR_NULL,
            "interval": {"type": ["number", "string"]},
            "backfill": _COUNT,
        }
    )


def _status() -> Json:
    counts = ("stories", "pending_decisions", "changes")
    objects = ("articles", "links", "large_stories", "frontier", "sources")
    lists = ("dead_letters", "sources_in_trouble", "webhooks", "undelivered", "workers", "runs")
    return _object(
        {
            "store": _TEXT,
            "schema": _TEXT,
            "linker": _TEXT_OR_NULL,
            **dict.fromkeys(counts, _COUNT),
            **dict.fromkeys(objects, _ANYTHING),
            **dict.fromkeys(lists, _list(_ANYTHING)),
        }
    )
