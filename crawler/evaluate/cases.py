"""The cases of an evaluation: several corpora as one, without their dates where that is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from crawler.corpus import Corpus, Truth, read_corpus, read_rows
from crawler.errors import InputError
from crawler.interchange import article_from_json
from crawler.model import Article, Role


def read_cases(directories: Sequence[Path]) -> Corpus:
    """Corpora as one; an id that two of them use gets its corpus' place before it (`2/ferry`).

    A directory that is given twice counts once. Raises InputError with file and line.
    """
    return joined([read_corpus(path) for path in {path.resolve(): path for path in directories}.values()])


def joined(corpora: Sequence[Corpus]) -> Corpus:
    """All articles and truth in one corpus: each page meets the originals of every corpus."""
    met = Counter(identifier for corpus in corpora for identifier in corpus.articles)
    articles: dict[str, Article] = {}
    truth: list[Truth] = []
    for place, corpus in enumerate(corpora, 1):
        names = {one: one if met[one] == 1 else f"{place}/{one}" for one in corpus.articles}
        articles |= {names[one]: replace(article, id=names[one]) for one, article in corpus.articles.items()}
        truth += [
            Truth(names[one.rewrite], names[one.original] if one.original else None, one.kind) for one in corpus.truth
        ]
    return Corpus(articles, tuple(truth))


def read_pool(path: Path) -> list[Article]:
    """Further originals for the index, whatever their role: one JSON object a line. Raises InputError."""
    pool = []
    for line, row in read_rows(path):
        try:
            pool.append(article_from_json({**row, "role": Role.ORIGIN.value}))
        except ValueError as error:
            raise InputError(path, str(error), line) from None
    return pool


def without_dates(corpus: Corpus) -> Corpus:
    return Corpus(_dateless(corpus.articles), corpus.truth)


def pool_without_dates(pool: Iterable[Article]) -> list[Article]:
    return list(_dateless({article.id: article for article in pool}).values())


def _dateless(articles: Mapping[str, Article]) -> dict[str, Article]:
    return {
        identifier: replace(article, published=None, modified=None, first_seen=None, fetched=None, captured=None)
        for identifier, article in articles.items()
    }
