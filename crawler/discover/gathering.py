"""What a document yields, as it is put together: URLs checked, twins merged, faults counted, all of it bounded."""

from __future__ import annotations

from dataclasses import replace

from crawler import urls
from crawler.errors import UrlRefused
from crawler.model import Discovery, Reference, SourceKind, Wishes

MAX_ENTRIES = 50_000  # references or children of one document (the limit of the sitemap protocol)
MAX_FAULTS = 100  # lines


class Gathering:
    """Collects the references of one document in their order. `base` resolves relative URLs."""

    def __init__(self, kind: SourceKind, base: str) -> None:
        self.kind, self.base = kind, base
        self.title = ""
        self.truncated = False
        self.wishes = Wishes()
        self.hub: str | None = None
        self.own_url: str | None = None
        self.new_url: str | None = None
        self._references: dict[str, Reference] = {}
        self._children: dict[str, None] = {}
        self._faults: list[str] = []
        self._more_faults = 0

    def __len__(self) -> int:
        """References gathered so far."""
        return len(self._references)

    @property
    def full(self) -> bool:
        return len(self._references) >= MAX_ENTRIES or len(self._children) >= MAX_ENTRIES

    def fault(self, line: str) -> None:
        """Notes what was skipped; one line, without line breaks from the document."""
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(" ".join(line.split()))
        else:
            self._more_faults += 1

    def broke_off(self, line: str) -> None:
        self.truncated = True
        self.fault(line)

    def address(self, raw: str, number: int, base: str | None = None) -> str | None:
        """The entry's URL, absolute and normalised; None, and a fault, where it can't be one."""
        text = raw.strip()
        if not text:
            self.fault(f"entry {number}: no link")
            return None
        try:
            absolute = text.startswith(("http://", "https://"))
            return urls.normalize(text, None if absolute else base or self.base)
        except UrlRefused as error:
            self.fault(f"entry {number}: {error}")
            return None

    def add(self, reference: Reference) -> None:
        """Takes a reference; one with a URL seen before fills what the first left open."""
        first = self._references.get(reference.url)
        self._references[reference.url] = reference if first is None else _merged(first, reference)

    def add_child(self, url: str) -> None:
        self._children[url] = None

    def discovery(self) -> Discovery:
        faults = self._faults
        if self._more_faults:
            faults = [*faults, f"and {self._more_faults} more"]
        return Discovery(
            kind=self.kind,
            references=tuple(self._references.values()),
            children=tuple(self._children),
            title=self.title,
            faults=tuple(faults),
            truncated=self.truncated,
            wishes=self.wishes,
            hub=self.hub,
            own_url=self.own_url,
            new_url=self.new_url,
        )


def _merged(first: Reference, second: Reference) -> Reference:
    modified = [time for time in (first.modified, second.modified) if time is not None]
    return replace(
        first,
        title=first.title or second.title,
        published=first.published or second.published,
        modified=max(modified) if modified else None,
        byline=first.byline or second.byline,
        teaser=first.teaser or second.teaser,
        content_html=first.content_html or second.content_html,
        language=first.language or second.language,
    )
