from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler import urls
from crawler.errors import InputError
from crawler.model import Article, Role
from crawler.originals import RawOriginal, read
from crawler.originals.sidecars import awaits_story, is_sidecar

TEXT = "The harbour office closed quay seven.\n\nBarges wait off the mole."
SAID = {
    "an": "QUAY-7",
    "title": "Quay closed after crane fault",
    "publisher": "The Quay",
    "byline": "By Ida Mell and Ole Brandt",
    "published": "2026-01-05T08:00:00Z",
    "modified": 1_767_600_060_000,
    "language": "en",
    "credit": "Mole News Agency",
    "role": "release",
}


def story(tmp_path: Path, said: Any, name: str = "story.txt", sidecar: str = "story.json") -> Path:
    (tmp_path / sidecar).write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
    path = tmp_path / name
    path.write_text(TEXT if name.endswith(".txt") else f"<html><body><p>{TEXT}</p></body></html>")
    return path


@pytest.mark.parametrize("sidecar", ["story.json", "story.txt.json"])
def test_a_sidecar_says_what_a_text_does_not(tmp_path: Path, sidecar: str) -> None:
    assert list(read(story(tmp_path, SAID, sidecar=sidecar), publisher="Post")) == [
        Article(
            id=urls.vendor_article_id("The Quay", "QUAY-7"),
            url="file:story.txt",
            role=Role.RELEASE,
            publisher="The Quay",
            title="Quay closed after crane fault",
            text=TEXT,
            byline=("Ida Mell", "Ole Brandt"),
            published=datetime(2026, 1, 5, 8, tzinfo=UTC),
            modified=datetime(2026, 1, 5, 8, 1, tzinfo=UTC),
            language="en",
            vendor_id="QUAY-7",
            credit="Mole News Agency",
        )
    ]


def test_a_page_with_a_sidecar_is_the_article_of_its_url(tmp_path: Path) -> None:
    (raw,) = read(story(tmp_path, {"url": "https://post.example/quay", "publisher": "Post"}, "story.html"))
    assert isinstance(raw, RawOriginal)
    assert raw.article.id == urls.article_id("https://post.example/quay")
    assert (raw.article.publisher, raw.article.url) == ("Post", "https://post.example/quay")


def test_a_headline_that_the_text_repeats_stands_once(tmp_path: Path) -> None:
    path = story(tmp_path, SAID)
    path.write_text(f"{SAID['title']}\n\n{TEXT}")
    (article,) = read(path)
    assert isinstance(article, Article)
    assert article.text == TEXT


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("{", "expected a JSON object in UTF-8"),
        ("[]", "expected a JSON object"),
        ("[" * 100_000, "expected a JSON object in UTF-8"),
        ({"titel": "Quay"}, "titel: expected one of an, byline, copyright"),
        ({"published": "soon"}, "published: expected a time such as"),
        ({"publisher": ["Post"]}, "publisher: expected text, got list"),
        ({"url": "ftp://post.example/"}, "url: "),
        ({"role": "aggregator"}, "role: expected origin or release, got 'aggregator'"),
    ],
)
def test_a_sidecar_that_cannot_be_read_is_one_line_that_names_it(tmp_path: Path, said: Any, reason: str) -> None:
    path = story(tmp_path, said)
    with pytest.raises(InputError) as caught:
        read(path, publisher="Post")
    assert str(caught.value).startswith(f"{tmp_path / 'story.json'}: {reason}")


def test_a_sidecar_is_told_by_the_story_beside_it() -> None:
    there = {"story.html", "note.txt.gz"}.__contains__
    assert is_sidecar("story.json", there)
    assert is_sidecar("story.html.json", there)
    assert is_sidecar("note.json", there)
    assert not is_sidecar("other.json", there)
    assert not is_sidecar("story.html", there)
    assert awaits_story("late.html.json")
    assert not awaits_story("lines.json")
