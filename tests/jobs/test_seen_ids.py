from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.jobs import seen_ids
from crawler.jobs.seen_ids import SeenIds


@given(st.lists(st.text(max_size=3)))
def test_an_id_is_new_once(ids: list[str]) -> None:
    seen, known = SeenIds(), set()
    for identifier in ids:
        assert seen.add(identifier) == (identifier not in known)
        known.add(identifier)


def test_ids_are_known_after_they_were_sorted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_ids, "_GATHERED", 50)
    seen = SeenIds()
    assert all(seen.add(str(number)) for number in range(2_000))
    assert not any(seen.add(str(number)) for number in range(2_000))
    assert seen.add("another")
