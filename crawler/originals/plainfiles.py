"""Originals that are a file each: plain text and HTML. A sidecar, or `--publisher`, says what the file doesn't."""

from __future__ import annotations

import hashlib
from io import BufferedReader
from urllib.parse import quote

from crawler import charset, urls
from crawler.model import Article, RawDocument
from crawler.originals.items import RawOriginal, Unreadable
from crawler.originals.opening import whole
from crawler.originals.parts import Part
from crawler.originals.prose import joined, paragraphs

MAX_HEADLINE = 200  # characters


def read_text(stream: BufferedReader, part: Part, publisher: str) -> Article:
    """A text file: where no sidecar has the headline it is the first paragraph, if that is short and no sentence."""
    body = whole(stream)
    parts = paragraphs(charset.decode(body, is_html=False))
    if not parts:
        raise Unreadable("expected a text, the file is empty")
    title = part.details.title
    if title:
        parts = parts[1:] if parts[0] == title and len(parts) > 1 else parts
    elif len(parts) > 1 and len(parts[0]) <= MAX_HEADLINE and not parts[0].endswith((".", "!", ":", ";", ",")):
        title, *parts = parts
    return _blank(part, publisher, body, title=title, text=joined(parts))


def read_html(stream: BufferedReader, part: Part, publisher: str) -> RawOriginal:
    """An HTML file, still to be extracted."""
    body = whole(stream)
    if not body.strip():
        raise Unreadable("expected an HTML page, the file is empty")
    article = _blank(part, publisher, body, title=part.details.title)
    return RawOriginal(RawDocument(url=article.url, body=body, media_type="text/html"), article)


def _blank(part: Part, publisher: str, body: bytes, *, title: str, text: str = "") -> Article:
    said = part.details
    publisher = said.publisher or publisher
    if said.an:
        identifier = urls.vendor_article_id(publisher, said.an)
    elif said.url:
        identifier = urls.article_id(said.url)
    else:
        # By content, not by name: a file moved or delivered twice is the same article, two of one name are not.
        identifier = urls.vendor_article_id(publisher, hashlib.blake2b(body, digest_size=16).hexdigest())
    return Article(
        id=identifier,
        url=said.url or f"file:{quote(part.name)}",
        role=said.role,
        publisher=publisher,
        title=title,
        text=text,
        site=said.site,
        byline=said.byline,
        published=said.published,
        modified=said.modified,
        language=said.language or None,
        copyright=said.copyright or None,
        vendor_id=said.an or None,
        vendor_source=said.source_code or None,
        credit=said.credit or None,
        section=said.section or None,
    )
