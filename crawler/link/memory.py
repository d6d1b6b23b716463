"""The candidate index in memory.

New entries are gathered and merged into sorted runs, each run at least twice as large as the next, so that
adding stays cheap and a query looks into few runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crawler.errors import LinkerMismatch
from crawler.link.postings import Run, best, overlapping
from crawler.model import Candidate, Fingerprint, Side

_GATHERED = 20_000  # entries that are kept unsorted at most


class MemoryIndex:
    """Fulfils `CandidateIndex`. All fingerprints must be of one linker and scheme."""

    def __init__(self) -> None:
        self._sides = {side: _Postings(side) for side in Side}
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


class _Postings:
    def __init__(self, side: Side) -> None:
        self._side = side
        self._ids: list[str] = []
        self._slot: dict[str, int] = {}
        self._alive = bytearray()
        self._runs: list[Run] = []
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
        found, sums = overlapping(self._runs, fingerprint, len(self._ids), self._side)
        alive = np.frombuffer(self._alive, dtype=np.uint8)[found] > 0
        return best(found[alive], sums[alive], limit, least, self._ids.__getitem__)

    def _merge(self) -> None:
        keys = np.array(self._new_keys, dtype=np.int32)
        slots = np.array(self._new_slots, dtype=np.uint32)
        self._new_keys, self._new_slots = [], []
        while self._runs and len(self._runs[-1].keys) < 2 * len(keys):
            run = self._runs.pop()
            keys, slots = np.concatenate((run.keys, keys)), np.concatenate((run.slots, slots))
        self._runs.append(Run(keys, slots))

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
        self._runs = [Run(keys[held], renumbered[slots[held]])]
        self._ids = [self._ids[slot] for slot in kept]
        self._slot = {article_id: slot for slot, article_id in enumerate(self._ids)}
        self._alive = bytearray(b"\x01" * len(self._ids))
