"""The seam between the linker and whatever holds the fingerprints of many articles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from crawler.model import Candidate, Fingerprint, Side


class CandidateIndex(Protocol):
    """Finds the articles of one side that share index keys with a fingerprint."""

    async def candidates(self, fingerprint: Fingerprint, side: Side, limit: int = 200) -> Sequence[Candidate]:
        """The `limit` best by weighted overlap, best first, ties by article id.

        Raises LinkerMismatch where the index was made by another linker.
        """
        ...


def overlaps(fingerprint: Fingerprint, holders: Mapping[int, Iterable[str]]) -> dict[str, float]:
    """The overlap of each article that holds some of a fingerprint's keys: the sum of the query's weights.

    `holders` gives the articles of each key. Weights are multiples of 1/16, so the sums are exact in any order.
    """
    found: dict[str, float] = {}
    for key, weight in zip(fingerprint.keys, fingerprint.weights, strict=True):
        for article_id in holders.get(key, ()):
            found[article_id] = found.get(article_id, 0.0) + weight
    return found


def ranked(found: Mapping[str, float], limit: int) -> list[Candidate]:
    """The `limit` best candidates by overlap, ties by id: the one rule that every index follows."""
    best = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return [Candidate(article_id, overlap) for article_id, overlap in best]


SHORTLIST = 4
MOST_LISTED = 20
_NEARLY = 0.6  # of the best one's overlap


def shortlist(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates whose texts are worth fetching: the first few, and those whose overlap is nearly the best.

    The true original was the first or second of all for every rewrite that was measured; the margin is for stores in
    which many originals tell the same story.
    """
    if not candidates:
        return []
    floor = candidates[0].overlap * _NEARLY
    listed = candidates[:MOST_LISTED]
    return [one for place, one in enumerate(listed) if place < SHORTLIST or one.overlap >= floor]
