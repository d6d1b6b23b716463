"""What is known of when a source brings news, as it is kept. What is made of it is in `crawler.rhythm`."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from crawler.model import Wishes

HOURS = 168  # hours of a week, from Monday, 00:00 UTC
UNKNOWN_RATE = 1 / 5_000  # news a second that a source is taken to have before anything is known of it
_FORMAT = b"1"


@dataclass(frozen=True, slots=True)
class Habits:
    """What is known of a source's rhythm. `news` and `watched` are by hour of the week, both faded to `as_of`.

    `lull` is the longest stretch without news seen lately and `silence` the present one, both in the pieces of news
    that were to be expected in it. `echo` counts the news of the last hour before `last_news`, each the less the older
    it was; `clustered` is by how much it usually is more than the rate would have it, which is nothing where news does
    not come in bursts. `room` is how many entries the source's document has held at least, `tightness` (1 or more) by
    how much shorter than usual the polls are, since one came too late. `usual_gap` is in seconds between two pieces of
    news, None before there were two; it does not grow while nothing comes.
    """

    as_of: datetime | None = None
    news: tuple[float, ...] = (0.0,) * HOURS
    watched: tuple[float, ...] = (0.0,) * HOURS  # hours
    last_news: datetime | None = None
    usual_gap: float | None = None
    silence: float = 0.0
    lull: float = 0.0
    echo: float = 0.0
    clustered: float = 0.0
    room: int = 0
    tightness: float = 1.0
    judged_at: datetime | None = None  # when its pages were last counted
    readable: float | None = None  # the share of its pages that were articles, as it usually is
    unreadable: bool = False  # their share among the last ones is far below that
    wishes: Wishes = field(default_factory=Wishes)
    guess: float = UNKNOWN_RATE  # news a second that is to be expected before anything is known; not stored

    def encode(self) -> bytes:
        """Some 1,600 bytes, however long the source has been watched."""
        facts = {
            "as_of": _time(self.as_of),
            "last_news": _time(self.last_news),
            "usual_gap": self.usual_gap,
            "silence": round(self.silence, 4),
            "lull": round(self.lull, 4),
            "echo": round(self.echo, 4),
            "clustered": round(self.clustered, 4),
            "room": self.room,
            "tightness": round(self.tightness, 4),
            "judged_at": _time(self.judged_at),
            "readable": self.readable,
            "unreadable": self.unreadable,
            "ttl": self.wishes.ttl,
            "skip_hours": sorted(self.wishes.skip_hours),
            "skip_days": sorted(self.wishes.skip_days),
        }
        return _FORMAT + json.dumps(facts).encode() + b"\n" + array("f", (*self.news, *self.watched)).tobytes()

    @classmethod
    def decode(cls, stored: bytes | None) -> Habits:
        """The inverse of `encode`; of a store that another version wrote nothing is known rather than a fault."""
        head, _, rest = (stored or b"")[1:].partition(b"\n")
        if not stored or stored[:1] != _FORMAT or len(rest) != 2 * HOURS * array("f").itemsize:
            return cls()
        hours = array("f")
        hours.frombytes(rest)
        facts: dict[str, Any] = json.loads(head)
        for name in ("as_of", "last_news", "judged_at"):
            facts[name] = datetime.fromtimestamp(facts[name], UTC) if facts[name] is not None else None
        skipped = (frozenset(facts.pop("skip_hours")), frozenset(facts.pop("skip_days")))
        facts["wishes"] = Wishes(facts.pop("ttl"), *skipped)
        return cls(news=tuple(hours[:HOURS]), watched=tuple(hours[HOURS:]), **facts)


def _time(moment: datetime | None) -> float | None:
    return None if moment is None else round(moment.timestamp(), 3)
