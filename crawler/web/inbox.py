"""The inbox: links, the newest first, to be judged one after the other."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from crawler.clock import Clock
from crawler.errors import UsageError
from crawler.model import LinkState, Relation
from crawler.store import Store
from crawler.store.browsing import MOST_COUNTED
from crawler.web.asking import asked, cursor, cursor_text
from crawler.web.drawing import is_fragment, page
from crawler.web.guard import REVIEWER

STORE, CLOCK = web.AppKey("store", Store), web.AppKey("clock", Clock)
PER_PAGE = 30
VERDICTS = {"confirm": LinkState.CONFIRMED, "reject": LinkState.REJECTED}
_BACK = re.compile(r"/(?:links/[0-9a-f]{32})?(?:\?[\w.~%&=+\-]*)?")
_LINK_ID = "{link:[0-9a-f]{32}}"


async def inbox(request: web.Request) -> web.Response:
    store, wanted = request.app[STORE], asked(request.query)
    found, count, states = await asyncio.gather(
        store.browse_links(wanted.filter, after=cursor(request.query), limit=PER_PAGE),
        store.count_links(wanted.filter),
        store.count_by_state(),
    )
    return await page(
        request,
        "inbox.html",
        asked=wanted,
        links=found.links,
        next=wanted.query(after=cursor_text(found.next)) if found.next else "",
        later="after" in request.query,
        count=count,
        states=states,
        most=MOST_COUNTED,
        relations=list(Relation),
    )


async def review(request: web.Request) -> web.StreamResponse:
    """A word on a link: as a card for the page's script, else the page that `back` names."""
    store, form = request.app[STORE], await request.post()
    verdict = VERDICTS.get(str(form.get("verdict", "")))
    if verdict is None:
        raise UsageError(f"verdict: expected {' or '.join(VERDICTS)}")
    link_id = request.match_info["link"]
    given = await store.review(
        link_id,
        verdict,
        reviewer=request[REVIEWER],
        note=str(form.get("note", "")),
        seen=str(form.get("mark", "")) or None,
    )
    if not is_fragment(request):
        raise web.HTTPSeeOther(_back(str(form.get("back", ""))))
    link, states = await asyncio.gather(store.listed_link(link_id), store.count_by_state())
    said = f"{given.verdict.value.capitalize()}: {link.rewrite.title}"
    return await page(request, "judged.html", link=link, states=states, said=said, most=MOST_COUNTED, undone=False)


async def undo(request: web.Request) -> web.StreamResponse:
    store = request.app[STORE]
    given = await store.undo_review(request[REVIEWER])
    if not is_fragment(request):
        raise web.HTTPSeeOther(f"/links/{given.link_id}")
    link, states = await asyncio.gather(store.listed_link(given.link_id), store.count_by_state())
    said = f"Taken back: {link.rewrite.title}"
    return await page(request, "judged.html", link=link, states=states, said=said, most=MOST_COUNTED, undone=True)


def _back(given: str) -> str:
    """Only to pages of ours, whatever a form says."""
    return given if _BACK.fullmatch(given) else "/"


ROUTES = (
    web.get("/", inbox),
    web.post(f"/links/{_LINK_ID}/review", review),
    web.post("/undo", undo),
)
