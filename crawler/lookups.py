"""Which keys of a fingerprint an index looks up. One rule for all indexes, so that they find the same articles."""

from __future__ import annotations

from collections.abc import Iterable

from crawler.model import Side

MOST_ENTRIES = 1_000  # entries of an index that one search reads, however many articles it holds
# Entries of one key; a key that more articles have tells next to nothing.
MOST_COUNTED, MOST_COUNTED_OF_ORIGINALS = 250, 100


def most_counted(side: Side) -> int:
    """Entries of one key that a search of this side counts.

    Of originals fewer than of pages: among a million of them a search with 100 reads half the entries that it reads
    with 250, and finds the originals of 198 rewrites of 200 instead of 199. A page may have hundreds of copies, and
    all of them are wanted when its original comes late.
    """
    return MOST_COUNTED_OF_ORIGINALS if side is Side.ORIGINAL else MOST_COUNTED


def worth_reading(counts: Iterable[tuple[int, int]], side: Side) -> list[int]:
    """The keys to read, given each key of a side with its number of entries: the rarest, as long as they fit; ties by
    key.

    A true original was the first of all candidates when only keys that one article in two hundred has were read, and
    for nine machine rewrites in ten with one in a thousand: what is left out by the limit is the least telling.
    """
    chosen: list[int] = []
    entries, most = 0, most_counted(side)
    for count, key in sorted((count, key) for key, count in counts if 0 < count <= most):
        entries += count
        if entries > MOST_ENTRIES:
            break
        chosen.append(key)
    return chosen
