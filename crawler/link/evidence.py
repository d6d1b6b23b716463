"""What a person can check: aligned passages, shared names and numbers, markers; and how much they cover."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from crawler.link.features import Comparison
from crawler.link.markers import Marker
from crawler.link.profile import NAME, NUMBER, Profile
from crawler.model import Coverage, Evidence, EvidenceKind

MOST_PASSAGES = 24
MOST_TERMS = 8  # names, and as many numbers
_PASSAGE = 0.3  # similarity from which a pair of sentences is shown
_OUT_OF_ORDER = 0.5  # the same for pairs that break the order
_STEMS_FROM = 0.22  # similarity in the chain from which a sentence counts as taken over
_EXPLAINED = 0.5  # share of a sentence's weight in a few sentences of the other that does as well
_TELLING = 3.0  # weight from which a shared number tells something


def coverage(page: Profile, original: Profile, comparison: Comparison) -> Coverage:
    """Shares of words in sentences that have a counterpart."""
    alignment = comparison.alignment
    ours = np.zeros(len(page.spans), dtype=np.bool_)
    theirs = np.zeros(len(original.spans), dtype=np.bool_)
    for (row, column), similarity in zip(alignment.pairs, alignment.similarity, strict=True):
        if similarity >= _STEMS_FROM:
            ours[row] = theirs[column] = True
    ours |= alignment.page_explained >= _EXPLAINED
    theirs |= alignment.original_explained >= _EXPLAINED
    return Coverage(_share(page, ours), _share(original, theirs))


def passages(page: Profile, original: Profile, comparison: Comparison) -> list[Evidence]:
    """The best aligned pairs of sentences, in the page's order; of a hashed original without its side."""
    alignment = comparison.alignment
    found: dict[tuple[int, int], float] = {
        (int(row), int(column)): float(similarity)
        for (row, column), similarity in zip(alignment.pairs, alignment.similarity, strict=True)
        if similarity >= _PASSAGE
    }
    taken_rows, taken_columns = {row for row, _ in found}, {column for _, column in found}
    best = alignment.similarities.argmax(axis=1)
    for row, column in enumerate(best.tolist()):
        similarity = float(alignment.similarities[row, column])
        if similarity >= _OUT_OF_ORDER and row not in taken_rows and column not in taken_columns:
            found[row, column] = similarity
            taken_columns.add(column)
    words = page.words
    strongest = sorted(found, key=lambda pair: (-found[pair] * float(words[pair[0]]), pair))[:MOST_PASSAGES]
    return [
        Evidence(
            kind=EvidenceKind.PASSAGE,
            rewrite=page.span(row),
            original=None if original.is_hashed else original.span(column),
            similarity=min(1.0, found[row, column]),
        )
        for row, column in sorted(strongest)
    ]


def shared_terms(page: Profile, comparison: Comparison) -> list[Evidence]:
    """The rarest names and the most telling numbers that both texts hold, as the page writes them."""
    shared = comparison.shared.page
    pieces: list[Evidence] = []
    for kind, label, least in ((NAME, EvidenceKind.NAME, 0.0), (NUMBER, EvidenceKind.NUMBER, _TELLING)):
        chosen = shared[(page.kinds[shared] == kind) & (page.weights[shared] >= least)]
        # Ties go by the text: term ids are others where an original is hashed.
        ranked = sorted((-float(page.weights[place]), page.shown[int(page.terms[place])]) for place in chosen)
        texts = list(dict.fromkeys(text for _, text in ranked))
        pieces += [Evidence(kind=label, text=text) for text in texts[:MOST_TERMS]]
    return pieces


def marker_evidence(found: Iterable[Marker]) -> list[Evidence]:
    return [Evidence(kind=EvidenceKind.MARKER, text=marker.text) for marker in found]


def _share(profile: Profile, taken: NDArray[np.bool_]) -> float:
    total = profile.total_words
    return float(profile.words[taken].sum()) / total if total else 0.0
