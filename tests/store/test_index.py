from __future__ import annotations

import pytest

from crawler.lookups import MOST_COUNTED_OF_ORIGINALS
from crawler.model import Candidate, Fingerprint, Removal, Side
from crawler.settings import DatabaseSettings
from crawler.store import Store, candidates
from crawler.store.crowds import COUNTED
from crawler.store.transaction import Transaction
from tests.store.pieces import HOUR, NOON, StillClock, delivery, fingerprint, original, page

BIG = (1 << 31) - 1


async def test_candidates_come_best_first_and_ties_by_id(store: Store) -> None:
    await store.store_article(original("a"), fingerprint(1, 2, 3))
    await store.store_article(original("b"), fingerprint(1, 2))
    await store.store_article(original("c"), fingerprint(1, 2))
    await store.store_article(original("d"), fingerprint(9))
    asked = fingerprint(1, 2, 3, weights=[0.5, 0.25, 0.125])
    ties = sorted([original("b").id, original("c").id])
    expected = [Candidate(original("a").id, 0.875), Candidate(ties[0], 0.75), Candidate(ties[1], 0.75)]
    assert await store.index.candidates(asked, Side.ORIGINAL) == expected
    assert await store.index.candidates(asked, Side.ORIGINAL, 2) == expected[:2]


async def test_sides_are_asked_apart(store: Store) -> None:
    await store.store_article(original(), fingerprint(1))
    await store.store_article(page(), fingerprint(1))
    assert [one.article_id for one in await store.index.candidates(fingerprint(1), Side.PAGE)] == [page().id]
    assert [one.article_id for one in await store.index.candidates(fingerprint(1), Side.ORIGINAL)] == [original().id]


async def test_keys_of_all_32_bits_are_kept(store: Store) -> None:
    await store.store_article(original(), fingerprint(BIG, -BIG - 1, 0))
    assert len(await store.index.candidates(fingerprint(-BIG - 1), Side.ORIGINAL)) == 1
    assert len(await store.index.candidates(fingerprint(BIG), Side.ORIGINAL)) == 1
    assert (await store.fingerprints([original().id]))[original().id].keys == (BIG, -BIG - 1, 0)


async def test_all_keys_are_posted_by_however_many_statements(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "POSTED_AT_ONCE", 2)
    await store.store_article(original(), fingerprint(*range(5)))
    for key in range(5):
        assert len(await store.index.candidates(fingerprint(key), Side.ORIGINAL)) == 1


async def test_an_empty_store_or_fingerprint_has_no_candidates(store: Store) -> None:
    assert await store.index.candidates(fingerprint(1), Side.ORIGINAL) == []
    await store.store_article(original(), fingerprint())
    assert await store.index.candidates(fingerprint(), Side.ORIGINAL) == []


async def test_a_key_that_too_many_articles_have_is_passed_over(store: Store) -> None:
    import sqlalchemy as sa

    from crawler.store.tables import original_postings

    await store.store_article(original(), fingerprint(1, 2))

    def fill(tx: Transaction) -> None:
        rows = [{"key": 1, "article_no": number} for number in range(1_000, 1_000 + MOST_COUNTED_OF_ORIGINALS)]
        tx.run(sa.insert(original_postings), rows)

    await store._db.write(fill)
    assert await store.index.candidates(fingerprint(1), Side.ORIGINAL) == []
    (found,) = await store.index.candidates(fingerprint(1, 2), Side.ORIGINAL)
    assert found.overlap == 1.0


async def test_the_order_of_weights_breaks_no_tie(store: Store) -> None:
    weights = [0.125, 0.25, 0.375, 0.75, 0.5]
    await store.store_article(original("a"), fingerprint(1, 2, 3))
    await store.store_article(original("b"), fingerprint(3, 2, 1))
    one, two = await store.index.candidates(fingerprint(1, 2, 3, 4, 5, weights=weights), Side.ORIGINAL)
    assert one.overlap == two.overlap


async def test_what_too_many_hold_is_not_counted_again_until_enough_of_them_are_gone(store: Store) -> None:
    held = [
        delivery(f"N{number}", url=f"factiva:N{number}", vendor_source="SHUT" if number % 3 else "OPEN")
        for number in range(MOST_COUNTED_OF_ORIGINALS + 2 * COUNTED)
    ]
    await store.store_deliveries([(one, fingerprint(1, 1_000 + at)) for at, one in enumerate(held)])
    asked = fingerprint(1, 1_000)
    assert await store._db.read(candidates.entries_read, asked, Side.ORIGINAL) == 2  # the mark, and the other's entry
    assert await _found(store, asked) == {held[0].id}
    assert await _found(store, fingerprint(1)) == set()

    await store.remove(Removal(vendor_id=None, vendor_source="SHUT", at=NOON + HOUR))
    assert await _found(store, fingerprint(1)) == {one.id for one in held if one.vendor_source == "OPEN"}


async def _found(store: Store, asked: Fingerprint) -> set[str]:
    return {one.article_id for one in await store.index.candidates(asked, Side.ORIGINAL, 1_000)}


async def test_a_search_is_prepared_once_for_a_connection(postgres_url: str) -> None:
    settings = DatabaseSettings(url=postgres_url, pool_size=1)
    async with await Store.open(settings, StillClock()) as store:
        await store.store_article(original(), fingerprint(1, 2))
        for asked in (fingerprint(1), fingerprint(1, 2, 3), fingerprint(*range(70))):
            assert await _found(store, asked) == {original().id}
        found = await store._db.read(_prepared)
    assert found == [3]


def _prepared(tx: Transaction) -> list[int]:
    """How often each statement that the server has prepared for a search was run."""
    of_search = "statement LIKE 'SELECT%crowded_keys%' AND statement NOT LIKE '%pg_prepared%'"
    asked = f"SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE {of_search}"
    return [row[0] for row in tx.connection.exec_driver_sql(asked)]
