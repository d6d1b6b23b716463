"""Who asks: by an access token or, where only this machine can ask, by being there."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web

from crawler.store import Store
from crawler.store.tokens import Right
from crawler.web.guard import Caller, Identify

# What a proxy on this machine adds when it hands on a stranger's request: that one is not at this machine.
_HANDED_ON = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def by_token(store: Store, *, at_home: str | None) -> Identify:
    """Tells callers by their token. `at_home`: the name of who brings none, on a server that only this machine
    reaches; None: nobody without a token may see anything."""

    async def identify(request: web.Request) -> Caller | None:
        given = request.headers.get("Authorization")
        if given is None:
            stranger = at_home is None or any(name in request.headers for name in _HANDED_ON)
            return None if stranger or at_home is None else Caller(at_home)
        secret = secret_of(given)
        token = await store.token_of(secret) if secret is not None else None
        return None if token is None else Caller(token.name, token.rights is Right.WRITE)

    return identify


def secret_of(header: str) -> str | None:
    """The token in an Authorization header: `Bearer TOKEN`, or as the password of Basic, which a browser asks for."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return None
