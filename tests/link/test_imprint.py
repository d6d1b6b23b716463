"""Hashes in place of an original's text: what they still decide, and what they do not tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.link import Linker, siphash
from crawler.link.imprint import restored
from crawler.link.vocabulary import shipped_vocabularies
from crawler.model import Article, Decision, EvidenceKind, Imprint, Role, Standing
from crawler.settings import LinkSettings
from tests.link import stories
from tests.link.stories import article, at, original
from tests.link.test_decide import RELEASE, REWORKED

KEY, OTHER_KEY = bytes(range(16)), bytes(range(1, 17))
CANAL = original("canal", stories.CANAL, title="The lock that always wins", published=at(4))
TWIN = original("twin", stories.CANAL_TWIN)


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(LinkSettings())


def hashed(linker: Linker, whole: Article, key: bytes = KEY) -> Article:
    return replace(whole, text="", imprint=Imprint(key, linker.imprint(whole, key)))


def both_ways(linker: Linker, text: str, *originals: Article) -> tuple[Decision, Decision]:
    page = article("page", text)
    return linker.decide(page, originals), linker.decide(page, [hashed(linker, one) for one in originals])


def test_the_keyed_hash_is_that_of_its_publication() -> None:
    message = np.array([int.from_bytes(bytes(range(8)), "little")], dtype=np.uint64)
    assert siphash.keyed(message, bytes(range(16))).tolist() == [0x93F5F5799A932462]


@pytest.mark.parametrize(
    "text",
    [
        stories.CANAL, stories.CANAL_SPUN, stories.CANAL_CONDENSED, stories.CANAL_LIFTED, stories.CANAL_INDEPENDENT,
        stories.CANAL_TWIN, stories.ALMATY_REPORT, stories.CANAL[:120], "", "Yes.",
    ],
)  # fmt: skip
def test_a_decision_on_hashes_is_that_on_the_text(linker: Linker, text: str) -> None:
    whole, on_hashes = both_ways(linker, text, CANAL, TWIN)
    assert on_hashes.score == pytest.approx(whole.score, abs=1e-6)
    assert [one.original_id for one in on_hashes.considered] == [one.original_id for one in whole.considered]
    assert [one.reason for one in on_hashes.considered] == [one.reason for one in whole.considered]
    assert (on_hashes.link is None) == (whole.link is None)
    if whole.link is not None and on_hashes.link is not None:
        assert on_hashes.link.relation is whole.link.relation
        assert on_hashes.link.coverage.rewrite == pytest.approx(whole.link.coverage.rewrite, abs=1e-6)


@pytest.mark.parametrize(
    ("story", "text"),
    [
        (stories.GERMAN, stories.GERMAN_SPUN),
        (stories.SPANISH, stories.SPANISH_SPUN),
        (stories.FRENCH, stories.FRENCH_SPUN),
        (stories.CHINESE, stories.CHINESE),
    ],
)
def test_hashes_decide_in_other_languages_too(linker: Linker, story: str, text: str) -> None:
    whole, on_hashes = both_ways(linker, text, original("o", story))
    assert whole.link is not None
    assert on_hashes.link is not None
    assert on_hashes.score == pytest.approx(whole.score, abs=1e-6)


def test_a_link_to_a_hashed_original_has_names_and_numbers_and_passages_of_the_page_alone(linker: Linker) -> None:
    whole, on_hashes = both_ways(linker, stories.CANAL_SPUN, CANAL)
    assert whole.link is not None
    assert on_hashes.link is not None
    passages = [one for one in on_hashes.link.evidence if one.kind is EvidenceKind.PASSAGE]
    assert [one.rewrite for one in passages] == [
        one.rewrite for one in whole.link.evidence if one.kind is EvidenceKind.PASSAGE
    ]
    assert passages
    assert all(one.original is None for one in passages)

    def said(decision: Decision) -> list[str | None]:
        return [one.text for one in decision.link.evidence if one.text] if decision.link else []

    assert said(on_hashes) == said(whole)
    assert "Torsby" in said(on_hashes)


def test_a_release_that_explains_the_page_is_weighed_across_whole_and_hashed_originals(linker: Linker) -> None:
    release = article("release", RELEASE, Role.RELEASE, publisher="Lindmark Waterways")
    page = article("page", REWORKED)
    expected = linker.decide(page, [release, CANAL])
    for held in ([release, hashed(linker, CANAL)], [hashed(linker, release), CANAL]):
        found = linker.decide(page, held)
        assert found.link is not None
        assert found.link.original_id == "release"
        assert [one.reason for one in found.considered] == [one.reason for one in expected.considered]


def test_hashes_of_another_key_are_as_good_as_nothing(linker: Linker) -> None:
    page = article("page", stories.CANAL_SPUN)
    found = linker.decide(page, [hashed(linker, TWIN), hashed(linker, CANAL, OTHER_KEY)])
    assert [one.original_id for one in found.considered] == ["twin"]
    mixed = replace(CANAL, text="", imprint=Imprint(OTHER_KEY, linker.imprint(CANAL, KEY)))
    assert linker.decide(page, [mixed]).score < 0.01


def test_hashes_hold_no_word_and_no_hash_that_can_be_made_without_the_key(linker: Linker) -> None:
    data = linker.imprint(CANAL, KEY)
    whole = linker.profile(CANAL)
    for value in [*whole.terms.tolist(), *whole.shingles.known.tolist(), *whole.runs.known.tolist()]:
        assert int(value).to_bytes(8, "little") not in data
    assert b"Torsby" not in data
    assert data != linker.imprint(CANAL, OTHER_KEY)
    assert "Torsby" not in repr(hashed(linker, CANAL))
    assert repr(KEY) not in repr(hashed(linker, CANAL))


def test_an_agencys_story_stays_an_agencys_once_its_text_went(linker: Linker) -> None:
    dateline = "VARDHOLM (AP) -- " + stories.CANAL.partition("—")[2]
    story = replace(original("o", dateline), imprint=None)
    gone = replace(story, text="", imprint=Imprint(KEY, linker.imprint(story, KEY), agency=True))
    found = linker.decide(article("page", stories.CANAL_SPUN), [gone])
    assert found.link is not None
    assert found.link.standing is Standing.THIRD_PARTY


def test_hashes_that_are_cut_short_or_of_another_version_are_not_read(linker: Linker) -> None:
    data = linker.imprint(CANAL, KEY)
    assert restored(data, linker.vocabularies) is not None
    for broken in (b"", data[:10], data[:-1], data + b"\0", bytes([99]) + data[1:]):
        assert restored(broken, linker.vocabularies) is None


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 20_000), st.integers(1, 255))
def test_damaged_hashes_are_not_compared(linker_data: bytes, place: int, change: int) -> None:
    damaged = bytearray(linker_data)
    damaged[place % len(damaged)] ^= change
    assert restored(bytes(damaged), shipped_vocabularies()) is None


@pytest.fixture(scope="module")
def linker_data(linker: Linker) -> bytes:
    return linker.imprint(CANAL, KEY)
