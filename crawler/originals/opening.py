"""Files as streams of bytes, unpacked where they are compressed, and as lines of bounded length."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from crawler.errors import InputError
from crawler.originals.items import Unreadable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_ITEM = 5_000_000  # bytes of one line, one JSON value, one text or HTML file
HEAD = 1_000_000  # bytes by which a format is told
_BUFFER = 1 << 16
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError, zipfile.BadZipFile)
MOST_TIMES = 200  # its size: news packs to a fifth, a bomb to a thousandth
_SMALL = 50_000_000  # bytes that may come out of any file, however small it is


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The file's bytes, gzip and zstd unpacked as they are read (told by content), without a byte order mark.

    Raises InputError where it can't be opened; reading raises Unreadable.
    """
    try:
        if path.is_dir():
            raise InputError(path, "expected a file, it is a folder")
        raw = path.open("rb")
    except FileNotFoundError:
        raise InputError(path, "expected a file, there is none") from None
    except OSError as error:
        raise InputError(path, f"can't be opened: {error.strerror or error}") from None
    with raw:
        yield unpacked(raw, path.stat().st_size)


def unpacked(raw: io.BufferedIOBase, size: int) -> io.BufferedReader:
    """The stream's bytes as `opened` gives a file's; `size` is the stream's own. Reading raises Unreadable."""
    magic = raw.read(4)
    raw.seek(0)
    stream = raw
    if magic.startswith(_GZIP):
        stream = gzip.GzipFile(fileobj=cast(io.BufferedReader, raw))
    elif magic == _ZSTD:
        stream = cast(io.BufferedIOBase, zstd.ZstdFile(cast(io.BufferedReader, raw)))
    packed = stream is not raw or isinstance(raw, zipfile.ZipExtFile)
    most = max(_SMALL, MOST_TIMES * size) if packed else None
    buffered = io.BufferedReader(_Readable(stream, most), _BUFFER)
    if _has_mark(buffered):
        buffered.read(len(codecs.BOM_UTF8))
    return cast(io.BufferedReader, buffered)


class _Readable(io.RawIOBase):
    """A stream whose failures to read or unpack are Unreadable; gives `most` bytes, None: as many as there are."""

    def __init__(self, stream: io.BufferedIOBase, most: int | None) -> None:
        self._stream, self._most = stream, most
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        try:
            data = self._stream.read1(len(view))  # `read` forgets what it has when the data then break off
        except _BROKEN:
            raise Unreadable("the compressed data are broken or break off") from None
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror or error}") from None
        self._given += len(data)
        if self._most is not None and self._given > self._most:
            raise Unreadable(f"expected data that unpack to at most {MOST_TIMES} times their size")
        view[: len(data)] = data
        return len(data)


def _has_mark(stream: io.BufferedReader[_Readable]) -> bool:
    try:
        return stream.peek(3).startswith(codecs.BOM_UTF8)
    except Unreadable:
        return False  # the reader that follows meets it again and tells


def head(path: Path, size: int = HEAD) -> bytes:
    """The first bytes, unpacked; fewer where the compressed data break off."""
    with opened(path) as stream:
        return beginning_of(stream, size)


def beginning_of(stream: io.BufferedReader, size: int = HEAD) -> bytes:
    """The first bytes of a stream; fewer where the compressed data break off."""
    found = bytearray()
    try:
        while len(found) < size and (data := stream.read1(_BUFFER)):
            found += data
    except Unreadable:
        pass
    return bytes(found)


def unpacked_head(beginning: bytes, most: int) -> bytes:
    """A file's first bytes as they are unpacked, at most so many; nothing where they are broken."""
    try:
        if beginning.startswith(_GZIP):
            return zlib.decompressobj(31).decompress(beginning, most)
        if beginning.startswith(_ZSTD):
            return zstd.ZstdDecompressor().decompress(beginning, most)
    except (zlib.error, zstd.ZstdError):
        return b""
    return beginning


def lines(stream: io.BufferedReader) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines without their line breaks; None for one longer than `MAX_ITEM`, which is passed over."""
    number = 0
    while line := stream.readline(MAX_ITEM + 2):
        number += 1
        if len(line) <= MAX_ITEM or line.endswith(b"\n"):
            yield number, line.rstrip(b"\r\n")
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(_BUFFER)
        yield number, None


def whole(stream: io.BufferedReader) -> bytes:
    """All bytes of a file that holds one item."""
    body = stream.read(MAX_ITEM + 1)
    if len(body) > MAX_ITEM:
        raise Unreadable(f"expected at most {MAX_ITEM // 1_000_000} MB")
    return body
