"""What the store hands out besides the model's own types: frozen rows, counts and outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crawler.habits import Habits
from crawler.interchange import Json, time_to_json
from crawler.model import Article, Candidate, Fingerprint, Reference, Source, SourceKind, Validators


class PollResult(StrEnum):
    SUCCESS = "success"  # read, with or without anything new
    UNCHANGED = "unchanged"  # the server said so (304), or the same bytes as last time
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class PollOutcome:
    """What one poll of a source gave.

    `reason` is a line for people: why it failed, or what is odd about it, `advice` one on what to do about that.
    `state` overrides the state that follows from `result` (ok, failing). None of `validators`, `kind`, `habits`,
    `news_a_day`, `hub`: keep what is stored. `gap`: something may have come and gone since the poll before.
    """

    result: PollResult
    at: datetime
    next_poll: datetime
    reason: str = ""
    state: str | None = None
    validators: Validators | None = None
    kind: SourceKind | None = None
    seen: int = 0  # references the document held
    new: int = 0  # of them never announced before
    advice: str = ""
    habits: Habits | None = None
    news_a_day: float | None = None
    hub: str | None = None
    gap: bool = False


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source with its health. `state` is a word of SourceState; `hub` a WebSub hub that its document names.

    `gaps` counts polls that may have come too late, `news_a_day` is its rate as learned, None where nothing is.
    """

    source: Source
    state: str
    reason: str = ""
    kind: SourceKind | None = None  # as found by its content
    validators: Validators = field(default_factory=Validators)
    last_polled: datetime | None = None
    last_success: datetime | None = None
    next_poll: datetime | None = None  # None: at once
    last_new: datetime | None = None
    consecutive_failures: int = 0
    polls: int = 0
    seen: int = 0  # references in the last document read
    articles: int = 0  # references found so far
    advice: str = ""
    hub: str | None = None
    gaps: int = 0
    news_a_day: float | None = None

    @property
    def name(self) -> str:
        return self.source.name

    def as_json(self) -> Json:
        """The public JSON of `sources list --json`."""
        source = self.source
        return {
            "name": source.name,
            "url": source.url,
            "role": source.role.value,
            "publisher": source.publisher,
            "kind": source.kind.value,
            "found_kind": self.kind.value if self.kind else None,
            "declared": source.declared,
            "enabled": source.enabled,
            "state": self.state,
            "reason": self.reason,
            "last_polled": time_to_json(self.last_polled),
            "last_success": time_to_json(self.last_success),
            "last_new": time_to_json(self.last_new),
            "next_poll": time_to_json(self.next_poll),
            "consecutive_failures": self.consecutive_failures,
            "articles": self.articles,
            "advice": self.advice,
            "news_a_day": None if self.news_a_day is None else round(self.news_a_day, 2),
            "gaps": self.gaps,
            "hub": self.hub,
            "interval": source.interval if source.interval is not None else "adaptive",
            "backfill": source.backfill,
        }


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What became of the file's sources, by name in order of the alphabet."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()  # also those that were disabled and are back
    disabled: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Announced:
    """How many references were new, known already, and known but changed since (due again)."""

    new: int = 0
    known: int = 0
    changed: int = 0
    fresh: frozenset[str] = field(default=frozenset(), compare=False)  # keys of the new ones: `urls.article_id`


@dataclass(frozen=True, slots=True)
class FrontierEntry:
    """A page to fetch, leased. `attempts` counts the tries before this one, `losses` those of workers that died."""

    key: str
    url: str
    host: str
    source: str  # the source's name
    reference: Reference
    validators: Validators = field(default_factory=Validators)
    attempts: int = 0
    article_id: str | None = None  # where the page is stored already
    losses: int = 0
    not_before: datetime | None = None  # when its host may be asked next, as another worker left it
    look: bool = False  # its link was confirmed, and it is looked at again


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A page that was given up: the short code of its reason, a line for people, how often it was tried, and when
    for the last time."""

    url: str
    source: str
    reason: str
    detail: str
    attempts: int
    at: datetime


@dataclass(frozen=True, slots=True)
class PendingDecision:
    """An article that the linker has to look at, and why."""

    article_id: str
    reason: str


class StoreOutcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    STALE = "stale"  # older than what is held, or than its removal: nothing was done


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """`id` is the article it became part of: not the one asked for where its URL was known under another."""

    id: str
    outcome: StoreOutcome
    version: int  # counted from 1; 0 where nothing is held


class RecordOutcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    RETRACTED = "retracted"
    UNCHANGED = "unchanged"
    NONE = "none"  # there was nothing and there is nothing


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a decision did to the page's link and to its attribution.

    `link` is CREATED where the best original changed, too (the old link is retracted). `current` is False where
    the decision came too late (its page or original went in the meantime): nothing was recorded, it is due again.
    """

    link: RecordOutcome
    attribution: RecordOutcome
    link_id: str | None = None  # of the live link
    current: bool = True


@dataclass(frozen=True, slots=True)
class FrontierCounts:
    due: int = 0  # could be fetched now
    waiting: int = 0  # queued for later: retries
    leased: int = 0
    done: int = 0
    failed: int = 0
    parked: int = 0  # of disabled sources
    failed_by_reason: tuple[tuple[str, int], ...] = ()  # most frequent first


@dataclass(frozen=True, slots=True)
class Gauges:
    """How the store stands at this moment; `sources` are counted by state."""

    frontier: FrontierCounts
    next_due: datetime | None  # in the past where a page waits; None: nothing is queued
    pending_decisions: int
    sources: Mapping[str, int]
    workers: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    id: int
    worker: str
    kind: str  # once | daemon | import …
    started: datetime
    finished: datetime | None
    summary: dict[str, object]


@dataclass(frozen=True, slots=True)
class ArchiveProgress:
    """How far an archive was read: all that stands before `position` is stored, `pages` of them."""

    key: str
    name: str
    path: str
    position: int = 0
    pages: int = 0
    read_at: datetime | None = None  # set by the store


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    name: str
    started: datetime
    heartbeat: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """What of the store is worth reading for a decision.

    `least_overlap` is that of an original with the page's fingerprint, `originals` says which of those found are to be
    read, `claims` whether a page says itself that it stems from one of our titles, which makes a feed's item worth
    looking for, and `may_be_kin` whether two pages are worth a comparison, given the overlap and the whole weights of
    their fingerprints.
    """

    least_overlap: Callable[[Fingerprint], float]
    originals: Callable[[Fingerprint, Sequence[Candidate]], Sequence[Candidate]]
    claims: Callable[[Article], bool]
    may_be_kin: Callable[[float, float, float], bool]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a page is weighed against: originals, the likeliest first, teasers, and the ids behind the URLs it names."""

    originals: tuple[Article, ...] = ()
    teasers: tuple[Article, ...] = ()
    known_urls: Mapping[str, str] = field(default_factory=dict)
    claims: bool = True  # whether the page may say itself where it stems from

    @property
    def says_nothing(self) -> bool:
        """Whether there is nothing to weigh: no linker could link or attribute the page."""
        return not (self.originals or self.teasers or self.claims)

    @property
    def articles(self) -> dict[str, Article]:
        """All of them by id."""
        return {article.id: article for article in (*self.originals, *self.teasers)}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A page that may be one story with another, and the version of it that is compared."""

    article: Article
    version: int


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What a page without an original is compared with: `earlier` pages, which stand for their stories, the earliest
    first; or `later` ones, for whose story it would stand itself."""

    earlier: tuple[Neighbour, ...] = ()
    later: tuple[Neighbour, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.earlier or self.later)


@dataclass(frozen=True, slots=True)
class Case:
    """An article whose decision is pending: a page with its surroundings, or an original and the pages it concerns.

    `rejected` are originals that a person said the page does not stem from. `neighbours` are there already where
    nothing was found that the page could be linked to; None: not looked for.
    """

    article: Article
    fingerprint: Fingerprint
    surroundings: Surroundings = field(default_factory=Surroundings)
    concerns: tuple[str, ...] = ()
    rejected: frozenset[str] = frozenset()
    neighbours: Neighbours | None = None
