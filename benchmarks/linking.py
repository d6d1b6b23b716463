"""How good the linker is, on all the data at hand: every figure in one run, with dates and without.

    python benchmarks/linking.py DATA_DIR... --pool NEWS.jsonl.gz --kept-aside benchmarks/stories/year

Every folder below DATA_DIR that holds articles.jsonl and links.jsonl (.gz or not) is a corpus. All originals of all
corpora and the texts of the pools stand in one index, and three things are measured:

- recall and false links per kind. The shipped model has seen most of DATA_DIR in training, so the figures that count
  for it are cross-validated: stories are dealt into folds, and each is decided with a model that was trained
  (train_linker.py) on the others. Corpora `--kept-aside` were never trained on; they are decided with the shipped
  model.
- unrelated texts: every page with its own original taken out, and every text of the pools, against the originals of
  all others; then a few sentences of each. Each link that is given is listed with its strongest passages: a person has
  to say whether it is wrong.
- calibration, with the base rate set to each set's own share of rewrites.

Progress goes to standard error, results to standard output, all of it as JSON with `--json FILE`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import reuse
import train_linker

from crawler.corpus import Corpus, Truth, read_corpus
from crawler.evaluate.cases import joined, pool_without_dates, read_pool, without_dates
from crawler.evaluate.figures import THRESHOLDS, KindFigures, confusion, expected_error, reliability, wrong_originals
from crawler.evaluate.outcomes import Outcome, Trial, passages
from crawler.evaluate.rates import upper_bound
from crawler.link import Linker
from crawler.link.score import Model, parse_model
from crawler.model import Article, Role
from crawler.settings import LinkSettings

T = TypeVar("T")
R = TypeVar("R")
FOLDS = 6
LEAST_CONDENSED = 120  # words; of shorter ones nothing is promised
# What is aimed at: kinds → recall at least, share of false links at most.
RECALL = {"copy": 1.0, "machine": 0.995, "spun": 0.98, "severe": 0.95, "condensed": 0.95, "lifted": 0.95}
FALSE = {"orphan": 0.002, "independent": 0.005, "followup": 0.005, "twin": 0.005, "common-source": 0.005}
WRONG_ORIGINAL, CALIBRATION = 0.003, 0.03
SETTINGS = LinkSettings()  # the defaults, whatever a configuration file here says

_task: Callable[[Any], Any]  # what worker processes do: they are forked and find it here


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a corpus under the id it has among all corpora. `fold` is None for what was kept aside."""

    truth: Truth
    fold: int | None


class Unfounded(NamedTuple):
    """A text whose `own` original is left out: no link is right."""

    page: Article
    kind: str
    own: str


@dataclass(frozen=True, slots=True)
class Given:
    """A link that a person has to judge. `verbatim` is the share of the page's runs of 5 words in the original."""

    kind: str
    page: str
    page_title: str
    original: str
    original_title: str
    score: float
    relation: str
    coverage: float
    verbatim: float
    passages: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True, slots=True)
class Unrelated:
    """`above` counts texts whose best candidate reaches each threshold."""

    texts: int
    pairs: int
    above: Mapping[float, int]
    links: tuple[Given, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+", metavar="DATA_DIR")
    parser.add_argument("--pool", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--kept-aside", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--no-cross-validation", action="store_true", help="the shipped model only: half the time")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    aside = {path: read_corpus(path) for path in found_corpora(given.kept_aside)}
    seen = {path: read_corpus(path) for path in found_corpora(given.data) if path not in aside}
    pool = [article for path in given.pool for article in read_pool(path)]
    corpus = joined([*seen.values(), *aside.values()])
    models: list[Model] = []
    folds: dict[tuple[str, str], int] = {}
    if not given.no_cross_validation:
        models, folds = cross_validation(seen, pool, given.processes)
    pages = dealt(corpus, seen, folds)
    print("corpora: " + ", ".join(map(str, seen)))
    print("kept aside: " + (", ".join(map(str, aside)) or "none"))
    written: dict[str, Any] = {}
    for dates in ("with dates", "without dates"):
        if dates == "without dates":
            corpus, pool = without_dates(corpus), pool_without_dates(pool)
        written[dates] = measured(dates, corpus, pool, pages, models, given.processes, sum(map(truths, seen.values())))
    if given.json:
        given.json.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n")


def measured(
    dates: str,
    corpus: Corpus,
    pool: list[Article],
    pages: Sequence[Page],
    models: Sequence[Model],
    processes: int,
    seen: int,
) -> dict[str, Any]:
    """Everything about one set of texts, printed and as JSON. The first `seen` pages are those of DATA_DIR."""
    linker = Linker(SETTINGS)
    trial = Trial(linker, SETTINGS, (*pool, *corpus.originals), corpus.teasers)
    print(f"\n=== {dates}: {len(pages)} pages, {len(trial.originals)} originals, linker {linker.id} ===")

    def shipped(page: Page) -> Outcome:
        return trial.outcome(corpus.articles[page.truth.rewrite], page.truth)

    def by_fold(page: Page) -> Outcome:
        if page.fold is None:
            raise ValueError(f"{page.truth.rewrite}: no model has been trained without it")
        with_model(linker, models[page.fold])
        return shipped(page)

    written: dict[str, Any] = {}
    outcomes = spread(f"{dates}, shipped model", shipped, pages, processes)
    if outcomes[seen:]:
        written["kept aside"] = show("kept aside, shipped model", corpus, outcomes[seen:])
    if models:
        held_out = spread(f"{dates}, cross-validated", by_fold, pages[:seen], processes)
        written["cross-validated"] = show("DATA_DIR, cross-validated by story", corpus, held_out)
    written["shipped"] = show("DATA_DIR, shipped model (trained on most of it)", corpus, outcomes[:seen])
    work = unrelated_work(corpus, pool)
    written["unrelated"] = show_unrelated("unrelated", unrelated(f"{dates}, unrelated texts", work, trial, processes))
    work = [brief for one in work if (brief := brief_of(one))]
    written["briefs"] = show_unrelated("unrelated briefs", unrelated(f"{dates}, briefs", work, trial, processes))
    return written


# --- the models of the folds -----------------------------------------------------------------------------------


def cross_validation(
    corpora: Mapping[Path, Corpus], pool: list[Article], processes: int
) -> tuple[list[Model], dict[tuple[str, str], int]]:
    """A model for each fold of stories, trained on the others; and the fold of each corpus' pages."""
    progress("measuring the pairs that models are trained on")
    cases = train_linker.gather({str(path): corpus for path, corpus in corpora.items()}, pool)
    folds = train_linker.folds_of(cases, "story", FOLDS)

    def trained(fold: int) -> tuple[Any, Any]:
        inside = folds == fold
        model = train_linker.train([case for case, held in zip(cases, inside, strict=True) if not held])
        return model, train_linker.joined(model, [case for case, held in zip(cases, inside, strict=True) if held])

    found = spread("training", trained, range(FOLDS), processes, chunk=1)
    log_odds = np.zeros(len(cases))
    for fold, (_, values) in enumerate(found):
        log_odds[folds == fold] = values
    slope, offset = train_linker.calibration(cases, log_odds)
    models = [parse_model(json.loads(train_linker.written(model, slope, offset, "a fold"))) for model, _ in found]
    return models, {(case.corpus, case.page): int(fold) for case, fold in zip(cases, folds, strict=True)}


def dealt(corpus: Corpus, seen: Mapping[Path, Corpus], folds: Mapping[tuple[str, str], int]) -> list[Page]:
    """The pages of all corpora, in order, each with the fold that its story lies in."""
    names = [(str(path), truth.rewrite) for path, one in seen.items() for truth in one.truth]
    known: list[int | None] = [folds.get(name) for name in names]
    known += [None] * (len(corpus.truth) - len(names))
    return [Page(truth, fold) for truth, fold in zip(corpus.truth, known, strict=True)]


def with_model(linker: Linker, model: Model) -> None:
    # A linker has no other model than its package's, on purpose: links of two models must not meet in a store.
    linker._bench = replace(linker._bench, model=model)


# --- figures per kind ------------------------------------------------------------------------------------------


def show(title: str, corpus: Corpus, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Each figure beside what is aimed at; condensed pages of few words count apart."""
    print(f"\n{title}: {len(outcomes)} pages")
    kinds = confusion((named(corpus, one.truth), one.given) for one in outcomes)
    for row in kinds:
        print(f"  {line_of(row)}")
    common = [row for row in kinds if row.kind == "common-source"]
    if common:
        wrong, n = sum(row.wrong for row in common), sum(row.n for row in common)
        print(
            f"  {'common-source, both':24s} n {n:4d}  false {wrong} = {wrong / n:.4f}  at most {upper_bound(wrong, n):.4f}"
        )
    wrong_ones = wrong_originals(outcomes)
    print(
        f"  wrong original: {wrong_ones.seen} of {wrong_ones.n} linked = {wrong_ones.rate:.4f}, "
        f"at most {wrong_ones.at_most:.4f}; aimed at {WRONG_ORIGINAL}"
    )
    bins = reliability(outcomes, SETTINGS.base_rate)
    print(f"  expected calibration error {expected_error(bins):.4f}; aimed at {CALIBRATION}")
    for one in bins:
        if one.n:
            print(
                f"    {one.low:.1f} to {one.low + 0.1:.1f}  n {one.n:4d}  score {one.score:.3f}  right {one.right:.3f}"
            )
    errors = sorted((one for one in outcomes if one.wrong), key=lambda one: (one.given is None, -one.decision.score))
    for fault in errors:
        truth = fault.truth
        print(
            f"  {'missed' if fault.given is None else 'FALSE'}: {truth.rewrite} ({truth.kind}) expected "
            f"{truth.original or 'none'}, got {fault.given or 'none'}, score {fault.decision.score:.3f}"
        )
    return {
        "kinds": [asdict(row) for row in kinds],
        "wrong_originals": asdict(wrong_ones),
        "ece": expected_error(bins),
        "bins": [asdict(one) for one in bins],
        "errors": [{**asdict(one.truth), "given": one.given, "score": one.decision.score} for one in errors],
    }


def named(corpus: Corpus, truth: Truth) -> Truth:
    short = truth.kind == "condensed" and len(corpus.articles[truth.rewrite].text.split()) < LEAST_CONDENSED
    return replace(truth, kind=f"condensed, < {LEAST_CONDENSED} words") if short else truth


def line_of(row: KindFigures) -> str:
    head = f"{row.kind + (' (held)' if row.positive and row.kind in FALSE else ''):24s} n {row.n:4d}"
    counts = f"right {row.right:4d}  wrong {row.wrong:3d}  none {row.none:4d}"
    if row.recall is None:
        aim = f"; aimed at {FALSE[row.kind]}" if row.kind in FALSE else ""
        return f"{head}  {counts}  false  {row.false:.4f}, at most  {row.false_at_most:.4f}{aim}"
    aim = f"; aimed at {RECALL[row.kind]}" if row.kind in RECALL else ""
    return f"{head}  {counts}  recall {row.recall:.4f}, at least {row.recall_at_least:.4f}{aim}"


# --- texts that have nothing to do with each other -------------------------------------------------------------


def unrelated_work(corpus: Corpus, pool: Sequence[Article]) -> list[Unfounded]:
    """Every page without its own original, every text of the pool without itself."""
    work = [Unfounded(corpus.articles[one.rewrite], one.kind, one.original or one.rewrite) for one in corpus.truth]
    return work + [Unfounded(replace(article, role=Role.AGGREGATOR), "pool", article.id) for article in pool]


def brief_of(one: Unfounded) -> Unfounded | None:
    """One to five sentences of it: what stands on many a page, and gives a linker little to go by."""
    text = reuse.part(one.page, random.Random(one.page.id), train_linker.BRIEF)
    return one._replace(page=replace(one.page, id=f"{one.page.id}:brief", text=text)) if text else None


def unrelated(name: str, work: Sequence[Unfounded], trial: Trial, processes: int) -> Unrelated:
    """Each text against the originals of all others."""

    def decided(one: Unfounded) -> tuple[float, Given | None]:
        page, kind, own = one
        decision = trial.decide(page, without={own})
        link = decision.link
        if link is None:
            return decision.score, None
        original = trial.originals[link.original_id]
        shown = tuple((part.page, part.original, part.similarity) for part in passages(link.evidence, page, original))
        return decision.score, Given(
            kind, page.id, page.title, original.id, original.title, link.score, link.relation.value,
            link.coverage.rewrite, verbatim(page.text, original.text), shown,
        )  # fmt: skip

    found = spread(name, decided, work, processes)
    return Unrelated(
        texts=len(work),
        pairs=sum(len(trial.originals) - (own in trial.originals) for _, _, own in work),
        above={threshold: sum(score >= threshold for score, _ in found) for threshold in THRESHOLDS},
        links=tuple(link for _, link in found if link is not None),
    )


def show_unrelated(name: str, found: Unrelated) -> dict[str, Any]:
    print(
        f"\n{name}: {found.texts} texts, {found.pairs} pairs; links given: {len(found.links)}. Judge each by reading."
    )
    for threshold, seen in found.above.items():
        print(
            f"  texts with a candidate of {threshold:5.3f} or more: {seen} = {seen / max(1, found.texts):.4f} of them"
        )
    told: dict[frozenset[str], list[Given]] = {}
    for link in sorted(found.links, key=lambda one: -one.score):
        told.setdefault(frozenset({link.page, link.original}), []).append(link)
    for link, *back in told.values():
        print(
            f"  {link.score:.4f} {link.relation}, {link.coverage:.0%} of the page, {link.verbatim:.0%} word for word "
            f"({link.kind})" + "".join(f"; the other way {one.score:.4f} {one.relation}" for one in back)
        )
        print(f"    page     {link.page}: {link.page_title}\n    original {link.original}: {link.original_title}")
        for page, original, similarity in link.passages:
            print(f"      {similarity:.2f} {page}\n        <- {original}")
    return asdict(found)


def verbatim(page: str, original: str, run: int = 5) -> float:
    mine, theirs = (re.findall(r"\w+", text.lower()) for text in (page, original))
    held = {tuple(theirs[at : at + run]) for at in range(len(theirs) - run + 1)}
    runs = [tuple(mine[at : at + run]) in held for at in range(len(mine) - run + 1)]
    return sum(runs) / len(runs) if runs else 0.0


# --- work ------------------------------------------------------------------------------------------------------


def found_corpora(folders: Iterable[Path]) -> list[Path]:
    """Folders with articles and links, among those given and below them."""
    found = {
        path.parent.resolve(): None
        for folder in folders
        for path in sorted(folder.rglob("articles.jsonl*"))
        if any((path.parent / name).is_file() for name in ("links.jsonl", "links.jsonl.gz"))
    }
    if not found:
        sys.exit(f"expected folders with articles.jsonl and links.jsonl in {', '.join(map(str, folders))}")
    return list(found)


def truths(corpus: Corpus) -> int:
    return len(corpus.truth)


def spread(name: str, task: Callable[[T], R], work: Iterable[T], processes: int, chunk: int = 20) -> list[R]:
    """`task` of each piece of work, in order, over forked processes: what it refers to needs no pickling."""
    global _task  # noqa: PLW0603 -- forked workers find it there
    _task = task
    pieces, started, done = list(work), time.monotonic(), []
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for result in pool.imap(_run, pieces, chunksize=chunk):
            done.append(result)
            if len(done) % (chunk * 10) == 0 or len(done) == len(pieces):
                progress(f"{name}: {len(done)} of {len(pieces)}, {time.monotonic() - started:.0f} s")
    return done


def _run(piece: Any) -> Any:
    return _task(piece)


def progress(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
