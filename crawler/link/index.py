"""The seam between the linker and whatever holds the fingerprints of many articles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from crawler.model import Candidate, Fingerprint, Side


class CandidateIndex(Protocol):
    """Finds the articles of one side that share index keys with a fingerprint."""

    async def candidates(self, fingerprint: Fingerprint, side: Side, limit: int = 200) -> Sequence[Candidate]:
        """The `limit` best by weighted overlap, best first, ties by article id.

        Raises LinkerMismatch where the index was made by another linker.
        """
        ...
