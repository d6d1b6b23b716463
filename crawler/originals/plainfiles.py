"""Originals that are a file each: plain text and HTML, with `--publisher` for what the file doesn't say."""

from __future__ import annotations

import hashlib
from io import BufferedReader
from pathlib import Path
from urllib.parse import quote

from crawler import charset, urls
from crawler.model import Article, RawDocument, Role
from crawler.originals.items import RawOriginal, Unreadable
from crawler.originals.opening import whole
from crawler.originals.prose import joined, paragraphs

MAX_HEADLINE = 200  # characters


def read_text(stream: BufferedReader, path: Path, publisher: str) -> Article:
    """A text file: the first paragraph is the headline where it is short and no sentence, the rest the text."""
    body = whole(stream)
    parts = paragraphs(charset.decode(body, is_html=False))
    if not parts:
        raise Unreadable("expected a text, the file is empty")
    title = ""
    if len(parts) > 1 and len(parts[0]) <= MAX_HEADLINE and not parts[0].endswith((".", "!", ":", ";", ",")):
        title, *parts = parts
    return _blank(path, publisher, body, title=title, text=joined(parts))


def read_html(stream: BufferedReader, path: Path, publisher: str) -> RawOriginal:
    """An HTML file, still to be extracted."""
    body = whole(stream)
    if not body.strip():
        raise Unreadable("expected an HTML page, the file is empty")
    article = _blank(path, publisher, body)
    return RawOriginal(RawDocument(url=article.url, body=body, media_type="text/html"), article)


def _blank(path: Path, publisher: str, body: bytes, *, title: str = "", text: str = "") -> Article:
    # By content, not by name: a file moved or delivered twice is the same article, two of one name are not.
    number = hashlib.blake2b(body, digest_size=16).hexdigest()
    return Article(
        id=urls.vendor_article_id(publisher, number),
        url=f"file:{quote(path.name)}",
        role=Role.ORIGIN,
        publisher=publisher,
        title=title,
        text=text,
    )
