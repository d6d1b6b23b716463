"""What a page says about its article. Evidence in the order of trust: JSON-LD, microdata, meta, URL, visible text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain
from typing import NamedTuple
from urllib.parse import urlsplit

from crawler import urls
from crawler.directives import NONE_GIVEN, Directives, of_meta
from crawler.errors import UrlRefused
from crawler.extract.blocks import Scan
from crawler.extract.byline import read_names
from crawler.extract.dates import day_in_url, labelled_time, parse_time
from crawler.extract.document import Page
from crawler.extract.evidence import Sign
from crawler.extract.jsonld import LinkedData
from crawler.extract.text import fold, plain, signature, words

MAX_TITLE = 400  # characters
_HEADLINE_WORDS = 4
_SHORT_WORD = 3  # letters; what is no longer tells nothing
_AKIN_SHARE = 0.4  # of the telling words
_STRAIGHT = str.maketrans("‘’“”", "''\"\"")
_TITLES = ("og:title", "twitter:title", "dc.title", "citation_title", "parsely-title")
_PUBLISHED = (
    "datepublished", "article:published_time", "og:article:published_time", "parsely-pub-date", "sailthru.date",
    "publishdate", "publish-date", "publish_date", "pubdate", "article.published", "dc.date.issued",
    "dcterms.issued", "dcterms.created", "dc.date", "dcterms.date", "dc.date.created",
    "citation_publication_date", "citation_online_date", "date", "article_date_original",
    "cxenseparse:recs:publishtime", "originalpublicationdate", "published_time", "article:published",
    "rnews:datepublished", "publication_date", "created",
)  # fmt: skip
_MODIFIED = (
    "datemodified", "article:modified_time", "og:updated_time", "dcterms.modified", "dc.date.modified",
    "last-modified", "lastmod", "article:modified", "revised", "modified_time",
)  # fmt: skip
_AUTHOR = (
    "author", "article:author", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator",
    "citation_author", "byl", "article:author_name", "twitter:data1", "creator", "article.author",
)  # fmt: skip
_TITLE_BREAK = re.compile(r"\s+[|•·–—»«:/~-]+\s+|\s*[|»]\s*|:\s+")
_LANGUAGE = re.compile(r"^[a-zA-Z]{2,3}(?:[-_][a-zA-Z0-9]{2,8}){0,2}$")
_CHANGED = re.compile(r"updated|modified|revised|aktualisiert|mis à jour|actualizado", re.IGNORECASE)
_CHANGED_END = re.compile(r"(?:updated|modified|revised)(?: on)?\W*$", re.IGNORECASE)
_STAMP = re.compile(r' (?:datetime|content)="([^"]+)"')
_DIGIT = re.compile(r"\d")
_A_DAY = timedelta(days=1)
_WESTERN_DAY = timedelta(hours=36)  # after its midnight in UTC, a day is over everywhere
_DRAFTED = timedelta(days=3)
_RESTAMPED = timedelta(days=3_650)
_BY = re.compile(
    r"^\W*(?:(?:written|posted|published|authored|article|story|words|text) by\b|by\b|author\b"
    r"|(?-i:By(?=[A-Z])))[:\s]*((?:[^.!?]|(?<=\b\w)\.){3,150})$",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"^(?:(?:Dr|Prof)\.? )?[A-Z][\w'’-]+(?: [A-Z]\.?)?(?: (?:van|von|de|der|den|di|da|la|le|bin|al))*"
    r"(?: [A-Z][\w'’-]+){1,2}$"
)
_NAME_LINE = re.compile(r"^[A-Z][\w'’-]*\.?(?: [A-Z][\w'’-]*\.?){1,3}$")
_TOLD = re.compile(r"(?:\w+\W+){7}\w+\.$")  # a sentence about an author, not a name
_PAPER = re.compile(
    r"\b(?:news|newspaper|post|times|press|journal|daily|weekly|gazette|herald|bulletin|tribune|courier|chronicle"
    r"|observer|telegraph|reporter|review|today|wire|online)\b",
    re.IGNORECASE,
)
_MAX_ROLE = 30  # characters of a line that says what the next name did
_CHECKED = re.compile(r"^\W*(?:(?:fact|medically|clinically)[ -])?(?:checked|reviewed|edited)\b", re.IGNORECASE)
_WRITTEN = re.compile(r"written|author|by\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Metadata:
    title: str = ""
    byline: tuple[str, ...] = ()
    published: datetime | None = None
    modified: datetime | None = None
    language: str | None = None
    site: str = ""
    canonical_url: str | None = None
    section: str | None = None
    directives: Directives = NONE_GIVEN


def read_metadata(linked: LinkedData, scan: Scan, url: str, robot: str = "") -> Metadata:
    """All that the page claims, `robot` being our name. Nothing is made up: what no evidence tells is empty."""
    page = scan.page
    site = _site(page, linked)
    title = _title(page, linked, scan, site, url)
    near = _title_block(scan, title)
    published, modified = _times(page, linked, scan, near, url)
    # What is said to the best known crawler is taken as said to us: its name often stands for all of them.
    called = dict.fromkeys(("robots", "googlebot", robot.lower()))
    return Metadata(
        title=title,
        byline=_byline(page, linked, scan, near, _own_names(page, site, url)),
        published=published,
        modified=modified,
        language=_language(page, linked),
        site=site,
        canonical_url=_canonical(page, linked, url),
        section=plain(linked.section or page.first("article:section", "section", "parsely-section"))[:100] or None,
        directives=of_meta(value for name in called for value in page.meta.get(name, ())),
    )


def _site(page: Page, linked: LinkedData) -> str:
    name = page.first("og:site_name") or linked.publisher or page.first("application-name", "publisher", "dc.publisher")
    return plain(name)[:100]


# --- title -----------------------------------------------------------------------------------------------------


class _Claims(NamedTuple):
    """What the head calls the page: JSON-LD's headline, the title for other sites, the window's title; "" for none."""

    headline: str
    shared: str
    full: str

    @property
    def told(self) -> list[str]:
        return [claim for claim in self if claim]


def _title(page: Page, linked: LinkedData, scan: Scan, site: str, url: str) -> str:
    """A heading of the page that the head's titles confirm; else the head's title without the site's name."""
    headline = plain(linked.headline) if linked.kind == "article" else ""
    claims = _Claims(headline, plain(page.first(*_TITLES)), plain(page.title))
    names = {signature(site), signature(_host_name(url))} - {""}
    return _spelled(_chosen_title(scan, claims, names), claims.told, names)


def _spelled(title: str, claims: Sequence[str], names: set[str]) -> str:
    """The title as the head spells it, where the page shows it in capitals or with other quotation marks."""
    for claim in claims:
        for told in (claim, _without_site(claim, names)):
            if told != title and (
                (title.isupper() and not told.isupper() and told.upper() == title)
                or (len(told) == len(title) and told.translate(_STRAIGHT) == title.translate(_STRAIGHT))
            ):
                return told[:MAX_TITLE]
    return title


def _chosen_title(scan: Scan, told: _Claims, names: set[str]) -> str:
    headline, shared, full = told
    claims = told.told
    headings = _headings(scan, "h1")
    best = max(((_confirmed(heading, claims, names), -rank) for rank, heading in enumerate(headings)), default=(0.0, 0))
    if best[0] >= 0.5:
        return headings[-best[1]][:MAX_TITLE]
    if headings and _akin(headings[0], claims, names):
        return headings[0]
    marks = {signature(claim) for claim in claims}
    for heading in _headings(scan, "h2"):
        mark = signature(heading)
        if (
            len(mark) > 12
            and mark not in names
            and any(claim.startswith(mark) for claim in marks)
            and _only_site(mark, claims, names)
        ):
            return heading[:MAX_TITLE]
    bare = _without_site(shared or full, names)
    if headline and signature(headline) not in names and (not bare or signature(headline) in signature(shared + full)):
        bare = headline
    if not bare and headings:
        bare = headings[0]
    return (bare or full)[:MAX_TITLE]


def _headings(scan: Scan, tag: str) -> list[str]:
    found: list[str] = []
    for element in scan.elements:
        if element.tag == tag and element.first < element.end <= element.first + 4 and len(found) < 12:
            text = scan.inside(element)
            if 3 < len(text) <= MAX_TITLE and text not in found:
                found.append(text)
    return found


def _only_site(mark: str, claims: Sequence[str], names: set[str]) -> bool:
    """Whether a title of the head is this one, and then at most the site's name."""
    rests = [signature(claim)[len(mark) :] for claim in claims if signature(claim).startswith(mark)]
    return any(
        not rest or any(rest in name or (name in rest and len(rest) < 2 * len(name)) for name in names)
        for rest in rests
    )


def _confirmed(heading: str, claims: Sequence[str], names: set[str]) -> float:
    """How well the best of the head's titles agrees with a heading, 0 to 1."""
    mark = signature(heading)
    if not mark or mark in names:
        return 0.0
    best = 0.0
    own = set(words(heading))
    for claim in claims:
        other = signature(claim)
        if mark == other:
            return 1.0
        theirs = set(words(claim))
        if not own or not theirs:
            continue
        shared = len(own & theirs)
        if len(own) < 2 and mark not in names and not other.startswith(mark):
            continue
        best = max(
            best,
            0.95 * shared / len(own)
            if other.startswith(mark) and len(own) > 1
            else shared / max(len(own), len(theirs)),
        )
    return best


def _akin(heading: str, claims: Sequence[str], names: set[str]) -> bool:
    """Whether the page's first heading is a headline of the same story, told otherwise than in the head.

    Editors write a title for search engines and another one for readers; it has some of the words.
    """
    own = words(heading)
    if len(own) < _HEADLINE_WORDS or signature(heading) in names:
        return False
    telling = {word for word in own if len(word) > _SHORT_WORD}
    for claim in claims:
        theirs = {word for word in words(claim) if len(word) > _SHORT_WORD}
        if telling and len(telling & theirs) >= _AKIN_SHARE * min(len(telling), len(theirs)) > 0:
            return True
    return False


def _without_site(title: str, names: set[str]) -> str:
    """The title without parts that only name the site ("… | The Daily", "The Daily: …")."""
    parts = [(match.start(), match.end()) for match in _TITLE_BREAK.finditer(title)]
    if not parts:
        return title
    head, tail = title[: parts[0][0]], title[parts[0][1] :]
    last_head, last_tail = title[: parts[-1][0]], title[parts[-1][1] :]
    if any(_names(last_tail, name) for name in names):
        return last_head
    if any(_names(head, name) for name in names):
        return tail
    breaker = title[parts[-1][0] : parts[-1][1]].strip()
    if breaker != ":" and len(words(last_tail)) <= 4 and len(last_head) > len(last_tail) and len(words(last_head)) >= 3:
        return last_head
    return title


def _names(part: str, name: str) -> bool:
    mark = signature(part)
    return bool(mark) and (
        mark == name or (len(mark) > 3 and (mark in name or name in mark) and len(mark) < 3 * len(name))
    )


def _host_name(url: str) -> str:
    host = urlsplit(url).hostname or ""
    return urls.registrable_domain(host).partition(".")[0] if host else ""


def _title_block(scan: Scan, title: str) -> int:
    """The block that shows the title, else the first main heading, else 0: what is told of the article stands near."""
    mark = signature(title)
    found = heading = -1
    for index, block in enumerate(scan.blocks):
        if block.tag == "h1" and heading < 0:
            heading = index
        if len(mark) <= block.length < 2 * len(mark) + 40 and mark and signature(block.text) == mark:
            found = index
            if block.tag == "h1":
                break
    return found if found >= 0 else max(heading, 0)


# --- times -----------------------------------------------------------------------------------------------------


def _times(page: Page, linked: LinkedData, scan: Scan, near: int, url: str) -> tuple[datetime | None, datetime | None]:
    claimed = _first_time(chain((linked.published,), map(page.first, _PUBLISHED)))
    modified = _first_time(chain((linked.modified,), map(page.first, _MODIFIED)))
    shown, changed = _visible_times(scan, near)
    in_url = day_in_url(url)
    published = claimed or in_url or shown
    if shown and _goes_with(shown, claimed or in_url, bare=claimed is None):
        published = shown
    elif claimed and shown:
        if claimed == shown:
            published = shown  # the same moment: the page shows it in the newsroom's own zone
        elif (_A_DAY if shown.time() != time.min else _WESTERN_DAY) < claimed - shown < _RESTAMPED:
            published = shown  # systems stamp a page anew; under its headline stands when it came out
        elif modified and claimed < shown and shown.date() == modified.date():
            published = shown  # a text taken up again: its readers are told this day alone, and not as that of a change
    if published is None:
        published = changed
    modified = modified or changed
    if published and modified and modified < published:
        # Stamped by another clock, or a page that was published ahead of its date: no claim of a change.
        modified = None if published - modified > timedelta(days=1) else published
    return published, modified


def _goes_with(shown: datetime, told: datetime | None, *, bare: bool) -> bool:
    """Whether the shown time is the told day, told better.

    `bare`: only the URL tells a day. It is that of the draft, or of another time zone.
    """
    if told is None or told.time() != time.min:
        return False
    return told.date() == shown.date() or (bare and abs(told - shown) <= _DRAFTED)


def _first_time(texts: Iterable[str]) -> datetime | None:
    for text in texts:
        when = parse_time(text) if text else None
        if when is not None:
            return when
    return None


def _visible_times(scan: Scan, near: int) -> tuple[datetime | None, datetime | None]:
    """Published and modified around the title: <time>, elements named as dates, lines that are little but a date."""
    published: list[tuple[int, datetime]] = []
    modified: list[tuple[int, datetime]] = []
    for element in scan.elements:
        if element.signs & Sign.DATE and element.end - element.first <= 3:
            text = scan.inside(element)
            if len(text) > 150:
                continue
            stamp = _STAMP.search(element.head)
            when = (parse_time(stamp[1]) if stamp else None) or parse_time(text)
            if when is not None:
                before = scan.blocks[element.first - 1].text if element.first else ""
                changed = _CHANGED.search(text) or "datemodified" in element.head.lower() or _CHANGED_END.search(before)
                (modified if changed else published).append((element.first, when))
    for index in range(max(near - 6, 0), min(near + 16, len(scan.blocks))):
        text = scan.blocks[index].text
        if len(text) <= 120 and _is_date_line(text):
            when = parse_time(text)
            if when is not None:
                (modified if _CHANGED.search(text) else published).append((index, when))
        elif len(text) <= 200 and _DIGIT.search(text) and (labelled := labelled_time(text)):
            (modified if _CHANGED.search(labelled[0]) else published).append((index, labelled[1]))
    if not published and not modified:
        lone = {when.date(): when for block in scan.blocks if block.length <= 40 and (when := _lone_date(block.text))}
        published = [(near, when) for when in lone.values()] if len(lone) == 1 else []
    return _nearest(published, near), _nearest(modified, near)


def _lone_date(text: str) -> datetime | None:
    """The time in a line that is nothing but a date, or a date with one or two words before it."""
    if not _DIGIT.search(text) or sum(1 for word in text.split() if word.strip(":").isalpha()) > 3:
        return None
    return parse_time(text)


def _is_date_line(text: str) -> bool:
    """Whether a line is a date with at most a few words around it."""
    return (
        bool(_DIGIT.search(text)) and sum(1 for word in text.split() if word.isalpha()) <= 9 and not text.endswith("?")
    )


def _nearest(times: Sequence[tuple[int, datetime]], near: int) -> datetime | None:
    """The one closest to the title; what stands before it counts as twice as far."""
    if not times:
        return None
    position, when = min(times, key=lambda pair: pair[0] - near if pair[0] >= near else 2 * (near - pair[0]))
    # A page that shows one day only means itself; of several, those far off belong to other articles.
    alone = len({other.date() for _, other in times}) == 1
    if abs(position - near) > (250 if alone else 35):
        return None
    if when.time() == time.min:
        # "Posted on March 14" around <time datetime="2026-03-14T08:30:00Z">: the same day, told better.
        return next((other for _, other in times if other.date() == when.date() and other.time() != time.min), when)
    return when


# --- the rest --------------------------------------------------------------------------------------------------


def _own_names(page: Page, site: str, url: str) -> set[str]:
    """Signatures of what the site calls itself; many systems write that where an author belongs."""
    name, label = signature(site), signature(_host_name(url))
    return {own for base in (name, label) if base for own in (base, "the" + base, base.removeprefix("the"))}


def _byline(page: Page, linked: LinkedData, scan: Scan, near: int, own: set[str]) -> tuple[str, ...]:
    fallback: tuple[str, ...] = ()
    for claim in _told_names(page, linked, scan, near):
        names = tuple(name for name in claim if signature(name) not in own)
        if names:
            return _with_shown(names, scan, near)
        fallback = fallback or tuple(name for name in claim if not _PAPER.search(name))
    # A person's own site bears the author's name, a paper's site the paper's.
    return fallback


def _with_shown(names: tuple[str, ...], scan: Scan, near: int) -> tuple[str, ...]:
    """The names that the page shows, where those of its head are among them: many systems know one author only."""
    told = tuple(signature(name) for name in names)
    shown = [(name, signature(name).endswith(told)) for name in _visible_names(scan, near)]
    kept = tuple(name for name, known in shown if known or _PERSON.match(name))
    return kept if sum(known for _, known in shown) == len(names) < len(kept) else names


def _told_names(page: Page, linked: LinkedData, scan: Scan, near: int) -> Iterator[tuple[str, ...]]:
    yield read_names(linked.authors)
    for name in _AUTHOR:
        if name == "twitter:data1" and not _WRITTEN.search(" ".join(page.meta.get("twitter:label1", ()))):
            continue
        yield read_names(page.meta.get(name, ()))
    yield _visible_names(scan, near)
    yield read_names(linked.author_desks)


def _visible_names(scan: Scan, near: int) -> tuple[str, ...]:
    """Names in elements called byline or author, then in lines that begin with "By", the closest to the title first."""
    found: list[tuple[int, int, str]] = []
    for element in scan.elements:
        if element.signs & Sign.BYLINE and not element.signs & Sign.COMMENT and element.end - element.first <= 3:
            text = scan.inside(element, ", ")
            before = scan.blocks[element.first - 1].text if element.first else ""
            checked = _CHECKED.match(text) or (len(before) <= _MAX_ROLE and _CHECKED.match(before))
            if 2 < len(text) <= 120 and not _TOLD.search(text) and not checked:
                found.append((_distance(element.first, near), -element.depth, text))
    for index, block in enumerate(scan.blocks):
        match = _BY.match(block.text) if block.length <= 160 else None
        if match and not match[1][0].islower():
            found.append((_distance(index, near), 0, match[1]))
    for _, _, text in sorted(found)[:12]:
        names = read_names([text])
        if names:
            return names
    return _dated_names(scan, near)


def _dated_names(scan: Scan, near: int) -> tuple[str, ...]:
    """A name that stands alone under the headline, right above or below a line that is a date."""
    lines = [block.text if block.length <= 40 else "" for block in scan.blocks[near + 1 : near + 8]]
    for index, line in enumerate(lines):
        if _NAME_LINE.match(line) and any(
            other and _lone_date(other) for other in lines[max(index - 1, 0) : index + 2] if other is not line
        ):
            return read_names([line])
    return ()


def _distance(index: int, near: int) -> int:
    return index - near if index >= near else 2 * (near - index)


def _language(page: Page, linked: LinkedData) -> str | None:
    for claim in (
        page.language,
        linked.language,
        page.first("content-language", "language", "dc.language", "og:locale"),
    ):
        tag = claim.strip().replace("_", "-")
        if _LANGUAGE.match(tag) and tag.lower() not in {"und", "zxx"}:
            primary, _, rest = tag.partition("-")
            return primary.lower() + ("-" + rest.upper() if len(rest) == 2 else "-" + rest if rest else "")
    return None


def _canonical(page: Page, linked: LinkedData, url: str) -> str | None:
    for claim in (*page.canonical, page.first("og:url"), linked.url):
        if claim:
            try:
                return urls.normalize(fold(claim), url or None)
            except UrlRefused:
                continue
    return None
