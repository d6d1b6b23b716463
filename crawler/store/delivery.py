"""Which of a vendor's messages counts, whatever the order they come in. Pure: no database.

For each article the message with the greatest time wins. A removal wins ties and is remembered, also for
articles that were never seen, so that a late or repeated message brings nothing back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from crawler.model import Article, Completeness, Role
from crawler.store.columns import in_utc

REPLACED_WITHIN = timedelta(hours=48)  # between a teaser and the full text of the same headline


class Verdict(Enum):
    TAKE = "take"  # newer than what is held: its content counts
    COMPARE = "compare"  # nothing says which is newer: different content counts
    SAME = "same"  # what is held already
    STALE = "stale"  # older than what is held or than a removal


@dataclass(frozen=True, slots=True)
class Held:
    """What the store has of an article."""

    live: bool
    rank: datetime | None
    completeness: Completeness


def is_delivery(article: Article) -> bool:
    """Whether the vendor's times order the article's versions (a page's own claims never do)."""
    return article.vendor_id is not None and article.role is not Role.AGGREGATOR


def rank(article: Article) -> datetime | None:
    """The time that orders deliveries of one article."""
    return in_utc(article.modified or article.published)


def weigh(article: Article, held: Held | None, removed: datetime | None) -> Verdict:
    """What to do with `article`; `removed` is the latest removal of it or of its source."""
    if held is not None and held.live and _is_teaser(article) and held.completeness is Completeness.FULL:
        return Verdict.SAME  # a feed's teaser of a story that is held in full says nothing new
    if not is_delivery(article):
        return Verdict.COMPARE
    time = rank(article)
    if removed is not None and (time is None or time <= removed):
        return Verdict.STALE
    if held is None or not held.live:
        return Verdict.TAKE
    return _by_time(article, held)


def _by_time(article: Article, held: Held) -> Verdict:
    time, before = rank(article), held.rank
    if time == before:
        if time is None:
            return Verdict.COMPARE
        # The full text may come under the time that its teaser had.
        return Verdict.SAME if _is_teaser(article) or held.completeness is Completeness.FULL else Verdict.TAKE
    if before is None:
        return Verdict.TAKE
    return Verdict.STALE if time is None or time < before else Verdict.TAKE


def _is_teaser(article: Article) -> bool:
    return article.completeness is Completeness.TEASER
