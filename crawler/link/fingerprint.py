"""What the candidate index keeps of an article: two views of it under one kind of key.

The MinHash view (bands of the whole, least shingles of its parts) finds copies, close rewrites and lifted passages;
the rare stems, names and numbers find what is reworded throughout.
"""

from __future__ import annotations

import numpy as np

from crawler.link.minhash import SCHEME, band_keys, index_keys, part_keys, signature
from crawler.link.profile import Profile
from crawler.model import Fingerprint

RARE_TERMS = 48  # index keys an article for its rarest terms
LEAST_RARITY = 2.5  # weight; what nearly every story holds finds nothing
BAND_WEIGHT = 8.0
PART_WEIGHT = 12.0  # six words in a row are rarer than any name
STEP = 16  # weights are multiples of 1/16: their sums are exact and the same in any order and engine


def fingerprint(profile: Profile, linker: str) -> Fingerprint:
    """The fingerprint of a profile; that of an article without words has no keys and finds nothing."""
    values = signature(profile.shingles.known)
    weights: dict[int, float] = {}
    if len(profile.forms):
        rarest = np.argsort(-profile.weights, kind="stable")[:RARE_TERMS]  # terms ascend: ties by term
        rarest = rarest[profile.weights[rarest] >= LEAST_RARITY]
        rare = np.rint(profile.weights[rarest] * STEP) / STEP
        weights.update(zip(index_keys(profile.terms[rarest].astype(np.uint64)), rare.tolist(), strict=True))
        weights.update(dict.fromkeys(part_keys(profile.forms), PART_WEIGHT))
        weights.update(dict.fromkeys(band_keys(values), BAND_WEIGHT))
    keys = sorted(weights)
    return Fingerprint(
        linker=linker,
        scheme=SCHEME,
        minhash=values.tobytes(),
        keys=tuple(keys),
        weights=tuple(map(weights.__getitem__, keys)),
    )
