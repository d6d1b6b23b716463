from __future__ import annotations

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given
from hypothesis import strategies as st

from crawler.link.fingerprint import STEP, fingerprint
from crawler.link.minhash import PERMUTATIONS, SCHEME, SEED, band_keys, ngrams, part_keys, signature
from crawler.link.profile import profile
from crawler.model import Fingerprint
from tests.link import stories
from tests.link.stories import article

WORDS = st.lists(st.integers(0, 2**62), max_size=120)


def of(text: str) -> Fingerprint:
    return fingerprint(profile(article("page", text)), "1-test")


def shared(one: str, other: str) -> int:
    return len(set(of(one).keys) & set(of(other).keys))


def test_a_fingerprint_names_its_linker_and_scheme_and_stays_small() -> None:
    given = of(stories.CANAL)
    assert (given.linker, given.scheme) == ("1-test", SCHEME)
    assert len(given.minhash) == 4 * PERMUTATIONS
    assert 40 <= len(given.keys) <= 92
    assert len(given.keys) == len(given.weights) == len(set(given.keys))
    assert all(-(2**31) <= key < 2**31 for key in given.keys)


def test_weights_are_sixteenths_so_that_sums_are_exact() -> None:
    assert all(256 > weight * STEP == int(weight * STEP) > 0 for weight in of(stories.CANAL).weights)


@pytest.mark.parametrize("text", ["", " \n\n ", "!?", "\u200b"])
def test_a_text_without_words_has_no_keys(text: str) -> None:
    assert of(text).keys == ()


def test_three_words_have_a_fingerprint_that_meets_itself() -> None:
    assert shared("Torsby lock shut", "Torsby lock shut") > 0


def test_a_fingerprint_is_the_same_each_time() -> None:
    assert of(stories.CANAL) == of(stories.CANAL)


def test_a_reworded_story_shares_rare_terms_and_an_unrelated_one_hardly_any() -> None:
    assert shared(stories.CANAL, stories.CANAL_SPUN) >= 20
    assert shared(stories.CANAL, stories.CANAL_CONDENSED) >= 15
    assert shared(stories.GERMAN, stories.GERMAN_SPUN) >= 15
    assert shared(stories.CANAL, stories.FRENCH) == 0


def test_a_lifted_passage_shares_part_keys_wherever_it_stands() -> None:
    passage = stories.CANAL.split("\n\n")[1] + " " + stories.CANAL.split("\n\n")[3]
    frame = profile(article("frame", stories.SPANISH + "\n\n" + passage + "\n\n" + stories.GERMAN))
    whole = profile(article("whole", stories.CANAL))
    assert set(part_keys(whole.forms)) & set(part_keys(frame.forms))


def test_signatures_estimate_the_similarity_of_shingle_sets() -> None:
    source = np.random.default_rng(7)
    words = source.integers(0, 2**60, 400)
    changed = words.copy()
    changed[:40] = source.integers(0, 2**60, 40)
    one, other = set(ngrams(words, 3).tolist()), set(ngrams(changed, 3).tolist())
    true = len(one & other) / len(one | other)
    signed, signed_changed = signature(ngrams(words, 3)), signature(ngrams(changed, 3))
    estimate = float((signed == signed_changed).mean())
    assert abs(estimate - true) < 0.15
    assert set(band_keys(signed)) & set(band_keys(signed_changed))


@given(WORDS)
def test_any_words_have_a_signature(words: list[int]) -> None:
    shingles = np.array(words, dtype=np.uint64)
    assert len(signature(shingles)) == PERMUTATIONS
    assert (signature(shingles) == signature(shingles)).all()


@given(WORDS)
def test_a_signature_is_the_one_that_datasketch_makes(words: list[int]) -> None:
    sketch = MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme="affine32", hashfunc=lambda word: word & 0xFFFFFFFF)
    sketch.update_batch(words)
    assert signature(np.array(words, dtype=np.uint64)).tolist() == sketch.hashvalues.tolist()


@given(WORDS, st.integers(1, 12))
def test_runs_of_words_are_hashed_by_content(words: list[int], run: int) -> None:
    forms = np.array(words, dtype=np.int64)
    hashes = ngrams(forms, run)
    assert len(hashes) == max(0, len(words) - run + 1)
    for place in range(0, len(hashes), 17):
        assert hashes[place] == ngrams(forms[place : place + run], run)[0]
