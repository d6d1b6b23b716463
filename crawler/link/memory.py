"""The candidate index in memory: sorted arrays of keys and slots, 8 bytes a key.

New entries are gathered and merged into sorted runs, each run at least twice as large as the next, so that
adding stays cheap and a query looks into few runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.errors import LinkerMismatch
from crawler.link.index import ranked
from crawler.lookups import worth_reading
from crawler.model import Candidate, Fingerprint, Side

_GATHERED = 20_000  # entries that are kept unsorted at most
_SPARSE = 32  # more than one entry in so many articles: summed in one array over all of them


class MemoryIndex:
    """Fulfils `CandidateIndex`. All fingerprints must be of one linker and scheme."""

    def __init__(self) -> None:
        self._sides = {side: _Postings() for side in Side}
        self._made_by: tuple[str, str] | None = None

    def __len__(self) -> int:
        return sum(len(postings) for postings in self._sides.values())

    def add(self, article_id: str, fingerprint: Fingerprint, side: Side) -> None:
        """Adds an article, or replaces it on its side. Raises LinkerMismatch."""
        self._check(fingerprint, adding=True)
        self._sides[side].add(article_id, fingerprint.keys)

    def remove(self, article_id: str) -> None:
        """Takes an article off all sides; one that is not held is no error."""
        for postings in self._sides.values():
            postings.remove(article_id)

    async def candidates(
        self, fingerprint: Fingerprint, side: Side, limit: int = 200, least: float = 0.0
    ) -> Sequence[Candidate]:
        """See `CandidateIndex`. Raises LinkerMismatch."""
        return self.search(fingerprint, side, limit, least)

    def search(self, fingerprint: Fingerprint, side: Side, limit: int = 200, least: float = 0.0) -> list[Candidate]:
        """`candidates` for callers without an event loop. Raises LinkerMismatch."""
        self._check(fingerprint, adding=False)
        return self._sides[side].search(fingerprint, limit, least)

    def _check(self, fingerprint: Fingerprint, *, adding: bool) -> None:
        made_by = (fingerprint.linker, fingerprint.scheme)
        if self._made_by is None and adding:
            self._made_by = made_by
        if self._made_by is not None and self._made_by != made_by:
            raise LinkerMismatch(" ".join(made_by), " ".join(self._made_by))


class _Run:
    """Entries sorted by key."""

    def __init__(self, keys: NDArray[np.int32], slots: NDArray[np.uint32]) -> None:
        order = np.argsort(keys, kind="stable")
        self.keys, self.slots = keys[order], slots[order]

    def bounds(self, keys: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where the entries of each key begin and end."""
        return np.searchsorted(self.keys, keys), np.searchsorted(self.keys, keys, "right")

    def entries(
        self, first: NDArray[np.intp], last: NDArray[np.intp], weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """The slots of all these ranges, each with the weight of its key."""
        counts = last - first
        starts = np.cumsum(counts) - counts
        places = np.arange(int(counts.sum())) + np.repeat(first - starts, counts)
        return self.slots[places], np.repeat(weights, counts)


class _Postings:
    def __init__(self) -> None:
        self._ids: list[str] = []
        self._slot: dict[str, int] = {}
        self._alive = bytearray()
        self._runs: list[_Run] = []
        self._new_keys: list[int] = []
        self._new_slots: list[int] = []

    def __len__(self) -> int:
        return len(self._slot)

    def add(self, article_id: str, keys: Sequence[int]) -> None:
        self.remove(article_id)
        slot = len(self._ids)
        self._ids.append(article_id)
        self._slot[article_id] = slot
        self._alive.append(1)
        self._new_keys.extend(keys)
        self._new_slots.extend([slot] * len(keys))
        if len(self._new_keys) >= _GATHERED:
            self._merge()

    def remove(self, article_id: str) -> None:
        slot = self._slot.pop(article_id, None)
        if slot is None:
            return
        self._alive[slot] = 0
        self._ids[slot] = ""
        if len(self._ids) > 1_000 and len(self._slot) * 2 < len(self._ids):
            self._compact()

    def search(self, fingerprint: Fingerprint, limit: int, least: float) -> list[Candidate]:
        if self._new_keys:
            self._merge()
        keys = np.array(fingerprint.keys, dtype=np.int32)
        weights = np.array(fingerprint.weights, dtype=np.float64)
        bounds = [run.bounds(keys) for run in self._runs]
        held = sum((last - first for first, last in bounds), np.zeros(len(keys), dtype=np.int64))
        chosen = worth_reading(zip(fingerprint.keys, held.tolist(), strict=True))
        useful = np.searchsorted(keys, np.sort(np.array(chosen, dtype=np.int32)))
        if not len(useful):
            return []
        parts = [
            run.entries(first[useful], last[useful], weights[useful])
            for run, (first, last) in zip(self._runs, bounds, strict=True)
        ]
        found, sums = self._summed(np.concatenate([slots for slots, _ in parts]), np.concatenate([w for _, w in parts]))
        alive = np.frombuffer(self._alive, dtype=np.uint8)[found] > 0
        found, sums = found[alive], sums[alive]
        if len(sums) > limit:
            # Ties at the edge are kept for `ranked`, which breaks them by id.
            least = max(least, float(np.partition(sums, len(sums) - limit)[len(sums) - limit]))
        kept = sums >= least
        ids = map(self._ids.__getitem__, found[kept].tolist())
        return ranked(dict(zip(ids, sums[kept].tolist(), strict=True)), limit)

    def _summed(self, slots: NDArray[np.uint32], weights: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The distinct slots and the sum of the weights of each."""
        if len(slots) * _SPARSE > len(self._ids):
            sums = np.bincount(slots, weights=weights)
            found = np.flatnonzero(sums)
            return found, sums[found]
        found, where = np.unique(slots, return_inverse=True)
        return found, np.bincount(where, weights=weights)

    def _merge(self) -> None:
        keys = np.array(self._new_keys, dtype=np.int32)
        slots = np.array(self._new_slots, dtype=np.uint32)
        self._new_keys, self._new_slots = [], []
        while self._runs and len(self._runs[-1].keys) < 2 * len(keys):
            run = self._runs.pop()
            keys, slots = np.concatenate((run.keys, keys)), np.concatenate((run.slots, slots))
        self._runs.append(_Run(keys, slots))

    def _compact(self) -> None:
        """Numbers the articles anew without those that were removed."""
        self._merge()
        kept = np.flatnonzero(np.frombuffer(bytes(self._alive), dtype=np.uint8))
        renumbered = np.zeros(len(self._ids), dtype=np.uint32)
        renumbered[kept] = np.arange(len(kept), dtype=np.uint32)
        alive = np.frombuffer(bytes(self._alive), dtype=np.uint8) > 0
        keys = np.concatenate([run.keys for run in self._runs])
        slots = np.concatenate([run.slots for run in self._runs])
        held = alive[slots]
        self._runs = [_Run(keys[held], renumbered[slots[held]])]
        self._ids = [self._ids[slot] for slot in kept]
        self._slot = {article_id: slot for slot, article_id in enumerate(self._ids)}
        self._alive = bytearray(b"\x01" * len(self._ids))
