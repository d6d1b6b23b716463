"""Bytes to text: gzip unpacked within bounds, the charset found, at most 10 MB of it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from crawler import charset

MAX_BYTES = 10_000_000  # of a document, after decompression
_TOO_LONG = f"only the first {MAX_BYTES // 1_000_000} MB are read"
_GZIP = b"\x1f\x8b"
_CHUNK = 65_536  # bytes
_MAX_MEMBERS = 64  # each costs a copy of what follows


@dataclass(frozen=True, slots=True)
class Decoded:
    """`cut` says in words why this is not the whole document, "" where it is."""

    text: str
    cut: str = ""


def decode(body: bytes, header_charset: str | None = None) -> Decoded:
    """The text of a document, gzipped or not. `header_charset` is what the transport said."""
    cut = ""
    if body.startswith(_GZIP):
        body, cut = _inflate(body)
    if len(body) > MAX_BYTES:
        body, cut = body[:MAX_BYTES], _TOO_LONG
    return Decoded(charset.decode(body, header_charset), cut)


def _inflate(body: bytes) -> tuple[bytes, str]:
    """At most `MAX_BYTES` of a gzip file of one or a few members, and why that is not all of it."""
    out = bytearray()
    rest = body
    for _ in range(_MAX_MEMBERS):
        if not rest.startswith(_GZIP):
            return bytes(out), ""
        member = zlib.decompressobj(wbits=31)
        try:
            for start in range(0, len(rest), _CHUNK):
                out += member.decompress(rest[start : start + _CHUNK], MAX_BYTES + 1 - len(out))
                if len(out) > MAX_BYTES:
                    return bytes(out[:MAX_BYTES]), _TOO_LONG
                if member.eof:
                    rest = member.unused_data + rest[start + _CHUNK :]
                    break
            else:
                return bytes(out), "the gzip data break off"
        except zlib.error:
            return bytes(out), "the gzip data are broken"
    return bytes(out), "too many gzip members"
