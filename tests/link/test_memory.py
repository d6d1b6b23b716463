from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import LinkerMismatch
from crawler.link.index import MOST_LISTED, SHORTLIST, overlaps, ranked, shortlist
from crawler.link.memory import MemoryIndex
from crawler.model import Candidate, Fingerprint, Side


def made(keys: dict[int, float], linker: str = "1-a", scheme: str = "s") -> Fingerprint:
    return Fingerprint(linker, scheme, b"", tuple(sorted(keys)), tuple(keys[key] for key in sorted(keys)))


def filled(entries: dict[str, set[int]]) -> MemoryIndex:
    index = MemoryIndex()
    for article_id, keys in entries.items():
        index.add(article_id, made(dict.fromkeys(keys, 1.0)), Side.ORIGINAL)
    return index


async def test_candidates_come_by_the_weight_of_the_query_and_ties_by_id() -> None:
    index = filled({"b": {1, 2}, "a": {1, 2}, "c": {3}, "d": {9}})
    found = await index.candidates(made({1: 0.5, 2: 0.25, 3: 4.0}), Side.ORIGINAL)
    assert found == [Candidate("c", 4.0), Candidate("a", 0.75), Candidate("b", 0.75)]


async def test_the_limit_cuts_ties_by_id() -> None:
    index = filled({name: {1} for name in "edcba"})
    found = await index.candidates(made({1: 1.0}), Side.ORIGINAL, limit=2)
    assert [one.article_id for one in found] == ["a", "b"]


async def test_sides_are_kept_apart() -> None:
    index = filled({"a": {1}})
    index.add("page", made({1: 1.0}), Side.PAGE)
    assert [one.article_id for one in await index.candidates(made({1: 1.0}), Side.PAGE)] == ["page"]
    assert list(await index.candidates(made({1: 1.0}), Side.TEASER)) == []


async def test_an_article_added_again_replaces_what_was_held() -> None:
    index = filled({"a": {1}})
    index.add("a", made({2: 1.0}), Side.ORIGINAL)
    assert list(await index.candidates(made({1: 1.0}), Side.ORIGINAL)) == []
    assert len(index) == 1


async def test_what_was_removed_is_not_found_and_removing_it_again_is_no_error() -> None:
    index = filled({"a": {1}, "b": {1}})
    index.remove("a")
    index.remove("a")
    assert [one.article_id for one in await index.candidates(made({1: 1.0}), Side.ORIGINAL)] == ["b"]


@pytest.mark.parametrize("other", [made({1: 1.0}, linker="1-b"), made({1: 1.0}, scheme="t")])
async def test_fingerprints_of_another_linker_or_scheme_are_refused(other: Fingerprint) -> None:
    index = filled({"a": {1}})
    with pytest.raises(LinkerMismatch):
        index.add("b", other, Side.ORIGINAL)
    with pytest.raises(LinkerMismatch):
        await index.candidates(other, Side.ORIGINAL)


async def test_an_empty_index_and_an_empty_fingerprint_find_nothing() -> None:
    assert list(await MemoryIndex().candidates(made({1: 1.0}), Side.ORIGINAL)) == []
    assert list(await filled({"a": {1}}).candidates(made({}), Side.ORIGINAL)) == []


def test_many_articles_that_come_and_go_are_found_as_a_plain_table_finds_them() -> None:
    source = random.Random(3)
    index, table = MemoryIndex(), dict[str, set[int]]()
    for step in range(4_000):
        name = f"a{source.randrange(1_500)}"
        if source.random() < 0.4:
            index.remove(name)
            table.pop(name, None)
        else:
            table[name] = {source.randrange(3_000) for _ in range(12)}
            index.add(name, made(dict.fromkeys(table[name], 1.0)), Side.ORIGINAL)
        if step % 500 == 499:
            query = made({source.randrange(3_000): source.randrange(1, 64) / 16 for _ in range(60)})
            assert index.search(query, Side.ORIGINAL, 20) == expected(table, query, 20)
    assert len(index) == len(table)


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=2), st.sets(st.integers(0, 8), max_size=5), max_size=8),
    st.dictionaries(st.integers(0, 8), st.integers(1, 64).map(lambda part: part / 16), max_size=6),
    st.integers(1, 5),
)
def test_the_index_follows_the_common_rule(entries: dict[str, set[int]], query: dict[int, float], limit: int) -> None:
    assert filled(entries).search(made(query), Side.ORIGINAL, limit) == expected(entries, made(query), limit)


def test_the_shortlist_holds_the_first_and_all_that_come_near_the_best() -> None:
    close = [Candidate(f"c{place:02}", 100.0 - place) for place in range(30)]
    far = [Candidate(f"f{place:02}", 30.0) for place in range(30)]
    page = made(dict.fromkeys(range(20), 10.0))
    assert shortlist(page, close + far) == close[:MOST_LISTED]
    assert len(shortlist(page, [close[0], *far])) == SHORTLIST
    assert shortlist(page, []) == []


def test_the_shortlist_holds_none_that_shares_far_less_than_the_best() -> None:
    some = [Candidate("a", 100.0), Candidate("b", 26.0), Candidate("c", 24.0)]
    assert [one.article_id for one in shortlist(made({1: 10.0}), some)] == ["a", "b"]


def test_the_shortlist_holds_none_that_shares_next_to_nothing() -> None:
    short, long = made(dict.fromkeys(range(20), 10.0)), made(dict.fromkeys(range(200), 10.0))
    assert [one.overlap for one in shortlist(short, [Candidate("a", 10.0), Candidate("b", 8.0)])] == [10.0]
    assert [one.overlap for one in shortlist(long, [Candidate("a", 37.0), Candidate("b", 35.0)])] == [37.0]


def expected(entries: dict[str, set[int]], query: Fingerprint, limit: int) -> list[Candidate]:
    holders = {key: [name for name, keys in entries.items() if key in keys] for key in query.keys}
    return ranked(overlaps(query, holders), limit)
