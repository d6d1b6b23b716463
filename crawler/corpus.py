"""A labelled corpus: a directory with articles and the truth about which stems from which.

`articles.jsonl` holds rows with the fields of the public JSON, `links.jsonl` rows
`{"rewrite": id, "original": id or null, "kind": …}`; either may be gzipped (`.gz`).
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawler.errors import InputError
from crawler.interchange import article_from_json
from crawler.model import Article, Completeness, Role


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one page: the original it stems from (None: of none that is held) and the kind of reuse."""

    rewrite: str
    original: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Articles by id, and the truth in the order of its file."""

    articles: Mapping[str, Article]
    truth: tuple[Truth, ...]

    @property
    def originals(self) -> tuple[Article, ...]:
        """What pages can be linked to: full texts of roles origin and release."""
        return tuple(
            article
            for article in self.articles.values()
            if article.role is not Role.AGGREGATOR and article.completeness is Completeness.FULL
        )

    @property
    def teasers(self) -> tuple[Article, ...]:
        return tuple(article for article in self.articles.values() if article.completeness is Completeness.TEASER)


def read_corpus(directory: Path) -> Corpus:
    """Reads a corpus directory. Raises InputError with file and line."""
    articles_path, links_path = _file(directory, "articles.jsonl"), _file(directory, "links.jsonl")
    articles: dict[str, Article] = {}
    for line, row in read_rows(articles_path):
        try:
            article = article_from_json(row)
        except ValueError as error:
            raise InputError(articles_path, str(error), line) from None
        if article.id in articles:
            raise InputError(articles_path, f"the id {article.id!r} stands twice", line)
        articles[article.id] = article
    truth: dict[str, Truth] = {}
    for line, row in read_rows(links_path):
        one = _truth(row, articles, links_path, line)
        if one.rewrite in truth:
            raise InputError(links_path, f"the article {one.rewrite!r} stands twice", line)
        truth[one.rewrite] = one
    return Corpus(articles, tuple(truth.values()))


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a file, one a line, with line numbers from 1; blank lines are skipped.

    Raises InputError where the file can't be read or a line is no JSON object.
    """
    line = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for line, raw in enumerate(file, 1):
                if raw.strip():
                    yield line, _object(raw, path, line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(path, f"the gzip file is damaged: {error}", line + 1) from None
    except OSError as error:
        raise InputError(path, error.strerror or type(error).__name__) from None


def _object(raw: bytes, path: Path, line: int) -> dict[str, Any]:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise InputError(path, f"expected JSON: {error}", line) from None
    if not isinstance(row, dict):
        raise InputError(path, f"expected a JSON object, got {type(row).__name__}", line)
    return row


def _truth(row: Mapping[str, Any], articles: Mapping[str, Article], path: Path, line: int) -> Truth:
    rewrite, original, kind = row.get("rewrite"), row.get("original"), row.get("kind")
    if not isinstance(rewrite, str) or rewrite not in articles:
        raise InputError(path, f"rewrite: expected the id of an article, got {rewrite!r:.60}", line)
    if original is not None and (not isinstance(original, str) or original not in articles):
        raise InputError(path, f"original: expected the id of an article or null, got {original!r:.60}", line)
    if not isinstance(kind, str) or not kind:
        raise InputError(path, f"kind: expected a text such as 'spun', got {kind!r:.60}", line)
    return Truth(rewrite, original, kind)


def _file(directory: Path, name: str) -> Path:
    for path in (directory / name, directory / f"{name}.gz"):
        if path.is_file():
            return path
    raise InputError(directory, f"expected a directory with {name} or {name}.gz")
