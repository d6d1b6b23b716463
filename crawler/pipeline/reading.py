"""From what was fetched or announced to an article with an identity. Pure; runs in the CPU pool."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from html import unescape
from urllib.parse import urlsplit

from crawler import urls
from crawler.errors import UrlRefused
from crawler.extract import extract, extract_fragment
from crawler.extract.parts import further_parts, part_of
from crawler.extract.repetition import blocks_of, to_leave_out, without
from crawler.link.markers import markers
from crawler.model import (
    Article,
    Completeness,
    Extraction,
    Fingerprint,
    RawDocument,
    Reference,
    Role,
    SitePage,
    SiteVerdict,
    Source,
    Verdict,
)
from crawler.pipeline.cpu import linker

# A feed's content of fewer words than this is taken for a teaser, whatever its element is called.
MIN_FULL_WORDS = 120
MAX_CLAIMS = 20  # paragraphs of furniture that go to the trailer
_TAG = re.compile(r"<[^>]*>")
_SECTION = re.compile(r"/[a-z]{1,12}", re.IGNORECASE)  # /news, /en: no headline is one short word
_CUT_OFF = ("…", "...", "[…]", "[...]", "read more", "continue reading", "weiterlesen", "leer más", "lire la suite")


@dataclass(frozen=True, slots=True)
class Announcement:
    """What was known of an article before its page was read."""

    source: Source
    reference: Reference
    fetched: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """An article with its fingerprint (None where it is no article), and the other URLs it is known by.

    `page` is what its site's memory keeps of it, None for what has no site that copies. `parts` are addresses of
    further pages of the article, and `extraction` is then what was read so far. `part_of` is the address of the
    article of which this is a later page only.
    """

    article: Article
    fingerprint: Fingerprint | None
    urls: tuple[str, ...]
    noarchive: bool
    page: SitePage | None = None
    parts: tuple[str, ...] = ()
    extraction: Extraction | None = None
    part_of: str | None = None


def holds_article(reference: Reference, source: Source) -> bool:
    """Whether the feed's entry is enough: a full text, or all that an origin's public feed ever gives."""
    if not source.fetch_pages:
        return True
    return is_full_text(reference.content_html, reference.teaser)


def is_full_text(content_html: str, teaser: str) -> bool:
    """A cheap guess before the HTML is read: long enough, and not the teaser said again."""
    plain = unescape(_TAG.sub(" ", content_html)).strip()
    words = len(plain.split())
    return words >= MIN_FULL_WORDS and words > 2 * len(teaser.split()) and not plain.lower().endswith(_CUT_OFF)


def read_page(document: RawDocument, announced: Announcement, known: SiteVerdict) -> Reading:
    """The article of a fetched page, without what is `known` to be furniture of its site."""
    extraction = extract(document, teaser=announced.reference.teaser)
    reading = read_extraction(document.url, extraction, announced, known)
    whole = part_of(document, extraction.canonical_url)
    if whole is not None:
        return replace(reading, part_of=whole)
    followed = reading.article.verdict is Verdict.ARTICLE and not extraction.directives.nofollow
    parts = further_parts(document, document.url) if followed else ()
    return replace(reading, parts=parts, extraction=extraction) if parts else reading


def read_extraction(url: str, extraction: Extraction, announced: Announcement, known: SiteVerdict) -> Reading:
    """The article of a page whose fields were read already, of all its parts."""
    return _finish(url, extraction, announced, Completeness.FULL, known)


def read_entry(announced: Announcement, known: SiteVerdict) -> Reading:
    """The article of a feed's entry, without a request for its page."""
    reference = announced.reference
    extraction = Extraction(verdict=Verdict.ARTICLE)
    if reference.content_html:
        extraction = extract_fragment(reference.content_html, reference.url, reference.title)
    full = len(extraction.text.split()) >= MIN_FULL_WORDS and not extraction.text.lower().endswith(_CUT_OFF)
    if not full and announced.source.role is not Role.AGGREGATOR:
        teaser = extraction.text or reference.teaser
        extraction = replace(extraction, verdict=Verdict.ARTICLE, text=teaser)
    completeness = Completeness.FULL if full else Completeness.TEASER
    return _finish(reference.url, extraction, announced, completeness, known)


def read_document(document: RawDocument, known: SiteVerdict) -> Reading:
    """The article of one page that a person asked about, with its fingerprint."""
    article, extraction = page_article(document)
    return _with_fingerprint(article, (), extraction, known)


def page_article(document: RawDocument) -> tuple[Article, Extraction]:
    """The article of a page of which nothing is known but its bytes and perhaps its URL."""
    extraction = extract(document)
    url = document.url  # never the page's canonical claim: a scraped page carries its original's
    article = Article(
        id=urls.article_id(url) if _is_web(url) else urls.content_id(f"{extraction.title}\n{extraction.text}"),
        url=url,
        role=Role.AGGREGATOR,
        publisher=extraction.site,
        title=extraction.title,
        text=extraction.text,
    )
    return _filled(article, extraction), extraction


def _finish(
    url: str, extraction: Extraction, announced: Announcement, completeness: Completeness, known: SiteVerdict
) -> Reading:
    source, reference = announced.source, announced.reference
    site = extraction.site or urls.registrable_domain(urls.host_of(url))
    home = article_url(url, extraction.canonical_url)
    article = Article(
        id=urls.article_id(home),
        url=url,
        role=source.role,
        publisher=source.publisher or site,
        site=site,
        title=extraction.title or reference.title,
        text=extraction.text,
        byline=extraction.byline or reference.byline,
        # What feed or sitemap says of the page's date is the site's own word as well.
        published=extraction.published or reference.published,
        modified=extraction.modified or reference.modified,
        first_seen=None,
        fetched=announced.fetched,
        language=extraction.language or reference.language,
        source=source.name,
        completeness=completeness,
        backfill=reference.backfill,
    )
    filled = replace(_filled(article, extraction), noindex=extraction.directives.forbids_index(announced.fetched))
    return _with_fingerprint(filled, (url, reference.url, home), extraction, known)


def _filled(article: Article, extraction: Extraction) -> Article:
    """The fields that only the page itself can give."""
    return replace(
        article,
        canonical_url=extraction.canonical_url,
        site=article.site or extraction.site,
        byline=article.byline or extraction.byline,
        published=article.published or extraction.published,
        modified=article.modified or extraction.modified,
        language=article.language or extraction.language,
        captions=extraction.captions,
        copyright=extraction.copyright,
        section=extraction.section,
        verdict=extraction.verdict,
        trailer=extraction.trailer,
        hyperlinks=extraction.hyperlinks,
        noindex=extraction.noindex,
    )


def _with_fingerprint(
    article: Article, known_by: tuple[str, ...], extraction: Extraction, known: SiteVerdict
) -> Reading:
    readable = article.verdict is Verdict.ARTICLE and bool(article.text)
    page = None
    if readable and has_site(article):
        article, page = furnished(article, known)
    return Reading(
        article=article,
        fingerprint=linker().fingerprint(article) if readable else None,
        urls=tuple(dict.fromkeys(known_by)),
        noarchive=extraction.noarchive,
        page=page,
    )


def has_site(article: Article) -> bool:
    """Whether the article is a page of a site that may copy: what a vendor delivers is taken as it is."""
    full = article.completeness is Completeness.FULL
    return article.role is Role.AGGREGATOR and full and _is_web(article.url)


def furnished(article: Article, known: SiteVerdict) -> tuple[Article, SitePage]:
    """An article of a whole text without its site's furniture, and what is remembered of it.

    A paragraph that tells an origin goes to the trailer, where the linker looks for such traces: that every page of a
    site claims the same makes the claim no weaker.
    """
    blocks = blocks_of(article.title, article.text)
    text, left_out = without(article.text, to_leave_out(blocks, known.keys))
    page = SitePage(urls.host_of(article.url), blocks, left_out, (known.site, known.revision))
    if not left_out:
        return article, page
    bare = Article(article.id, article.url, article.role, article.publisher, title="", text="")
    claims = [part for _, part in left_out if markers(replace(bare, text=part))]
    return replace(article, text=text, trailer=(*article.trailer, *claims[:MAX_CLAIMS])), page


def article_url(url: str, canonical: str | None) -> str:
    """The URL that an article's id is made of.

    The page's canonical URL counts only on the page's own registrable domain (a scraped page carries that of its
    original) and only if it names a page: some sites give their front page for every article.
    """
    if not canonical:
        return url
    try:
        claimed = urls.normalize(canonical, url)
    except UrlRefused:
        return url
    if not urls.same_site(claimed, url):
        return url
    return url if _names_no_page(claimed, url) else claimed


def _names_no_page(claimed: str, url: str) -> bool:
    """Whether a canonical URL is a front page, a section, or a folder above the page."""
    one, page = urlsplit(urls.identity(claimed)), urlsplit(urls.identity(url))
    if one.query or one.path == page.path:
        return False
    return one.path == "/" or page.path.startswith(one.path.rstrip("/") + "/") or bool(_SECTION.fullmatch(one.path))


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))
