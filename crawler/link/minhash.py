"""MinHash signatures over word shingles, and the LSH keys made of them.

Signatures are datasketch's (Broder 1997), with hash, permutation scheme and seed fixed here: datasketch 2 changed
its default scheme, and signatures of different schemes look alike and compare to nonsense.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import numpy as np
import xxhash
from numpy.typing import NDArray

_Number = TypeVar("_Number", bound=np.generic)

PERMUTATIONS = 32
BANDS, ROWS = 8, 4  # finds 99 % of texts with Jaccard similarity 0.8, 1 % of those with 0.2
SEED = 1
SHINGLE = 3  # words: the same for the whole as the literature's 3 to 5, short for reworded copies
PART_SHINGLE = 6  # words: a lifted run, not a turn of phrase
PART_WINDOW = 60  # shingles: a lifted run of 65 words always shares a key, one of 25 mostly
MOST_PART_KEYS = 36
_FINALIZER = ((16, 0x85EBCA6B), (13, 0xC2B2AE35))  # shift and factor: MurmurHash3's last steps for 32 bits
SCHEME = f"affine32-seed{SEED}-xxh3-w{SHINGLE}x{PERMUTATIONS}"


def signature(shingles: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The signature of a text, given its distinct shingles.

    It is what datasketch's `update_batch` makes of them, whose way through Python integers takes several times as long.
    """
    if not len(shingles):
        return np.full(PERMUTATIONS, 0xFFFFFFFF, dtype="<u4")
    factors, summands = _permutations()
    mixed = shingles.astype(np.uint32)  # the lower half
    for shift, factor in _FINALIZER:
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    values: NDArray[np.uint32] = (factors * mixed + summands).min(axis=1).astype("<u4")
    return values


def band_keys(values: NDArray[np.uint32]) -> list[int]:
    """One index key for each band of a signature."""
    band_bytes = 4 * ROWS
    rows = values.tobytes()
    bands = (rows[start : start + band_bytes] for start in range(0, len(rows), band_bytes))
    hashes = [xxhash.xxh3_64_intdigest(band, seed=number) for number, band in enumerate(bands, 1)]
    return index_keys(np.array(hashes, dtype=np.uint64))


def part_keys(forms: NDArray[np.int64]) -> list[int]:
    """Keys of the parts of a text: the least shingle hash of each window, that is, a MinHash of one value a part.

    Overlapping windows make the choice independent of where a part starts (winnowing: Schleimer, Wilkerson and
    Aiken 2003), so a passage lifted into another page brings its keys along.
    """
    hashes = ngrams(forms, PART_SHINGLE)
    if not len(hashes):
        return []
    chosen = distinct(_least(hashes, min(PART_WINDOW, len(hashes))))[:MOST_PART_KEYS]
    return index_keys(chosen ^ np.uint64(0x5A5A5A5A5A5A5A5A))


def _least(values: NDArray[np.uint64], window: int) -> NDArray[np.uint64]:
    """The least value of each window, from those of windows half as wide."""
    width = 1
    while width < window:
        step = min(width, window - width)
        values = np.minimum(values[:-step], values[step:])
        width += step
    return values


def ngrams(forms: NDArray[np.int64], run: int) -> NDArray[np.uint64]:
    """64-bit hashes of all runs of `run` words, in order."""
    words = forms.astype(np.uint64)
    count = max(0, len(words) - run + 1)
    mixed = np.zeros(count, dtype=np.uint64)
    for step in range(run):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + words[step : step + count]
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    return mixed ^ (mixed >> np.uint64(32))


def distinct(values: NDArray[_Number]) -> NDArray[_Number]:
    """The distinct values, ascending: `np.unique`, which hashes first, takes several times as long on these."""
    ordered = np.sort(values)
    fresh = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    return ordered[fresh]


@cache
def _permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Factors and summands, a row each."""
    # datasketch takes over a second to import (it brings scipy for its LSH): only who signs waits for it.
    from datasketch import MinHash

    factors, summands = MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme="affine32").permutations
    return factors[:, np.newaxis], summands[:, np.newaxis]


def index_keys(hashes: NDArray[np.uint64]) -> list[int]:
    """64-bit hashes as signed 32-bit index keys, a third of whose room in an index they take.

    Among the keys of a million articles one in sixty meets a stranger: noise far below what any two stories share.
    """
    folded = (hashes ^ (hashes >> np.uint64(32))).astype(np.uint32)
    keys: list[int] = folded.view(np.int32).tolist()
    return keys
