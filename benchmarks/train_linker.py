"""Trains the linker's model and says how good it is, on labelled corpora and a pool of unrelated news.

    python benchmarks/train_linker.py --corpus DIR --corpus DIR --pool NEWS.jsonl.gz --out model-3.json

Prints recall and false links per kind, cross-validated by story, then with each corpus in turn left out whole, then
for the corpora of `--hold-out`, which are never trained on; then writes the model trained on all of `--corpus`.
The figures are those of pairs at threshold 0.8 and base rate 0.05; `wiretrace evaluate` gives those of decisions.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import reuse
from numpy.typing import NDArray
from scipy.optimize import minimize

from crawler.corpus import Corpus, Truth, read_corpus, read_rows
from crawler.interchange import article_from_json
from crawler.link.align import overlap
from crawler.link.features import NAMES, PRODUCTS, compare
from crawler.link.profile import Profile, profile
from crawler.model import Article, Role

# What each expert is to recognise, and what none may: kind → weight of the whole kind, however many cases it has.
EXPERTS: Mapping[str, Mapping[str, float]] = {
    "whole": {"machine": 1.5, "spun": 1.0, "severe": 2.0, "copy": 0.3, "made-copy": 0.5, "common-source": 0.5},
    "condensed": {"condensed": 4.0, "made-condensed": 0.5},
    "excerpt": {"lifted": 1.0, "made-lifted": 1.0, "copy": 0.2, "made-copy": 0.3},
}
NEGATIVES: Mapping[str, float] = {
    "independent": 1.5,
    "followup": 1.2,
    "twin": 1.0,
    "same-source": 1.2,  # a rework of a release against another rework of it
    "other": 1.0,
    "pool": 1.0,
    "pool-pair": 1.5,
    "made-twin": 0.7,
    "made-twin-copy": 0.4,
    "made-background": 0.7,
    "made-quoted": 0.3,
    "made-brief": 1.0,  # a few sentences of another's report or of a follow-up
    "pool-brief": 1.0,  # the same of a text of the pool, against those nearest to it
    "pool-recycled": 0.15,  # the same writer's background again, 10 to 30 % of the words
}
# What one expert above all must not take for its own.
NEAR_MISSES: Mapping[str, Mapping[str, float]] = {"excerpt": {"made-quoted": 0.3, "pool-recycled": 0.3}}
# The negatives as a stream has them: mostly stories that have nothing to do with each other.
STREAM: Mapping[str, float] = {
    "other": 1.0,
    "pool": 1.0,
    "pool-pair": 0.5,
    "independent": 0.3,
    "followup": 0.3,
    "twin": 0.1,
    "same-source": 0.05,
    "made-twin": 0.03,
    "made-twin-copy": 0.03,
    "made-background": 0.1,
    "made-quoted": 0.05,
    "made-brief": 0.1,
    "pool-brief": 0.3,
    "pool-recycled": 0.002,
}
# Features that speak against reuse, that may do either, and all others for it: a sign against sense is noise.
AGAINST = frozenset({"names_missing", "numbers_missing"})
PAIRED = frozenset(f"{one}*{other}" for one, other in PRODUCTS)
EITHER = frozenset({"length"})  # and products
# What an expert must not look at. Stories without names or numbers are rewritten as well, and who lifts a passage
# may speak of whatever else he likes: there only the lifted sentences count.
UNUSED: Mapping[str, frozenset[str]] = {
    "whole": PAIRED
    | {"names_weight", "numbers_weight", "names_sure", "numbers_sure", "deep_weight", "deep_sure", "page_words"},
    "condensed": frozenset(),
    "excerpt": PAIRED
    | {
        "page_names",
        "original_names",
        "names_missing",
        "page_numbers",
        "original_numbers",
        "numbers_missing",
        "names_sure",
        "numbers_sure",
        "chain_sure",
        "explained_sure",
        "deep_weight",
        "deep_sure",
        "length",
    },
}
# Share of the pairs of real texts, held to be unrelated, that do reuse one another: two desks' reworks of one release,
# a column's preview told again by its author. Such a pair must not bend the model.
MISLABELLED: Mapping[str, float] = {"other": 0.005, "pool": 0.005, "pool-pair": 0.005, "pool-brief": 0.005}
RIDGE = 1.0
MASS = 3_000.0  # total weight of the cases of one expert, half of them positive
LEAST_KIND = 8  # a kind with fewer cases weighs proportionally less
FOLDS = 6
THRESHOLD = math.log(0.8 / 0.2) - math.log(0.05 / 0.95)  # as log-odds at even odds
COPIED = 0.3  # share of verbatim words from which one text of the pool reuses another and is no negative
RECYCLED = 0.1
BRIEF, PART = range(1, 6), range(3, 9)  # sentences
# Words of a part of a rewrite that shows whose it is. No expert is trained on such parts, they are only counted: with
# them among the digests, other reporters' briefs are taken for parts as well.
LEAST_PART = 50
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """A page against one original. `page` names the case in prints, `story` keeps folds apart."""

    corpus: str
    story: str
    kind: str
    positive: bool
    page: str
    original: str
    vector: Floats


@dataclass(frozen=True, slots=True)
class Regression:
    means: Floats
    scales: Floats
    coefficients: Floats
    bias: float

    def log_odds(self, vectors: Floats) -> Floats:
        return self.bias + ((vectors - self.means) / self.scales) @ self.coefficients


class Desk:
    """Profiles by article id, made once."""

    def __init__(self) -> None:
        self._held: dict[str, Profile] = {}

    def of(self, article: Article) -> Profile:
        if article.id not in self._held:
            self._held[article.id] = profile(article)
        return self._held[article.id]


def likeness(page: Profile, original: Profile) -> float:
    """A score for finding the nearest originals: idf cosine, half of it within the lesser text."""
    shared = overlap(page, original)
    if not len(shared.page):
        return 0.0
    product = float(np.square(np.minimum(page.weights[shared.page], original.weights[shared.original])).sum())
    return 0.5 * product / (page.norm * original.norm) + 0.5 * product / min(page.norm, original.norm) ** 2


def best(desk: Desk, page: Profile, originals: Iterable[Article], count: int) -> list[Article]:
    scored = sorted(((-likeness(page, desk.of(one)), one.id, one) for one in originals), key=lambda row: row[:2])
    return [row[2] for row in scored[:count]]


def corpus_cases(name: str, corpus: Corpus, pool: list[Article], desk: Desk) -> list[Case]:
    """Every page against its original, its nearest other originals and the nearest text of the pool."""
    originals = list(corpus.originals)
    stories = _stories(corpus, originals, desk)
    cases = []
    for truth in corpus.truth:
        page = desk.of(corpus.articles[truth.rewrite])
        near = best(desk, page, originals, 6 if len(originals) < 100 else 3)
        if truth.original and truth.original not in {one.id for one in near}:
            near.append(corpus.articles[truth.original])
        for place, one in enumerate(near):
            positive = one.id == truth.original
            kind = truth.kind if positive else _negative_kind(truth.kind, truth.original, place)
            if not positive and truth.original and stories[one.id] == stories[truth.rewrite]:
                if truth.kind != "common-source":
                    continue  # a rewrite of an original against the release behind it: neither right nor wrong
                kind = "same-source"
            vector = compare(page, desk.of(one)).features.vector()
            cases.append(Case(name, f"{name}:{stories[truth.rewrite]}", kind, positive, truth.rewrite, one.id, vector))
        for one in best(desk, page, pool, 1):
            vector = compare(page, desk.of(one)).features.vector()
            cases.append(Case(name, f"{name}:{stories[truth.rewrite]}", "pool", False, truth.rewrite, one.id, vector))
        cases += _parts(name, corpus.articles[truth.rewrite], truth, near, desk, stories[truth.rewrite])
    return cases


def _parts(name: str, page: Article, truth: Truth, near: list[Article], desk: Desk, story: str) -> list[Case]:
    """Some sentences of a page: of a rewrite against its original, of another's report against what it is nearest to."""
    source = random.Random(f"part of {page.id}")
    whose = f"{name}:{story}"
    if truth.original is None:
        if truth.kind not in NEGATIVES:
            return []
        return [
            case
            for number, part in enumerate(_briefs(page, source))
            for case in _cases("made-brief", False, f"{page.id}:brief{number}", part, near[:1], desk, whose)
        ]
    if truth.kind not in {"machine", "spun", "severe"}:
        return []
    text = reuse.part(page, source, PART)
    if text is None or len(text.split()) < LEAST_PART:
        return []
    original = [one for one in near if one.id == truth.original]
    return _cases("made-part", True, f"{page.id}:part", text, original, desk, whose)


def _briefs(page: Article, source: random.Random) -> list[str]:
    """Up to three different briefs made of a text."""
    parts = [part for _ in range(3) if (part := reuse.part(page, source, BRIEF))]
    return list(dict.fromkeys(parts))


def _cases(
    kind: str, positive: bool, name: str, text: str, originals: list[Article], desk: Desk, story: str
) -> list[Case]:
    page = profile(Article(id=name, url="", role=Role.AGGREGATOR, publisher="", title="", text=text))
    return [
        Case("made", story, kind, positive, name, one.id, compare(page, desk.of(one)).features.vector())
        for one in originals
        if len(page.spans)
    ]


def _negative_kind(kind: str, original: str | None, place: int) -> str:
    return kind if original is None and place == 0 and kind in NEGATIVES else "other"


def _stories(corpus: Corpus, originals: list[Article], desk: Desk) -> dict[str, str]:
    """Article id → story: pages go with their original, and with the one they are nearest to."""
    parent = {identifier: identifier for identifier in corpus.articles}

    def root(one: str) -> str:
        while parent[one] != one:
            one = parent[one]
        return one

    for truth in corpus.truth:
        if truth.original:
            parent[root(truth.rewrite)] = root(truth.original)
        if truth.kind in {"independent", "followup", "common-source", "twin"}:
            rivals = [one for one in originals if one.role is Role.ORIGIN]
            for one in best(desk, desk.of(corpus.articles[truth.rewrite]), rivals, 1):
                parent[root(truth.rewrite)] = root(one.id)
    return {identifier: root(identifier) for identifier in corpus.articles}


def made_cases(corpora: Mapping[str, Corpus], pool: list[Article], desk: Desk) -> list[Case]:
    """Cases of reuse made from large corpora and the pool."""
    names = reuse.names_of([article.text for article in pool])
    cases: list[Case] = []
    for name, corpus in corpora.items():
        rewrites: dict[str, list[Article]] = {}
        for truth in corpus.truth:
            if truth.kind == "machine" and truth.original:
                rewrites.setdefault(truth.original, []).append(corpus.articles[truth.rewrite])
        for original, found in rewrites.items():
            cases += _made(corpus.articles[original], found, pool, names, desk, f"{name}:{original}")
    for article in pool[::3]:
        cases += _made(article, [], pool, names, desk, f"pool:{article.id}")
    return cases


def _made(
    article: Article, rewrites: list[Article], pool: list[Article], names: list[str], desk: Desk, story: str
) -> list[Case]:
    source = random.Random(article.id)
    held = desk.of(article)
    near = [one for one in best(desk, held, pool, 9) if one.id != article.id]
    other = source.choice(near)
    texts: list[tuple[str, bool, str | None]] = [
        ("made-copy", True, reuse.copied(article, other, source)),
        ("made-lifted", True, reuse.lifted(article, other, source)),
        ("made-twin-copy", False, reuse.twin(article.text, names, source)),
        ("made-quoted", False, reuse.quoted(article, other, source)),
    ]
    if rewrites:
        texts += [
            ("made-twin", False, reuse.twin(rewrites[0].text, names, source)),
            ("made-background", False, reuse.background(rewrites[0], other, source)),
            ("made-condensed", True, reuse.condensed(rewrites[-1], source)),
        ]
    return [
        case
        for kind, positive, text in texts
        for case in _cases(kind, positive, f"{article.id}:{kind}", text or "", [article], desk, story)
    ]


def pool_cases(pool: list[Article], desk: Desk) -> list[Case]:
    """Texts of the pool against each other: every other one stands for an original, then the others."""
    cases = []
    halves = (pool[::2], pool[1::2])
    for pages, originals in (halves, halves[::-1]):
        for page in pages:
            for one in best(desk, desk.of(page), originals, 3):
                features = compare(desk.of(page), desk.of(one)).features
                if max(features.verbatim_page, features.verbatim_original) < COPIED:
                    kind = "pool-recycled" if features.verbatim_page > RECYCLED else "pool-pair"
                    cases.append(Case("pool", f"pool:{page.id}", kind, False, page.id, one.id, features.vector()))
                    if kind == "pool-pair":
                        source = random.Random(f"{page.id} {one.id}")
                        for number, text in enumerate(_briefs(page, source)):
                            name = f"{page.id}:brief{number}"
                            cases += _cases("pool-brief", False, name, text, [one], desk, f"pool:{page.id}")
    return cases


def case_weights(
    cases: list[Case], positives: Mapping[str, float], negatives: Mapping[str, float] = NEGATIVES
) -> Floats:
    counts: dict[str, int] = {}
    for case in cases:
        counts[case.kind] = counts.get(case.kind, 0) + 1
    wanted = {**negatives, **positives}
    weights = np.array([wanted.get(case.kind, 0.0) / max(counts[case.kind], LEAST_KIND) for case in cases])
    labels = np.array([case.positive for case in cases])
    for side in (labels, ~labels):
        weights[side] *= MASS / 2 / max(weights[side].sum(), 1e-9)
    return weights


def surprise(margins: Floats, flipped: Floats) -> tuple[Floats, Floats]:
    """Negative log-likelihood of each label and its slope over the margin, where `flipped` is the share of wrong ones.

    A label against all evidence costs at most -log(flipped) (Bootkrajang and Kaban 2012).
    """
    right = 1.0 / (1.0 + np.exp(-np.clip(margins, -50, 50)))
    likelihood = (1.0 - flipped) * right + flipped * (1.0 - right)
    return -np.log(likelihood), -(1.0 - 2.0 * flipped) * right * (1.0 - right) / likelihood


def mislabelled(cases: list[Case]) -> Floats:
    return np.array([0.0 if case.positive else MISLABELLED.get(case.kind, 0.0) for case in cases])


def fit(cases: list[Case], expert: str, names: Sequence[str] = NAMES) -> Regression:
    """A logistic regression with bounded signs, by L-BFGS-B. `names`: those of the vectors' entries."""
    weights = case_weights(cases, EXPERTS[expert], {**NEGATIVES, **NEAR_MISSES.get(expert, {})})
    used = weights > 0
    vectors = np.array([case.vector for case in cases])[used]
    signs = np.where(np.array([case.positive for case in cases])[used], 1.0, -1.0)
    flipped = mislabelled(cases)[used]
    weights = weights[used]
    means = np.average(vectors, axis=0, weights=weights)
    scales = np.sqrt(np.average((vectors - means) ** 2, axis=0, weights=weights)) + 1e-3
    design = np.column_stack([np.ones(len(vectors)), (vectors - means) / scales])

    def loss(beta: Floats) -> tuple[float, Floats]:
        costs, slopes = surprise(signs * (design @ beta), flipped)
        penalty = RIDGE / 2 * float(np.square(beta[1:]).sum())
        slope = design.T @ (weights * slopes * signs) + RIDGE * np.concatenate(([0.0], beta[1:]))
        return float((weights * costs).sum()) + penalty, slope

    bounds: list[tuple[float | None, float | None]] = [(None, None)]
    for name in names:
        low = None if name in AGAINST | EITHER or "*" in name else 0.0
        high = 0.0 if name in AGAINST or name in UNUSED[expert] else None
        bounds.append((0.0 if name in UNUSED[expert] else low, high))
    found = minimize(
        loss,
        np.zeros(design.shape[1]),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 2000, "maxfun": 10000},
    )
    return Regression(means, scales, found.x[1:], float(found.x[0]))


def train(cases: list[Case]) -> dict[str, Regression]:
    return {expert: fit(cases, expert) for expert in EXPERTS}


def joined(model: Mapping[str, Regression], cases: list[Case]) -> Floats:
    vectors = np.array([case.vector for case in cases])
    total: Floats = np.logaddexp.reduce([one.log_odds(vectors) for one in model.values()], axis=0)
    return total


def folds_of(cases: list[Case], key: str, count: int) -> NDArray[np.int64]:
    """The fold of each case; cases of one story (or corpus) are in one."""
    groups = sorted({getattr(case, key) for case in cases})
    random.Random(1).shuffle(groups)
    fold = {group: place % count for place, group in enumerate(groups)}
    return np.array([fold[getattr(case, key)] for case in cases])


def cross_validated(cases: list[Case], key: str) -> Floats:
    """Log-odds of every case by a model that has not seen its story (or its corpus)."""
    count = len({case.corpus for case in cases}) if key == "corpus" else FOLDS
    folds = folds_of(cases, key, count)
    result = np.zeros(len(cases))
    for number in range(count):
        inside = folds == number
        model = train([case for case, held in zip(cases, inside, strict=True) if not held])
        result[inside] = joined(model, [case for case, held in zip(cases, inside, strict=True) if held])
    return result


def calibration(cases: list[Case], log_odds: Floats) -> tuple[float, float]:
    """Slope and offset that make cross-validated log-odds probabilities (Platt 1999) in a stream's mixture of kinds."""
    every = {
        kind: weight * (0.2 if kind.startswith("made-") else 1.0)
        for expert in EXPERTS.values()
        for kind, weight in expert.items()
    }
    weights = case_weights(cases, every, STREAM)
    signs, flipped = np.where([case.positive for case in cases], 1.0, -1.0), mislabelled(cases)

    def loss(beta: Floats) -> float:
        return float((weights * surprise(signs * (beta[0] * log_odds + beta[1]), flipped)[0]).sum())

    found = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead")
    return float(found.x[0]), float(found.x[1])


def show(title: str, cases: list[Case], log_odds: Floats) -> None:
    """Recall or false links per kind; negatives count per page, by their worst pair."""
    print(f"\n{title}")
    for kind in sorted({case.kind for case in cases}, key=lambda one: (one in NEGATIVES, one)):
        worst: dict[str, float] = {}
        for case, value in zip(cases, log_odds, strict=True):
            if case.kind == kind:
                worst[case.page] = max(float(value), worst.get(case.page, -99.0))
        values = np.sort(np.array(list(worst.values())))
        linked = int((values >= THRESHOLD).sum())
        count, share = len(values), linked / len(values)
        if kind in NEGATIVES:
            print(f"  {kind:16s} n {count:5d}  linked {linked:4d} = {share:7.2%}  worst {_margins(values[::-1])}")
        else:
            print(
                f"  {kind:16s} n {count:5d}  recall {share:8.2%}  missed {count - linked:4d}  worst {_margins(values)}"
            )


def _margins(values: Floats) -> str:
    return " ".join(f"{value - THRESHOLD:+.1f}" for value in values[:5])


def written(model: Mapping[str, Regression], slope: float, offset: float, description: str) -> str:
    """The model's file."""
    return (
        json.dumps(
            {
                "format": 1,
                "trained_on": description,
                "odds": "log-odds at even odds of reuse; the base rate is put in where the model is used",
                "calibration": {"slope": round(slope, 4), "offset": round(offset, 4)},
                "experts": [
                    {
                        "name": name,
                        "bias": round(one.bias, 4),
                        "coefficients": _named(one.coefficients, one.coefficients),
                        "means": _named(one.means, one.coefficients),
                        "scales": _named(one.scales, one.coefficients),
                    }
                    for name, one in model.items()
                ],
            },
            indent=1,
        )
        + "\n"
    )


def _named(values: Floats, coefficients: Floats) -> dict[str, float]:
    return {
        name: round(float(value), 5)
        for name, value, used in zip(NAMES, values, coefficients, strict=True)
        if abs(used) >= 0.005
    }


def gather(corpora: Mapping[str, Corpus], pool: list[Article]) -> list[Case]:
    desk = Desk()
    cases = [case for name, corpus in corpora.items() for case in corpus_cases(name, corpus, pool, desk)]
    return cases + made_cases(corpora, pool, desk) + pool_cases(pool, desk)


def write_cases(path: Path, *parts: list[Case]) -> None:
    names = [field.name for field in fields(Case)]
    path.write_bytes(pickle.dumps([[[getattr(case, name) for name in names] for case in part] for part in parts]))


def read_cases(path: Path) -> tuple[list[Case], list[Case]]:
    """Those to train on and those held out, as `--cases` kept them."""
    cases, held = ([Case(*row) for row in part] for part in pickle.loads(path.read_bytes()))
    return cases, held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, action="append", required=True)
    parser.add_argument("--hold-out", type=Path, action="append", default=[])
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--cases", type=Path, help="keeps the measured cases here, and reads them back if it exists")
    given = parser.parse_args()
    pool = [article_from_json({"role": "origin", **row}) for _, row in read_rows(given.pool)]
    if given.cases and given.cases.exists():
        cases, held = read_cases(given.cases)
    else:
        cases = gather({path.name: read_corpus(path) for path in given.corpus}, pool)
        held = [case for path in given.hold_out for case in corpus_cases(path.name, read_corpus(path), pool, Desk())]
        if given.cases:
            write_cases(given.cases, cases, held)
    by_story = cross_validated(cases, "story")
    slope, offset = calibration(cases, by_story)
    show("cross-validated by story", cases, slope * by_story + offset)
    show("each corpus left out in turn", cases, slope * cross_validated(cases, "corpus") + offset)
    model = train(cases)
    if held:
        show("held out", held, slope * joined(model, held) + offset)
    for name, one in model.items():
        ranked = sorted(zip(one.coefficients, NAMES, strict=True), key=lambda pair: -abs(pair[0]))
        print(f"\n{name}: " + ", ".join(f"{feature} {value:+.2f}" for value, feature in ranked if abs(value) >= 0.005))
    print(f"\ncalibration: {slope:.3f} * log-odds {offset:+.3f}")
    if given.out:
        kinds = ", ".join(
            f"{kind} {sum(case.kind == kind for case in cases)}" for kind in sorted({c.kind for c in cases})
        )
        description = (
            f"{len(cases)} pairs of a page and an original ({kinds}) from {len(given.corpus)} labelled corpora and a "
            "pool of unrelated news; kinds named made-… are spliced from those texts. benchmarks/train_linker.py"
        )
        given.out.write_text(written(model, slope, offset, description))


if __name__ == "__main__":
    main()
