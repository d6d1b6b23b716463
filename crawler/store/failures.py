"""The one place where a driver's or SQLAlchemy's exception becomes ours. No password passes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc
from sqlalchemy.engine import URL, make_url

from crawler.errors import SettingsError, StoreError, StoreUnavailable, WiretraceError

_SECRET_PARAMETER = re.compile(r"pass|secret|token|key", re.IGNORECASE)
# Deadlock, serialization failure, lock not available: PostgreSQL asks to run the transaction again.
_AGAIN = frozenset({"40001", "40P01", "55P03"})
_GONE = frozenset({"57P01", "57P02", "57P03"})  # the server shuts down, crashed, starts
_TOO_MANY = "53300"  # connections


def parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (exc.ArgumentError, ValueError):
        # The parser's own message may quote a part of the password.
        raise SettingsError(
            "configuration",
            "database.url",
            "expected sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/NAME",
        ) from None


def masked(url: URL) -> str:
    """The URL for people: no password, neither in its place nor in a parameter."""
    kept = {name: "***" if _SECRET_PARAMETER.search(name) else value for name, value in url.query.items()}
    return url.set(query=kept).render_as_string(hide_password=True)


@contextmanager
def told_in_our_words(url: URL) -> Iterator[None]:
    """Raises StoreUnavailable or StoreError for whatever the driver raises inside."""
    try:
        yield
    except WiretraceError:
        raise
    except exc.SQLAlchemyError as error:
        raise _translated(error, url) from None
    except (TimeoutError, OSError) as error:
        raise StoreUnavailable(f"{masked(url)}: {_line(error, url) or 'no answer in time'}") from None


def is_away(error: BaseException) -> bool:
    """Whether the server can't be reached now, though it could before: it restarts, or the way there is down."""
    if isinstance(error, TimeoutError):
        return False  # a statement that takes too long takes as long again
    if isinstance(error, OSError):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    state = _sqlstate(error) or ""
    return bool(error.connection_invalidated) or state in _GONE or state[:2] == "08" or state == _TOO_MANY


def can_be_repeated(error: BaseException) -> bool:
    """Whether the transaction failed for a reason that a second run may not meet."""
    if not isinstance(error, exc.DBAPIError):
        return False
    return bool(error.connection_invalidated) or _sqlstate(error) in _AGAIN | _GONE


def _translated(error: exc.SQLAlchemyError, url: URL) -> StoreError:
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    line = f"{masked(url)}: {_line(cause, url)}"
    gone = isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError)
    if isinstance(error, exc.DBAPIError):
        state = _sqlstate(error) or ""
        # 08 connection, 28 login, 3D no such database, 53 out of resources, 57 operator's intervention
        gone = gone or error.connection_invalidated or state[:2] in {"08", "28", "3D", "53", "57"}
        gone = gone or "not a database" in line  # SQLite calls that a mere DatabaseError
    return StoreUnavailable(line) if gone else StoreError(line)


def _sqlstate(error: exc.DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None) or getattr(getattr(error.orig, "__cause__", None), "sqlstate", None)


def _line(error: BaseException, url: URL) -> str:
    """The first line of what the driver says, without its class's name and without the password."""
    text = re.sub(r"^<class '[^']+'>: ", "", str(error)).strip().split("\n")[0]
    secrets = [url.password, *(value for name, value in url.query.items() if _SECRET_PARAMETER.search(name))]
    for secret in secrets:
        if isinstance(secret, str) and secret:
            text = text.replace(secret, "***")
    return text
