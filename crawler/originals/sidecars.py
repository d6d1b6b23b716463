"""What a JSON file beside a page or a text says of it: `story.html.json` or `story.json` beside `story.html`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

from crawler import urls
from crawler.errors import InputError, UrlRefused
from crawler.interchange import time_from_json
from crawler.model import Role
from crawler.originals.items import Unreadable
from crawler.originals.prose import line, names

MAX_SIDECAR = 1_000_000  # bytes
_TOLD = re.compile(r"\.(?:html?|xhtml|txt|text)(?:\.(?:gz|gzip|zst|zstd))?$", re.IGNORECASE)
_ENDINGS = tuple(
    told + packed for told in (".html", ".htm", ".xhtml", ".txt", ".text") for packed in ("", ".gz", ".zst")
)
_TEXTS = ("an", "url", "title", "publisher", "site", "language", "copyright", "credit", "section", "source_code")
FIELDS = frozenset({*_TEXTS, "byline", "published", "modified", "role"})


@dataclass(frozen=True, slots=True)
class Details:
    """The fields of a sidecar, empty where it has none. `an` is the vendor's number of the article."""

    an: str = ""
    url: str = ""
    title: str = ""
    publisher: str = ""
    site: str = ""
    byline: tuple[str, ...] = ()
    published: datetime | None = None
    modified: datetime | None = None
    language: str = ""
    copyright: str = ""
    credit: str = ""
    section: str = ""
    source_code: str = ""
    role: Role = Role.ORIGIN


def of_file(path: Path) -> Details:
    """What stands beside the file. Raises InputError that names the sidecar where it can't be read."""
    found = next((one for one in sidecar_names(path.name) if (path.parent / one).is_file()), None)
    if found is None:
        return Details()
    sidecar = path.parent / found
    try:
        with sidecar.open("rb") as stream:
            return _details(str(sidecar), stream)
    except OSError as error:
        raise InputError(sidecar, f"can't be read: {error.strerror or error}") from None


def of_member(
    shown: str, name: str, exists: Callable[[str], bool], read: Callable[[str], AbstractContextManager[BufferedReader]]
) -> Details:
    """The same of a file in an archive: `shown` is how faults call it, `exists` and `read` know the archive."""
    found = next((one for one in sidecar_names(name) if exists(one)), None)
    if found is None:
        return Details()
    shown = shown.removesuffix(name) + found
    try:
        with read(found) as stream:
            return _details(shown, stream)
    except Unreadable as error:
        raise InputError(shown, str(error)) from None


def is_sidecar(name: str, exists: Callable[[str], bool]) -> bool:
    """Whether the file of this name speaks of another; `exists` tells which names there are beside it."""
    if not name.endswith(".json"):
        return False
    stem = name.removesuffix(".json")
    return (_TOLD.search(stem) is not None and exists(stem)) or any(exists(stem + ending) for ending in _ENDINGS)


def awaits_story(name: str) -> bool:
    """Whether the name can only be a sidecar's: `story.html.json`, whose story may still be on its way."""
    return name.endswith(".json") and _TOLD.search(name.removesuffix(".json")) is not None


def sidecar_names(name: str) -> tuple[str, ...]:
    """The names that a sidecar of this file may have."""
    if _TOLD.search(name) is None:
        return ()
    return f"{name}.json", f"{_TOLD.sub('', name)}.json"


def _details(shown: str, stream: Any) -> Details:
    body = stream.read(MAX_SIDECAR + 1)
    if len(body) > MAX_SIDECAR:
        raise InputError(shown, f"expected a sidecar of at most {MAX_SIDECAR // 1_000_000} MB")
    try:
        row = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise InputError(shown, "expected a JSON object in UTF-8") from None
    try:
        return _from_row(row)
    except ValueError as error:
        raise InputError(shown, str(error)) from None


def _from_row(row: object) -> Details:
    if not isinstance(row, dict):
        raise ValueError("expected a JSON object")
    unknown = sorted(row.keys() - FIELDS)
    if unknown:
        raise ValueError(f"{unknown[0][:40]}: expected one of {', '.join(sorted(FIELDS))}")
    texts = {name: _text(row, name) for name in _TEXTS}
    if texts["url"]:
        try:
            texts["url"] = urls.normalize(texts["url"])
        except UrlRefused as refused:
            raise ValueError(f"url: {refused.detail}") from None
    role = _text(row, "role")
    if role not in {"", Role.ORIGIN.value, Role.RELEASE.value}:
        raise ValueError(f"role: expected origin or release, got {role[:40]!r}")
    return Details(
        **texts,
        byline=_byline(row),
        published=_time(row, "published"),
        modified=_time(row, "modified"),
        role=Role(role or Role.ORIGIN.value),
    )


def _byline(row: Mapping[str, Any]) -> tuple[str, ...]:
    value = row.get("byline")
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(filter(None, map(line, value)))
    return names(_text(row, "byline"))


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{name}: expected text, got {type(value).__name__}")
    return line(str(value))


def _time(row: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return time_from_json(row.get(name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
