"""Texts that no writer wrote: every one has a defined result, and none takes time that grows out of bounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.link import Linker
from crawler.link.profile import profile
from crawler.link.text import MAX_SENTENCES, MAX_TOKENS
from crawler.settings import LinkSettings
from tests.link.stories import CANAL, article, original

LINKER = Linker(LinkSettings())
TEXTS = {
    "empty": "",
    "three words": "Locks are shut",
    "one sentence a thousand times": "The lock at Torsby is shut. " * 1_000,
    "200,000 words": " ".join(f"word{place}" for place in range(200_000)),
    "no full stop": "lock " * 20_000,
    "numbers": " ".join(f"{place * 37 % 1000},{place % 1000:03} 12.5%" for place in range(5_000)),
    "capitals": "THE LOCK AT TORSBY IS SHUT AND NOBODY KNOWS WHY. " * 50,
    "lines": "\n\n".join(f"Item {place}" for place in range(3_000)),
    "right to left": "أغلق القفل " * 500 + "\u202e\u202d",
    "combining": "e\u0301\u0302\u0303" * 3_000,
    "surrogates": "lock \ud800 shut \udfff. " * 100,
    "controls": "\x00\x01lock\x7f \ufeff shut.\x0b" * 100,
    "one long word": "a" * 100_000,
    "quotation marks": "“" * 5_000 + "”" * 5_000,
    "apostrophes": "d'" * 20_000,
    "slashes": "a/b/c/" * 20_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_can_be_signed_and_decided_on(name: str) -> None:
    page = article("page", TEXTS[name])
    fingerprint = LINKER.fingerprint(page)
    assert len(fingerprint.keys) <= 120
    decision = LINKER.decide(
        page, [original("canal", CANAL), original("other", TEXTS["one sentence a thousand times"])]
    )
    assert 0.0 <= decision.score <= 1.0
    assert Linker(LinkSettings()).decide(page, [original("canal", CANAL)]).linker == LINKER.id


@pytest.mark.parametrize("name", TEXTS)
def test_a_profile_is_bounded(name: str) -> None:
    held = profile(article("page", TEXTS[name]))
    assert len(held.spans) <= MAX_SENTENCES
    assert len(held.forms) <= MAX_TOKENS + 100


def test_a_text_meets_itself_however_odd_it_is() -> None:
    for name, text in TEXTS.items():
        decision = LINKER.decide(article("page", text), [original("same", text)])
        assert 0.0 <= decision.score <= 1.0, name


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_can_be_compared(one: str, other: str) -> None:
    decision = LINKER.decide(article("page", one), [original("other", other)])
    assert 0.0 <= decision.score <= 1.0
    if decision.link:
        for piece in decision.link.evidence:
            if piece.rewrite and piece.original:
                assert one[slice(*piece.rewrite)].strip()
                assert other[slice(*piece.original)].strip()
