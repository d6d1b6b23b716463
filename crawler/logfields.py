"""What a log line is about: source, host, URL and worker, carried by the task that works on it.

`about(source=…)` holds for the rest of the current asyncio task and for the tasks that it starts; whoever writes the
log reads `fields()`. Values that must never be written are told to `conceal`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar

NAMES = ("source", "host", "url", "worker")  # in the order in which they are written
LEAST_SECRET = 4  # characters; a shorter one would blank out half of every line
HIDDEN = "***"

_fields: ContextVar[Mapping[str, str]] = ContextVar("logfields", default={})  # noqa: B039 - replaced, never changed
_secrets: set[str] = set()
_USER = re.compile(r"(?<=://)[^/\s@?#]+@")
# Query parameters that carry a key in feeds that are sold.
_KEY = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:token|secret|password|passwd|signature|session|credential|api[_-]?key|access[_-]?key)"
    r"|auth|key|pwd|sig)=)[^&;#\s\"'<>]+"
)


def about(**fields: str) -> None:
    """The current task works on this from now on. Names are those of `NAMES`; the others stay."""
    _fields.set({**_fields.get(), **fields})


def fields() -> dict[str, str]:
    """What the current task works on, without secrets."""
    held = _fields.get()
    return {name: disclosed(held[name]) for name in NAMES if held.get(name)}


def conceal(secret: str) -> None:
    """This very text is never written to a log."""
    if len(secret) >= LEAST_SECRET:
        _secrets.add(secret)


def disclosed(text: str) -> str:
    """`text` with every secret in it hidden: those told, users and passwords of URLs, keys of their queries."""
    for secret in _secrets:
        text = text.replace(secret, HIDDEN)
    if "://" in text:
        text = _USER.sub(f"{HIDDEN}@", text)
    return _KEY.sub(rf"\1{HIDDEN}", text) if "=" in text else text
