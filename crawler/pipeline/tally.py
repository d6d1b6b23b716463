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
    gaps: int = 0
    new: int = 0
    changed: int = 0
    linked: int = 0
    attributed: int = 0
    not_articles: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    source_failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def as_json(self) -> dict[str, object]:
        return {
            "sources": self.sources,
            "sources_failed": dict(sorted(self.source_failures.items())),
            "fetched": self.fetched,
            "unchanged": self.unchanged,
            "too_old": self.too_old,
            "gaps": self.gaps,
            "new": self.new,
            "changed": self.changed,
            "linked": self.linked,
            "attributed": self.attributed,
            "not_articles": dict(sorted(self.not_articles.items())),
            "failed": dict(sorted(self.failed.items())),
            "seconds": round(self.seconds, 2),
        }

    def line(self) -> str:
        """The summary as one line of key=value, for logs and eyes."""

        def shown(value: object) -> str:
            if isinstance(value, dict):
                return ",".join(f"{name}:{count}" for name, count in value.items()) or "0"
            return str(value)

        return " ".join(f"{name}={shown(value)}" for name, value in self.as_json().items())
