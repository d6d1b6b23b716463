"""The hosts of the sample web and all that each of them serves, laid out before the first request."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from html import escape

from crawler.demo import feeds, pages
from crawler.demo.feeds import Channel, Entry
from crawler.demo.stories import UNDATED, Noise, Stories, Teaser, host_label, path_of, published
from crawler.model import Article, Role, Source

HTML = "text/html; charset=utf-8"
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
AMP = "?amp=1"
_TRACKING = "?utm_source=atom&utm_medium=feed&utm_campaign=all"
_PRIVATE = ("/private/0519-what-the-mayor-wrote-to-his-brother.html", "What the mayor wrote to his brother in Ohio")


@dataclass(frozen=True)
class Document:
    """One answer: its body, media type (None: none is sent) and time of the last change."""

    body: bytes
    media_type: str | None = HTML
    modified: datetime = UNDATED
    status: int = 200

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.blake2b(self.body, digest_size=8).hexdigest()}"'


@dataclass(frozen=True, slots=True)
class Site:
    """A host, and how it announces its stories. `gzip`: it compresses for clients that ask for it."""

    host: str  # label before `.localhost`
    name: str
    role: Role
    announces: str  # path of the feed, sitemap or section front
    sections: tuple[tuple[str, str], ...]  # name, path
    writer: Callable[[Channel, Sequence[Entry]], bytes] | None = None  # of its feed, where it has one
    feed_type: str = ""
    full_text: bool = False  # the feed carries the whole articles
    gzip: bool = False

    @property
    def domain(self) -> str:
        return f"{self.host}.localhost"


SITES = (
    Site(
        "dailyharbor",
        "Daily Harbor",
        Role.AGGREGATOR,
        "/feed/",
        (("News", "/category/news/"), ("Money", "/category/money/"), ("Life", "/category/life/")),
        writer=feeds.rss2,
        feed_type="application/rss+xml; charset=UTF-8",
    ),
    Site(
        "bulletin24",
        "Bulletin 24",
        Role.AGGREGATOR,
        "/atom.xml",
        (
            ("World", "/world/"),
            ("Business", "/business/"),
            ("Economy", "/economy/"),
            ("Markets", "/markets/"),
            ("Tech", "/tech/"),
            ("Lifestyle", "/lifestyle/"),
        ),
        writer=feeds.atom,
        feed_type="application/atom+xml",
        gzip=True,
    ),
    Site(
        "oldtownpost",
        "Old Town Post",
        Role.AGGREGATOR,
        "/",
        (
            ("World", "/world/"),
            ("Money", "/money/"),
            ("Markets", "/markets/"),
            ("Health", "/health/"),
            ("Opinion", "/opinion/"),
            ("Columns", "/column/"),
        ),
    ),
    Site(
        "quickbrief",
        "QuickBrief Digital",
        Role.AGGREGATOR,
        "/sitemap_index.xml",
        (("Briefs", "/b/"), ("News", "/news/"), ("World", "/world/"), ("In short", "/brief/")),
    ),
    Site(
        "feedgazette",
        "Feed Gazette",
        Role.AGGREGATOR,
        "/rss.xml",
        (("Latest", "/latest/"),),
        writer=feeds.rss2,
        feed_type="text/xml; charset=utf-8",
        full_text=True,
        gzip=True,
    ),
    Site(
        "northpress",
        "North Press Agency",
        Role.AGGREGATOR,
        "/feed.json",
        (("World", "/world/"), ("Europe", "/europe/"), ("Americas", "/americas/"), ("Economy", "/economy/")),
        writer=feeds.json_feed,
        feed_type="application/feed+json",
        gzip=True,
    ),
    Site(
        "ledgerline",
        "Ledger Line",
        Role.AGGREGATOR,
        "/index.rdf",
        (("Deals", "/deals/"), ("Engineering", "/engineering/"), ("Energy", "/energy/"), ("Health", "/health/")),
        writer=feeds.rss1,
        feed_type="application/rdf+xml",
    ),
    Site("newsroom", "Newsroom", Role.ORIGIN, "/feeds/", (("Home", "/home/"),)),
    Site(
        "releases",
        "Openwire Releases",
        Role.RELEASE,
        "/releases.xml",
        (("All releases", "/all/"),),
        writer=feeds.rss2,
        feed_type="application/xml",
        full_text=True,
    ),
)

# Titles of the newsroom → the name of each title's licensed feed. Sources name the publisher, so each has its own.
TITLES = {
    "The Wall Street Journal": "wsj",
    "Barron's": "barrons",
    "MarketWatch": "marketwatch",
    "Dow Jones Newswires": "newswires",
    "Financial News": "fn",
    "Mansion Global": "mansion",
}
PUBLIC_PUBLISHER = "The Wall Street Journal"
PUBLIC_FEED = "/public/rss/world.xml"

Shelf = dict[str, Document]  # path (and `?amp=1`) → answer


class Layout:
    """The sample web at one port: what every host answers, and the sources that find it."""

    def __init__(self, stories: Stories, port: int) -> None:
        self._stories = stories
        self._port = port
        self._served = {article.id: replace(article, url=self.address(article)) for article in stories.articles}

    def address(self, article: Article) -> str:
        """Where an article of the corpus is served: its URL with http and the port."""
        return self.home(host_label(article.url)) + path_of(article.url)

    def home(self, host: str) -> str:
        return f"http://{host}.localhost:{self._port}"

    def shelves(self) -> dict[str, Shelf]:
        """Domain → what it serves."""
        return {site.domain: self._shelf(site) for site in SITES}

    def sources(self) -> list[Source]:
        """What a configuration would list. Sites without stories are left out."""
        found = [
            Source(
                name=site.name,
                url=self.home(site.host) + site.announces,
                role=site.role,
                publisher=site.name,
                fetch_pages=site.role is Role.AGGREGATOR,
                redistribute=site.role is not Role.AGGREGATOR,  # every text of the sample web is ours
            )
            for site in SITES
            if site.host != "newsroom" and self._on(site)
        ]
        publishers = {article.publisher for article in self._on(_site("newsroom"))}
        found += [
            self._origin(f"{title} (licensed feed)", f"/feeds/{slug}.xml", title)
            for title, slug in TITLES.items()
            if title in publishers
        ]
        if self._stories.teasers:
            found.append(self._origin("WSJ World News (public feed)", PUBLIC_FEED, PUBLIC_PUBLISHER))
        return found

    def _origin(self, name: str, path: str, publisher: str) -> Source:
        url = self.home("newsroom") + path
        return Source(name=name, url=url, role=Role.ORIGIN, publisher=publisher, fetch_pages=False, redistribute=True)

    def _on(self, site: Site) -> list[Article]:
        return [self._served[article.id] for article in self._stories.on(site.host)]

    def _shelf(self, site: Site) -> Shelf:
        articles = self._on(site)
        shelf = {"/robots.txt": Document(_robots(site).encode(), "text/plain")}
        shelf |= self._fronts(site, articles)
        for article in articles:
            shelf |= self._story(site, article, articles)
        for noise in self._noise(site):
            shelf[noise.path] = _disturbance(noise)
        if site.host == "oldtownpost":
            shelf[_PRIVATE[0]] = Document(b"<html><title>Private</title><body>Not for robots.</body></html>")
        shelf |= self._announcements(site, articles)
        return shelf

    def _frame(self, site: Site, articles: Sequence[Article], story: Article | None = None) -> pages.Frame:
        canonical = story.url if story else self.home(site.host)
        identifier = story.id if story else ""
        if claimed := self._stories.canonical.get(identifier):
            canonical = self._served[claimed].url
        return pages.Frame(
            host=site.host,
            home=self.home(site.host),
            sections=site.sections,
            others=articles,
            canonical=canonical,
            amp=identifier in self._stories.amp,
            hyperlinks=tuple(
                (link.words, self._served[link.original].url)
                for link in self._stories.hyperlinks
                if link.page == identifier
            ),
        )

    def _fronts(self, site: Site, articles: Sequence[Article]) -> Shelf:
        notices = [(noise.path, noise.title) for noise in self._noise(site)]
        if site.host == "oldtownpost":
            notices.append(_PRIVATE)
        page = pages.front_page(self._frame(site, articles), site.name, site.announces, notices)
        front = Document(page, _media_type(site), _newest(articles))
        return dict.fromkeys(("/", *(path for _, path in site.sections)), front)

    def _story(self, site: Site, article: Article, articles: Sequence[Article]) -> Shelf:
        frame = self._frame(site, articles, article)
        path = path_of(article.url)
        modified = published(article)
        shelf = {path: Document(pages.story_page(article, frame), _media_type(site), modified)}
        if frame.amp:
            shelf[path + AMP] = Document(pages.story_page(article, frame, "bulletin24.amp"), HTML, modified)
        return shelf

    def _announcements(self, site: Site, articles: Sequence[Article]) -> Shelf:
        if site.host == "newsroom":
            return self._licensed(site, articles) | self._public(site, articles)
        home = self.home(site.host)
        entries = [_full(article) if site.full_text else _entry(article) for article in articles]
        entries += [Entry(noise.title, home + noise.path, noise.published) for noise in self._noise(site)]
        newest = max((entry.published for entry in entries), default=UNDATED)
        if site.host == "bulletin24":
            entries = self._tracked(entries, articles)
        if site.host == "feedgazette":
            entries = [self._with_ending(site, entry) for entry in entries]
        if site.host == "quickbrief":
            index = feeds.sitemap_index([(f"{home}/sitemap-news.xml", newest)])
            news = feeds.news_sitemap(site.name, entries)
            return {
                "/sitemap_index.xml": Document(index, "application/xml", newest),
                "/sitemap-news.xml": Document(news, "application/xml", newest),
            }
        if site.writer is None:
            return {}  # found by its section front
        feed = site.writer(Channel(site.name, home, home + site.announces), entries)
        return {site.announces: Document(feed, site.feed_type, newest)}

    def _tracked(self, entries: Iterable[Entry], articles: Sequence[Article]) -> list[Entry]:
        """Feed links as a marketing department has them, and the AMP twins as entries of their own."""
        twins = {article.url for article in articles if article.id in self._stories.amp}
        found = []
        for entry in entries:
            found.append(replace(entry, url=entry.url + _TRACKING))
            if entry.url in twins:
                found.append(replace(entry, url=entry.url + AMP))
        return found

    def _with_ending(self, site: Site, entry: Entry) -> Entry:
        home = escape(self.home(site.host))
        ending = (
            f"<p>The post <a href='{escape(entry.url)}'>{escape(entry.title)}</a> first appeared on "
            f"<a href='{home}/'>{escape(site.name)}</a>.</p>"
        )
        return replace(entry, content_html=f"{entry.content_html}\n{ending}")

    def _licensed(self, site: Site, articles: Sequence[Article]) -> Shelf:
        home = self.home(site.host)
        shelf: Shelf = {}
        for title, slug in TITLES.items():
            mine = [article for article in articles if article.publisher == title]
            path = f"/feeds/{slug}.xml"
            feed = feeds.rss2(Channel(title, home, home + path), [_full(article) for article in mine])
            shelf[path] = Document(feed, "application/rss+xml", _newest(mine))
        return shelf

    def _public(self, site: Site, articles: Sequence[Article]) -> Shelf:
        """The feed for everybody: headline and lead, of stories held in full and of such that are not."""
        home = self.home(site.host)
        public = [_entry(article) for article in articles if article.id in self._stories.public]
        shelf: Shelf = {}
        for teaser in self._stories.teasers:
            article = self._teased(teaser)
            public.append(_entry(article))
            shelf |= self._story(site, article, articles)
        public.sort(key=lambda entry: entry.published, reverse=True)
        feed = feeds.rss2(Channel("WSJ.com: World News", home, home + PUBLIC_FEED), public)
        newest = max((entry.published for entry in public), default=UNDATED)
        return shelf | {PUBLIC_FEED: Document(feed, "application/rss+xml", newest)}

    def _teased(self, teaser: Teaser) -> Article:
        return Article(
            id=teaser.slug,
            url=f"{self.home('newsroom')}/{teaser.slug}",
            role=Role.ORIGIN,
            publisher=teaser.publisher,
            title=teaser.title,
            text=teaser.text,
            byline=(teaser.byline,),
            published=teaser.published,
        )

    def _noise(self, site: Site) -> list[Noise]:
        return [noise for noise in self._stories.noise if noise.host == site.host]


IMAGE = Document(_PNG, "image/png")
NOT_FOUND = Document(
    b"<!DOCTYPE html><title>Page not found</title><h1>404</h1><p>Nothing here. Try the search.</p>", status=404
)


def _site(host: str) -> Site:
    return next(site for site in SITES if site.host == host)


def _entry(article: Article) -> Entry:
    return Entry(
        title=article.title,
        url=article.url,
        published=published(article),
        teaser=pages.lead(article.text),
        byline=article.byline,
        publisher=article.publisher,
    )


def _full(article: Article) -> Entry:
    markup = pages.MARKUP[host_label(article.url)]
    return replace(_entry(article), content_html=pages.body(article.text, markup))


def _disturbance(noise: Noise) -> Document:
    if noise.answer == "image":
        return replace(IMAGE, modified=noise.published)
    if noise.answer == 404:
        return NOT_FOUND
    return Document(b"<h1>Something went wrong on our side</h1>", status=int(noise.answer))


def _robots(site: Site) -> str:
    if site.host == "oldtownpost":
        return "User-agent: *\nDisallow: /private/\n"
    if site.host == "newsroom":  # paywalled pages are not for crawlers, feeds are
        return "User-agent: *\nDisallow: /\nAllow: /feeds/\nAllow: /public/\n"
    if site.host == "quickbrief":
        return "User-agent: *\nDisallow: /out/\n"
    return "User-agent: *\nDisallow:\n"


def _media_type(site: Site) -> str | None:
    """Old Town Post leaves its charset to the page's own meta element, as static hosts do."""
    return "text/html" if site.host == "oldtownpost" else HTML


def _newest(articles: Iterable[Article]) -> datetime:
    return max((published(article) for article in articles), default=UNDATED)
