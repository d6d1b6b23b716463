"""Articles in parts: which links of a page lead to further pages of the same article, and the parts as one text.

A link counts only where its address is the article's own with a page number (`?page=2`, `/page/2`, `/2`, `-2`) and it
looks like one of a pager: `rel=next` alone often means the next story. What stands there is held against the first
page before it is taken: the headline has to be the same, and most of the text new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import merge
from html import unescape
from itertools import islice
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from crawler import urls
from crawler.errors import UrlRefused
from crawler.extract.dispatch import MAX_BYTES, extract
from crawler.extract.repetition import key
from crawler.extract.text import fold, plain, signature
from crawler.model import PARAGRAPH_BREAK, Extraction, RawDocument, Verdict

MAX_PARTS = 10  # the first page included
FIRST_FURTHER = 2  # the number of the part after the first
MAX_TEXT = 3_000_000  # characters of a joined text
_MAX_LINKS = 5_000  # of a page that are looked at
_MAX_NUMBERS = 20_000  # that may end an address
_MAX_HEAD = 2_000  # bytes of a start tag
_MAX_LABEL = 400  # bytes after it, tags included
_MAX_TITLE = 400
_MOST_SEEN = 0.5  # share of a part's text that stood on the pages before, from which it is the same page again
_PARAMETERS = frozenset(("page", "p", "pg", "pagina", "seite", "paged", "pageno", "page_no", "pagenum", "pn"))
_SPELT = re.compile(
    r"^(?P<stem>/.+?)(?P<sign>/|-|_|,)(?:page|seite|pagina|p)[/_-]?(?P<number>\d{1,2})(?P<end>/|\.\w{1,5})?$"
)
_CHILD = re.compile(r"^(?P<stem>/.*[^/])(?P<sign>/)(?P<number>\d{1,2})(?P<end>/)?$")
_TAIL = re.compile(r"^(?P<stem>/.*[^/])(?P<sign>[-_,])(?P<number>\d{1,2})(?P<end>/|\.\w{1,5})?$")
# The first and the third are searched for in a copy of the page in small letters: by a word, not letter by letter.
_LINK = re.compile(rb"<(?:a|link)(?=\s)")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
# An address that begins with neither a scheme nor a slash; what has no address of ours in it may still lead to a part.
_RELATIVE = re.compile(rb"""href\s*=\s*["']?(?![\s"'/#>]|[a-z][a-z0-9+.-]{0,20}:)""")
_WORD = re.compile(r"[A-Za-z0-9_-]{4,}")
_REL = re.compile(r"""\brel\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
# How an address with a page number ends, or its parameter.
_NUMBER = re.compile(rb"""(?:["'=/_,-]|page)\d{1,2}/?(?:\.\w{1,5})?["'&#>\s]""")
_PAGER = re.compile(
    r"\W*(?:(?:page|seite|página|pagina|part|teil|parte)\s*)?\d{1,2}(?:\s*(?:/|of|von|de|di|sur)\s*\d{1,2})?\W*"
    r"|\W*(?:(?:go to )?(?:the )?next(?: page)?|continue(?: reading)?|(?:the )?prev(?:ious)?(?: page)?|first(?: page)?"
    r"|nächste(?: seite)?|weiter(?:lesen)?|zurück|vorige seite|siguiente|anterior|(?:page )?suivante?"
    r"|(?:page )?précédente?)\W*|[»›>→«‹<←]{1,2}",
    re.IGNORECASE,
)
_PAGE_OF_TITLE = re.compile(
    r"[\s|–—:,(\[-]*(?:\b(?:page|seite|página|pagina|p\.)\s*\d{1,2}|\b\d{1,2}\s*/\s*\d{1,2})"
    r"(?:\s*(?:/|of|von|de|di|sur)\s*\d{1,2})?[)\]]?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Numbered:
    """An address taken apart: the article's own and the number of the page. `sure`: no other story looks so."""

    stem: str
    number: int
    sure: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """An article with one part more, None where that is no part of it; `parts` are those that the part links to."""

    extraction: Extraction | None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Link:
    url: str
    rel: frozenset[str]
    label: str  # "" for one of the head


def numbered(url: str) -> Numbered | None:
    """What a normalised URL would be a part of, by its form alone; None where it has no page number from 1 to 99."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    for place, (name, value) in enumerate(pairs):
        if name.lower() in _PARAMETERS and re.fullmatch(r"[0-9]{1,2}", value):
            rest = urlencode(pairs[:place] + pairs[place + 1 :])
            return Numbered(urlunsplit((parts.scheme, parts.netloc, parts.path, rest, "")), int(value), sure=True)
    for pattern, sure in ((_SPELT, True), (_CHILD, False), (_TAIL, False)):
        match = pattern.match(parts.path)
        if match:
            path = match["stem"] + (match["end"] or "")
            return Numbered(urlunsplit(parts._replace(path=path)), int(match["number"]), sure=sure)
    return None


def further_parts(document: RawDocument, article_url: str) -> tuple[str, ...]:
    """The addresses of the article's parts after the first that a page links to, in order of their numbers.

    `article_url` is the first part's. At most `MAX_PARTS - 1`, none on another host. Linear in the page's length.
    """
    home = urls.identity(article_url)
    found: dict[int, str] = {}
    for link in _links(document, _word_of(home)):
        one = numbered(link.url)
        if one is None or not FIRST_FURTHER <= one.number <= MAX_PARTS or urls.identity(one.stem) != home:
            continue
        if _is_of_pager(link, one):
            found.setdefault(one.number, link.url)
    return tuple(url for _, url in sorted(found.items()))


def part_of(document: RawDocument, canonical_url: str | None) -> str | None:
    """The address of the article that a page is a later part of, None where it is none or nothing on it says so."""
    try:
        url = urls.normalize(document.url)
        canonical = urls.normalize(canonical_url, url) if canonical_url else ""
    except UrlRefused:
        return None
    mine = numbered(url)
    if mine is None or not FIRST_FURTHER <= mine.number <= MAX_PARTS:
        return None
    home = urls.identity(mine.stem)
    if mine.sure and canonical and urls.identity(canonical) == home:
        return mine.stem
    for link in _links(document, None):
        if not ("prev" in link.rel or (link.label and _PAGER.fullmatch(link.label))):
            continue
        one = numbered(link.url)
        earlier = one is not None and one.number < mine.number and urls.identity(one.stem) == home
        if earlier or urls.identity(link.url) == home:
            return mine.stem
    return None


def join(whole: Extraction, document: RawDocument, article_url: str) -> Joined:
    """Adds a part to what was read before it. Furniture that stands on both is kept once. Pure; never raises."""
    part = extract(document)
    more = further_parts(document, article_url)
    if part.verdict not in {Verdict.ARTICLE, Verdict.NOT_ARTICLE} or not _same_title(whole.title, part.title):
        return Joined(None)
    known = {key(text) for text in whole.text.split(PARAGRAPH_BREAK)}
    paragraphs = part.text.split(PARAGRAPH_BREAK)
    new = [text for text in paragraphs if key(text) not in known]
    if sum(map(len, new)) <= _MOST_SEEN * sum(map(len, paragraphs)):
        return Joined(None)
    text = PARAGRAPH_BREAK.join((whole.text, *new)) if whole.text else PARAGRAPH_BREAK.join(new)
    if len(text) > MAX_TEXT:
        return Joined(None)
    joined = replace(
        whole,
        verdict=Verdict.ARTICLE,
        text=text,
        captions=_together(whole.captions, part.captions, 100),
        hyperlinks=_together(whole.hyperlinks, part.hyperlinks, 200),
        trailer=_together(whole.trailer, part.trailer, 20),
        copyright=whole.copyright or part.copyright,
        directives=whole.directives | part.directives,
    )
    return Joined(joined, more)


def _links(document: RawDocument, word: str | None) -> Iterator[_Link]:
    """Links that may lead to a part of the article whose address has this `word`; None: to the first one as well, whose
    address has no number."""
    html = document.body[:MAX_BYTES]
    lowered = html.lower()
    starts = (match.end() for match in _LINK.finditer(lowered)) if word is None else _starts(html, lowered, word)
    for start in islice(starts, _MAX_LINKS):
        head, _, after = html[start : start + _MAX_HEAD + _MAX_LABEL].decode("utf-8", "replace").partition(">")
        href = _HREF.search(head)
        if href is None or (word is not None and not _NUMBER.search(f"{href[0]} ".encode())):
            continue
        try:
            url = urls.normalize(unescape(href[1] or href[2] or href[3] or ""), document.url)
        except UrlRefused:
            continue
        rel = _REL.search(head)
        words = frozenset((rel[1] or rel[2] or rel[3] or "").lower().split()) if rel else frozenset()
        label = after.partition("</a")[0] if lowered.startswith(b"a", start - 1) else ""
        yield _Link(url, words, fold(plain(label)))


def _word_of(home: str) -> str:
    """What every absolute address of a part holds, as it stands; "" where it could be spelt in several ways."""
    last = urlsplit(home).path.rpartition("/")[2]
    name = last.rpartition(".")[0] or last
    return name if _WORD.fullmatch(name) else ""


def _starts(html: bytes, lowered: bytes, word: str) -> Iterator[int]:
    """Where the start tags go on that may lead to a part: those that hold the article's `word`, and those whose address
    is a relative one. Of a page's hundreds of links these are a few."""
    if word:
        places = merge(_occurrences(html, word.encode()), (match.start() for match in _RELATIVE.finditer(lowered)))
    else:
        places = (match.start() for match in _NUMBER.finditer(html))
    last = -1
    for place in islice(places, _MAX_NUMBERS):
        tag = html.rfind(b"<", max(0, place - _MAX_HEAD), place)
        if tag > last and (link := _LINK.match(lowered, tag)):
            yield link.end()
        last = max(last, tag)


def _occurrences(html: bytes, word: bytes) -> Iterator[int]:
    place = html.find(word)
    while place >= 0:
        yield place
        place = html.find(word, place + len(word))


def _is_of_pager(link: _Link, one: Numbered) -> bool:
    if link.label and _PAGER.fullmatch(link.label):
        return True
    # Below the article's own address no other story stands; beside it one may.
    beside = not one.sure and not link.url.rstrip("/").startswith(one.stem.rstrip("/") + "/")
    return "next" in link.rel and not beside


def _same_title(one: str, other: str) -> bool:
    mine, theirs = (signature(_PAGE_OF_TITLE.sub("", title[:_MAX_TITLE])) for title in (one, other))
    return bool(mine) and (mine == theirs or not theirs)


def _together(one: tuple[str, ...], other: tuple[str, ...], most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))[:most]
