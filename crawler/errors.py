"""One base class, and one class for each thing a caller can act on.

Every message is a single line that names the input and says what was expected: it is shown to users as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


class WiretraceError(Exception):
    """Base of all errors that wiretrace raises on purpose.

    `exit_code` is the process's exit code when nobody handles the error: 1, the job could not do its work.
    """

    exit_code = 1


class UsageError(WiretraceError):
    """A command was given something it can't work with (exit code 2)."""

    exit_code = 2


class SettingsError(UsageError):
    """The configuration is wrong. `where` names the file or environment variable, `key` the dotted key."""

    def __init__(self, where: str, key: str, expected: str) -> None:
        self.where, self.key, self.expected = where, key, expected
        super().__init__(f"{where}: {key}: {expected}" if key else f"{where}: {expected}")


class InputError(WiretraceError):
    """A file, or one item of it, can't be read. `item` is a line or item number counted from 1, or None."""

    def __init__(self, path: str | Path, expected: str, item: int | None = None) -> None:
        self.path, self.item, self.expected = str(path), item, expected
        place = self.path if item is None else f"{self.path}:{item}"
        super().__init__(f"{place}: {expected}")


class MissingExtra(UsageError):
    """An optional part of wiretrace is asked for that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs an extra: pip install "wiretrace[{extra}]"')


# --- store -----------------------------------------------------------------------------------------------


class StoreError(WiretraceError):
    """The store can't do what was asked."""


class StoreUnavailable(StoreError):
    """The database can't be reached or opened, or refused the connection."""


class SchemaTooNew(StoreError):
    """The store was written by a newer wiretrace; `found` and `known` are schema revisions."""

    def __init__(self, url: str, found: str, known: str) -> None:
        self.found, self.known = found, known
        super().__init__(f"{url}: the store has schema {found}, this program knows {known}: install a newer wiretrace")


class StoreInUse(StoreError):
    """Another `run` already works on this SQLite store."""


class NotFound(StoreError):
    """Nothing stored under that name or id."""


class ChangedSince(StoreError):
    """What was to be judged is not as it was shown: somebody, or the linker, was faster."""


# --- fetch -----------------------------------------------------------------------------------------------


class FetchError(WiretraceError):
    """A request gave no usable answer.

    `reason` is a short stable code under which failures are counted; `retry` says whether trying again later
    can help.
    """

    reason = "fetch"
    retry = True

    def __init__(self, url: str, detail: str) -> None:
        self.url, self.detail = url, detail
        super().__init__(f"{url}: {detail}")


class AddressRefused(FetchError):
    """The host is, or resolves to, a private, loopback, link-local or otherwise refused address."""

    reason, retry = "address-refused", False


class UrlRefused(FetchError):
    """The URL is not one we fetch: other scheme, credentials in it, no host, a refused port."""

    reason, retry = "url-refused", False


class RobotsDenied(FetchError):
    """robots.txt forbids the URL to our user agent."""

    reason, retry = "robots", False


class RobotsUnreachable(RobotsDenied):
    """robots.txt could not be had for a passing reason (5xx): until it can, all of the site is closed."""

    reason, retry = "robots-unreachable", True


class HostHeldBack(FetchError):
    """The host asked us to stay away; nothing was requested. `retry_after` is in seconds."""

    reason = "host-held-back"

    def __init__(self, url: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(url, f"the host asked us to stay away for {retry_after:.0f} s more")


class WorkerLost(FetchError):
    """Many workers died with the page in hand, one after the other; it is not given to another."""

    reason, retry = "worker-lost", False


class HostUnresolved(FetchError):
    """The host's name has no address."""

    reason = "dns"


class ConnectionFailed(FetchError):
    """No connection, or it broke off before the answer was whole."""

    reason = "connection"


class TimedOut(FetchError):
    """The answer did not arrive whole in the time allowed."""

    reason = "timeout"


class BodyTooLarge(FetchError):
    """The body is larger, as sent or decompressed, than `max_body`."""

    reason, retry = "too-large", False


class BodyUndecodable(FetchError):
    """The body is not what its Content-Encoding says, or has one that we don't know."""

    reason, retry = "encoding", False


class RecordDamaged(FetchError):
    """A record of an archive lacks what it should have: an answer, its headers, a date."""

    reason, retry = "damaged", False


class TooManyRedirects(FetchError):
    """More redirects than allowed, or a circle of them."""

    reason, retry = "redirects", False


class BadStatus(FetchError):
    """The server answered with an error status. `retry_after` is in seconds, None where not said.

    `answers` are the hops to that answer, itself the last, as `fetch` has them: what an archive can keep of it.
    """

    reason = "status"

    def __init__(self, url: str, status: int, retry_after: float | None = None, answers: tuple[Any, ...] = ()) -> None:
        self.status, self.retry_after, self.answers = status, retry_after, answers
        super().__init__(url, f"answered {status}")
        self.reason = f"status-{status}"
        self.retry = status in {408, 425, 429} or status >= 500


class MediaRefused(FetchError):
    """The answer is of a media type that holds no article (image, PDF, archive …)."""

    reason, retry = "media-type", False


# --- discover, extract, link -------------------------------------------------------------------------------


class DiscoverError(WiretraceError):
    """A source's document is no feed, sitemap or listing that can be read."""


class TurnedAway(DiscoverError):
    """In a source's place came a page that tells crawlers from people."""


class ExtractError(WiretraceError):
    """A page holds no article; `reason` is the short code under which it is counted."""

    def __init__(self, url: str, reason: str, detail: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url}: {detail}")


class LinkerMismatch(WiretraceError):
    """Signatures of different linkers were brought together."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(
            f"the index was made by linker {found}, this program is {expected}: run `wiretrace db reindex`"
        )


# --- web ---------------------------------------------------------------------------------------------------


class AddressTaken(WiretraceError):
    """The server can't answer on its address and port."""
