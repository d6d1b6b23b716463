"""What it costs to keep an original's hashes in place of its text: the same decisions, with whole and with hashed
originals.

    python benchmarks/imprints.py benchmarks/stories/autumn benchmarks/stories/spring benchmarks/stories/year

Each corpus is a folder with articles.jsonl and links.jsonl (.gz or not). All originals of all corpora stand in one
index, which is the same both times, as in a store. Printed are the decisions that differ, how far scores and coverage
move, and what the hashes take in room and time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

from crawler.corpus import read_corpus
from crawler.evaluate.cases import joined
from crawler.evaluate.figures import confusion
from crawler.evaluate.outcomes import Outcome, Trial
from crawler.link import Linker
from crawler.model import Article, Imprint
from crawler.settings import LinkSettings

KEY = bytes(range(16))
SETTINGS = LinkSettings()  # the defaults, whatever a configuration file here says


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, nargs="+", metavar="CORPUS_DIR")
    given = parser.parse_args()
    corpus = joined([read_corpus(path) for path in given.corpora])
    linker = Linker(SETTINGS)
    trial = Trial(linker, SETTINGS, corpus.originals, corpus.teasers)
    print(f"{len(corpus.truth)} pages, {len(trial.originals)} originals, linker {linker.id}")
    found: dict[str, list[Outcome]] = {}
    originals = trial.originals
    for name in ("whole", "hashed"):
        if name == "hashed":
            trial.originals = {one.id: hashed(linker, one) for one in originals.values()}
        begun = time.perf_counter()
        found[name] = [Outcome(one, trial.decide(corpus.articles[one.rewrite])) for one in corpus.truth]
        spent = 1_000 * (time.perf_counter() - begun) / max(1, len(corpus.truth))
        print(f"\n{name}: {spent:.2f} ms a page")
        for row in confusion((one.truth, one.given) for one in found[name]):
            figure = f"false {row.false:.4f}" if row.recall is None else f"recall {row.recall:.4f}"
            print(f"  {row.kind:16s} n {row.n:4d}  right {row.right:4d}  wrong {row.wrong:3d}  {figure}")
    compare(found["whole"], found["hashed"])
    sizes(list(trial.originals.values()), originals)


def hashed(linker: Linker, article: Article) -> Article:
    """An original as the store gives it back once its text went."""
    return replace(article, text="", imprint=Imprint(KEY, linker.imprint(article, KEY)))


def compare(whole: list[Outcome], hashed: list[Outcome]) -> None:
    pairs = list(zip(whole, hashed, strict=True))
    others = [pair for pair in pairs if pair[0].given != pair[1].given]
    print(f"\nother decisions: {len(others)} of {len(pairs)}")
    for one, other in others:
        print(
            f"  {one.truth.rewrite} ({one.truth.kind}): {one.given or 'none'} {one.decision.score:.4f} -> "
            f"{other.given or 'none'} {other.decision.score:.4f}, right: {one.truth.original or 'none'}"
        )
    scores = sorted(abs(one.decision.score - other.decision.score) for one, other in pairs)
    print(f"scores: mean difference {statistics.fmean(scores):.1e}, greatest {scores[-1]:.1e}")
    links = [(one.decision.link, other.decision.link) for one, other in pairs]
    both = [(one, other) for one, other in links if one is not None and other is not None]
    if not both:
        sys.exit("nothing was linked")
    moved = [abs(one.coverage.rewrite - other.coverage.rewrite) for one, other in both]
    print(f"coverage of the page: mean difference {statistics.fmean(moved):.1e}, greatest {max(moved):.1e}")
    print(f"other relations: {sum(one.relation is not other.relation for one, other in both)} of {len(both)} links")


def sizes(hashed: list[Article], whole: object) -> None:
    texts = {id: len(article.text.encode()) for id, article in dict(whole).items()}  # type: ignore[call-overload]
    taken = [len(one.imprint.data) for one in hashed if one.imprint is not None]
    print(f"\nroom: texts {statistics.fmean(texts.values()):,.0f} bytes, hashes {statistics.fmean(taken):,.0f} bytes")


if __name__ == "__main__":
    main()
