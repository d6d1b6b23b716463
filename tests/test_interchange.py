"""The public JSON: out and back again without loss."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import interchange
from crawler.model import (
    Article,
    Attribution,
    Completeness,
    Coverage,
    Evidence,
    EvidenceKind,
    Link,
    Precedence,
    Relation,
    Role,
    Standing,
)

times = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
texts = st.text(max_size=80)


@st.composite
def articles(draw: st.DrawFn) -> Article:
    return Article(
        id=draw(st.text("0123456789abcdef", min_size=32, max_size=32)),
        url=draw(texts),
        role=draw(st.sampled_from(Role)),
        publisher=draw(texts),
        title=draw(texts),
        text=draw(texts),
        canonical_url=draw(st.none() | st.text(min_size=1, max_size=20)),
        site=draw(texts),
        byline=tuple(draw(st.lists(texts, max_size=3))),
        published=draw(st.none() | times),
        modified=draw(st.none() | times),
        first_seen=draw(st.none() | times),
        fetched=draw(st.none() | times),
        language=draw(st.none() | st.sampled_from(["en", "de"])),
        captions=tuple(draw(st.lists(texts, max_size=3))),
        copyright=draw(st.none() | st.text(min_size=1, max_size=20)),
        source=draw(st.none() | st.text(min_size=1, max_size=20)),
        completeness=draw(st.sampled_from(Completeness)),
    )


@given(articles())
def test_an_article_comes_back_as_it_was(article: Article) -> None:
    row = json.loads(json.dumps(interchange.article_to_json(article)))
    assert tuple(row) == interchange.ARTICLE_FIELDS
    assert interchange.article_from_json(row) == article


def test_a_link_comes_back_as_it_was() -> None:
    link = Link(
        rewrite_id="r",
        original_id="o",
        relation=Relation.EXCERPT,
        score=0.912345,
        coverage=Coverage(0.5, 0.25),
        evidence=(
            Evidence(EvidenceKind.PASSAGE, rewrite=(0, 5), original=(3, 9), similarity=0.5),
            Evidence(EvidenceKind.NAME, text="Ada Quill"),
        ),
        precedence=Precedence.ORIGINAL_FIRST,
        standing=Standing.OURS,
        linker="1",
        decided=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    row = json.loads(json.dumps(interchange.link_to_json(link, {"id": "r"}, {"id": "o"})))
    assert interchange.link_from_json(row) == link
    assert list(row) == [
        "id", "state", "archive", "rewrite", "original", "relation", "score", "coverage", "evidence",
        "precedence", "standing", "decided", "linker", "looks",
    ]  # fmt: skip


def test_a_passage_has_offsets_and_the_rest_has_text() -> None:
    passage = Evidence(EvidenceKind.PASSAGE, rewrite=(1, 2), original=(3, 4), similarity=0.5)
    assert interchange.evidence_to_json(passage) == {
        "kind": "passage", "rewrite": [1, 2], "original": [3, 4], "similarity": 0.5,
    }  # fmt: skip
    assert interchange.evidence_to_json(Evidence(EvidenceKind.NUMBER, text="7")) == {"kind": "number", "text": "7"}


def test_an_attribution_names_the_teaser_it_found() -> None:
    teaser = Article("t", "https://o.example/t", Role.ORIGIN, "Wire", "Headline", "Lead")
    row = interchange.attribution_to_json(Attribution("Wire", (), "t", 0.9), teaser)
    assert row["teaser"] == {
        "id": "t", "url": "https://o.example/t", "title": "Headline", "publisher": "Wire", "published": None,
        "score": 0.9,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-01-31T08:15:00Z", datetime(2026, 1, 31, 8, 15, tzinfo=UTC)),
        ("2026-01-31T08:15:00+02:00", datetime(2026, 1, 31, 6, 15, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("20260131", datetime(2026, 1, 31, tzinfo=UTC)),
        (1769847300000, datetime(2026, 1, 31, 8, 15, tzinfo=UTC)),
        ("1769847300000", datetime(2026, 1, 31, 8, 15, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_times_are_read_in_the_forms_that_deliveries_use(said: object, meant: datetime | None) -> None:
    assert interchange.time_from_json(said) == meant


@pytest.mark.parametrize("said", ["yesterday", "2026-13-01", True, [], 10**30, "9" * 30])
def test_what_is_no_time_is_told(said: object) -> None:
    with pytest.raises(ValueError, match="expected a time such as"):
        interchange.time_from_json(said)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "x"}, "id: expected an id or a URL"),
        ({"id": "1", "role": "boss"}, "role: expected origin, aggregator or release"),
        ({"id": "1", "published": "soon"}, "published: expected a time"),
        ({"id": "1", "byline": 7}, "byline: expected a list of texts"),
        ({"id": "1", "title": ["a"]}, "title: expected text"),
    ],
)
def test_a_wrong_row_names_the_field(row: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        interchange.article_from_json(row)
