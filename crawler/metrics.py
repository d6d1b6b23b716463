"""What a running process counts and times, in plain numbers: no library, no I/O, no lock.

Rooms count here as they work (`FETCH_SECONDS.observe(…)`); the daemon's port writes it all out for Prometheus. Every
count is made on the event loop's thread. Labels are short codes of ours, never a host, a URL or another word from
the web: their number is bounded, so that no site can grow the memory of who crawls it or of who scrapes us.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

MOST_LABELS = 64  # values of one label; what comes beyond is counted together
OTHER = "other"
# Upper bounds in seconds.
_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0)


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name for Prometheus (counters' without `_total`), what it means, and its one label, if any."""

    name: str
    kind: Kind
    meaning: str
    label: str = ""

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which its values are written."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (f"{self.name}_total",) if self.kind is Kind.COUNTER else (self.name,)


FAMILIES: dict[str, Family] = {}  # all that the port writes, by name


def _family(name: str, kind: Kind, meaning: str, label: str = "") -> Family:
    return FAMILIES.setdefault(name, Family(name, kind, meaning, label))


@dataclass(slots=True)
class Counted:
    """A number that only grows, one for each value of its label."""

    family: Family
    values: dict[str, float] = field(default_factory=dict)

    def add(self, label: str = "", amount: float = 1.0) -> None:
        known = _bounded(self.values, label)
        self.values[known] = self.values.get(known, 0.0) + amount


@dataclass(slots=True)
class Spread:
    """How often values fell below each of some bounds, and their sum."""

    counts: list[int]
    sum: float = 0.0


@dataclass(slots=True)
class Timed:
    """Seconds, as a histogram for each value of the label. `greatest` is the longest time ever."""

    family: Family
    bounds: tuple[float, ...]
    spreads: dict[str, Spread] = field(default_factory=dict)
    greatest: float = 0.0

    def observe(self, seconds: float, label: str = "") -> None:
        known = _bounded(self.spreads, label)
        spread = self.spreads.get(known)
        if spread is None:
            spread = self.spreads[known] = Spread([0] * (len(self.bounds) + 1))
        spread.counts[bisect_left(self.bounds, seconds)] += 1
        spread.sum += seconds
        self.greatest = max(self.greatest, seconds)

    @contextmanager
    def timed(self, label: str = "") -> Iterator[None]:
        """Times what is done within it, also where that fails."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.observe(time.perf_counter() - begun, label)


@dataclass(slots=True)
class Pulse:
    """When something was last alive, in seconds of the monotonic clock."""

    at: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        self.at = time.monotonic()

    def age(self) -> float:
        return time.monotonic() - self.at


def _bounded(held: dict[str, float] | dict[str, Spread], label: str) -> str:
    return label if label in held or len(held) < MOST_LABELS else OTHER


def _counted(name: str, meaning: str, label: str = "") -> Counted:
    return Counted(_family(name, Kind.COUNTER, meaning, label))


def _timed(name: str, meaning: str, bounds: tuple[float, ...], label: str = "") -> Timed:
    return Timed(_family(name, Kind.HISTOGRAM, meaning, label), bounds)


# --- counted where it happens ----------------------------------------------------------------------------

REQUESTS = _counted("wiretrace_requests", "answers to requests of any kind, by class of status", "status")
RECEIVED_BYTES = _counted("wiretrace_received_bytes", "bytes of bodies as they were sent, before decompression")
DECISIONS = _counted("wiretrace_decisions", "decisions made, by outcome", "outcome")
LINKS = _counted("wiretrace_links", "links made or changed, by relation", "relation")
POLLS = _counted("wiretrace_polls", "polls of sources, by result", "result")

FETCH_SECONDS = _timed("wiretrace_fetch_seconds", "seconds of one exchange, without the wait for its turn", _SLOW)
POOL_SECONDS = _timed("wiretrace_pool_seconds", "seconds a job took in its worker process", _QUICK, "stage")
POOL_WAIT_SECONDS = _timed(
    "wiretrace_pool_wait_seconds", "seconds a job waited for a worker and for its way there and back", _QUICK, "stage"
)
STORE_SECONDS = _timed("wiretrace_store_seconds", "seconds of one transaction with its wait", _QUICK, "kind")
LOOP_LAG_SECONDS = _timed("wiretrace_loop_lag_seconds", "seconds the event loop was late", _QUICK)

HEARTBEAT = Pulse()

COUNTED = (REQUESTS, RECEIVED_BYTES, DECISIONS, LINKS, POLLS)
TIMED = (FETCH_SECONDS, POOL_SECONDS, POOL_WAIT_SECONDS, STORE_SECONDS, LOOP_LAG_SECONDS)

# --- read from a run's counts and from the store when they are asked for ---------------------------------

INFO = _family("wiretrace_info", Kind.GAUGE, "1; the label is the version", "version")
FETCHED = _family("wiretrace_pages_fetched", Kind.COUNTER, "pages answered")
UNCHANGED = _family("wiretrace_unchanged", Kind.COUNTER, "pages and sources of which the server said: not modified")
STORED = _family("wiretrace_pages_stored", Kind.COUNTER, "articles stored, by what they are to the store", "outcome")
NOT_ARTICLES = _family("wiretrace_pages_not_articles", Kind.COUNTER, "pages without an article, by what", "verdict")
FAILED = _family("wiretrace_pages_failed", Kind.COUNTER, "pages that failed, by reason", "reason")
TOO_OLD = _family("wiretrace_references_too_old", Kind.COUNTER, "entries older than max_age_days")
ATTRIBUTIONS = _family("wiretrace_attributions", Kind.COUNTER, "attributions made or changed")
POLL_FAILURES = _family("wiretrace_poll_failures", Kind.COUNTER, "polls that failed, by reason", "reason")
IN_HAND = _family("wiretrace_pages_in_hand", Kind.GAUGE, "pages and decisions this process works on, each leased")
TO_READ = _family("wiretrace_pages_to_read", Kind.GAUGE, "pages fetched that wait to be read")
HEARTBEAT_AGE = _family("wiretrace_heartbeat_age_seconds", Kind.GAUGE, "seconds since the workers' last sign of life")
LAG_GREATEST = _family("wiretrace_loop_lag_greatest_seconds", Kind.GAUGE, "the most the event loop was ever late")
FRONTIER = _family("wiretrace_frontier_pages", Kind.GAUGE, "pages of the store's queue, by state", "state")
OLDEST_DUE = _family("wiretrace_frontier_oldest_due_seconds", Kind.GAUGE, "seconds the longest due page has waited")
PENDING = _family("wiretrace_pending_decisions", Kind.GAUGE, "decisions that wait in the store")
SOURCES = _family("wiretrace_sources", Kind.GAUGE, "sources of the store, by state", "state")
WORKERS = _family("wiretrace_workers", Kind.GAUGE, "processes that are signed on at the store")
SAMPLE_AGE = _family("wiretrace_store_sample_age_seconds", Kind.GAUGE, "age of the figures that come from the store")
