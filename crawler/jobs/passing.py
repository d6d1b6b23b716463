"""Whose words may leave the store with what is sent to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crawler.model import Article, Source
from crawler.store import Store

Passing = Callable[[Article], bool]


async def passing_of(store: Store, declared: Sequence[Source]) -> Passing:
    """Tells of an article whether its text may leave: see `redistribution`. A page that asks not to be indexed is
    compared, and its text is not passed on.

    `declared` are the sources of the configuration file, which is newer than what the store holds of them.
    """
    allowed = await store.redistribution(declared)
    return lambda article: not article.noindex and allowed.permits(article)
