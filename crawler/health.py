"""What is the matter with a source, and what its owner can do: a function of what its polls gave and of the time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from crawler.errors import BadStatus, DiscoverError, FetchError, RobotsUnreachable, SettingsError, TurnedAway
from crawler.habits import Habits
from crawler.model import SourceState

SILENT_TIMES = 20.0  # usual times between two pieces of news after which a source counts as stale …
SILENT_AT_LEAST = timedelta(days=7)  # … holidays are no death
SILENT_AT_MOST = timedelta(days=180)  # … unless it has always been slower, then …
SILENT_SLOW = 6.0  # … usual times
SILENT_UNKNOWN = timedelta(days=60)  # where no usual time is known
BROKEN_AFTER = 3  # failures in a row of a kind that does not pass by itself
BROKEN_FOR = timedelta(days=3)  # without a good answer, whatever the failures are
MIN_PAGES = 10  # pages by which readability is judged
READABLE_FROM = 0.5  # share of articles from which a source has a habit to fall from
FALLEN = 0.5  # of that habit
_LEARNS = 0.1  # how much of a habit the last pages make


@dataclass(frozen=True, slots=True)
class Health:
    """A source's state with a reason and an advice, each one line, "" where there is nothing to say."""

    state: SourceState
    reason: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source's answer told beside its news; all None where it was a 304.

    `moved_to` is where permanent redirects led, `new_url` and `own_url` what the document says of itself, `remark`
    something odd about it.
    """

    url: str
    moved_to: str | None = None
    new_url: str | None = None
    own_url: str | None = None
    remark: str = ""


def of_answer(answer: Answer, habits: Habits, now: datetime) -> Health:
    """The state of a source that answered: moved, stale, unreadable, or ok."""
    silence = _silence(habits, now)
    moved = _moved(answer)
    if moved is not None:
        return replace(moved, reason=f"{moved.reason}; {silence}" if silence else moved.reason)
    if silence:
        return Health(
            SourceState.STALE,
            f"it answers, but has {silence}",
            "see whether the site has another feed that goes on, and take that one; else remove it",
        )
    if habits.unreadable:
        return Health(
            SourceState.UNREADABLE,
            "most of its last pages held no article, unlike before",
            "look at one of its pages with `wiretrace extract URL`: a redesign, a paywall or a consent page",
        )
    return Health(SourceState.OK, answer.remark)


def of_failure(error: Exception, failures: int, silent_for: timedelta | None) -> Health:
    """The state of a source whose last `failures` polls failed, the last with `error`.

    `silent_for` is the time since it last answered well, None where it never did.
    """
    reason = str(error) or type(error).__name__
    blocked = _blocked(error)
    if blocked:
        return Health(SourceState.BLOCKED, reason, blocked)
    lasting = isinstance(error, DiscoverError) or (isinstance(error, FetchError) and not error.retry)
    enough = failures >= BROKEN_AFTER and (lasting or (silent_for is not None and silent_for >= BROKEN_FOR))
    return Health(SourceState.BROKEN if enough else SourceState.FAILING, reason, _to_do(error, lasting=lasting))


def turns_away(error: Exception) -> bool:
    """Whether a failure says that the site does not want us, so that asking again soon is rude."""
    return bool(_blocked(error))


def learn_readable(habits: Habits, articles: int, pages: int, now: datetime) -> Habits:
    """The habits with the share of articles among the last `pages`: `unreadable` where it is far below the usual one.

    While it has, the usual one is kept: what is broken does not become the habit.
    """
    if pages < MIN_PAGES:
        return replace(habits, judged_at=now)
    share, usual = articles / pages, habits.readable
    if usual is None:
        return replace(habits, judged_at=now, readable=share)
    if usual >= READABLE_FROM and share < FALLEN * usual:
        return replace(habits, judged_at=now, unreadable=True)
    return replace(habits, judged_at=now, readable=usual + (share - usual) * _LEARNS, unreadable=False)


def is_elsewhere(own: str, url: str) -> bool:
    """Whether the address that a document names as its own is another than the one it was asked under.

    Scheme, `www.`, a closing slash and a query that only one of them has make no difference: feeds are careless.
    """
    one, two = urlsplit(own), urlsplit(url)
    same = _place(one.netloc, one.path) == _place(two.netloc, two.path)
    return not same or bool(one.query and two.query and one.query != two.query)


def _moved(answer: Answer) -> Health | None:
    if answer.moved_to and answer.moved_to != answer.url:
        return _elsewhere("its server says that it has moved for good", answer.moved_to)
    if answer.new_url and is_elsewhere(answer.new_url, answer.url):
        return _elsewhere("its document says that it has moved", answer.new_url)
    if answer.own_url and is_elsewhere(answer.own_url, answer.url):
        return _elsewhere("its document names another address as its own", answer.own_url)
    return None


def _elsewhere(why: str, url: str) -> Health:
    return Health(SourceState.MOVED, f"{why}: {url}", f"check {url} and set it as the source's `url`")


def _silence(habits: Habits, now: datetime) -> str:
    """For how long nothing came, in words; "" where that is within its habit."""
    if habits.last_news is None:
        return ""
    silent, usual = now - habits.last_news, habits.usual_gap
    limit = SILENT_UNKNOWN
    if usual is not None:
        most = max(SILENT_AT_MOST, timedelta(seconds=SILENT_SLOW * usual))
        limit = max(SILENT_AT_LEAST, min(timedelta(seconds=SILENT_TIMES * usual), most))
    if silent <= limit:
        return ""
    said = f"brought nothing new since {habits.last_news:%Y-%m-%d}"
    return said if usual is None else f"{said}, where it used to every {_span(usual)}"


def _span(seconds: float) -> str:
    for unit, size in (("days", 86_400.0), ("hours", 3_600.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds / 60, 1):.0f} minutes"


def _blocked(error: Exception) -> str:
    """What to do about a site that does not want us; "" where the failure is of another kind."""
    if isinstance(error, TurnedAway):
        return "its site asks visitors to prove that they are people: ask its owner to let your user agent in"
    if isinstance(error, BadStatus) and error.status in {401, 407}:
        return "it wants credentials: name them with `headers_env`, or take a public feed"
    if isinstance(error, BadStatus) and error.status in {403, 451}:
        return "say who you are in `[fetch] user_agent`, and ask the site's owner to let you in"
    if isinstance(error, FetchError) and error.reason == "robots" and not isinstance(error, RobotsUnreachable):
        return "its robots.txt forbids it: ask the site's owner, or take an address that is not forbidden"
    return ""


def _to_do(error: Exception, *, lasting: bool) -> str:
    if isinstance(error, SettingsError):
        return "set the variable that is named, or mend the setting"
    if isinstance(error, BadStatus) and error.status in {404, 410}:
        return "it is gone from there: look for its new address on the site, or remove it"
    if isinstance(error, DiscoverError):
        return "open it in a browser: if it is no feed, sitemap or section front any more, look for another on the site"
    if isinstance(error, FetchError) and error.reason == "dns":
        return "check how its host is spelled; if the site is gone, remove it"
    return "it does not pass by itself: check its address" if lasting else "nothing yet: it is tried again by itself"


def _place(host: str, path: str) -> tuple[str, str]:
    return host.lower().removeprefix("www."), path.rstrip("/")
