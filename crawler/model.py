"""The words every room speaks: plain, frozen data with the field names of the public JSON.

Times are timezone-aware and in UTC; text is Unicode with paragraphs joined by a blank line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crawler.directives import NONE_GIVEN, Directives

PARAGRAPH_BREAK = "\n\n"


class Role(StrEnum):
    """What a source's articles are to the linker."""

    ORIGIN = "origin"  # the stories whose rewrites are looked for
    AGGREGATOR = "aggregator"  # the pages that may be rewrites
    RELEASE = "release"  # press releases, filings, statements that others rework


class Completeness(StrEnum):
    FULL = "full"
    TEASER = "teaser"  # headline and lead only, as public feeds give them


class Side(StrEnum):
    """The sides of the candidate index: what can be linked to, what can be linked, what can be named."""

    ORIGINAL = "original"  # full texts of roles origin and release
    PAGE = "page"  # role aggregator: pages that stand for themselves
    ASIDE = "aside"  # role aggregator: pages that belong to the story of an original or of another page
    TEASER = "teaser"  # teasers of roles origin and release: never linked to, they serve attribution

    @classmethod
    def of(cls, role: Role, completeness: Completeness) -> Side:
        if role is Role.AGGREGATOR:
            return cls.PAGE
        return cls.TEASER if completeness is Completeness.TEASER else cls.ORIGINAL


class SourceState(StrEnum):
    """How a source does; `reason` and `advice` stand beside it."""

    NEW = "new"
    OK = "ok"
    STALE = "stale"
    MOVED = "moved"
    UNREADABLE = "unreadable"
    FAILING = "failing"
    BLOCKED = "blocked"
    BROKEN = "broken"
    DISABLED = "disabled"


class SourceKind(StrEnum):
    AUTO = "auto"
    FEED = "feed"
    SITEMAP = "sitemap"
    LISTING = "listing"


class Relation(StrEnum):
    COPY = "copy"
    REWRITE = "rewrite"
    EXCERPT = "excerpt"


class Kinship(StrEnum):
    """How a member of a story is related to the one that stands for it."""

    COPY = "copy"
    REWRITE = "rewrite"
    EXCERPT = "excerpt"
    COPIED = "copied"  # the other one is a copy of the member
    REWRITTEN = "rewritten"  # the other one is a rewrite of the member


class LinkState(StrEnum):
    NEW = "new"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    RETRACTED = "retracted"


class LookOutcome(StrEnum):
    """What a confirmed page was found to be when it was looked at again."""

    LIVE = "live"  # as it was
    CHANGED = "changed"  # there, with another text
    GONE = "gone"  # its address answers with nothing, or with something else than the article
    UNREACHABLE = "unreachable"  # nobody knows: it is tried again later


class Precedence(StrEnum):
    """Which of two articles was there first, by times that the page can't forge."""

    ORIGINAL_FIRST = "original-first"
    PAGE_FIRST = "page-first"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """Whose rights a link is about."""

    OURS = "ours"
    LICENSED = "licensed"  # the page's host may republish this publisher
    THIRD_PARTY = "third-party"  # an agency's story inside a delivery


class EvidenceKind(StrEnum):
    PASSAGE = "passage"
    NAME = "name"
    NUMBER = "number"
    MARKER = "marker"  # a trace of the publisher: notice, constant, contact line …
    CANONICAL = "canonical"  # the page names a URL on another site as its canonical one
    HYPERLINK = "hyperlink"  # the body links to an original's URL


class Verdict(StrEnum):
    """What a fetched page turned out to be."""

    ARTICLE = "article"
    LISTING = "listing"
    ERROR_PAGE = "error-page"
    PAYWALL = "paywall"
    CONSENT = "consent"
    NOT_ARTICLE = "not-article"


@dataclass(frozen=True, slots=True)
class Source:
    """One place where articles come from, as configured."""

    name: str
    url: str
    role: Role
    publisher: str
    kind: SourceKind = SourceKind.AUTO
    interval: float | None = None  # seconds between two polls; None: adaptive
    fetch_pages: bool = True
    redistribute: bool = False
    headers_env: Mapping[str, str] = field(default_factory=dict)  # header → name of an environment variable
    enabled: bool = True
    declared: str = "file"  # file | store: where it is written
    backfill: int = 50_000  # entries of its first document that are taken, the newest


@dataclass(frozen=True, slots=True)
class Reference:
    """An article as a feed, sitemap or listing announces it; its page is not fetched yet.

    `content_html` is the full text where a feed carries it (content:encoded, Atom content). `backfill`: it stood in
    the first document of its source, so it is no news.
    """

    url: str
    title: str = ""
    published: datetime | None = None
    modified: datetime | None = None
    byline: tuple[str, ...] = ()
    teaser: str = ""  # plain text
    content_html: str = ""
    language: str | None = None
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a feed asks of those who poll it: `ttl` in seconds, hours and days (Monday: 0) of UTC to skip."""

    ttl: float = 0.0
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Discovery:
    """What one document of a source told.

    `children` are further documents to read (the sitemaps of a sitemap index), `faults` lines about what was
    skipped, `truncated` that the document broke off. `hub` is a WebSub hub, `own_url` the address that a feed names
    as its own, `new_url` the one to which it says it has moved.
    """

    kind: SourceKind
    references: tuple[Reference, ...] = ()
    children: tuple[str, ...] = ()
    title: str = ""
    faults: tuple[str, ...] = ()
    truncated: bool = False
    wishes: Wishes = field(default_factory=Wishes)
    hub: str | None = None
    own_url: str | None = None
    new_url: str | None = None


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave us for conditional requests."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class RawDocument:
    """Bytes with what is known about them, on their way to `extract`.

    `media_type` is lower case without parameters, "" where unknown; `charset` is what the transport said.
    `directives` are those of its headers, `robot` the name by which its mark-up may call us.
    """

    url: str
    body: bytes
    media_type: str = ""
    charset: str | None = None
    directives: Directives = NONE_GIVEN
    robot: str = ""


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a page says: the article's fields as they can be read off it, before it has an identity.

    `canonical_url` is the page's own claim; `hyperlinks` are absolute URLs linked from the body, at most 200.
    `trailer` holds the lines left out of `text` that may tell its origin (notices, contact lines, codes).
    """

    verdict: Verdict
    title: str = ""
    byline: tuple[str, ...] = ()
    published: datetime | None = None
    modified: datetime | None = None
    language: str | None = None
    site: str = ""
    canonical_url: str | None = None
    text: str = ""
    captions: tuple[str, ...] = ()
    copyright: str | None = None
    section: str | None = None
    hyperlinks: tuple[str, ...] = ()
    trailer: tuple[str, ...] = ()
    directives: Directives = NONE_GIVEN

    @property
    def noindex(self) -> bool:
        return self.directives.noindex

    @property
    def noarchive(self) -> bool:
        return self.directives.noarchive


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """Where in the WARC archive the bytes of a page lie."""

    file: str
    offset: int
    record_id: str


@dataclass(frozen=True, slots=True)
class Imprint:
    """What stands in for an original's text once that may not be kept: hashes, and the secret they were made with.

    `agency`: the text told that it is an agency's.
    """

    key: bytes = field(repr=False)
    data: bytes = field(repr=False)
    agency: bool = False


@dataclass(frozen=True, slots=True)
class Article:
    """A stored (or to be stored) article. The first block of fields is the public JSON.

    `published` is what the page or the vendor says, never filled with another time; `first_seen` is our own
    clock (None outside a store). `vendor_id` is the vendor's accession number where there is one. `captured` is the
    date that a web archive gives the page: of this very text on its way into the store, the earliest one out of it.
    """

    id: str
    url: str
    role: Role
    publisher: str
    title: str
    text: str
    canonical_url: str | None = None
    site: str = ""
    byline: tuple[str, ...] = ()
    published: datetime | None = None
    modified: datetime | None = None
    first_seen: datetime | None = None
    fetched: datetime | None = None
    language: str | None = None
    captions: tuple[str, ...] = ()
    copyright: str | None = None
    source: str | None = None
    completeness: Completeness = Completeness.FULL

    vendor_id: str | None = None
    vendor_source: str | None = None  # the vendor's code of the publication (Factiva `source_code`)
    credit: str | None = None  # an agency's credit line in a delivery
    section: str | None = None
    verdict: Verdict = Verdict.ARTICLE
    trailer: tuple[str, ...] = ()
    hyperlinks: tuple[str, ...] = ()
    archive: ArchiveRecord | None = None
    noindex: bool = False
    captured: datetime | None = None
    backfill: bool = False  # it came with the first document of its source: no news to anyone
    imprint: Imprint | None = None  # where the text is kept no longer


@dataclass(frozen=True, slots=True)
class Removal:
    """A vendor's order that articles go: one by its id, or all of a source received before `at`."""

    vendor_id: str | None
    vendor_source: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the candidate index keeps of an article.

    `keys` are distinct signed 32-bit index keys (LSH bands of the whole and of its parts, rare stems, names, numbers),
    `weights` their share in the overlap that ranks candidates, one a key: sixteenths below 16, whose sums are
    exact. `minhash` is the signature's
    values, little-endian uint32, made with the hash scheme `scheme`. Only fingerprints of one `linker` and one
    `scheme` may be compared.
    """

    linker: str
    scheme: str
    minhash: bytes
    keys: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Blocks:
    """The paragraphs of a page as hashes, by which the pages of a site are compared.

    `title` is the headline's hash, `size` the characters of the whole text; of each paragraph that counts `keys` has
    the unsigned 64-bit hash and `lengths` the characters, those of its repetitions on the page included.
    """

    title: int
    size: int
    keys: tuple[int, ...] = ()
    lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteVerdict:
    """The paragraphs, by hash, that are furniture of a site; `site` and `revision` name the verdict (0: none yet)."""

    keys: frozenset[int] = frozenset()
    site: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class SitePage:
    """What a site's memory keeps of an article: all its blocks, and the paragraphs that its text does without.

    `left_out` has each of them with its place among the paragraphs of the whole text, `judged` is the verdict (site
    and revision) by which they were left out.
    """

    host: str
    blocks: Blocks
    left_out: tuple[tuple[int, str], ...] = ()
    judged: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that shares index keys with another; `overlap` is the weighted share, for ranking only."""

    article_id: str
    overlap: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of words, 0 to 1: of the rewrite that stem from the original, of the original that are reused."""

    rewrite: float
    original: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing a person can check.

    For passages `rewrite` and `original` are half-open character offsets into each article's text and
    `similarity` is 0 to 1; for all other kinds `text` is what was found.
    """

    kind: EvidenceKind
    text: str | None = None
    rewrite: tuple[int, int] | None = None
    original: tuple[int, int] | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A look at a confirmed link's page. `text_hash` is of the text that it had then; `reason` a short code, ""
    for what needs none; `archive` the record of what its server answered."""

    at: datetime
    outcome: LookOutcome
    reason: str = ""
    text_hash: str | None = None
    archive: ArchiveRecord | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An article stems from an original. `score` is that probability at the configured base rate."""

    rewrite_id: str
    original_id: str
    relation: Relation
    score: float
    coverage: Coverage
    evidence: tuple[Evidence, ...]
    precedence: Precedence
    standing: Standing
    linker: str
    decided: datetime | None = None
    state: LinkState = LinkState.NEW
    archive: ArchiveRecord | None = None
    looks: tuple[Look, ...] = ()  # the last at its page, the oldest first


@dataclass(frozen=True, slots=True)
class Attribution:
    """An article's own claim to come from a publisher whose original is not held.

    `teaser_id` is the public feed's item that names the story, `teaser_score` the probability of that.
    """

    publisher: str
    evidence: tuple[Evidence, ...]
    teaser_id: str | None = None
    teaser_score: float | None = None


@dataclass(frozen=True, slots=True)
class Considered:
    """A candidate that was looked at: its score and, in words, why it was or was not taken."""

    original_id: str
    score: float
    taken: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """All that the linker says of one page. `considered` is best first; `score` that of the best (0: none)."""

    article_id: str
    linker: str
    score: float
    link: Link | None = None
    attribution: Attribution | None = None
    considered: tuple[Considered, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page without an original belongs: to the page that stands for its story, or (None) to none but itself.

    `version` is that of the other page which the texts were compared in. `displaced` are pages that would rather
    belong to this one than where they are now.
    """

    first_id: str | None = None
    version: int = 0
    relation: Kinship = Kinship.COPY
    score: float = 0.0
    displaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """One `[[rights]]` table: publishers that are ours (names or a vendor's codes), hosts that may republish them,
    names in our copyright notices."""

    publishers: tuple[str, ...]
    licensed_hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # host → publishers
    holders: tuple[str, ...] = ()


class Subject(StrEnum):
    """What a change is about."""

    ARTICLE = "article"
    LINK = "link"
    STORY = "story"
    MEMBER = "member"  # a page's place in a story without an original; in one with an original its link says it


class Action(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    MERGED = "merged"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the change log. `seq` has no gaps and follows the order of commits.

    `state` is the subject's public JSON as of this change (articles: with the text of that version), None
    where it was retracted.
    """

    seq: int
    at: datetime
    subject: Subject
    action: Action
    id: str
    reason: str
    state: Mapping[str, object] | None = None
