"""The sources that are there: which URL has one already, which name is free for another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from urllib.parse import urlsplit

from crawler import settings, urls
from crawler.errors import SettingsError, UrlRefused
from crawler.model import Source
from crawler.settings import SourceSettings
from crawler.store import SourceRecord

_MAX_NAME = 200  # characters, as in the configuration


class HeldSources:
    """Names and URLs of the sources that are there, and of those that are about to be."""

    def __init__(self, records: Iterable[SourceRecord]) -> None:
        self._by_address: dict[str, str] = {}
        self._names: set[str] = set()
        self._next: dict[str, int] = {}
        for record in records:
            self._names.add(record.name)
            # One that went from the file names its URL no more.
            if record.source.enabled:
                self._by_address.setdefault(_address(record.source.url), record.name)

    def named(self, url: str) -> str | None:
        """The name of the source that has this URL."""
        return self._by_address.get(_address(url))

    def free_name(self, wanted: str, url: str) -> str:
        """`wanted` where it is free, else with its host or a number after it; at most 200 characters."""
        name = _cut(" ".join(wanted.split()) or default_name(url), "")
        if name not in self._names:
            return name
        with_host = _cut(name, f" ({urls.host_of(url)[:80]})")
        if with_host not in self._names:
            return with_host
        # Lists of thousands of feeds of one name come from somewhere: the search goes on where it ended.
        for number in count(self._next.get(with_host, 2)):
            free = _cut(with_host, f" {number}")
            if free not in self._names:
                self._next[with_host] = number + 1
                return free
        raise AssertionError("unreachable")

    def take(self, source: Source) -> None:
        self._names.add(source.name)
        self._by_address.setdefault(_address(source.url), source.name)


def default_name(url: str) -> str:
    return url.split("://", 1)[-1].rstrip("/")


def checked_source(values: Mapping[str, object]) -> Source:
    """A source of the store, checked as those of the file are. Raises ValueError with what was expected."""
    try:
        return settings.checked(SourceSettings, values, "").source(declared="store")
    except SettingsError as fault:
        raise ValueError(f"{fault.key}: {fault.expected}" if fault.key else fault.expected) from None


def _address(url: str) -> str:
    """One spelling for the URLs under which lists write one and the same document."""
    try:
        parts = urlsplit(urls.normalize(url))
    except UrlRefused:
        return url  # a source that is no document of the web, such as an archive
    return f"{parts.netloc}{parts.path.rstrip('/')}?{parts.query}"


def _cut(name: str, ending: str) -> str:
    return name[: _MAX_NAME - len(ending)].rstrip() + ending
