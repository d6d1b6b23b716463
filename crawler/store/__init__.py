"""Tables, queries, the frontier and its leases, the candidate index, the change log. Only here is SQL."""

from crawler.store.records import (
    Announced,
    Case,
    Choice,
    FrontierCounts,
    FrontierEntry,
    PendingDecision,
    PollOutcome,
    PollResult,
    Reconciliation,
    Recorded,
    RecordOutcome,
    RunRecord,
    SourceRecord,
    StoredArticle,
    StoreOutcome,
    Surroundings,
    WorkerRecord,
)
from crawler.store.store import Store

__all__ = [
    "Announced",
    "Case",
    "Choice",
    "FrontierCounts",
    "FrontierEntry",
    "PendingDecision",
    "PollOutcome",
    "PollResult",
    "Reconciliation",
    "RecordOutcome",
    "Recorded",
    "RunRecord",
    "SourceRecord",
    "Store",
    "StoreOutcome",
    "StoredArticle",
    "Surroundings",
    "WorkerRecord",
]
