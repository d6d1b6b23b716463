"""Section fronts: which links of an HTML page look like articles.

Each link is scored by its URL (a date, an article number, a slug of several words) and by its place and text (a
headline's length, within a heading, within a card); menus, footers and pages about the site itself are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler import urls
from crawler.directives import of_meta
from crawler.discover.dates import read_date
from crawler.discover.gathering import Gathering
from crawler.discover.plaintext import MAX_TITLE, language_tag, plain
from crawler.errors import UrlRefused
from crawler.model import Reference

MAX_LINKS = 500  # references of one page
MAX_ANCHORS = 20_000  # links that are looked at
MAX_TAGS = 300_000
# HTML parsers walk up all open elements for each new block: at 100,000 levels Lexbor takes 18 s.
MAX_DEPTH = 2_000
MAX_ANCESTORS = 16  # levels above a link that tell its place

LIKELY = 3.5  # score from which a link is taken for an article

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
_UNNESTED_NAMES = "area base br col embed hr img input link meta param source track wbr p li dt dd tr td th option path"
_UNNESTED = frozenset(_UNNESTED_NAMES.split())
_DATE_IN_PATH = re.compile(r"/(?:19|20)\d{2}[/-]?(?:0?[1-9]|1[0-2]|[a-z]{3})(?:[/-]?\d{1,2})?(?=[/-]|$)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<!\d)\d{5,}(?!\d)")
_QUERY_NUMBER = re.compile(
    r"(?:^|&)(?:p|id|aid|nid|article|articleid|story|storyid|newsid|art|item)=\w*\d{2,}", re.IGNORECASE
)
_CODE = re.compile(r"[0-9a-f]{8,}|[a-z]*\d[a-z0-9]{7,}", re.IGNORECASE)
NO_PAGE = re.compile(
    r"\.(?:jpe?g|png|gif|webp|svg|ico|pdf|docx?|xlsx?|pptx?|zip|gz|mp[34]|m4[av]|mov|avi|webm|css|js|json|xml|rss|atom|ics|exe|apk)$",
    re.IGNORECASE,
)
_SITE_WORDS = """
    about about-us account accounts ad ads advertise advertising app apps author authors autor autoren auteur careers
    category categories cart checkout comments contact contact-us contributors cookie cookies cookie-policy corrections
    donate faq feed feeds gallery galleries help horoscope impressum imprint jobs kategorie kontakt legal login logout
    newsletter newsletters page podcast podcasts policies privacy privacy-policy profile profiles register rss
    schlagwort search settings shop sign-in signin sign-up signup sitemap sitemaps staff subscribe subscription
    subscriptions tag tags team terms terms-of-service terms-of-use thema topic topics user users wp-admin wp-login.php
"""
SITE_SEGMENTS = frozenset(_SITE_WORDS.split())
_MENU_TAGS = frozenset({"nav", "footer", "form", "dialog", "menu", "noscript"})
_MENU_CLASS = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|submenu|footer|breadcrumbs?|pagination|pager|share|social|tags?|"
    r"byline|author|authors|login|signin|subscribe|newsletter|cookie|consent|sponsored|advert|ads?|promo|legal|skip)"
    r"(?:$|[\s_-])",
    re.IGNORECASE,
)
_CARD_CLASS = re.compile(
    r"(?:^|[\s_-])(?:card|teaser|story|stories|post|entry|headlines?|article|item|summary|media|tease|latest|news|feed|river)(?:$|[\s_-])",
    re.IGNORECASE,
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5"})
_CARD_TAGS = frozenset({"article", "li", "td"})


@dataclass(slots=True)
class _Link:
    """What the anchors of one URL tell together."""

    url: str
    address: float  # score of the URL
    title: str = ""
    heading: bool = False
    card: bool = False
    menu: bool = True  # every anchor of it stands in a menu
    published: datetime | None = None

    @property
    def score(self) -> float:
        words = len(self.title.split())
        text = 2.0 if words >= 5 else 1.0 if words >= 3 else 0.0
        return self.address + text + (1.5 if self.heading else 0.0) + (0.5 if self.card else 0.0)


@dataclass(slots=True)
class _Place:
    heading: bool = False
    card: bool = False
    menu: bool = False
    above: list[int] = field(default_factory=list)  # mem_id of the elements above, nearest first


def too_deep(text: str) -> bool:
    """Whether the page has more tags, or more levels of them, than a section front ever has."""
    if text.count("<") > MAX_TAGS:
        return True
    depth = 0
    for match in _TAG.finditer(text):
        if match.group(2).lower() in _UNNESTED:
            continue
        depth = max(0, depth - 1) if match.group(1) else depth + 1
        if depth > MAX_DEPTH:
            return True
    return False


def read_listing(text: str, url: str, gathering: Gathering, robot: str = "") -> bool:
    """Gathers the links of a section front that look like articles of the same site, in their order.

    False, and nothing is gathered, where the page asks all robots, or ours by its name, to follow none.
    """
    page = LexborHTMLParser(text)
    if _forbids_following(page, robot):
        return False
    gathering.base = base_of(page, url)
    title = page.css_first("title")
    gathering.title = plain(title.text() if title else "", MAX_TITLE)
    language = language_tag(page.root.attributes.get("lang") if page.root else None)
    for link in _links(page, url, gathering.base).values():
        if link.menu or link.score < LIKELY:
            continue
        gathering.add(Reference(url=link.url, title=link.title, published=link.published, language=language))
        if len(gathering) >= MAX_LINKS:
            gathering.broke_off(f"only the first {MAX_LINKS} links are read")
            break
    return True


def _forbids_following(page: LexborHTMLParser, robot: str) -> bool:
    said = (
        meta.attributes.get("content") or ""
        for meta in page.css("meta[name]")
        if (meta.attributes.get("name") or "").strip().lower() in {"robots", robot.lower()}
    )
    return of_meta(said).nofollow


def base_of(page: LexborHTMLParser, url: str) -> str:
    """What relative addresses of a page are relative to."""
    base = page.css_first("base[href]")
    try:
        return urls.normalize(base.attributes.get("href") or "", url) if base else url
    except UrlRefused:
        return url


def _links(page: LexborHTMLParser, url: str, base: str) -> dict[str, _Link]:
    """Links of the page's own site by their identity: trackers apart, a picture and a headline link to one page."""
    times = _times(page)
    here = urls.identity(url)
    found: dict[str, _Link] = {}
    for anchor in page.css("a[href]")[:MAX_ANCHORS]:
        target = _target(anchor.attributes.get("href") or "", base)
        if target is None or not urls.same_site(target, url):
            continue
        address = _address_score(target)
        identity = urls.identity(target)
        if address is None or identity == here:
            continue
        link = found.setdefault(identity, _Link(target, address))
        place = _place(anchor)
        link.menu = link.menu and place.menu
        link.heading = link.heading or place.heading
        link.card = link.card or place.card
        text = plain(anchor.text(separator=" ")[:2_000], MAX_TITLE)
        heading = anchor.css_first("h1, h2, h3, h4, h5")
        if heading is not None:
            link.heading, text = True, plain(heading.text(separator=" ")[:2_000], MAX_TITLE)
        if len(text) > len(link.title) and not place.menu:
            link.title = text
        link.published = link.published or next((times[one] for one in place.above if one in times), None)
    return found


def _target(href: str, base: str) -> str | None:
    href = href.strip()
    if not href or href.startswith("#") or href[:11].lower() == "javascript:":
        return None
    try:
        return urls.normalize(href, None if href.startswith(("http://", "https://")) else base)
    except UrlRefused:
        return None


def _address_score(url: str) -> float | None:
    """What the URL alone says; None where it is no article's."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    segments = [segment.lower() for segment in path.split("/") if segment]
    if NO_PAGE.search(path) or any(segment in SITE_SEGMENTS for segment in segments):
        return None
    last = re.sub(r"\.(?:html?|php|aspx?|shtml)$", "", segments[-1]) if segments else ""
    words = [word for word in re.split(r"[-_+]|%20", last) if len(word) > 1 and not word.isdigit()]
    score = 0.0
    if len(words) >= 3:
        score += 2.5 if len(words) >= 4 else 2.0
    if _DATE_IN_PATH.search(path):
        score += 2.0
    if _NUMBER.search(path) or _QUERY_NUMBER.search(parts.query) or _CODE.fullmatch(last.rpartition("-")[2]):
        score += 1.5
    if len(segments) >= 2:
        score += 0.5
    if segments and last != segments[-1]:
        score += 0.5
    return score if score else None


def _place(anchor: LexborNode) -> _Place:
    place = _Place()
    inside_article = False
    node: LexborNode | None = anchor
    for _ in range(MAX_ANCESTORS):
        if node is None or node.tag in {"body", "html"}:
            break
        tag = node.tag or ""
        attributes = node.attributes
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''} {attributes.get('role') or ''}"
        if tag in _HEADINGS:
            place.heading = True
        inside_article = inside_article or tag == "article"
        place.card = place.card or tag in _CARD_TAGS or bool(_CARD_CLASS.search(names))
        menu_class = len(names) > 2 and not place.heading and _MENU_CLASS.search(names) is not None
        if tag in _MENU_TAGS or menu_class or (tag == "header" and not inside_article):
            place.menu = True
        place.above.append(node.mem_id)
        node = node.parent
    return place


def _times(page: LexborHTMLParser) -> dict[int, datetime]:
    """Times of <time datetime>, by the elements around each up to its card; none where a card has several."""
    found: dict[int, datetime] = {}
    several: set[int] = set()
    for element in page.css("time[datetime]")[:MAX_ANCHORS]:
        time = read_date(element.attributes.get("datetime") or "")
        node = element.parent
        for _ in range(6):
            if time is None or node is None or node.tag in {"body", "html", "main", "section", "ul", "ol", "table"}:
                break
            if node.mem_id in found and found[node.mem_id] != time:
                several.add(node.mem_id)
            found[node.mem_id] = time
            node = node.parent
    return {key: time for key, time in found.items() if key not in several}
