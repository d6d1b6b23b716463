"""What of a licensed original may leave the store: metadata and a hash of its text; the text where its source allows.

Whoever writes something out (exports, change log, feeds, reports) asks here first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from crawler.model import Article, Completeness, Role, Source


@dataclass(frozen=True, slots=True)
class Redistribution:
    """Sources whose texts may be passed on, by name, and the publishers of those sources.

    A delivery that was imported came by no source; its text may leave where a source of its publisher says so.
    """

    sources: frozenset[str] = frozenset()
    publishers: frozenset[str] = frozenset()
    within_the_house: bool = False  # nothing leaves: everything may be read

    @classmethod
    def of(cls, sources: Iterable[Source]) -> Redistribution:
        """As sources say. One that is disabled allows nothing."""
        allowing = [one for one in sources if one.redistribute and one.enabled]
        return cls(frozenset(one.name for one in allowing), frozenset(one.publisher for one in allowing))

    def permits(self, article: Article) -> bool:
        """Whether an article's text may leave. Pages of aggregators are no licensed texts, nor is a public feed's
        teaser."""
        if self.within_the_house or not is_licensed(article):
            return True
        return article.source in self.sources if article.source is not None else article.publisher in self.publishers


WITHIN_THE_HOUSE = Redistribution(within_the_house=True)


def is_licensed(article: Article) -> bool:
    """Whether an article is the full text of an original or a release."""
    return article.role is not Role.AGGREGATOR and article.completeness is Completeness.FULL


def without_text(article: Article) -> Article:
    """An article as it may leave where its text may not: captions and what stood below the text are text, too."""
    return replace(article, text="", captions=(), trailer=(), imprint=None)


def text_hash(text: str) -> str:
    """BLAKE2b-128 (hex) of a text in UTF-8, by which whoever holds the text can tell that it is this one."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
