"""Whose words may leave the store with what is sent to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crawler.model import Article, Completeness, Role, Source
from crawler.store import Store

Passing = Callable[[Article], bool]


async def passing_of(store: Store, declared: Sequence[Source]) -> Passing:
    """Tells of an article whether its text may leave: the full text of an original or a release only where its source
    says `redistribute`, a text that came by no source where one of its publisher does.

    `declared` are the sources of the configuration file, which is newer than what the store holds of them. A page
    that asks not to be indexed is compared, and its text is not passed on.
    """
    stored = [record.source for record in await store.sources()]
    known = [one for one in stored if one.declared != "file" or not declared] + list(declared)
    allowing = [one for one in known if one.redistribute and one.enabled]
    names, publishers = {one.name for one in allowing}, {one.publisher for one in allowing}

    def may_pass(article: Article) -> bool:
        if article.noindex:
            return False
        if article.role is Role.AGGREGATOR or article.completeness is Completeness.TEASER:
            return True
        return article.publisher in publishers if article.source is None else article.source in names

    return may_pass
