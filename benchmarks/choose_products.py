"""Which products of two features help the linker's model most, one after the other.

    python benchmarks/train_linker.py … --cases cases.pickle
    python benchmarks/choose_products.py cases.pickle [--most 6]

Sums over features can't say that a share counts only where there is much of it. Each round tries every pair beside
those already chosen, and takes the one with the least cross-validated loss of the expert for digests; it ends where the loss falls by less than a hundredth. What it takes goes into
`crawler.link.features.PRODUCTS`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import combinations_with_replacement
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import train_linker
from train_linker import Case, Floats, Regression

from crawler.link.features import FIELDS

EXPERT = "condensed"
TRIED = (
    "page_names", "page_numbers", "chain_page", "explained_page", "order", "original_names",
    "names_weight", "numbers_weight", "chain_weight", "deep_weight", "names_missing", "numbers_missing",
    "length", "page_words",
)  # fmt: skip
LEAST_GAIN = 0.01

Pair = tuple[str, str]


class Trial:
    """The cases of the expert with the products of pairs beside their features."""

    def __init__(self, cases: list[Case]) -> None:
        weights = train_linker.case_weights(cases, train_linker.EXPERTS[EXPERT])
        self.cases = [case for case, weight in zip(cases, weights, strict=True) if weight > 0]
        self.weights: Floats = weights[weights > 0]
        self.fields = np.array([case.vector[: len(FIELDS)] for case in self.cases])
        self.signs = np.where(np.array([case.positive for case in self.cases]), 1.0, -1.0)
        self.flipped = train_linker.mislabelled(self.cases)
        self.folds = train_linker.folds_of(self.cases, "story", train_linker.FOLDS)

    def loss(self, pairs: list[Pair]) -> float:
        """Mean negative log-likelihood of each case by a model that has not seen its story."""
        products = [self.fields[:, FIELDS.index(one)] * self.fields[:, FIELDS.index(other)] for one, other in pairs]
        vectors = np.column_stack([self.fields, *products])
        cases = [replace(case, vector=vector) for case, vector in zip(self.cases, vectors, strict=True)]
        names = (*FIELDS, *(f"{one}*{other}" for one, other in pairs))
        total = 0.0
        for fold in range(train_linker.FOLDS):
            inside = self.folds == fold
            model: Regression = train_linker.fit(
                [case for case, held in zip(cases, inside, strict=True) if not held], EXPERT, names
            )
            margins = self.signs[inside] * model.log_odds(vectors[inside])
            costs, _ = train_linker.surprise(margins, self.flipped[inside])
            total += float((self.weights[inside] * costs).sum())
        return total / float(self.weights.sum())


_trial: Trial  # what worker processes measure with: they are forked and find it here


def _loss(pairs: list[Pair]) -> float:
    return _trial.loss(pairs)


def main() -> None:
    global _trial  # noqa: PLW0603 -- forked workers find it there
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, help="what train_linker.py --cases kept")
    parser.add_argument("--most", type=int, default=6)
    given = parser.parse_args()
    cases, _ = train_linker.read_cases(given.cases)
    _trial = Trial(cases)
    pairs = list(combinations_with_replacement(TRIED, 2))
    chosen: list[Pair] = []
    best = _loss(chosen)
    print(f"{best:.5f} without products")
    while len(chosen) < given.most:
        rest = [pair for pair in pairs if pair not in chosen]
        with Pool() as pool:
            losses = pool.map(_loss, [[*chosen, pair] for pair in rest])
        loss, pair = min(zip(losses, rest, strict=True))
        if loss > best * (1 - LEAST_GAIN):
            break
        best = loss
        chosen.append(pair)
        print(f"{best:.5f} with {pair[0]} * {pair[1]}", flush=True)


if __name__ == "__main__":
    main()
