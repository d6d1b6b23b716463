"""JSON objects out of a stream: one a line, or the elements of an array or of a stream message's `data`."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from io import BufferedReader
from typing import Any

from crawler.originals.items import Unreadable
from crawler.originals.opening import MAX_ITEM, lines

Json = dict[str, Any]

MAX_BROKEN = 1_000  # values of an array: finding the next one is dear, and what breaks so often is none

_ENTRY = re.compile(r'\s*(?:\[|\{\s*"data"\s*:\s*\[)')
_BETWEEN = re.compile(r"[\s,\]}]*")
_NEXT_LINE = re.compile(r"\n[\s,]*(?=\{)")
_CHUNK = 1 << 16  # bytes
_LONGEST_TOKEN = 64  # characters, of what separates values or may be cut by the end of what was read
# What a database or a later encoder refuses: NUL and halves of surrogate pairs, which JSON can spell.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_MAY_BE_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")

Numbered = tuple[int, Json | str]  # with its number either an object, or in words why it is none


def objects(stream: BufferedReader, beginning: bytes) -> Iterator[Numbered]:
    """The objects with their line or element numbers from 1. `beginning` is how the stream begins.

    A line that holds a message with several elements gives each of them under its number. Raises Unreadable where the
    rest can't be read.
    """
    if _is_spread(beginning):
        yield from _values(stream)
        return
    for number, line in lines(stream):
        if line is None:
            yield number, f"expected a line of at most {MAX_ITEM // 1_000_000} MB"
        elif line.strip():
            for found in of_line(line):
                yield number, found


def elements(value: object) -> Iterator[Json | str]:
    """The objects of a value: itself, those of an array, those of a message's `data`."""
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield element if isinstance(element, dict) else f"expected an object, got {_kind(element)}"
    else:
        yield f"expected an object, got {_kind(value)}"


def _is_spread(beginning: bytes) -> bool:
    """Whether the first line that isn't blank only opens an array, an object, or the `data` of a message."""
    first, _, _ = beginning.decode("utf-8", "replace").lstrip().partition("\n")
    if first.rstrip() != "{" and not _ENTRY.match(first):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return True
    return False


def of_line(line: bytes) -> Iterator[Json | str]:
    """The objects of one line, or of one message of a stream, each or in words why it is none."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        yield f"expected UTF-8, got the byte 0x{line[error.start]:02x} at place {error.start + 1}"
        return
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        yield f"expected a JSON object, {_lowered(error.msg)} at character {error.pos + 1}"
        return
    except (ValueError, RecursionError):
        yield "expected a JSON object that nests and counts within reason"
        return
    yield from elements(_storable(value) if _MAY_BE_UNSTORABLE.search(text) else value)


def _values(stream: BufferedReader) -> Iterator[Numbered]:
    """Values that follow each other in an array, or one after the other, whatever their lines.

    After a broken one reading goes on where a line begins with the next object.
    """
    window = _Window(stream)
    number = broken = 0
    while window.begin_value():
        try:
            value = window.value()
        except (ValueError, RecursionError) as error:
            number += 1
            detail = _lowered(error.msg) if isinstance(error, json.JSONDecodeError) else "it nests too deep"
            yield number, f"expected a JSON object, {detail}"
            broken += 1
            if broken >= MAX_BROKEN:
                raise Unreadable(f"{MAX_BROKEN:,} broken values, the rest is not read", number) from None
            window.pass_over()
            continue
        for found in elements(_storable(value)):
            number += 1
            yield number, found


class _Window:
    """The part of a stream that is being read, as text."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0

    def begin_value(self) -> bool:
        """Goes to the next value, past what separates it from the last; False at the end."""
        for pattern in (_BETWEEN, _ENTRY, _BETWEEN):
            self._skip(pattern)
        return self._at < len(self._text)

    def value(self) -> object:
        size = _CHUNK
        while True:
            try:
                value, self._at = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut_off = error.msg.startswith("Unterminated") or error.pos > len(self._text) - _LONGEST_TOKEN
                # Twice as much each time: what a long value costs stays in proportion to its length.
                size = max(size, len(self._text) - self._at)
                if not cut_off or len(self._text) - self._at > MAX_ITEM or not self._grow(size):
                    raise
            else:
                return value

    def pass_over(self) -> None:
        """Goes to the next line that begins with an object, or to the end."""
        self._at += 1
        while (match := _NEXT_LINE.search(self._text, self._at)) is None:
            self._at = max(self._at, len(self._text) - _LONGEST_TOKEN)
            if not self._grow(_CHUNK):
                self._at = len(self._text)
                return
        self._at = match.end()

    def _skip(self, pattern: re.Pattern[str]) -> None:
        while True:
            match = pattern.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if len(self._text) - self._at > _LONGEST_TOKEN or not self._grow(_CHUNK):
                return

    def _grow(self, size: int) -> bool:
        parts: list[bytes] = []
        missing = size
        try:
            while missing > 0 and (part := self._stream.read1(missing)):
                parts.append(part)
                missing -= len(part)
        except Unreadable:
            if not parts:  # else the next call meets it again
                raise
        data = b"".join(parts)
        self._text = self._text[self._at :] + self._decoder.decode(data, final=not data)
        self._at = 0
        return bool(data)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {key: _storable(one) for key, one in value.items()}
    return value


def _kind(value: object) -> str:
    return {str: "text", bool: "a boolean", list: "an array", type(None): "null"}.get(type(value), "a number")


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
