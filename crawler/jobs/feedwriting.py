"""Entries written as a feed: Atom (RFC 4287) or JSON Feed 1.1 (https://jsonfeed.org/version/1.1), one by one."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TextIO
from urllib.parse import urlsplit
from uuid import UUID, uuid5
from xml.sax.saxutils import escape, quoteattr

from crawler import __version__
from crawler.interchange import Json, time_to_json

# Ids of feeds and entries are made in it; another one would make every entry new to every reader.
_NAMESPACE = UUID("6b0e7a52-5c0e-4d0b-9f3c-2f1c6a1f7d10")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class FeedFormat(StrEnum):
    ATOM = "atom"
    JSONFEED = "jsonfeed"


@dataclass(frozen=True, slots=True)
class Channel:
    """What a feed says of itself. `own_url`: where it will stand, "" where nobody knows."""

    name: str
    title: str
    own_url: str = ""

    @property
    def id(self) -> str:
        return self.own_url or urn("feed", self.name)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed. `via` is the URL of what it stems from, `facts` what programs read of it."""

    id: str
    url: str
    title: str
    author: str
    updated: datetime
    summary: str
    published: datetime | None = None
    text: str = ""
    via: str = ""
    language: str | None = None
    tags: tuple[str, ...] = ()
    facts: Json = field(default_factory=dict)


def urn(kind: str, name: str) -> str:
    """An id that is the same whenever the feed is written."""
    return f"urn:uuid:{uuid5(_NAMESPACE, f'{kind}:{name}')}"


async def write_feed(
    kind: FeedFormat, channel: Channel, entries: AsyncIterator[Entry], out: TextIO, *, now: datetime
) -> int:
    """Writes the entries, the newest first, as they come, and returns their number. `now` is an empty feed's time."""
    first = await anext(entries, None)
    write = _write_atom if kind is FeedFormat.ATOM else _write_json
    return await write(channel, first, entries, out, first.updated if first else now)


async def _write_atom(
    channel: Channel, first: Entry | None, rest: AsyncIterator[Entry], out: TextIO, updated: datetime
) -> int:
    out.write('<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n')
    out.write(_element("id", channel.id) + _element("title", channel.title))
    out.write(_element("updated", time_to_json(updated) or "") + "<author><name>wiretrace</name></author>\n")
    out.write(f'<generator version="{__version__}">wiretrace</generator>\n')
    if channel.own_url:
        out.write(f'<link rel="self" type="application/atom+xml" href={_quoted(channel.own_url)}/>\n')
    count = 0
    while first is not None:
        out.write(_atom_entry(first))
        count += 1
        first = await anext(rest, None)
    out.write("</feed>\n")
    return count


def _atom_entry(entry: Entry) -> str:
    parts = [
        "<entry>\n",
        _element("id", entry.id),
        _element("title", entry.title or "(no title)"),
        _element("updated", time_to_json(entry.updated) or ""),
        _element("published", time_to_json(entry.published) or "") if entry.published else "",
        f"<author><name>{_escaped(entry.author or 'unknown')}</name></author>\n",
        *(f"<link rel={_quoted(rel)} href={_quoted(url)}/>\n" for rel, url in _links(entry)),
        *(f"<category term={_quoted(tag)}/>\n" for tag in entry.tags),
        _element("summary", entry.summary) if entry.text else "",
        # An entry that leads to no page (a delivery has no URL) must have content of its own.
        _element("content", entry.text or entry.summary or entry.title),
        "</entry>\n",
    ]
    return "".join(parts)


def _links(entry: Entry) -> list[tuple[str, str]]:
    return [(rel, url) for rel, url in (("alternate", entry.url), ("via", entry.via)) if is_web(url)]


async def _write_json(
    channel: Channel, first: Entry | None, rest: AsyncIterator[Entry], out: TextIO, updated: datetime
) -> int:
    head: Json = {"version": "https://jsonfeed.org/version/1.1", "title": channel.title}
    if channel.own_url:
        head["feed_url"] = channel.own_url
    head["_wiretrace"] = {"updated": time_to_json(updated)}
    out.write(_json(head)[:-1] + ', "items": [')
    count = 0
    while first is not None:
        out.write(("," if count else "") + "\n" + _json(_json_item(first)))
        count += 1
        first = await anext(rest, None)
    out.write("\n]}\n")
    return count


def _json_item(entry: Entry) -> Json:
    item: Json = {
        "id": entry.id,
        "url": entry.url if is_web(entry.url) else None,
        "external_url": entry.via if is_web(entry.via) else None,
        "title": entry.title or None,
        "summary": entry.summary or None,
        "content_text": entry.text or entry.summary or entry.title,
        "date_published": time_to_json(entry.published),
        "date_modified": time_to_json(entry.updated),
        "language": entry.language,
        "authors": [{"name": entry.author}] if entry.author else None,
        "tags": list(entry.tags) or None,
        "_wiretrace": entry.facts or None,
    }
    return {name: value for name, value in item.items() if value is not None}


def is_web(url: str) -> bool:
    """Whether a reader may be led there: a plain http(s) address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _json(value: Json) -> str:
    return json.dumps(value)  # in ASCII: a character that is none (half of a pair) breaks nobody's reader


def _element(name: str, text: str) -> str:
    return f"<{name}>{_escaped(text)}</{name}>\n"


def _escaped(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _quoted(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))
