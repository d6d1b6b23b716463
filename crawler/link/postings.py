"""Index entries as sorted arrays of keys and slots, 8 bytes an entry, and the one way to search them.

The arrays lie in memory or in files that are mapped into it: a search reads a few pages of them either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.link.index import ranked
from crawler.lookups import worth_reading
from crawler.model import Candidate, Fingerprint, Side

_SPARSE = 32  # more than one entry in so many articles: summed in one array over all of them
_MERGED = 2_000_000  # entries that a merge holds at once, some 50 MB


class Run:
    """Entries sorted by key."""

    def __init__(self, keys: NDArray[np.int32], slots: NDArray[np.uint32], *, is_sorted: bool = False) -> None:
        if is_sorted:
            self.keys, self.slots = keys, slots
        else:
            order = np.argsort(keys, kind="stable")
            self.keys, self.slots = keys[order], slots[order]

    def __len__(self) -> int:
        return len(self.keys)

    def bounds(self, keys: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
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


def overlapping(
    runs: Sequence[Run], fingerprint: Fingerprint, slots: int, side: Side
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The slots, of so many on a side, that share keys worth reading with a fingerprint, and the overlap of each."""
    keys = np.array(fingerprint.keys, dtype=np.int32)
    weights = np.array(fingerprint.weights, dtype=np.float64)
    bounds = [run.bounds(keys) for run in runs]
    held = sum((last - first for first, last in bounds), np.zeros(len(keys), dtype=np.int64))
    chosen = worth_reading(zip(fingerprint.keys, held.tolist(), strict=True), side)
    useful = np.searchsorted(keys, np.sort(np.array(chosen, dtype=np.int32)))
    if not len(useful):
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.float64)
    parts = [
        run.entries(first[useful], last[useful], weights[useful])
        for run, (first, last) in zip(runs, bounds, strict=True)
    ]
    return _summed(np.concatenate([found for found, _ in parts]), np.concatenate([w for _, w in parts]), slots)


def best(
    found: NDArray[np.intp], sums: NDArray[np.float64], limit: int, least: float, name: Callable[[int], str]
) -> list[Candidate]:
    """The `limit` best of what `overlapping` found; `name` gives a slot's article id, and is asked of few."""
    if len(sums) > limit:
        # Ties at the edge are kept for `ranked`, which breaks them by id.
        least = max(least, float(np.partition(sums, len(sums) - limit)[len(sums) - limit]))
    kept = sums >= least
    ids = map(name, found[kept].tolist())
    return ranked(dict(zip(ids, sums[kept].tolist(), strict=True)), limit)


def merged(runs: Sequence[Run]) -> Iterator[tuple[NDArray[np.int32], NDArray[np.uint32]]]:
    """The entries of several runs as one, piece after piece in the order of their keys."""
    longest = max(runs, key=len)
    pieces = max(1, sum(map(len, runs)) // _MERGED)
    edges = sorted({int(longest.keys[len(longest) * piece // pieces]) for piece in range(1, pieces)})
    before = [0] * len(runs)
    for edge in [*edges, None]:
        after = [
            len(run) if edge is None else int(np.searchsorted(run.keys, longest.keys.dtype.type(edge))) for run in runs
        ]
        parts = [(run.keys[a:b], run.slots[a:b]) for run, a, b in zip(runs, before, after, strict=True)]
        piece = Run(np.concatenate([keys for keys, _ in parts]), np.concatenate([slots for _, slots in parts]))
        yield piece.keys, piece.slots
        before = after


def _summed(slots: NDArray[np.uint32], weights: NDArray[np.float64], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The distinct slots and the sum of the weights of each."""
    if len(slots) * _SPARSE > count:
        sums = np.bincount(slots, weights=weights)
        found = np.flatnonzero(sums)
        return found, sums[found]
    found, where = np.unique(slots, return_inverse=True)
    return found, np.bincount(where, weights=weights)
