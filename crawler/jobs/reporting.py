"""What a report is about: one link, or those of a site; only what may be held against anybody goes in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime

from crawler.errors import NotFound, UsageError
from crawler.jobs.feeding import links
from crawler.model import LinkState, Standing
from crawler.store import Store
from crawler.store.browsing import LinkFilter, LinkView, ListedLink

MOST_IN_DOSSIER = 2_000  # links; their schedule is held in memory, some 1,500 bytes each
OURS = (Standing.OURS,)


@dataclass(frozen=True, slots=True)
class Terms:
    """Which links may go into a report."""

    standings: Collection[Standing] = OURS
    confirmed: bool = False

    def objection(self, link: ListedLink) -> str | None:
        """Why a link may not; None where it may."""
        if link.state not in {LinkState.NEW, LinkState.CONFIRMED}:
            return f"it is {link.state.value}"
        if self.confirmed and link.state is not LinkState.CONFIRMED:
            return "nobody has confirmed it"
        if link.standing not in self.standings:
            return f"its standing is {link.standing.value}; --standing {link.standing.value} takes it in"
        return None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The links of a dossier, by when their pages were first seen; `is_whole`: there are no more."""

    links: tuple[ListedLink, ...]
    is_whole: bool


async def one_link(store: Store, link_id: str, terms: Terms) -> LinkView:
    """Raises NotFound, and UsageError that says why the link may not go into a report."""
    view = await store.view_link(link_id)
    objection = terms.objection(view.listed)
    if objection is not None:
        raise UsageError(f"link {link_id} is not for a report: {objection}")
    return view


async def schedule(
    store: Store, site: str, since: datetime | None, terms: Terms, most: int = MOST_IN_DOSSIER
) -> Schedule:
    """The links of a site, or of all ("" ), that were decided at `since` or later; of too many the newest."""
    state = LinkState.CONFIRMED if terms.confirmed else None
    found: list[ListedLink] = []
    async for one in links(store, LinkFilter(state=state, site=site, since=since), terms.standings):
        if len(found) == most:
            return Schedule(_by_time(found), False)
        found.append(one)
    return Schedule(_by_time(found), True)


def _by_time(found: list[ListedLink]) -> tuple[ListedLink, ...]:
    return tuple(sorted(found, key=lambda one: (one.rewrite.first_seen, one.id)))


async def views(store: Store, listed: Schedule, terms: Terms) -> AsyncIterator[LinkView | None]:
    """The links of a schedule with all they rest on, one by one; None for one that no longer may go in.

    A long dossier takes minutes, in which a person may reject what the schedule has.
    """
    for one in listed.links:
        try:
            view = await store.view_link(one.id)
        except NotFound:
            yield None
            continue
        yield view if terms.objection(view.listed) is None else None
