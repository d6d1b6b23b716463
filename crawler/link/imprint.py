"""What stands in for the text of an original that may not be kept: keyed hashes, enough to verify and to score.

Of each sentence it holds which terms (stems, names, numbers) are in it, as 64-bit hashes without their order, how many
words it has and how much of it is direct speech; of the whole the runs of words, as 32-bit hashes without their order.
All hashes are keyed. Without the key they tell nothing; with it one can ask whether a word that one thinks of stood in
a sentence, which is what a comparison does, but no sentence can be read off them.

A page is compared by hashing its own terms and runs with the same key. What that costs in accuracy:
`benchmarks/imprints.py`.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from crawler.link import siphash
from crawler.link.minhash import distinct
from crawler.link.profile import RUN, Ints, Profile, Runs, assembled
from crawler.link.vocabulary import Vocabularies

VERSION = 1
# Version, language, words of a shingle; how many sentences, terms, names, places of terms, shingles, runs there are.
_HEAD = struct.Struct("<B3sBHHHIHH")
_SUM_BYTES = 8
_SPEECH_STEPS = 255.0


def imprint(profile: Profile, key: bytes) -> bytes:
    """The hashes of a text: some 13 KB for a story of 800 words. Raises ValueError for a key of the wrong length."""
    made = keyed(profile, key)
    names = np.flatnonzero(made.plain != made.terms)
    shingles, runs = made.shingles.known, made.runs.known
    head = _HEAD.pack(
        VERSION, made.language.encode()[:3], made.shingles.words,
        len(made.spans), len(made.terms), len(names), len(made.rows), len(shingles), len(runs),
    )  # fmt: skip
    columns = (
        made.words.astype("<u2"),
        np.rint(made.speech * _SPEECH_STEPS).astype("u1"),
        made.terms.astype("<i8"),
        made.kinds.astype("u1"),
        made.weights.astype("<f4"),
        names.astype("<u2"),
        made.plain[names].astype("<i8"),
        made.rows.astype("<u2"),
        made.columns.astype("<u2"),
        shingles.astype("<u4"),
        runs.astype("<u4"),
    )
    body = head + b"".join(column.tobytes() for column in columns)
    return body + _checksum(body)


def restored(data: bytes, vocabularies: Vocabularies) -> Profile | None:
    """The profile that hashes stand for, to be compared with `keyed` ones; None for what is damaged or of another
    version."""
    body, sum_held = data[:-_SUM_BYTES], data[-_SUM_BYTES:]
    if len(body) < _HEAD.size or body[0] != VERSION or _checksum(body) != sum_held:
        return None
    _, language, shingle, sentences, terms, names, places, shingles, runs = _HEAD.unpack_from(body)
    reader = _Reader(body, _HEAD.size)
    words, speech = reader.take("<u2", sentences).astype(np.int64), reader.take("u1", sentences)
    ids, kinds, weights = reader.take("<i8", terms), reader.take("u1", terms), reader.take("<f4", terms)
    named, plain_names = reader.take("<u2", names).astype(np.int64), reader.take("<i8", names)
    rows, columns = reader.take("<u2", places), reader.take("<u2", places)
    known = reader.take("<u4", shingles).astype(np.uint64), reader.take("<u4", runs).astype(np.uint64)
    plain = ids.astype(np.int64)
    plain[named] = plain_names
    nothing = np.zeros(0, dtype=np.uint64)
    return assembled(
        language=language.rstrip(b"\0").decode("ascii", "replace"),
        spans=np.zeros((sentences, 2), dtype=np.int64),
        words=words,
        speech=(speech / _SPEECH_STEPS).astype(np.float32),
        terms=ids.astype(np.int64),
        kinds=kinds.astype(np.int8),
        weights=weights.astype(np.float64),
        plain=plain,
        rows=rows.astype(np.int64),
        columns=columns.astype(np.int64),
        forms=np.zeros(0, dtype=np.int64),
        shingles=Runs(shingle, nothing, known[0]),
        runs=Runs(RUN, nothing, known[1]),
        shown={},
        vocabularies=vocabularies,
        is_hashed=True,
    )


def keyed(profile: Profile, key: bytes) -> Profile:
    """A profile with all its terms and runs hashed, for a comparison with what was hashed by the same key."""
    terms, plain = _terms(profile.terms, key), _terms(profile.plain, key)
    order = np.argsort(terms)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    renamed = dict(zip(profile.terms.tolist(), terms.tolist(), strict=True))
    return replace(
        profile,
        terms=terms[order],
        kinds=profile.kinds[order],
        weights=profile.weights[order],
        plain=plain[order],
        columns=place[profile.columns],
        shingles=_runs(profile.shingles, key),
        runs=_runs(profile.runs, key),
        shown={renamed[term]: text for term, text in profile.shown.items() if term in renamed},
    )


def _terms(ids: Ints, key: bytes) -> Ints:
    hashes: Ints = siphash.keyed(ids.view(np.uint64), key).view(np.int64)
    return hashes


def _runs(runs: Runs, key: bytes) -> Runs:
    """Half of each hash: it takes half the room and, with the key in hand, fits a million other runs as well."""
    ordered = siphash.keyed(runs.ordered, key) & np.uint64(0xFFFFFFFF)
    return Runs(runs.words, ordered, distinct(ordered))


def _checksum(body: bytes) -> bytes:
    """Hashes that a disk damaged would be compared as if they were others."""
    return xxhash.xxh3_64_digest(body)


class _Reader:
    """Arrays that stand one after the other."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._place = data, start

    def take(self, kind: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self._data, dtype=kind, count=count, offset=self._place)
        self._place += found.nbytes
        return found
