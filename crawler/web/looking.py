"""Second looks on the page of a link: the button, and what was seen, in words."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from crawler.model import LinkState, Look, LookOutcome
from crawler.store.browsing import LinkView
from crawler.web.inbox import STORE

_SAID = {
    LookOutcome.LIVE: "seen live on",
    LookOutcome.CHANGED: "changed on",
    LookOutcome.GONE: "gone since",
    LookOutcome.UNREACHABLE: "not reached on",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One look in words; `said` goes before its time. `bad`: the page does not stand as it was confirmed."""

    look: Look
    said: str
    bad: bool


def seen(looks: tuple[Look, ...]) -> list[Seen]:
    """All looks, the oldest first. Only the first of several that found nothing says since when."""
    told: list[Seen] = []
    before: LookOutcome | None = None
    for one in looks:
        still_gone = before is one.outcome is LookOutcome.GONE
        said = "still gone on" if still_gone else _SAID[one.outcome]
        told.append(Seen(one, said, one.outcome in {LookOutcome.CHANGED, LookOutcome.GONE}))
        if one.outcome is not LookOutcome.UNREACHABLE:
            before = one.outcome
    return told


def standing(view: LinkView) -> Seen | None:
    """What is to be said beside a confirmed link of its page now: that it changed or went. None: nothing."""
    found: Seen | None = None
    if view.listed.state is not LinkState.CONFIRMED:
        return None
    for one in seen(view.link.looks):
        if one.bad and (found is None or found.look.outcome is not one.look.outcome):
            found = one
        elif one.look.outcome is LookOutcome.LIVE and found is not None and not _still(found.look, one.look):
            found = None  # it is back
    return found


def _still(changed: Look, live: Look) -> bool:
    """Whether a page that is as it was held has the text to which it had changed."""
    return changed.outcome is LookOutcome.CHANGED and changed.text_hash == live.text_hash


async def look(request: web.Request) -> web.StreamResponse:
    link = request.match_info["link"]
    await request.app[STORE].ask_look(link)
    raise web.HTTPSeeOther(f"/links/{link}#looks-title")


ROUTES = (web.post("/links/{link:[0-9a-f]{32}}/look", look),)
