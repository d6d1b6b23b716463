"""An HTML page, or the fragment that a feed carries, to an Extraction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from crawler import urls
from crawler.errors import UrlRefused
from crawler.extract.blocks import Scan, scan_markup
from crawler.extract.body import Body, select
from crawler.extract.captions import split_captions
from crawler.extract.document import MAX_BYTES, Page, canonical_markup
from crawler.extract.jsonld import LinkedData, read_linked_data
from crawler.extract.metadata import read_metadata
from crawler.extract.state import paragraphs_of_scripts, paragraphs_of_state
from crawler.extract.text import fold, plain, words
from crawler.extract.trailer import find_trailers, is_copyright, is_stamp, is_wire_end
from crawler.extract.verdict import judge
from crawler.model import PARAGRAPH_BREAK, Extraction, Verdict

MAX_HYPERLINKS = 200
_BARE = 400  # characters of text, below which the page's JSON is looked into
_EMPTY = 150  # … and what its scripts assign
MAX_CAPTIONS = 100
_ABSOLUTE = ("https://", "http://")
_CONTINUED = re.compile(r"^(?:, |,$|’s |'s |; )")
_PARAGRAPHS = re.compile(r"\s*\n\s*\n\s*|\s*</p>\s*|<br\s*/?>\s*<br\s*/?>", re.IGNORECASE)
_FEED_FURNITURE = re.compile(
    r"^the post .{1,300} (?:first )?appeared (?:first )?on .{1,120}$|^(?:continue reading|read more|share this"
    r"|like this|related)\W*$|^this (?:article|post|story) (?:was )?(?:first|originally) (?:appeared|published)",
    re.IGNORECASE,
)


def extract_html(html: str, url: str, *, teaser: str = "", robot: str = "") -> Extraction:
    """Reads a whole page. `url` is where it was fetched; `teaser` what a feed said of it, in plain text.

    `robot` is the name of ours under which the page may ask something of us.
    """
    return extract_utf8(html.encode("utf-8", "replace"), url, teaser=teaser, robot=robot)


def extract_utf8(html: bytes, url: str, *, teaser: str = "", robot: str = "") -> Extraction:
    """The same for a page as it comes over the wire; what is no UTF-8 in it is U+FFFD in the fields."""
    scan = scan_markup(canonical_markup(html))
    page = scan.page
    linked = read_linked_data(page.json_ld)
    meta = read_metadata(linked, scan, url, robot)
    body = select(scan, meta.title, leads=(teaser, linked.body))
    paragraphs, trailer = _split_trailer(_joined(scan, body.blocks))
    hidden = _hidden_body(paragraphs, linked, page, html)
    if hidden:
        paragraphs, trailer = _split_trailer(hidden)
    paragraphs, credited = split_captions(paragraphs, with_above=False)
    trailer += _trailer_outside(scan, body)
    text = PARAGRAPH_BREAK.join(paragraphs)
    return Extraction(
        verdict=judge(scan, body, text, meta.title, linked, page.first("og:type")),
        title=meta.title,
        byline=meta.byline,
        published=meta.published,
        modified=meta.modified,
        language=meta.language,
        site=meta.site,
        canonical_url=meta.canonical_url,
        text=text,
        captions=_captions(scan, body, credited),
        copyright=next((line for line in trailer if is_copyright(line)), None),
        section=meta.section,
        hyperlinks=_hyperlinks(scan, body, url),
        trailer=tuple(dict.fromkeys(trailer))[:20],
        directives=meta.directives,
    )


def extract_fragment(html: str, url: str, title: str = "") -> Extraction:
    """Reads the content of a feed's entry: no page around it, so that all is article but a feed's own additions."""
    scan = scan_markup(canonical_markup(html.encode("utf-8", "replace")))
    body = select(scan, title, whole=True)
    kept = [text for text in _joined(scan, body.blocks) if not _FEED_FURNITURE.search(text)]
    paragraphs, trailer = _split_trailer(kept)
    paragraphs, credited = split_captions(paragraphs, with_above=False)
    text = PARAGRAPH_BREAK.join(paragraphs)
    return Extraction(
        verdict=Verdict.ARTICLE if len(text.split()) >= 25 else Verdict.NOT_ARTICLE,
        title=fold(title),
        text=text,
        captions=_captions(scan, body, credited),
        copyright=next((line for line in trailer if is_copyright(line)), None),
        hyperlinks=_hyperlinks(scan, body, url),
        trailer=tuple(dict.fromkeys(trailer))[:20],
    )


def _joined(scan: Scan, indices: Sequence[int]) -> list[str]:
    """The blocks' texts; a paragraph that was torn at a company's ticker link is one again."""
    paragraphs: list[str] = []
    for index in indices:
        text = scan.blocks[index].text
        if paragraphs and _CONTINUED.match(text):
            paragraphs[-1] += text
        else:
            paragraphs.append(text)
    return paragraphs


def _split_trailer(paragraphs: Sequence[str]) -> tuple[list[str], list[str]]:
    """Paragraphs of the story, and the lines that tell only of its origin."""
    kept: list[str] = []
    trailer: list[str] = []
    ended = False
    marked = set(find_trailers(paragraphs))
    for place, text in enumerate(paragraphs):
        if not text:
            continue
        if place in marked or (ended and is_stamp(text)):
            trailer.append(text)
            ended = is_wire_end(text)
        else:
            kept.append(text)
            ended = False
    return kept, trailer


def _trailer_outside(scan: Scan, body: Body) -> list[str]:
    chosen = set(body.blocks)
    outside = [block.text for index, block in enumerate(scan.blocks) if index not in chosen]
    return [outside[place] for place in find_trailers(outside)[:20]]


def _hidden_body(shown: Sequence[str], linked: LinkedData, page: Page, html: bytes) -> list[str]:
    """The article's paragraphs out of the page's JSON, where the visible page has none of it or only its beginning."""
    if len(linked.body) >= 300 and _share_shown(linked.body, shown) < 0.6:
        return [text for part in _PARAGRAPHS.split(linked.body) if (text := plain(part))]
    visible = sum(map(len, shown))
    if page.state and visible < _BARE:
        paragraphs = paragraphs_of_state(page.state)
        if sum(map(len, paragraphs)) > _BARE:
            return paragraphs
    if visible < _EMPTY:
        paragraphs = paragraphs_of_scripts(html[:MAX_BYTES])
        if sum(map(len, paragraphs)) > _BARE:
            return paragraphs
    return []


def _share_shown(told: str, shown: Sequence[str]) -> float:
    on_page = set(words(" ".join(shown)))
    in_json = words(plain(told[:20_000]))
    return sum(1 for word in in_json if word in on_page) / len(in_json) if len(in_json) >= 60 else 1.0


def _captions(scan: Scan, body: Body, credited: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(scan.blocks[index].text for index in body.captions), *credited)))[:MAX_CAPTIONS]


def _hyperlinks(scan: Scan, body: Body, url: str) -> tuple[str, ...]:
    hrefs = dict.fromkeys(href for href in scan.hrefs(set(body.blocks)) if not href.startswith("#"))
    found: dict[str, None] = {}
    base = url
    if scan.page.base:
        try:
            base = urls.normalize(scan.page.base, url or None)
        except UrlRefused:
            base = url
    for href in islice(hrefs, 2 * MAX_HYPERLINKS):
        try:
            # Joining costs more than all the rest, and most links are absolute.
            found[urls.normalize(href, None if href.startswith(_ABSOLUTE) else base or None)] = None
        except UrlRefused:
            continue
    return tuple(islice(found, MAX_HYPERLINKS))
