"""WARC files read back, ours and others': 1.0 and 1.1, plain, or gzip by the record or as a whole.

The format: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/. What is damaged is told
as a record with a fault, and reading goes on with the next one that is whole: an archive of a gigabyte is not lost for
a bad block of its disk. Memory is bounded by the longest record that is kept, time by the bytes of the file.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from os import SEEK_END
from typing import BinaryIO

_PIECE = 1 << 16  # bytes read and decompressed at a time
_MAX_HEAD = 1 << 16  # bytes of a record's own header
_MAX_ID = 200  # characters; it is stored with every article
# A gzip member may hold a whole file; one that gives this much, and this many times its size, is a bomb.
_BOMB_BYTES, _BOMB_RATIO = 1 << 31, 200
_MOST_DAMAGED = 100  # places in a file; records made to overlap would each be read to the end of it
_WINDOW = 1 << 20  # bytes looked through at a time for the next whole record
_GZIP = b"\x1f\x8b\x08"
_START = re.compile(rb"\x1f\x8b\x08|(?<=\n)WARC/1\.")
_VERSION = re.compile(rb"WARC/(?:0\.1[78]|1\.[01])[ \t]*\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")


class Fault(StrEnum):
    """Why a record's block is not there."""

    NONE = ""
    CUT = "cut"  # the file ends inside it
    TOO_LARGE = "too-large"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """One record. `headers` have names in lower case; `block` is what follows them, empty where it was not wanted.

    `offset` is where the record begins in its file, that of its gzip member where it has one. Whoever has read up to
    `end` may go on from there; it is that of the same member while more of its records follow.
    """

    offset: int
    end: int
    headers: Mapping[str, str] = field(default_factory=dict)
    block: bytes = field(default=b"", repr=False)
    fault: Fault = Fault.NONE

    @property
    def kind(self) -> str:
        return self.headers.get("warc-type", "").lower()

    @property
    def record_id(self) -> str:
        return self.headers.get("warc-record-id", "")[:_MAX_ID]


Wants = Callable[[Mapping[str, str]], bool]


class _Damaged(Exception):
    """What is here is no record."""


class _Cut(Exception):
    """The file ends inside a record."""


def read_records(
    file: BinaryIO, *, start: int = 0, limit: int, wants: Wants = lambda headers: True
) -> Iterator[WarcRecord]:
    """The records of a file from `start` on, which is 0 or some record's `end`.

    Blocks are kept of those that `wants` names by their headers, and of at most `limit` bytes. A record that the file
    ends in comes last, with the fault CUT and an `end` before it: the file may still grow.
    """
    here, following = start, None
    damaged = 0
    while True:
        try:
            following = yield from _run(file, here, limit, wants)
        except _Damaged:
            damaged += 1
            following = _next_whole(file, here + 1) if damaged < _MOST_DAMAGED else None
            yield WarcRecord(here, here if following is None else following, fault=Fault.DAMAGED)
        except _Cut:
            yield WarcRecord(here, here, fault=Fault.CUT)
            return
        if following is None:
            return
        here = following


def record_at(file: BinaryIO, offset: int, *, limit: int) -> WarcRecord | None:
    """The record that begins at `offset`; None where none does."""
    found = next(read_records(file, start=offset, limit=limit), None)
    return None if found is None or found.fault in {Fault.DAMAGED, Fault.CUT} else found


def whole_length(file: BinaryIO) -> int:
    """The bytes up to the end of the last record that is whole; reads the whole file.

    Not from its end: what a page sent may lie there as it came, and look like records.
    """
    end = 0
    for record in read_records(file, limit=0, wants=lambda headers: False):
        if record.fault and record.end == record.offset:
            return record.offset
        end = record.end
    return end


def _run(file: BinaryIO, offset: int, limit: int, wants: Wants) -> Generator[WarcRecord, None, int | None]:
    """One gzip member, or one plain record; where to go on, None at the end of the file."""
    file.seek(offset)
    beginning = file.read(len(_GZIP))
    if not beginning:
        return None
    file.seek(offset)
    if beginning == _GZIP:
        return (yield from _run_packed(_Member(file), offset, limit, wants))
    stream = _Stream(lambda: file.read(_PIECE))
    if not stream.at_record():
        return None
    begins = offset + stream.consumed
    size = file.seek(0, SEEK_END) - begins
    file.seek(begins)
    stream = _Stream(lambda: file.read(_PIECE))
    try:
        record = _record(stream, begins, limit, wants, most=size)
    except _Cut:
        # The last record, or one that lies about its length.
        following = _next_whole(file, begins + 1)
        fault = Fault.CUT if following is None else Fault.DAMAGED
        yield WarcRecord(begins, begins if following is None else following, fault=fault)
        return following
    stream.at_record()
    end = begins + stream.consumed
    yield replace(record, end=end)
    return end


def _run_packed(member: _Member, offset: int, limit: int, wants: Wants) -> Generator[WarcRecord, None, int]:
    stream = _Stream(member.more)
    try:
        while stream.at_record():
            record = _record(stream, offset, limit, wants)
            # Read on to the end before the record is handed out: only there it shows whether the member is whole.
            more = stream.at_record()
            yield replace(record, end=offset if more else member.end)
    except _Cut:
        if member.ended:  # not the file
            raise _Damaged from None
        raise
    return member.end


def _record(stream: _Stream, offset: int, limit: int, wants: Wants, most: int | None = None) -> WarcRecord:
    """The next record; `most` are the bytes that can be left of it, where that is known."""
    headers = _headers(stream.head())
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 16):
        raise _Damaged
    size = int(length)
    if most is not None and size > most - stream.consumed:
        raise _Cut
    wanted = wants(headers)
    if not wanted or size > limit:
        stream.drop(size)
        return WarcRecord(offset, offset, headers, fault=Fault.TOO_LARGE if wanted else Fault.NONE)
    return WarcRecord(offset, offset, headers, stream.take(size))


def _headers(head: bytes) -> dict[str, str]:
    if not _VERSION.match(head):
        raise _Damaged
    found: dict[str, str] = {}
    for line in _FOLD.sub(b" ", head).split(b"\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            found.setdefault(_text(name).strip().lower(), _text(value).strip())
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


class _Stream:
    """Bytes read forward; `more` gives the next ones, none at their end."""

    def __init__(self, more: Callable[[], bytes]) -> None:
        self._more = more
        self._buffer = bytearray()
        self.consumed = 0

    def at_record(self) -> bool:
        """Leaves out the empty lines between records; whether anything follows."""
        while True:
            line = 0
            while line < len(self._buffer) and self._buffer[line] in b"\r\n":
                line += 1
            self._consume(line)
            if self._buffer:
                return True
            if not self._fill():
                return False

    def head(self) -> bytes:
        """Up to the next blank line, which goes with it."""
        searched = 0
        while True:
            blank = _BLANK_LINE.search(self._buffer, searched)
            if blank is not None:
                return self.take(blank.end())
            searched = max(0, len(self._buffer) - 3)
            if len(self._buffer) > _MAX_HEAD:
                raise _Damaged
            if not self._fill():
                raise _Cut

    def take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._fill():
                raise _Cut
        with memoryview(self._buffer) as view:
            taken = bytes(view[:size])
        self._consume(size)
        return taken

    def drop(self, size: int) -> None:
        while len(self._buffer) < size:
            size -= len(self._buffer)
            self._consume(len(self._buffer))
            if not self._fill():
                raise _Cut
        self._consume(size)

    def _consume(self, size: int) -> None:
        del self._buffer[:size]
        self.consumed += size

    def _fill(self) -> bool:
        piece = self._more()
        self._buffer += piece
        return bool(piece)


class _Member:
    """One gzip member, decompressed piece by piece from where the file stands. `end` is valid once it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._begin = file.tell()
        self._inner = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._read = self._given = 0

    @property
    def ended(self) -> bool:
        return self._inner.eof

    @property
    def end(self) -> int:
        return self._begin + self._read - len(self._inner.unused_data)

    def more(self) -> bytes:
        try:
            while not self._inner.eof:
                data = self._inner.unconsumed_tail
                if not data:
                    data = self._file.read(_PIECE)
                    self._read += len(data)
                # At the file's end the decompressor may hold output still.
                piece = self._inner.decompress(data, _PIECE)
                self._given += len(piece)
                if self._given > max(_BOMB_BYTES, _BOMB_RATIO * self._read):
                    raise _Damaged
                if piece:
                    return piece
                if not data and not self._inner.eof:
                    raise _Cut
        except zlib.error:
            raise _Damaged from None
        return b""


def _next_whole(file: BinaryIO, offset: int) -> int | None:
    """Where behind `offset` the next record begins, as far as can be told from its first bytes."""
    overlap = len(_GZIP) + 4
    while True:
        file.seek(offset)
        window = file.read(_WINDOW)
        for found in _START.finditer(window):
            place = offset + found.start()
            if window[found.start()] != _GZIP[0] or _begins_record(file, place):
                return place
        if len(window) < _WINDOW:
            return None
        offset += len(window) - overlap


def _begins_record(file: BinaryIO, offset: int) -> bool:
    """Whether a gzip member is there, and a record in it: the three bytes it begins with stand anywhere by chance."""
    file.seek(offset)
    try:
        return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(file.read(512), 5) == b"WARC/"
    except zlib.error:
        return False
