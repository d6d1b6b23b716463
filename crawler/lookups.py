"""Which keys of a fingerprint an index looks up. One rule for all indexes, so that they find the same articles; only a
store, which grows the largest, counts fewer entries of one key of originals."""

from __future__ import annotations

from collections.abc import Iterable

MOST_ENTRIES = 1_000  # entries of an index that one search reads, however many articles it holds
MOST_COUNTED = 250  # entries of one key; a key that more articles have tells next to nothing


def worth_reading(counts: Iterable[tuple[int, int]], most: int = MOST_COUNTED) -> list[int]:
    """The keys to read, given each key with its number of entries: the rarest, as long as they fit; ties by key. None
    with more than `most`.

    A true original was the first of all candidates when only keys that one article in two hundred has were read, and
    for nine machine rewrites in ten with one in a thousand: what is left out by the limit is the least telling.
    """
    chosen: list[int] = []
    entries = 0
    for count, key in sorted((count, key) for key, count in counts if 0 < count <= most):
        entries += count
        if entries > MOST_ENTRIES:
            break
        chosen.append(key)
    return chosen
