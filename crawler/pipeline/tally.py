"""What a run did, counted: the one summary line at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts of one run. `failed` and `source_failures` are by reason."""

    sources: int = 0
    fetched: int = 0
    unchanged: int = 0
    too_old: int = 0
    trapped: int = 0
    gaps: int = 0
    new: int = 0
    changed: int = 0
    linked: int = 0
    attributed: int = 0
    not_articles: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    looks: Counter[str] = field(default_factory=Counter)  # at confirmed pages, by outcome
    source_failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    stopped: str | None = None  # "max-time" where the time that was given ran out
    left: int | None = None  # pages that are due and stay queued; None where the run ended by itself

    def as_json(self) -> dict[str, object]:
        return {
            "sources": self.sources,
            "sources_failed": dict(sorted(self.source_failures.items())),
            "fetched": self.fetched,
            "unchanged": self.unchanged,
            "too_old": self.too_old,
            "trapped": self.trapped,
            "gaps": self.gaps,
            "new": self.new,
            "changed": self.changed,
            "linked": self.linked,
            "attributed": self.attributed,
            "not_articles": dict(sorted(self.not_articles.items())),
            "failed": dict(sorted(self.failed.items())),
            "looks": dict(sorted(self.looks.items())),
            "seconds": round(self.seconds, 2),
            "stopped": self.stopped,
            "left": self.left,
        }

    def line(self) -> str:
        """The summary as one line of key=value, for logs and eyes; what is null is left out."""

        def shown(value: object) -> str:
            if isinstance(value, dict):
                return ",".join(f"{name}:{count}" for name, count in value.items()) or "0"
            return str(value)

        told = {name: value for name, value in self.as_json().items() if value is not None}
        return " ".join(f"{name}={shown(value)}" for name, value in told.items())
