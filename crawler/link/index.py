"""The seam between the linker and whatever holds the fingerprints of many articles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from crawler.model import Candidate, Fingerprint, Side


class CandidateIndex(Protocol):
    """Finds the articles of one side that share index keys with a fingerprint."""

    async def candidates(
        self, fingerprint: Fingerprint, side: Side, limit: int = 200, least: float = 0.0
    ) -> Sequence[Candidate]:
        """The `limit` best by weighted overlap, best first, ties by article id; none whose overlap is below `least`.

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
_NEARLY, _FAR = 0.6, 0.25  # of the best one's overlap
# Of all rewrites, condensed and lifted pages that were measured none shared less than 0.07 of its weight with its
# original; with the likeliest of 100,000 others unrelated pages share 0.033 at the median, nine in ten up to 0.051.
_LEAST_SHARE = 0.045
_ENOUGH = 36.0  # weight of three lifted runs: however long the page that they stand in


def least_overlap(fingerprint: Fingerprint) -> float:
    """Of a page with an original, to be worth a comparison."""
    return min(_ENOUGH, _LEAST_SHARE * sum(fingerprint.weights))


def shortlist(fingerprint: Fingerprint, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates whose texts are worth fetching: the first few, and those whose overlap is nearly the best.

    None that shares next to nothing with the fingerprint, or far less than the best does. The true original was the
    first of all for every rewrite that was measured; the margin is for stores in which many originals tell the same
    story.
    """
    if not candidates:
        return []
    best = candidates[0].overlap
    least = max(best * _FAR, least_overlap(fingerprint))
    listed = [one for one in candidates[:MOST_LISTED] if one.overlap >= least]
    return [one for place, one in enumerate(listed) if place < SHORTLIST or one.overlap >= best * _NEARLY]
