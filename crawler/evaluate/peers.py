"""The usual tool beside ours: datasketch's MinHashLSH as its documentation shows it, on the same cases.

Word 5-shingles, 128 permutations, threshold 0.5; of what a query gives the one with the highest estimated Jaccard
similarity is taken, so that a page has one original at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from crawler.corpus import Corpus
from crawler.evaluate.figures import KindFigures, confusion
from crawler.model import Article

SHINGLE, PERMUTATIONS, THRESHOLD = 5, 128, 0.5


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """What another tool does with the same cases. `method` says which, and how it was set."""

    method: str
    kinds: tuple[KindFigures, ...]


def datasketch_figures(corpus: Corpus, pool: Iterable[Article] = ()) -> PeerFigures:
    from datasketch import MinHashLSH  # brings scipy, which takes a second: only who asks for peers waits

    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    sketches = {article.id: _sketch(article.text) for article in (*pool, *corpus.originals)}
    for identifier, sketch in sketches.items():
        lsh.insert(identifier, sketch)

    def nearest(page: Article) -> str | None:
        sketch = _sketch(page.text)
        found = sorted(lsh.query(sketch), key=lambda one: (-sketch.jaccard(sketches[one]), one))
        return str(found[0]) if found else None

    return PeerFigures(
        f"datasketch MinHashLSH, word {SHINGLE}-shingles, {PERMUTATIONS} permutations, threshold {THRESHOLD}",
        confusion((truth, nearest(corpus.articles[truth.rewrite])) for truth in corpus.truth),
    )


def _sketch(text: str) -> Any:
    from datasketch import MinHash

    words = text.lower().split()
    last = max(1, len(words) - SHINGLE + 1)
    sketch = MinHash(num_perm=PERMUTATIONS)
    sketch.update_batch([shingle.encode() for shingle in {" ".join(words[at : at + SHINGLE]) for at in range(last)}])
    return sketch
