"""Who may ask for what: the guards that every request passes, and the headers that every answer bears.

Pages show what strangers wrote, and a browser that shows them also visits strangers' sites. So: a request must name
this server by a name of its own (else a stranger's name that was made to resolve to it could read it), what changes
something must come from our own pages and bear their token, and no script, frame or style from elsewhere ever runs.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and whether they may change anything."""

    name: str
    may_write: bool = True


Identify = Callable[[web.Request], Awaitable[Caller | None]]  # None: nobody who may see anything

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
API = "/api/"  # for programs: what lies under it bears no page's token
TOKEN_FIELD, TOKEN_HEADER = "token", "X-Wiretrace-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Nothing to others; with "no-referrer" a browser would not tell us either that a form is our own.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """`hosts` are the names this server answers to (None: any, everybody needs a token), `identify` tells who asks.

    `token` stands in every form of a page and is another in each process.
    """

    identify: Identify
    hosts: frozenset[str] | None = LOOPBACK
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


GUARD = web.AppKey("guard", Guard)
REVIEWER = web.RequestKey("reviewer", str)
CALLER = web.RequestKey("caller", Caller)


def everybody_is(name: str) -> Identify:
    """Who can reach a server on loopback is the person at this machine."""
    caller = Caller(name)

    async def identify(_request: web.Request) -> Caller:
        return caller

    return identify


def is_api(request: web.Request) -> bool:
    return request.path.startswith(API)


def is_loopback(host: str) -> bool:
    """Whether a server bound to `host` is reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@web.middleware
async def security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Outermost: refusals bear them, too."""
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        refusal.headers.update(_HEADERS)
        raise
    response.headers.update(_HEADERS)
    # Pages hold licensed texts: no cache keeps them. What lies under /static is set there.
    response.headers.setdefault("Cache-Control", "no-store")
    return response


@web.middleware
async def own_name(request: web.Request, handler: Handler) -> web.StreamResponse:
    hosts = request.app[GUARD].hosts
    if hosts is not None and _name(request.headers.get("Host", "")) not in hosts:
        raise web.HTTPMisdirectedRequest(text="This server does not go by that name.\n")
    return await handler(request)


@web.middleware
async def own_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What changes something: from the same origin, as far as the browser says, and with the page's token."""
    if request.method in _SAFE:
        return await handler(request)
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise web.HTTPForbidden(text="Asked for by another site's page.\n")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("Host", "").lower():
        raise web.HTTPForbidden(text="Asked for by another site's page.\n")
    if is_api(request):
        # No page of ours asks here. A program sends no Origin; a browser's form can't send what `somebody` wants
        # where that is a token, and where it is not its Origin has told on it.
        return await handler(request)
    if not request[CALLER].may_write:
        raise web.HTTPForbidden(text="This token may read only.\n")
    given = request.headers.get(TOKEN_HEADER)
    if given is None:
        given = str((await request.post()).get(TOKEN_FIELD, ""))
    if not hmac.compare_digest(given.encode(), request.app[GUARD].token.encode()):
        raise web.HTTPForbidden(text="The page is older than this server: reload it and try again.\n")
    return await handler(request)


@web.middleware
async def somebody(request: web.Request, handler: Handler) -> web.StreamResponse:
    caller = await request.app[GUARD].identify(request)
    if caller is None:
        scheme = "Bearer" if is_api(request) else 'Basic realm="wiretrace", charset="UTF-8"'
        raise web.HTTPUnauthorized(text="Expected a token that may see this.\n", headers={"WWW-Authenticate": scheme})
    request[REVIEWER], request[CALLER] = caller.name, caller
    return await handler(request)


GUARDS = (security_headers, own_name, somebody, own_pages)


def _name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""
