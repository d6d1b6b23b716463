"""Which ids were met, in little memory."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_GATHERED = 100_000  # ids that are kept unsorted at most


class SeenIds:
    """Ids as 64-bit hashes in sorted runs: 8 bytes an id.

    Of ten million different ids two share a hash with a probability of three in a million.
    """

    def __init__(self) -> None:
        self._gathered: set[int] = set()
        self._runs: list[NDArray[np.uint64]] = []

    def add(self, identifier: str) -> bool:
        """Whether the id is new."""
        key = _key(identifier)
        if self._has(key):
            return False
        self._gathered.add(key)
        if len(self._gathered) >= _GATHERED:
            self._merge()
        return True

    def __contains__(self, identifier: str) -> bool:
        return self._has(_key(identifier))

    def _has(self, key: int) -> bool:
        return key in self._gathered or any(_holds(run, key) for run in self._runs)

    def _merge(self) -> None:
        keys = np.fromiter(self._gathered, dtype=np.uint64, count=len(self._gathered))
        self._gathered.clear()
        # Each run is at least twice as large as the next: a look-up meets few of them.
        while self._runs and len(self._runs[-1]) < 2 * len(keys):
            keys = np.concatenate((self._runs.pop(), keys))
        keys.sort()
        self._runs.append(keys)


def _key(identifier: str) -> int:
    digest = hashlib.blake2b(identifier.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _holds(run: NDArray[np.uint64], key: int) -> bool:
    place = int(np.searchsorted(run, np.uint64(key)))
    return place < len(run) and int(run[place]) == key
