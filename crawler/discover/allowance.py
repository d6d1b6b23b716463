"""How many new pages a source may bring within a day, so that one that makes URLs without end fills no queue."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

MAX_NEW_A_DAY = 20_000  # the largest wires bring some 5,000; the first poll of a large sitemap is within it
_DAY = timedelta(days=1)
_MAX_POLLS = 10_000  # remembered for one source, more than one for every ten seconds of a day


class Allowance:
    """What each source brought within the last 24 hours, in this process."""

    def __init__(self, a_day: int = MAX_NEW_A_DAY) -> None:
        self._a_day = a_day
        self._brought: dict[str, deque[tuple[datetime, int]]] = {}

    def left(self, source: str, now: datetime) -> int:
        """How many new pages `source` may still bring."""
        brought = self._brought.get(source)
        if not brought:
            return self._a_day
        while brought and brought[0][0] <= now - _DAY:
            brought.popleft()
        return max(0, self._a_day - sum(count for _, count in brought))

    def took(self, source: str, new: int, now: datetime) -> None:
        """`new` pages of the source were taken."""
        if new > 0:
            self._brought.setdefault(source, deque(maxlen=_MAX_POLLS)).append((now, new))
