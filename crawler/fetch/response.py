"""What a request came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from multidict import CIMultiDict, CIMultiDictProxy

from crawler.directives import NONE_GIVEN, Directives
from crawler.model import RawDocument, Validators

PERMANENT = frozenset({301, 308})


def _no_headers() -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict())


@dataclass(frozen=True, slots=True)
class Hop:
    """A redirect that was followed: what was asked and what it answered, without the body. `at` is our clock."""

    url: str
    status: int
    reason: str = field(default="", compare=False)
    headers: CIMultiDictProxy[str] = field(default_factory=_no_headers, repr=False, compare=False)
    ip: str | None = field(default=None, compare=False)
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Response:
    """A usable answer: a status of the 200 family, or 304 to a conditional request.

    `url` is what was asked for, `final_url` what answered. `body` is decoded from its content encoding and empty
    for a 304; `raw` is as it was sent. `media_type` is lower case without parameters, "" where none was sent;
    `charset` is what the header said. Header values are the bytes sent, read as Latin-1. `ip` is the peer's
    address, None behind a proxy. `elapsed` is in seconds from the last hop's request to the end of its body,
    `max_age` the seconds for which the server calls the answer fresh. `request` holds the request headers
    of our own making, none that the caller gave. `directives` are what X-Robots-Tag asks of us, and `robot` is
    the name by which it does.
    """

    url: str
    final_url: str
    status: int
    body: bytes = field(repr=False)
    raw: bytes = field(repr=False)
    fetched: datetime
    headers: CIMultiDictProxy[str] = field(default_factory=_no_headers, repr=False)
    media_type: str = ""
    charset: str | None = None
    validators: Validators = field(default_factory=Validators)
    redirects: tuple[Hop, ...] = ()
    ip: str | None = None
    elapsed: float = 0.0
    max_age: float | None = None
    reason: str = "OK"
    request: Mapping[str, str] = field(default_factory=dict, repr=False)
    directives: Directives = NONE_GIVEN
    robot: str = ""

    @property
    def not_modified(self) -> bool:
        return self.status == 304

    @property
    def moved_to(self) -> str | None:
        """Where an unbroken chain of permanent redirects led, None if there was none."""
        permanent = self.redirects and all(hop.status in PERMANENT for hop in self.redirects)
        return self.final_url if permanent else None

    def document(self) -> RawDocument:
        """The body as the rooms that read it take it."""
        return RawDocument(
            url=self.final_url,
            body=self.body,
            media_type=self.media_type,
            charset=self.charset,
            directives=self.directives,
            robot=self.robot,
        )
