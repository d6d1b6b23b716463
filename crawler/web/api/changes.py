"""The change log over HTTP: page by page, and as server-sent events that go on for as long as somebody listens.

An event's id is its number in the log. A client that was cut off names the last one that came, as EventSource does by
itself, and goes on behind it: every change comes at least once, and in order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from crawler.errors import UsageError
from crawler.model import Action, Change, LinkState, Subject
from crawler.store.publishing import change_to_json
from crawler.web.api.answers import dumped, page
from crawler.web.api.operations import AFTER_NUMBER, LIMIT, Operation, Param, Values, limit_of, number_of, words_of
from crawler.web.eventstream import BEAT, stream
from crawler.web.guard import GUARD
from crawler.web.inbox import STORE

MOST_STREAMS = 32  # at once; each looks at the log once a second
LOOKED = 1.0  # seconds between two looks at a log that stands still
PAGE = 100  # rows held in memory at once

Form = Callable[[Change], bytes]


@dataclass
class Streams:
    """The streams of one server."""

    open: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self) -> None:
        """Till the log is looked at again, or the server ends."""
        try:
            async with asyncio.timeout(LOOKED):
                await self.closing.wait()
        except TimeoutError:
            pass


STREAMS = web.AppKey("streams", Streams)


async def close_streams(app: web.Application) -> None:
    """On shutdown: they would go on for ever."""
    app[STREAMS].closing.set()


async def changes(request: web.Request, values: Values) -> web.Response:
    """`next` is always a number: that from which to go on when there is more, be it later."""
    subject = Subject(values["subject"]) if "subject" in values else None
    after = number_of(values, "after") or 0
    found = await request.app[STORE].log_page(after, subject=subject, limit=limit_of(values))
    return await page(request, [change_to_json(one) for one in found.changes], str(found.last))


async def change_events(request: web.Request, values: Values) -> web.StreamResponse:
    subject = Subject(values["subject"]) if "subject" in values else None
    return await _stream(request, await _start(request, values), subject, _as_change)


async def link_events(request: web.Request, values: Values) -> web.StreamResponse:
    return await _stream(request, await _start(request, values), Subject.LINK, _as_new_link)


async def _start(request: web.Request, values: Values) -> int:
    """The number behind which a stream begins: a client's own, else what comes from now on."""
    last = request.headers.get("Last-Event-ID", "").strip()
    named = {"after": last} if last else values
    try:
        place = number_of(named, "after")
    except UsageError:
        name = "Last-Event-ID" if last else "after"
        raise UsageError(f"{name}: expected the number of a change, got {named['after']!r:.40}") from None
    return await request.app[STORE].log_head() if place is None else place


def _as_change(change: Change) -> bytes:
    return _event(change.seq, "change", change_to_json(change))


def _as_new_link(change: Change) -> bytes:
    """Only what is new: a link that was made, not one that was judged or changed."""
    state = change.state
    if change.action is not Action.CREATED or state is None or state["state"] != LinkState.NEW:
        return b""
    return _event(change.seq, "link", state)


def _event(seq: int, name: str, value: object) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, name.encode(), dumped(value))


async def _stream(request: web.Request, after: int, subject: Subject | None, form: Form) -> web.StreamResponse:
    streams = request.app[STREAMS]
    if streams.open >= MOST_STREAMS:
        raise web.HTTPTooManyRequests(text=f"Expected at most {MOST_STREAMS} streams.", headers={"Retry-After": "30"})
    streams.open += 1
    try:
        return await stream(request, _parts(request, after, subject, form))
    finally:
        streams.open -= 1


async def _parts(request: web.Request, after: int, subject: Subject | None, form: Form) -> AsyncIterator[bytes]:
    """What is sent: events as they come, and a sign of life where none does."""
    store, streams = request.app[STORE], request.app[STREAMS]
    beaten = time.monotonic()
    while not streams.closing.is_set():
        found = await store.log_page(after, subject=subject, limit=PAGE)
        if found.changes and (events := await asyncio.to_thread(_joined, found.changes, form)):
            yield events
        moved, after = found.last > after, found.last
        if time.monotonic() - beaten >= BEAT:
            if await request.app[GUARD].identify(request) is None:
                return
            beaten = time.monotonic()
            yield b": still here\n\n" if not moved else b"id: %d\n\n" % after
        if not found.more:
            await streams.pause()


def _joined(rows: Sequence[Change], form: Form) -> bytes:
    return b"".join(map(form, rows))


_SUBJECT = Param("subject", "Changes of such things only", words_of(Subject))
_FROM = Param(
    "after",
    "The number of a change: the stream begins behind it; 0: with the first. Now, unless told",
    bounds=AFTER_NUMBER.bounds,
)

OPERATIONS = (
    Operation(
        "listChanges", "GET", "/changes", "The change log in order. Ask again with `after` set to `next`, which is"
        " always there, and nothing is missed.",
        changes, "Change", many=True, params=(_SUBJECT, AFTER_NUMBER, LIMIT),
    ),
    Operation(
        "streamChanges", "GET", "/changes/events", "The change log as server-sent events named `change`, whose ids are"
        " the changes' numbers.",
        change_events, "", params=(_SUBJECT, _FROM), stream=True, faults=(429,),
    ),
    Operation(
        "streamLinks", "GET", "/links/events", "New links as server-sent events named `link`, as they are made.",
        link_events, "", params=(_FROM,), stream=True, faults=(429,),
    ),
)  # fmt: skip
