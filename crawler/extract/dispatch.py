"""Which reader a document needs: by its media type where that is believable, by its first bytes where not."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from dataclasses import replace

from crawler.charset import decode, detect
from crawler.extract.plaintext import extract_text
from crawler.extract.reading import extract_html, extract_utf8
from crawler.model import Extraction, RawDocument, Verdict

MAX_BYTES = 10_000_000
_HTML_TYPES = frozenset(("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"))
# Servers send these for want of a better one, or for feeds and pages alike.
_VAGUE_TYPES = frozenset(("", "application/octet-stream", "application/xml", "text/xml", "*/*", "unknown/unknown"))
_BINARY = (
    b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"RIFF", b"PK\x03\x04", b"\x1f\x8b", b"BM6", b"II*\x00", b"MM\x00*",
    b"\x00\x00\x01\x00", b"OggS", b"ID3", b"\xd0\xcf\x11\xe0", b"\x7fELF", b"wOFF", b"wOF2", b"\x28\xb5\x2f\xfd",
)  # fmt: skip
_HTML_START = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|div|p|h1|article|script|table|a|b|br|span)\b",
    re.IGNORECASE | re.DOTALL,
)
_FEED_START = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:rss|feed|rdf:RDF|urlset|sitemapindex|svg)\b",
    re.DOTALL,
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def extract(document: RawDocument, *, teaser: str = "") -> Extraction:
    """Reads a fetched document. `teaser` is what a feed said of it, in plain text.

    HTML and plain text are read, other media types are sniffed; what is neither (PDF, image, feed …) is
    `Verdict.NOT_ARTICLE`. What its headers ask of us is asked as well. Never raises
    for what a document holds. Pure: no I/O, no clock.
    """
    found = _read(document, teaser)
    return replace(found, directives=found.directives | document.directives)


def _read(document: RawDocument, teaser: str) -> Extraction:
    body = document.body[:MAX_BYTES]
    kind = _kind(body, document.media_type)
    if kind == "html":
        codec = detect(body, document.charset)
        if codec == "utf-8":
            return extract_utf8(body.removeprefix(BOM_UTF8), document.url, teaser=teaser, robot=document.robot)
        return extract_html(decode(body, document.charset), document.url, teaser=teaser, robot=document.robot)
    if kind == "text":
        return extract_text(decode(body, document.charset, is_html=False), document.url)
    return Extraction(verdict=Verdict.NOT_ARTICLE)


def _kind(body: bytes, media_type: str) -> str:
    """html | text | other"""
    head = body[:4096]
    if not body or body.isspace():
        return "other"
    if head.startswith(_BINARY) or _FEED_START.match(head):
        return "other"
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    controls = len(_CONTROLS.findall(head))
    if media_type in _HTML_TYPES:
        # NUL is half of UTF-16, which not every server tells.
        return "html" if controls - head.count(0) <= len(head) // 20 else "other"
    if media_type == "text/plain" or media_type in _VAGUE_TYPES:
        if _HTML_START.match(head) or (wide and b"<\0" in head.replace(b"\0<", b"<\0")):
            return "html"
        # A text has hardly any control characters, whatever its charset; UTF-16 says so by its mark.
        if wide or controls <= len(head) // 200:
            return "html" if media_type.endswith("xml") else "text"
    return "other"
