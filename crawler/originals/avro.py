"""Avro object container files (Apache Avro 1.11, "Object Container Files"), record by record, in bounded memory.

The container is read here, where the size of every block is known before it is unpacked; fastavro decodes the records.
Schemas are held to what deliveries of articles need: a record of texts, numbers and lists of them, each of which takes
room in the file, so that no count in it can promise more than there is.
"""

from __future__ import annotations

import bz2
import io
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from crawler.errors import MissingExtra
from crawler.originals.items import Unreadable
from crawler.originals.prose import not_utf_8

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAGIC = b"Obj\x01"
MAX_BLOCK = 64_000_000  # bytes of one block, packed or unpacked
MAX_HEADER = 1_000_000  # bytes of the metadata
MAX_FIELDS = 1_000
_SYNC = 16  # bytes between blocks
_PRIMITIVE = frozenset({"boolean", "int", "long", "float", "double", "bytes", "string"})
_BROKEN = "the Avro file is broken or breaks off"

Json = dict[str, Any]


def avro_rows(stream: io.BufferedReader) -> Iterator[tuple[int, Json | str]]:
    """The records, numbered from 1, each as an object or in words why it is none.

    Raises Unreadable where the rest can't be read, MissingExtra where fastavro is not installed.
    """
    try:
        from fastavro import parse_schema, schemaless_reader
        from fastavro.schema import SchemaParseException
    except ModuleNotFoundError:
        raise MissingExtra("an Avro file", "factiva") from None
    meta, sync = _header(stream)
    try:
        schema = parse_schema(_schema(meta.get("avro.schema", b"")))
    except (SchemaParseException, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Unreadable(f"expected an Avro schema of texts and numbers ({str(error)[:80]})") from None
    codec = meta.get("avro.codec", b"null").decode("utf-8", "replace")
    number = 0
    try:
        for count, block in _blocks(stream, sync, codec):
            records = io.BytesIO(block)
            for _ in range(count):
                # Bytes that are no UTF-8 become halves of surrogate pairs: that record is told, the next is in step.
                row: Any = schemaless_reader(records, schema, None, handle_unicode_errors="surrogateescape")
                number += 1
                yield number, not_utf_8(row.values()) or {name: _plain(value) for name, value in row.items()}
    except Unreadable as error:
        raise Unreadable(str(error), number + 1) from None
    except (EOFError, ValueError, IndexError, OverflowError, struct.error):
        raise Unreadable(_BROKEN, number + 1) from None


def _header(stream: io.BufferedReader) -> tuple[dict[str, bytes], bytes]:
    if _exactly(stream, len(MAGIC)) != MAGIC:
        raise Unreadable("expected an Avro file")
    meta: dict[str, bytes] = {}
    room = MAX_HEADER
    while count := _long(stream):
        if count < 0:  # a block that tells its size as well
            count = -count
            _long(stream)
        for _ in range(min(count, MAX_FIELDS)):
            parts = []
            for _ in range(2):
                size = _long(stream)
                room -= size
                if size < 0 or room < 0:
                    raise Unreadable(f"expected a header of at most {MAX_HEADER // 1_000_000} MB")
                parts.append(_exactly(stream, size))
            meta[parts[0].decode("utf-8", "replace")] = parts[1]
    return meta, _exactly(stream, _SYNC)


def _blocks(stream: io.BufferedReader, sync: bytes, codec: str) -> Iterator[tuple[int, bytes]]:
    while stream.peek(1):
        count, size = _long(stream), _long(stream)
        if not 0 <= size <= MAX_BLOCK:
            raise Unreadable(f"expected blocks of at most {MAX_BLOCK // 1_000_000} MB")
        block = _unpacked(_exactly(stream, size), codec)
        if _exactly(stream, _SYNC) != sync or not 0 <= count <= len(block):
            raise Unreadable(_BROKEN)
        yield count, block


def _unpacked(block: bytes, codec: str) -> bytes:
    try:
        if codec == "null":
            return block
        if codec == "snappy":
            return _unsnapped(block)
        packer: Any = {
            "deflate": lambda: zlib.decompressobj(-15),
            "bzip2": bz2.BZ2Decompressor,
            "zstandard": zstd.ZstdDecompressor,
        }[codec]()
        found: bytes = packer.decompress(block, MAX_BLOCK + 1)
    except KeyError:
        raise Unreadable(f"expected the codec null, deflate, snappy, zstandard or bzip2, got {codec[:40]!r}") from None
    except (zlib.error, OSError, EOFError, zstd.ZstdError, ValueError):
        raise Unreadable(_BROKEN) from None
    if len(found) > MAX_BLOCK:
        raise Unreadable(f"expected blocks of at most {MAX_BLOCK // 1_000_000} MB")
    return found


def _unsnapped(block: bytes) -> bytes:
    """A block of the codec snappy, behind which stands the CRC-32 of what is in it."""
    try:
        import cramjam
    except ModuleNotFoundError:
        raise MissingExtra("an Avro file packed with snappy", "factiva") from None
    size = _long_of(io.BytesIO(block[:10]))  # it begins with its size once unpacked
    if size > MAX_BLOCK:
        raise Unreadable(f"expected blocks of at most {MAX_BLOCK // 1_000_000} MB")
    try:
        found = bytes(cramjam.snappy.decompress_raw(block[:-4]))
    except cramjam.DecompressionError:
        raise ValueError from None
    if struct.pack(">I", zlib.crc32(found)) != block[-4:]:
        raise ValueError
    return found


def _schema(text: bytes) -> Json:
    """The writer's schema, checked. Raises ValueError."""
    schema = json.loads(text.decode("utf-8"))
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise ValueError("expected a record")
    fields = schema.get("fields")
    if not isinstance(fields, list) or not 0 < len(fields) <= MAX_FIELDS:
        raise ValueError(f"expected 1 to {MAX_FIELDS} fields")
    for one in fields:
        if not isinstance(one, dict) or not _is_plain(one.get("type")):
            raise ValueError(f"a field of another kind: {str(one)[:40]}")
    if all(one["type"] == "null" for one in fields):
        raise ValueError("records without content")
    return schema


def _is_plain(kind: object, *, within: bool = False) -> bool:
    """Whether values of this type are texts, numbers, or lists or tables of them."""
    if isinstance(kind, list):
        return 0 < len(kind) <= 10 and all(one == "null" or _is_plain(one, within=within) for one in kind)
    if isinstance(kind, str):
        return kind in _PRIMITIVE or (kind == "null" and not within)
    if not isinstance(kind, dict):
        return False
    name = kind.get("type")
    if name in {"array", "map"}:
        return not within and _is_plain(kind.get("items" if name == "array" else "values"), within=True)
    return name == "enum" or (isinstance(name, str) and name in _PRIMITIVE)


def _plain(value: Any) -> Any:
    """As JSON would have it: times as text, bytes as text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _exactly(stream: io.BufferedReader, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise Unreadable(_BROKEN)
    return data


def _long(stream: io.BufferedReader) -> int:
    """A number of Avro's: seven bits a byte, the lowest first, the sign in the lowest bit of all."""
    value = _long_of(stream)
    return (value >> 1) ^ -(value & 1)


def _long_of(stream: io.BufferedIOBase) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise Unreadable(_BROKEN)
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            return value
    raise Unreadable(_BROKEN)
