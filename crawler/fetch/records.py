"""One request and its answer as WARC records. A body is kept as it was sent, still compressed.

Transfer encoding is undone already, so its header is kept under another name.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from warcio.recordbuilder import RecordBuilder  # type: ignore[import-untyped]
from warcio.statusandheaders import StatusAndHeaders  # type: ignore[import-untyped]
from warcio.warcwriter import WARCWriter  # type: ignore[import-untyped]

from crawler.fetch.response import Hop, Response
from crawler.fetch.warc import WarcRecord
from crawler.interchange import time_to_json

VERSION = "WARC/1.1"
# A session is a credential, whoever hands it out.
_NEVER_WRITTEN = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "set-cookie2"})
_UNDONE = frozenset({"transfer-encoding"})
_PROFILE = "http://netpreserve.org/warc/1.1/revisit/"
_SAME_BODY, _NOT_MODIFIED = "identical-payload-digest", "server-not-modified"


@dataclass(frozen=True, slots=True)
class Kept:
    """Records of one exchange, in the order they are written, and the id of the first, its answer's."""

    records: tuple[Any, Any]

    @property
    def record_id(self) -> str:
        return str(self.records[0].rec_headers.get_header("WARC-Record-ID"))


def answered(response: Response) -> Kept:
    """The whole answer and its request."""
    return _kept(_of(response), "response", {}, response.raw)


def passed(hop: Hop, request: Mapping[str, str]) -> Kept:
    """A redirect on the way to the answer. Its body was not read."""
    exchange = _Exchange(hop.url, hop.status, hop.reason, hop.headers, hop.ip, hop.at, request)
    has_body = hop.headers.get("Content-Length", "0").strip() != "0" or "Transfer-Encoding" in hop.headers
    return _kept(exchange, "response", {"WARC-Truncated": "unspecified"} if has_body else {}, b"")


def revisited(response: Response, earlier: WarcRecord) -> Kept:
    """The answer without its body: it is that of an `earlier` record, or the server said that it has not changed."""
    profile = _NOT_MODIFIED if response.not_modified else _SAME_BODY
    known = {
        "WARC-Refers-To": earlier.record_id,
        "WARC-Refers-To-Target-URI": earlier.headers.get("warc-target-uri", ""),
        "WARC-Refers-To-Date": earlier.headers.get("warc-date", ""),
        "WARC-Payload-Digest": earlier.headers.get("warc-payload-digest", ""),
    }
    about = {"WARC-Profile": f"{_PROFILE}{profile}", **{name: value for name, value in known.items() if value}}
    return _kept(_of(response), "revisit", about, b"")


def digest(payload: bytes) -> str:
    """As it stands in `WARC-Payload-Digest`."""
    return "sha1:" + base64.b32encode(hashlib.sha1(payload, usedforsecurity=False).digest()).decode("ascii")


def file_head(name: str, about: Mapping[str, str]) -> bytes:
    """The record that a file begins with."""
    return as_written(RecordBuilder(warc_version=VERSION).create_warcinfo_record(name, about))


def as_written(*records: Any) -> bytes:
    """One gzip member a record."""
    buffer = BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version=VERSION)
    for record in records:
        writer.write_record(record)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Exchange:
    url: str
    status: int
    reason: str
    headers: Mapping[str, str]
    ip: str | None
    at: datetime | None
    request: Mapping[str, str]


def _of(response: Response) -> _Exchange:
    return _Exchange(
        response.final_url,
        response.status,
        response.reason,
        response.headers,
        response.ip,
        response.fetched,
        response.request,
    )


def _kept(exchange: _Exchange, kind: str, more: Mapping[str, str], body: bytes) -> Kept:
    builder = RecordBuilder(warc_version=VERSION)
    about = {}
    if exchange.at is not None:
        about["WARC-Date"] = str(time_to_json(exchange.at))
    if exchange.ip:
        about["WARC-IP-Address"] = exchange.ip
    answer = builder.create_warc_record(
        exchange.url,
        kind,
        payload=BytesIO(body),
        length=len(body),
        http_headers=_HttpHeaders(
            f"{exchange.status} {exchange.reason}".strip(), _written(exchange.headers.items()), "HTTP/1.1"
        ),
        warc_headers_dict={**about, **more},
    )
    asked = builder.create_warc_record(
        exchange.url,
        "request",
        payload=BytesIO(),
        length=0,
        http_headers=_HttpHeaders(_request_line(exchange.url), _request_headers(exchange), is_http_request=True),
        warc_headers_dict={**about, "WARC-Concurrent-To": answer.rec_headers.get_header("WARC-Record-ID")},
    )
    return Kept((answer, asked))


class _HttpHeaders(StatusAndHeaders):  # type: ignore[misc]
    """As they were sent: warcio would respell a header that is not ASCII."""

    def to_ascii_bytes(self, filter_func: Callable[[tuple[str, str]], tuple[str, str]] | None = None) -> bytes:
        return str(self.to_str(filter_func)).encode("latin-1", "replace") + b"\r\n"


def _written(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (f"X-Undone-{name}" if name.lower() in _UNDONE else name, value)
        for name, value in headers
        if name.lower() not in _NEVER_WRITTEN
    ]


def _request_line(url: str) -> str:
    parts = urlsplit(url)
    return f"GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1"


def _request_headers(exchange: _Exchange) -> list[tuple[str, str]]:
    return [("Host", urlsplit(exchange.url).netloc), *_written(exchange.request.items())]
