"""Content-Encoding undone piece by piece, so that a bomb is noticed before it has gone off.

The connector leaves bodies as they were sent (the archive keeps them so); this turns them into what they stand for.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from crawler.errors import BodyTooLarge, BodyUndecodable

ACCEPTED = "gzip, deflate, br, zstd"
MOST_ENCODINGS = 2  # one upon the other; more only serve to multiply
_MOST_MEMBERS = 1_000  # gzip members or zstd frames in a body; each costs a new decompressor
_PIECE = 65_536  # bytes decompressed at a time
_ZSTD_WINDOW = 23  # log2 of 8 MiB, what RFC 9659 lets a server use
_NO_ENCODING = frozenset({"", "identity", "none", "utf-8", "utf8", "binary", "8bit"})  # the last five: seen, meant so


class _Codec(Protocol):
    """One decompressor. `rest` are the bytes after its end, valid once `ended`."""

    ended: bool
    rest: bytes

    def feed(self, data: bytes) -> Iterator[bytes]: ...


class _Zlib:
    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(wbits=window)
        self.ended, self.rest = False, b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = self._inner.decompress(data, _PIECE)
        while piece:
            yield piece
            # Output can be left inside the decompressor although all input is taken: ask until nothing comes.
            piece = self._inner.decompress(self._inner.unconsumed_tail, _PIECE)
        self.ended, self.rest = self._inner.eof, self._inner.unused_data


class _Deflate:
    """`deflate` is zlib by the standard, and raw deflate on many servers: the first two bytes tell."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: _Zlib | None = None
        self.ended, self.rest = False, b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._inner is None:
            self._head += data
            if len(self._head) < 2:
                return
            data = self._head
            zlib_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._inner = _Zlib(zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)
        yield from self._inner.feed(data)
        self.ended = self._inner.ended


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()
        self.ended, self.rest = False, b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = self._inner.process(data, output_buffer_limit=_PIECE)
        while True:
            if piece:
                yield piece
            self.ended = self._inner.is_finished()
            if self.ended or (not piece and self._inner.can_accept_more_data()):
                return
            piece = self._inner.process(b"", output_buffer_limit=_PIECE)


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})
        self.ended, self.rest = False, b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = self._inner.decompress(data, _PIECE)
        while True:
            if piece:
                yield piece
            self.ended = self._inner.eof
            if self.ended or self._inner.needs_input:
                break
            piece = self._inner.decompress(b"", _PIECE)
        self.rest = self._inner.unused_data if self.ended else b""


_CODECS: dict[str, Callable[[], _Codec]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}
# How a further member starts; whatever else follows the end is padding that browsers overlook, too.
_MEMBERS = {
    "gzip": (b"\x1f\x8b",),
    "x-gzip": (b"\x1f\x8b",),
    "zstd": (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))),
}


class _Layer:
    """One encoding of a body, through all of its members."""

    def __init__(self, url: str, encoding: str, limit: int) -> None:
        self._make = _CODECS[encoding]
        self._starts = _MEMBERS.get(encoding, ())
        self._url, self._limit = url, limit
        self._codec = self._make()
        self._members, self._size = 1, 0
        self._pending = b""  # the first bytes after a member, too few yet to tell what they are
        self._begun = self._over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        while data and not self._over:
            if self._codec.ended:
                data = self._next_member(self._pending + data)
                continue
            for piece in self._codec.feed(data):
                self._size += len(piece)
                if self._size > self._limit:
                    raise BodyTooLarge(self._url, f"decompresses to more than {self._limit} bytes")
                yield piece
            data = self._codec.rest

    def _next_member(self, data: bytes) -> bytes:
        """What the next codec is to read, nothing where there is none."""
        self._pending = b""
        if any(data.startswith(start) for start in self._starts):
            self._members += 1
            if self._members > _MOST_MEMBERS:
                raise BodyUndecodable(self._url, f"its body has more than {_MOST_MEMBERS} compressed members")
            self._codec = self._make()
            return data
        if any(start.startswith(data) for start in self._starts):
            self._pending = data
        else:
            self._over = True
        return b""

    @property
    def whole(self) -> bool:
        return self._codec.ended or not self._begun


class BodyDecoder:
    """Undoes the Content-Encoding `encodings` of the body of `url`.

    No layer gives out more than `limit` bytes and one piece. Raises BodyUndecodable for an encoding that is
    unknown, piled up or not what the body is, BodyTooLarge over the limit.
    """

    def __init__(self, url: str, encodings: str, limit: int) -> None:
        self._url = url
        named = [name for part in encodings.split(",") if (name := part.strip().lower()) not in _NO_ENCODING]
        if len(named) > MOST_ENCODINGS:
            raise BodyUndecodable(url, f"{len(named)} content encodings one upon the other")
        for name in named:
            if name not in _CODECS:
                raise BodyUndecodable(url, f"has the unknown content encoding {name[:40]!r}")
        self._encodings = ", ".join(named)
        # Named in the order they were applied; the last one comes off first.
        self._layers = [_Layer(url, name, limit) for name in reversed(named)]

    @property
    def undoes(self) -> bool:
        """Whether there is anything to undo: without it a body is what was sent."""
        return bool(self._layers)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decoded pieces, each of 64 KiB at most, that `data` gives (`data` itself where nothing is to undo)."""
        stream: Iterable[bytes] = (data,)
        for layer in self._layers:
            stream = _through(layer, stream)
        try:
            yield from stream
        except (zlib.error, brotli.error, zstd.ZstdError, EOFError):
            raise BodyUndecodable(self._url, f"its body is not {self._encodings}") from None

    def finish(self) -> None:
        """Says that no more comes. Raises BodyUndecodable where the encoded data is not at its end."""
        if not all(layer.whole for layer in self._layers):
            raise BodyUndecodable(self._url, f"its {self._encodings} body is cut off")


def _through(layer: _Layer, stream: Iterable[bytes]) -> Iterator[bytes]:
    for data in stream:
        yield from layer.feed(data)
