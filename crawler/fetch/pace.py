"""How many seconds lie between two requests to a host, and how long it is left alone after it refused. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_CRAWL_DELAY = 60.0  # seconds; a longer one would keep a source of a hundred pages busy for hours
MAX_HOLD = 86_400.0  # seconds a host may send us away for
SILENT_HOLD = 600.0  # seconds, the longest hold after refusals that name no time

# A host that takes long is at work for others: it is asked so rarely that we have it to ourselves a sixth of the time.
_TIMES_SLOWER = 5.0
_SLOW = 0.25  # seconds; an answer in less tells of no load, and even on a loopback one takes some
_MAX_SLOWED = 30.0  # seconds
_WEIGHT = 0.3  # of the newest answer in the average; one slow page does not change much, three do


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of how often a host may be asked; `answering` is the smoothed time of its answers in seconds."""

    delay: float
    crawl_delay: float = 0.0
    answering: float | None = None

    @property
    def gap(self) -> float:
        """Seconds from the start of one request to that of the next, at least.

        Who sets no delay asks machines of his own, and what slows their answers is most likely we.
        """
        slow = self.delay > 0 and self.answering is not None and self.answering >= _SLOW
        slowed = min(_TIMES_SLOWER * (self.answering or 0.0), _MAX_SLOWED) if slow else 0.0
        return max(self.delay, self.crawl_delay, slowed)

    def asking(self, crawl_delay: float | None) -> Pace:
        """With what robots.txt asks for."""
        return replace(self, crawl_delay=min(crawl_delay or 0.0, MAX_CRAWL_DELAY))

    def after(self, seconds: float) -> Pace:
        """After an answer that took so long."""
        old = self.answering
        return replace(self, answering=seconds if old is None else old + _WEIGHT * (seconds - old))


def hold(refusals: int, delay: float, retry_after: float | None) -> float:
    """Seconds to stay away after the `refusals`-th refusal in a row.

    What the host says counts, a day at most. Where it says nothing, or keeps refusing after the time it named, the
    hold doubles from refusal to refusal.
    """
    silent = min(max(delay, 1.0) * 2.0 ** min(refusals, 20), SILENT_HOLD)
    if retry_after is None:
        return silent
    return min(max(retry_after, silent if refusals > 1 else 0.0), MAX_HOLD)
