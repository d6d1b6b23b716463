"""JSON Feed 1.0 and 1.1 (https://jsonfeed.org/version/1.1) to references."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from crawler.discover.channel import read_json_channel
from crawler.discover.dates import read_date
from crawler.discover.gathering import Gathering
from crawler.discover.plaintext import MAX_AUTHORS, MAX_TITLE, authors, language_tag, plain
from crawler.model import Reference

Json = dict[str, Any]

_VERSION = re.compile(r'"version"\s*:\s*"https?://(?:www\.)?jsonfeed\.org/version/', re.IGNORECASE)
_ITEMS = re.compile(r'"items"\s*:\s*\[')
_SEPARATOR = re.compile(r"[\s,]*")


def is_json(text: str) -> bool:
    """Whether the text begins as JSON does."""
    return text.lstrip()[:1] in {"{", "["}


def read_json_feed(text: str, gathering: Gathering) -> bool:
    """Gathers the items; False where the text is no JSON Feed."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = _broken_off(text)
        if document is None:
            return False
        gathering.broke_off("the document breaks off")
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        return False
    if "jsonfeed.org" not in _string(document, "version") and not any(_url_of(item) for item in items[:10]):
        return False
    gathering.title = plain(_string(document, "title"), MAX_TITLE)
    home = _string(document, "home_page_url")
    if home.startswith(("http://", "https://")):
        gathering.base = home
    read_json_channel(document, gathering)
    for number, item in enumerate(items, start=1):
        if gathering.full:
            gathering.broke_off(f"only the first {number - 1} entries are read")
            break
        if not isinstance(item, dict):
            gathering.fault(f"entry {number}: expected an object, got {type(item).__name__}")
            continue
        url = gathering.address(_url_of(item), number)
        if url is not None:
            gathering.add(_reference(url, item, document, number, gathering))
    return True


def _reference(url: str, item: Json, document: Json, number: int, gathering: Gathering) -> Reference:
    content = _string(item, "content_html")
    if not content:
        paragraphs = _string(item, "content_text").split("\n\n")
        content = "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in paragraphs if part.strip())
    return Reference(
        url=url,
        title=plain(_string(item, "title"), MAX_TITLE),
        published=_date(item, "date_published", number, gathering),
        modified=_date(item, "date_modified", number, gathering),
        byline=_byline(item) or _byline(document),
        teaser=plain(_string(item, "summary")),
        content_html=content,
        language=language_tag(_string(item, "language") or _string(document, "language")),
    )


def _url_of(item: object) -> str:
    if not isinstance(item, dict):
        return ""
    given = _string(item, "url") or _string(item, "external_url")
    identifier = _string(item, "id")
    return given or (identifier if identifier.startswith(("http://", "https://")) else "")


def _byline(item: Json) -> tuple[str, ...]:
    persons = item.get("authors")
    if not isinstance(persons, list):
        persons = [item.get("author")]  # version 1.0 had one
    names = [
        name
        for person in persons[:MAX_AUTHORS]
        if isinstance(person, dict)
        for name in authors(_string(person, "name"))
    ]
    return tuple(dict.fromkeys(names))


def _date(item: Json, name: str, number: int, gathering: Gathering) -> datetime | None:
    text = _string(item, name)
    time = read_date(text) if text else None
    if text and time is None:
        gathering.fault(f"entry {number}: expected a date, got {text[:60]!r}")
    return time


def _string(item: Json, name: str) -> str:
    value = item.get(name)
    return value.strip() if isinstance(value, str) else ""


def _broken_off(text: str) -> Json | None:
    """The items before the break of a JSON Feed that can't be read whole; None where it is no JSON Feed."""
    items = _ITEMS.search(text)
    if items is None or not _VERSION.search(text):
        return None
    return {"version": "https://jsonfeed.org/version/1.1", "items": list(_values(text, items.end()))}


def _values(text: str, at: int) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    while True:
        at = _SEPARATOR.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing as well
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield value
