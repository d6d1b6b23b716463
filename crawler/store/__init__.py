"""Tables, queries, the frontier and its leases, the candidate index, the change log. Only here is SQL."""

from crawler.store.hostbook import HostNote
from crawler.store.leasing import Share
from crawler.store.records import (
    Announced,
    Case,
    Choice,
    DeadLetter,
    FrontierCounts,
    FrontierEntry,
    Neighbour,
    Neighbours,
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
    "DeadLetter",
    "FrontierCounts",
    "FrontierEntry",
    "HostNote",
    "Neighbour",
    "Neighbours",
    "PendingDecision",
    "PollOutcome",
    "PollResult",
    "Reconciliation",
    "RecordOutcome",
    "Recorded",
    "RunRecord",
    "Share",
    "SourceRecord",
    "Store",
    "StoreOutcome",
    "StoredArticle",
    "Surroundings",
    "WorkerRecord",
]
