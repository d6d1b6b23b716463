"""How often one may ask for what costs the server much. Pure: time is passed in by its source."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_NAMES = 1_000  # remembered; the one that asked longest ago is forgotten


@dataclass
class Rate:
    """Each name may ask `burst` times at once, and `per_minute` times a minute on the whole."""

    per_minute: float
    burst: int
    now: Callable[[], float]  # seconds, never set back
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)  # name → (left, at)

    def take(self, name: str) -> float:
        """0 where it may ask now, else the seconds after which it may."""
        now = self.now()
        left, at = self._left.pop(name, (float(self.burst), now))
        left = min(float(self.burst), left + (now - at) * self.per_minute / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / self.per_minute
        self._left[name] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > MOST_NAMES:
            self._left.popitem(last=False)
        return wait
