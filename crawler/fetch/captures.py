"""What an archive holds of a page: an HTTP answer inside a WARC record, as other crawlers wrote it down.

Most leave the transfer and content encodings of the wire in; some undo them and leave the headers that name them, so
the headers are believed only where the body agrees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from crawler import urls
from crawler.directives import of_headers
from crawler.errors import BodyTooLarge, BodyUndecodable, RecordDamaged
from crawler.fetch import header
from crawler.fetch.decoder import BodyDecoder
from crawler.fetch.warc import WarcRecord
from crawler.model import RawDocument

_STATUS = re.compile(rb"HTTP/[0-9.]{1,4}[ \t]+([0-9]{3})(?![0-9])")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_MAX_HEAD = 1 << 18  # bytes of an answer's status line and headers
_CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,4096})?\r?\n")
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_UNTOLD = frozenset({"", "text/plain", "application/octet-stream", "unknown/unknown"})
_LOOKS_HTML = re.compile(
    rb"[\s\xef\xbb\xbf]*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_PILED_UP = {"content-encoding": ", ", "x-robots-tag": "\n"}
_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")


@dataclass(frozen=True, slots=True)
class Capture:
    """A page as an archive has it; `at` is the archive's date, `raw` the body as it was written down."""

    url: str
    at: datetime
    record_id: str
    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    raw: bytes = field(repr=False)
    cut: bool = False  # its crawler did not take all of it

    def document(self, limit: int, robot: str = "") -> RawDocument:
        """The body with its encodings undone; `robot` is the name by which a site may call us.

        Raises BodyTooLarge over `limit` bytes, BodyUndecodable.
        """
        body = _unchunked(self.raw) if "chunked" in self.headers.get("transfer-encoding", "").lower() else self.raw
        body = self._decoded(body, limit)
        if len(body) > limit:
            raise BodyTooLarge(self.url, f"more than {limit} bytes")
        media_type, charset = header.content_type(self.headers.get("content-type", ""))
        said = self.headers.get("x-robots-tag", "").split("\n")
        return RawDocument(self.url, body, media_type, charset, of_headers(said, robot), robot)

    def _decoded(self, body: bytes, limit: int) -> bytes:
        try:
            decoder = BodyDecoder(self.url, self.headers.get("content-encoding", ""), limit)
        except BodyUndecodable:
            if _looks_plain(body):
                return body
            raise
        if not decoder.undoes:
            return body
        pieces: list[bytes] = []
        try:
            pieces.extend(decoder.feed(body))
            if not self.cut:
                decoder.finish()
        except BodyUndecodable:
            if not pieces and _looks_plain(body):
                return body
            raise
        return b"".join(pieces)


def is_answer(headers: Mapping[str, str]) -> bool:
    """Whether a record, by its own headers, may hold a page: an HTTP answer."""
    kind = headers.get("content-type", "").lower()
    return headers.get("warc-type", "").lower() == "response" and kind.startswith("application/http")


def capture_of(record: WarcRecord) -> Capture | None:
    """The page in a record; None where it holds none: another status, another medium.

    Raises UrlRefused for an address that no page of the web has, RecordDamaged for a record without the date or the
    answer that it should have.
    """
    status = _STATUS.match(record.block)
    if status is None:
        raise RecordDamaged(_address(record), "its record holds no HTTP answer")
    if status.group(1) != b"200":
        return None
    blank = _BLANK_LINE.search(record.block, 0, _MAX_HEAD)
    if blank is None:
        raise RecordDamaged(_address(record), "its record holds no whole HTTP header")
    headers = _headers(record.block[: blank.start()])
    raw = record.block[blank.end() :]
    if not _may_be_html(headers, raw):
        return None
    at = _time(record.headers.get("warc-date", ""))
    if at is None:
        raise RecordDamaged(_address(record), "its record has no date")
    url = urls.normalize(_address(record))
    return Capture(url, at, record.record_id, headers, raw, cut="warc-truncated" in record.headers)


def _address(record: WarcRecord) -> str:
    return record.headers.get("warc-target-uri", "").removeprefix("<").removesuffix(">")  # a common misreading of 1.0


def _headers(head: bytes) -> dict[str, str]:
    """The first value of each header, but all of those that pile up; what each robots header says stands by itself."""
    found: dict[str, str] = {}
    for line in _FOLD.sub(b" ", head).split(b"\n")[1:]:
        name, colon, value = line.decode("latin-1").partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name in found and name in _PILED_UP:
            found[name] += _PILED_UP[name] + value
        else:
            found.setdefault(name, value)
    return found


def _may_be_html(headers: Mapping[str, str], raw: bytes) -> bool:
    media_type, _ = header.content_type(headers.get("content-type", ""))
    if media_type in _HTML:
        return header.sniff(raw[: header.SNIFFED]) is None
    return media_type in _UNTOLD and _LOOKS_HTML.match(raw, 0, 1_024) is not None


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


def _looks_plain(body: bytes) -> bool:
    head = body[:1_024]
    return b"<" in head and b"\x00" not in head and not head.startswith(_PACKED)


def _unchunked(raw: bytes) -> bytes:
    """The body of its chunks; as it is where it has none, and up to the first that is broken."""
    pieces: list[bytes] = []
    place = 0
    while found := _CHUNK.match(raw, place):
        size = int(found.group(1), 16)
        if size == 0:
            return b"".join(pieces)
        pieces.append(raw[found.end() : found.end() + size])
        place = found.end() + size
        if raw.startswith(b"\r\n", place):
            place += 2
        elif raw.startswith(b"\n", place):
            place += 1
        elif place < len(raw):
            break
    return b"".join(pieces) if pieces else raw
