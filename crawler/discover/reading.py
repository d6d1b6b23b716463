"""From the bytes of a source's document to what it announces: the kind is told by content."""

from __future__ import annotations

from crawler.discover import markup
from crawler.discover.decoding import Decoded, decode
from crawler.discover.feeds import read_feed
from crawler.discover.gathering import Gathering
from crawler.discover.jsonfeed import is_json, read_json_feed
from crawler.discover.listings import read_listing, too_deep
from crawler.discover.sitemaps import is_url_list, read_sitemap, read_sitemap_index, read_url_list
from crawler.errors import DiscoverError
from crawler.model import Discovery, RawDocument, SourceKind

_FEEDS = frozenset({"rss", "rdf", "feed"})
_SITEMAPS = frozenset({"urlset", "sitemapindex"})
# Elements that HTML pages of the web begin with.
_PAGES = frozenset(
    {"html", "head", "body", "title", "meta", "link", "script", "style", "div", "table", "a", "p", "br", "b"}
)
_EXPECTED = {
    SourceKind.AUTO: "a feed, a sitemap or a listing page",
    SourceKind.FEED: "a feed",
    SourceKind.SITEMAP: "a sitemap",
    SourceKind.LISTING: "a listing page",
}
_FILES = (
    (b"%PDF-", "a PDF file"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image or a recording"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
)


def read(document: RawDocument, kind: SourceKind = SourceKind.AUTO) -> Discovery:
    """What the document announces: articles, or further documents to read, in its own order.

    Reads RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed, sitemaps (news sitemaps, indexes, lists of URLs, gzipped or
    not) and HTML section fronts. A valid document without entries is an empty Discovery; one that breaks off
    gives what came before, with `truncated` set. Raises DiscoverError, one line, where the document is none of
    them or not of the configured kind.
    """
    wanted = _Wanted(document, kind)
    body = document.body
    if not body.strip():
        raise wanted.instead("an empty document")
    for magic, what in _FILES:
        if body.startswith(magic):
            raise wanted.instead(what)
    decoded = decode(body, document.charset)
    text = decoded.text
    if is_json(text):
        return _json_feed(decoded, wanted)
    try:
        name, start = markup.root_name(text)
    except markup.EntitiesDeclared:
        raise wanted.instead("a document that declares XML entities, which are not read") from None
    if name in _FEEDS | _SITEMAPS:
        return _xml(decoded, name, start, wanted)
    if is_url_list(text):
        return _url_list(decoded, wanted)
    return _page(decoded, name, wanted)


class _Wanted:
    """What was asked for, and the error that names what came in its place."""

    def __init__(self, document: RawDocument, kind: SourceKind) -> None:
        self.url, self.kind = document.url, kind
        self.robot, self.nofollow = document.robot, document.directives.nofollow

    def instead(self, got: str) -> DiscoverError:
        return DiscoverError(f"{self.url}: expected {_EXPECTED[self.kind]}, got {got}")

    def gathering(self, kind: SourceKind, what: str) -> Gathering:
        """An empty Gathering of a kind, where that kind was asked for."""
        if self.kind not in {SourceKind.AUTO, kind}:
            raise self.instead(what)
        return Gathering(kind, self.url)


def _json_feed(decoded: Decoded, wanted: _Wanted) -> Discovery:
    gathering = wanted.gathering(SourceKind.FEED, "JSON")
    if decoded.cut:
        gathering.broke_off(decoded.cut)
    if not read_json_feed(decoded.text, gathering):
        raise wanted.instead("JSON that is no JSON Feed")
    return gathering.discovery()


def _xml(decoded: Decoded, name: str, start: int, wanted: _Wanted) -> Discovery:
    feed = name in _FEEDS
    gathering = wanted.gathering(SourceKind.FEED if feed else SourceKind.SITEMAP, "a feed" if feed else "a sitemap")
    if decoded.text.count("<", start) > markup.MAX_TAGS:
        raise wanted.instead(f"XML with more than {markup.MAX_TAGS:,} tags")
    tree = markup.parse(decoded.text, name, start, wanted.url)
    if tree is None:
        raise wanted.instead("broken XML")
    if decoded.cut or tree.broken_off:
        gathering.broke_off(decoded.cut or tree.broken_off)
    if tree.mended:
        gathering.fault(tree.mended)
    if feed:
        read_feed(tree.root, name, gathering, has_base="xml:base" in decoded.text)
    elif name == "urlset":
        read_sitemap(tree.root, gathering)
    else:
        read_sitemap_index(tree.root, gathering)
    return gathering.discovery()


def _url_list(decoded: Decoded, wanted: _Wanted) -> Discovery:
    gathering = wanted.gathering(SourceKind.SITEMAP, "a list of URLs")
    if decoded.cut:
        gathering.broke_off(decoded.cut)
    read_url_list(decoded.text, gathering)
    return gathering.discovery()


def _page(decoded: Decoded, name: str, wanted: _Wanted) -> Discovery:
    text = decoded.text
    head = text[:4_000].lower()
    if name not in _PAGES and (name or not any(tag in head for tag in ("<html", "<body", "<div", "<a ", "<p>"))):
        raise wanted.instead(_described(text, name))
    gathering = wanted.gathering(SourceKind.LISTING, "an HTML page")
    if decoded.cut:
        gathering.broke_off(decoded.cut)
    if too_deep(text):
        raise wanted.instead("an HTML page with too many or too deeply nested tags")
    if wanted.nofollow or not read_listing(text, wanted.url, gathering, wanted.robot):
        raise wanted.instead("an HTML page that asks that its links not be followed")
    if not len(gathering):
        raise wanted.instead("an HTML page without links that look like articles")
    return gathering.discovery()


def _described(text: str, name: str) -> str:
    if name:
        return f"XML with the root element {name[:40]}"
    if not text.strip():
        return "an empty document"
    return "plain text" if text[:1_000].isprintable() or "\n" in text[:1_000] else "binary data"
