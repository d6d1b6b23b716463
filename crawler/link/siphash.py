"""SipHash-2-4 of many numbers at once: what a keyed hash needs to tell nothing to who lacks the key.

A pseudo-random function with a key of 128 bits (Aumasson and Bernstein 2012), here of messages of eight bytes only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEY_BYTES = 16
_MESSAGE_BYTES = 8

Words = NDArray[np.uint64]


def keyed(values: Words, key: bytes) -> Words:
    """The 64-bit hash of each value, read as eight bytes, the least first. Raises ValueError for a key of another
    length than `KEY_BYTES`."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"expected a key of {KEY_BYTES} bytes, got {len(key)}")
    low, high = (int.from_bytes(key[start : start + 8], "little") for start in (0, 8))
    start = (0x736F6D6570736575 ^ low, 0x646F72616E646F6D ^ high, 0x6C7967656E657261 ^ low, 0x7465646279746573 ^ high)
    state = [np.full(len(values), word, dtype=np.uint64) for word in start]
    for block in (values, np.full(len(values), _MESSAGE_BYTES << 56, dtype=np.uint64)):
        state[3] ^= block
        _rounds(state, 2)
        state[0] ^= block
    state[2] ^= np.uint64(0xFF)
    _rounds(state, 4)
    hashes: Words = state[0] ^ state[1] ^ state[2] ^ state[3]
    return hashes


def _rounds(state: list[Words], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a += b
        b = _turned(b, 13) ^ a
        a = _turned(a, 32)
        c += d
        d = _turned(d, 16) ^ c
        a += d
        d = _turned(d, 21) ^ a
        c += b
        b = _turned(b, 17) ^ c
        c = _turned(c, 32)
    state[:] = a, b, c, d


def _turned(words: Words, bits: int) -> Words:
    turned: Words = (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))
    return turned
