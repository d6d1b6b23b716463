"""Tables, queries, the frontier and its leases, the candidate index, the change log. Only here is SQL."""

from crawler.store.hostbook import HostNote
from crawler.store.imprints import Hashed, Overdue
from crawler.store.leasing import Share
from crawler.store.purging import Purge, Purged
from crawler.store.records import (
    Announced,
    ArchiveProgress,
    Case,
    Choice,
    DeadLetter,
    FrontierCounts,
    FrontierEntry,
    Gauges,
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
from crawler.store.sources import ClaimedSources
from crawler.store.store import Store

__all__ = [
    "Announced",
    "ArchiveProgress",
    "Case",
    "Choice",
    "ClaimedSources",
    "DeadLetter",
    "FrontierCounts",
    "FrontierEntry",
    "Gauges",
    "Hashed",
    "HostNote",
    "Neighbour",
    "Neighbours",
    "Overdue",
    "PendingDecision",
    "PollOutcome",
    "PollResult",
    "Purge",
    "Purged",
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
