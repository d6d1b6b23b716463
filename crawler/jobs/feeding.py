"""What feeds are made of: links, and news in which each story counts once. Both the newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import datetime

from crawler.interchange import article_brief, coverage_to_json, time_to_json
from crawler.jobs.feedwriting import Channel, Entry, urn
from crawler.jobs.passing import Passing
from crawler.model import Completeness, LinkState, Role, Standing
from crawler.store import Store
from crawler.store.browsing import LinkFilter, ListedLink
from crawler.store.news import NewsItem

LINKS = Channel("links", "Links: pages and the originals they stem from")
NEWS = Channel("news", "News: each story once")
PAGE = 100  # rows held in memory at once
MOST_TEASER = 1_000  # characters
_TOLD = {LinkState.NEW, LinkState.CONFIRMED}


async def links(store: Store, wanted: LinkFilter, standings: Collection[Standing] = ()) -> AsyncIterator[ListedLink]:
    """Live links of a list, the newest decision first; of these standings, () for all."""
    after = None
    while True:
        found = await store.browse_links(wanted, after=after, limit=PAGE)
        for one in found.links:
            if one.state in _TOLD and not one.rewrite.gone and (not standings or one.standing in standings):
                yield one
        if found.next is None:
            return
        after = found.next


async def link_entries(
    store: Store,
    *,
    limit: int,
    site: str = "",
    since: datetime | None = None,
    standings: Collection[Standing] = (),
) -> AsyncIterator[Entry]:
    """The newest links as entries: the page, and in words and facts what it stems from."""
    left = limit
    async for one in links(store, LinkFilter(state=None, site=site, since=since), standings):
        if not left:
            return
        yield _link_entry(one)
        left -= 1


async def news_entries(
    store: Store, passing: Passing, *, limit: int, since: datetime | None = None
) -> AsyncIterator[Entry]:
    """The newest articles that stand for themselves; with their text only where that may leave.

    `since`: first seen at that time or later.
    """
    left, after = limit, None
    while left:
        found = await store.browse_news(after=after, limit=PAGE)
        fresh = [one for one in found if since is None or _seen(one) >= since]
        for one in fresh[:left]:
            yield _news_entry(one, passing)
        left -= min(left, len(fresh))
        # Numbers are given in the order of arrival, so that nothing newer stands behind a page of older ones.
        if len(found) < PAGE or not fresh:
            return
        after = found[-1].no


def _link_entry(link: ListedLink) -> Entry:
    original = link.original
    named = f"“{original.title}”" if original.title else "an original"
    day = f", {original.published:%Y-%m-%d}" if original.published else ""
    summary = (
        f"{link.relation.value.capitalize()} of {named} ({original.publisher}{day}); score {link.score:.3f}, "
        f"{link.coverage.rewrite:.0%} of the page stems from it; {link.precedence.value}, {link.standing.value}, "
        f"{link.state.value}."
    )
    return Entry(
        id=urn("link", link.id),
        url=link.rewrite.url,
        title=link.rewrite.title,
        author=link.site or link.rewrite.publisher,
        updated=link.decided,
        summary=summary,
        via=original.url,
        tags=(link.relation.value, link.standing.value, link.state.value),
        facts={
            "link": link.id,
            "state": link.state.value,
            "rewrite": article_brief(link.rewrite),
            "original": article_brief(original),
            "relation": link.relation.value,
            "score": round(link.score, 6),
            "coverage": coverage_to_json(link.coverage),
            "precedence": link.precedence.value,
            "standing": link.standing.value,
            "decided": time_to_json(link.decided),
            "linker": link.linker,
        },
    )


def _news_entry(item: NewsItem, passing: Passing) -> Entry:
    article = item.article
    is_teaser = article.completeness is Completeness.TEASER
    # A page's text is its site's: a feed leads to it. An original's may be what its licence is for.
    whole = article.text if article.role is not Role.AGGREGATOR and not is_teaser and passing(article) else ""
    said = article.text[:MOST_TEASER] if is_teaser else ""
    if item.claim:
        said = f"{article.publisher or article.site} says that it comes from {item.claim}."
    return Entry(
        id=urn("article", article.id),
        url=article.url,
        title=article.title,
        author=", ".join(article.byline) or article.publisher,
        updated=_seen(item),
        published=article.published,
        summary=said,
        text=whole,
        language=article.language,
        tags=tuple(tag for tag in (article.publisher, article.role.value) if tag),
        facts={
            "article": article.id,
            "role": article.role.value,
            "publisher": article.publisher,
            "completeness": article.completeness.value,
            "first_seen": time_to_json(article.first_seen),
            "says_from": item.claim,
        },
    )


def _seen(item: NewsItem) -> datetime:
    assert item.article.first_seen is not None  # of every article in a store
    return item.article.first_seen
