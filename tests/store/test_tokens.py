from __future__ import annotations

import pytest

from crawler.errors import NotFound, UsageError
from crawler.store import Store
from crawler.store.tokens import PREFIX, Right
from tests.store.pieces import HOUR, StillClock


async def test_a_token_opens_what_it_was_made_for(store: Store) -> None:
    reads, writes = await store.create_token("dashboard"), await store.create_token("desk", Right.WRITE)
    assert reads != writes
    found = await store.token_of(reads)
    assert found is not None
    assert (found.name, found.rights) == ("dashboard", Right.READ)
    found = await store.token_of(writes)
    assert found is not None
    assert (found.name, found.rights) == ("desk", Right.WRITE)


async def test_a_token_itself_is_kept_nowhere(store: Store) -> None:
    secret = await store.create_token("desk")
    assert secret.removeprefix(PREFIX) not in repr(await store.tokens())
    assert len(secret) > 40


@pytest.mark.parametrize("secret", ["", "desk", PREFIX, PREFIX + "x" * 43, PREFIX + "\udcff", "x" * 100_000])
async def test_anything_else_opens_nothing(store: Store, secret: str) -> None:
    await store.create_token("desk")
    assert await store.token_of(secret) is None


async def test_a_revoked_token_opens_nothing_from_then_on(store: Store) -> None:
    secret = await store.create_token("desk")
    assert await store.has_tokens()
    await store.revoke_token("desk")
    await store.revoke_token("desk")
    assert await store.token_of(secret) is None
    assert not await store.has_tokens()
    with pytest.raises(NotFound):
        await store.revoke_token("nobody")


async def test_a_name_is_given_once(store: Store) -> None:
    """What was judged with the old token bears it."""
    await store.create_token("desk")
    await store.revoke_token("desk")
    with pytest.raises(UsageError, match="expected a new name"):
        await store.create_token("desk")


@pytest.mark.parametrize("name", ["", "two words", "x" * 101, "a\nb", "[red]"])
async def test_an_odd_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="expected a name"):
        await store.create_token(name)


async def test_that_a_token_is_in_use_is_noted_once_an_hour(store: Store, clock: StillClock) -> None:
    secret = await store.create_token("desk")
    first = clock.now()
    await store.token_of(secret)
    clock.pass_by(600)
    await store.token_of(secret)
    assert [one.used for one in await store.tokens()] == [first]
    clock.pass_by(HOUR.total_seconds())
    await store.token_of(secret)
    assert [one.used for one in await store.tokens()] == [clock.now()]
