"""Where a site may announce its stories: what its page names, and the usual places. Leads only, nothing is asked.

A lead is a guess: whether it is a feed, and a good one, is seen when it is read (`choosing`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler import urls
from crawler.discover.decoding import decode
from crawler.discover.listings import NO_PAGE, SITE_SEGMENTS, base_of, too_deep
from crawler.discover.plaintext import language_tag, plain
from crawler.errors import UrlRefused
from crawler.model import RawDocument

MAX_FEEDS = 40  # leads to feeds taken from one page
MAX_SECTIONS = 20
_MAX_ELEMENTS = 20_000  # <link> and <a> elements that are looked at
_MAX_TITLE = 200  # characters
_ABOVE = 12  # levels above a link in which its menu is looked for

_FEED_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json", "text/xml+rss"}
)
_MAYBE_TYPES = frozenset({"application/xml", "text/xml", "application/json"})  # CMSs say so of their API as well
_FEED_PATH = re.compile(
    r"/(?:feeds?|rss2?|atom|rdf|xmlfeed)(?:/|$)|/[\w.-]*(?:rss|atom|feed)[\w-]*\.(?:xml|json|php|aspx?)$|"
    r"\.(?:rss|atom|rdf)$|^/index\.xml$",
    re.IGNORECASE,
)
_FEED_QUERY = re.compile(r"(?:^|&)(?:feed|format|type|output)=(?:rss2?|atom|feed|json-?feed)(?:&|$)", re.IGNORECASE)
_SITEMAP_PATH = re.compile(r"sitemap[^/]*(?:\.(?:xml|txt)(?:\.gz)?)?$|\.xml(?:\.gz)?$", re.IGNORECASE)
# Readers' comments, recordings, and small parts of what the main feed has.
_ASIDE_PATH = re.compile(r"/(?:comments?|replies|podcasts?|author|tag)(?:/|$)", re.IGNORECASE)
_ASIDE_TITLE = re.compile(r"\b(?:comments?|kommentare?|comentarios?|commentaires?|commenti|reacties)\b", re.IGNORECASE)
_NEWS_SITEMAP = re.compile(r"(?:^|[/_.-])(?:google-?)?news(?:[/_.-]|sitemap|$)|sitemap-?news", re.IGNORECASE)
_OTHER_SITEMAP = re.compile(
    r"image|video|categor|taxonom|tag|author|page|product|archive|static|misc|event|recipe|gallery", re.IGNORECASE
)
_FRONT = re.compile(r"/(?:(?:index|default|home)(?:\.\w{3,5})?)?|/[a-z]{2}(?:[-_][a-z]{2})?/?", re.IGNORECASE)
_MENUS = frozenset({"nav", "header", "menu"})

_USUAL_FEEDS = ("feed", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "feed.json")
_USUAL_NEWS_SITEMAPS = ("news-sitemap.xml", "sitemap-news.xml", "sitemap_news.xml")
_USUAL_SITEMAPS = ("sitemap.xml", "sitemap_index.xml")


class How(StrEnum):
    """How a place was found."""

    GIVEN = "given"
    DECLARED = "declared"
    LINKED = "linked"
    ROBOTS = "robots"
    INDEX = "index"
    USUAL = "usual"
    SECTION = "section"


WORDS = {
    How.GIVEN: "the URL itself",
    How.DECLARED: "named by the page",
    How.LINKED: "linked from the page",
    How.ROBOTS: "named in robots.txt",
    How.INDEX: "listed in a sitemap",
    How.USUAL: "at a usual place",
    How.SECTION: "a section of the menu",
}


@dataclass(frozen=True, slots=True)
class Lead:
    """A place that may announce stories."""

    url: str
    how: How
    title: str = ""


@dataclass(frozen=True, slots=True)
class Front:
    """What a page says of where else stories are announced, best first."""

    language: str | None = None
    feeds: tuple[Lead, ...] = ()
    sections: tuple[Lead, ...] = ()


def is_front(url: str) -> bool:
    """Whether the URL is that of a whole site rather than of one of its documents."""
    parts = urlsplit(url)
    return not parts.query and _FRONT.fullmatch(parts.path or "/") is not None


def names_document(url: str) -> bool:
    """Whether the URL alone says that it is a feed or a sitemap."""
    return _is_feed_like(url) or _SITEMAP_PATH.search(urlsplit(url).path) is not None


def is_news_sitemap(url: str) -> bool:
    return _NEWS_SITEMAP.search(urlsplit(url).path) is not None


def read_front(document: RawDocument) -> Front:
    """The feeds and sections that an HTML page names; none of a page that is too large to be one."""
    text = decode(document.body, document.charset).text
    if too_deep(text):
        return Front()
    page = LexborHTMLParser(text)
    base = base_of(page, document.url)
    declared, linked = _Leads(document.url, MAX_FEEDS), _Leads(document.url, MAX_FEEDS)
    for link in page.css("link[href]")[:_MAX_ELEMENTS]:
        url = _target(link, base)
        if url is not None and _declares_feed(link, url):
            declared.add(url, How.DECLARED, link.attributes.get("title") or "")
    sections = _Leads(document.url, MAX_SECTIONS)
    for anchor in page.css("a[href]")[:_MAX_ELEMENTS]:
        url = _target(anchor, base)
        if url is None:
            continue
        if _is_feed_like(url):
            linked.add(url, How.LINKED, anchor.text(separator=" ")[:1_000])
        elif _is_section(url, document.url) and _in_menu(anchor):
            sections.add(url, How.SECTION, anchor.text(separator=" ")[:1_000])
    known = {lead.url for lead in declared}
    return Front(
        language=language_tag(page.root.attributes.get("lang") if page.root else None),
        feeds=(*declared, *(lead for lead in linked if lead.url not in known))[:MAX_FEEDS],
        sections=tuple(sections),
    )


def usual_feeds(url: str) -> list[Lead]:
    """The few places where feeds lie that no page names: of the URL's own folder, then of the whole site."""
    root = urljoin(url, "/")
    places = [urljoin(root, name) for name in _USUAL_FEEDS]
    if _is_folder(url):
        folder = url if url.endswith("/") else f"{url}/"
        places = [*(urljoin(folder, name) for name in _USUAL_FEEDS[:3]), *places]
    return [Lead(place, How.USUAL) for place in places]


def usual_sitemaps(url: str, *, news: bool) -> list[Lead]:
    return [Lead(urljoin(url, f"/{name}"), How.USUAL) for name in (_USUAL_NEWS_SITEMAPS if news else _USUAL_SITEMAPS)]


def by_promise(sitemaps: Iterable[str], base: str, how: How) -> list[Lead]:
    """URLs of sitemaps as leads: news sitemaps first, those of pictures, tags and the like last."""
    leads = _Leads(base, 1_000)
    for raw in sitemaps:
        try:
            leads.add(urls.normalize(raw, base), how, "")
        except UrlRefused:
            continue
    return sorted(leads, key=lambda lead: (not is_news_sitemap(lead.url), bool(_OTHER_SITEMAP.search(lead.url))))


class _Leads:
    """Leads in their order, each URL once, at most `most`."""

    def __init__(self, page: str, most: int) -> None:
        self._page, self._most = page, most
        self._found: dict[str, Lead] = {}

    def __iter__(self) -> Iterator[Lead]:
        return iter(self._found.values())

    def add(self, url: str, how: How, title: str) -> None:
        said = plain(title, _MAX_TITLE)
        aside = _ASIDE_PATH.search(urlsplit(url).path) or _ASIDE_TITLE.search(said)
        if not aside and url != self._page and len(self._found) < self._most:
            self._found.setdefault(url, Lead(url, how, said))


def _is_folder(url: str) -> bool:
    path = urlsplit(url).path
    return len(path) > 1 and "." not in path.rsplit("/", 1)[-1]


def _target(element: LexborNode, base: str) -> str | None:
    href = (element.attributes.get("href") or "").strip()
    if not href or href.startswith("#"):
        return None
    if href[:5].lower() == "feed:":  # what browsers once handed to a reader: feed://host/… and feed:https://…
        rest = href[5:]
        href = f"https:{rest}" if rest.startswith("//") else rest
    try:
        return urls.normalize(href, base)
    except UrlRefused:
        return None


def _declares_feed(link: LexborNode, url: str) -> bool:
    relations = (link.attributes.get("rel") or "").lower().split()
    kind = (link.attributes.get("type") or "").partition(";")[0].strip().lower()
    if "alternate" in relations:
        return kind in _FEED_TYPES or (kind in _MAYBE_TYPES and _is_feed_like(url))
    return "feed" in relations


def _is_feed_like(url: str) -> bool:
    parts = urlsplit(url)
    return _FEED_PATH.search(parts.path) is not None or _FEED_QUERY.search(parts.query) is not None


def _is_section(url: str, page: str) -> bool:
    parts = urlsplit(url)
    segments = [segment.lower() for segment in parts.path.split("/") if segment]
    if not 1 <= len(segments) <= 2 or parts.query or not urls.same_site(url, page):
        return False
    if any(segment in SITE_SEGMENTS or any(map(str.isdigit, segment)) for segment in segments):
        return False
    return len(segments[-1].split("-")) <= 3 and not NO_PAGE.search(parts.path)


def _in_menu(anchor: LexborNode) -> bool:
    node = anchor.parent
    for _ in range(_ABOVE):
        if node is None or node.tag in {"body", "html", "main", "footer"}:
            return False
        if node.tag in _MENUS or (node.attributes.get("role") or "") == "navigation":
            return True
        node = node.parent
    return False
