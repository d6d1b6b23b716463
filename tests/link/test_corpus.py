from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from crawler.corpus import read_corpus
from crawler.errors import InputError
from crawler.model import Completeness

ARTICLES: list[dict[str, Any]] = [
    {
        "id": "o",
        "role": "origin",
        "publisher": "Acme",
        "url": "https://acme.example/o",
        "title": "T",
        "text": "A lock.",
    },
    {"id": "r", "role": "release", "publisher": "Owner", "url": "https://owner.example/r", "text": "A release."},
    {"id": "t", "role": "origin", "publisher": "Acme", "url": "https://acme.example/t", "completeness": "teaser"},
    {"id": "p", "role": "aggregator", "url": "https://portal.example/p", "published": None, "text": "The lock."},
]
LINKS: list[dict[str, Any]] = [{"rewrite": "p", "original": "o", "kind": "spun"}]


def written(directory: Path, articles: list[Any] = ARTICLES, links: list[Any] = LINKS, suffix: str = "") -> Path:
    for name, rows in (("articles.jsonl", articles), ("links.jsonl", links)):
        text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        data = gzip.compress(text.encode()) if suffix else text.encode()
        (directory / (name + suffix)).write_bytes(data)
    return directory


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_corpus_is_read_plain_or_gzipped(tmp_path: Path, suffix: str) -> None:
    corpus = read_corpus(written(tmp_path, suffix=suffix))
    assert list(corpus.articles) == ["o", "r", "t", "p"]
    assert [(one.rewrite, one.original, one.kind) for one in corpus.truth] == [("p", "o", "spun")]


def test_only_full_texts_of_origins_and_releases_are_originals(tmp_path: Path) -> None:
    corpus = read_corpus(written(tmp_path))
    assert [one.id for one in corpus.originals] == ["o", "r"]
    assert [one.completeness for one in corpus.teasers] == [Completeness.TEASER]


def test_blank_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"articles\.jsonl:3: expected JSON"):
        read_corpus(written(tmp_path, [ARTICLES[0], "", "{"]))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("[1]", "expected a JSON object, got list"),
        ({**ARTICLES[0], "id": "x", "role": "king"}, "role: expected"),
        ({**ARTICLES[0], "id": "x", "published": "soon"}, "published: expected a time"),
        (ARTICLES[0], "the id 'o' stands twice"),
        ({"role": "origin"}, "id: expected"),
    ],
)
def test_a_bad_article_is_named_by_file_and_line(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_corpus(written(tmp_path, [*ARTICLES, row]))
    assert str(caught.value).startswith(f"{tmp_path}/articles.jsonl:5: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"rewrite": "nobody", "original": None, "kind": "orphan"}, "rewrite: expected the id of an article"),
        ({"rewrite": "o", "original": "nobody", "kind": "spun"}, "original: expected the id of an article or null"),
        ({"rewrite": "o", "original": None}, "kind: expected a text"),
        ({"rewrite": "p", "original": None, "kind": "orphan"}, "the article 'p' stands twice"),
    ],
)
def test_a_bad_link_is_named_by_file_and_line(tmp_path: Path, row: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_corpus(written(tmp_path, links=[*LINKS, row]))
    assert str(caught.value).startswith(f"{tmp_path}/links.jsonl:2: ")
    assert message in str(caught.value)


def test_a_directory_without_the_files_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a directory with articles\.jsonl or articles\.jsonl\.gz"):
        read_corpus(tmp_path)


def test_a_damaged_gzip_file_is_an_input_error(tmp_path: Path) -> None:
    written(tmp_path, suffix=".gz")
    path = tmp_path / "articles.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="damaged"):
        read_corpus(tmp_path)
