from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest

from crawler.model import Article, Removal
from crawler.originals import Fault, Format, Item, read
from crawler.originals.avro import MAX_BLOCK

MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
CODECS = ["null", "deflate", "snappy", "zstandard", "bzip2"]

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "article",
    "fields": [
        {"name": name, "type": ["null", "string"]}
        for name in ("an", "title", "snippet", "body", "byline", "source_code", "source_name", "action")
    ]
    + [
        {"name": "publication_datetime", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
        {"name": "modification_datetime", "type": ["null", "long"]},
        {"name": "subject_codes", "type": {"type": "array", "items": "string"}},
        {"name": "word_count", "type": "int"},
    ],
}


def row(**fields: Any) -> dict[str, Any]:
    return {
        "an": "QUAY000020260105em1500001",
        "title": "Quay Closed After Crane Fault",
        "snippet": "The harbour office closed quay seven on Monday.",
        "body": "A crane stopped at dawn.\n\nBarges wait off the môle.",
        "byline": "By Ida Mell and Ole Brandt",
        "source_code": "QUAY",
        "source_name": "The Quay",
        "action": None,
        "publication_datetime": MORNING,
        "modification_datetime": 1_767_600_060_000,
        "subject_codes": ["ghi", "jkl"],
        "word_count": 18,
        **fields,
    }


def packed(*rows: dict[str, Any], codec: str = "deflate", schema: Any = SCHEMA) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, schema, rows, codec=codec, sync_interval=2_000)
    return out.getvalue()


def items(tmp_path: Path, body: bytes) -> list[Item]:
    path = tmp_path / "part-000"
    path.write_bytes(body)
    return list(read(path))


@pytest.mark.parametrize("codec", CODECS)
def test_the_records_of_a_snapshots_avro_are_delivered(tmp_path: Path, codec: str) -> None:
    found = items(tmp_path, packed(row(), row(an="B2", action="del"), codec=codec))
    article, removal = found
    assert isinstance(article, Article)
    assert (article.publisher, article.published) == ("The Quay", MORNING)
    assert article.modified == datetime(2026, 1, 5, 8, 1, tzinfo=UTC)
    assert article.byline == ("Ida Mell", "Ole Brandt")
    assert article.text.endswith("Barges wait off the môle.")
    assert removal == Removal("B2", "QUAY", datetime(2026, 1, 5, 8, 1, tzinfo=UTC))


def test_avro_and_json_lines_of_one_article_say_the_same(tmp_path: Path) -> None:
    import json

    (from_avro,) = items(tmp_path, packed(row()))
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps({**row(), "publication_datetime": "2026-01-05T08:00:00Z"}))
    assert list(read(path)) == [from_avro]


def test_avro_is_read_where_the_format_is_given(tmp_path: Path) -> None:
    path = tmp_path / "part-000"
    path.write_bytes(packed(row()))
    assert len(list(read(path, Format.FACTIVA))) == 1


def test_a_bad_record_is_one_fault_with_its_number_and_the_rest_goes_in(tmp_path: Path) -> None:
    body = packed(row(an="A1"), row(an=None), row(an="A3", title="Qu#y"), row(an="A4"), codec="null")
    first, nameless, garbled, last = items(tmp_path, body.replace(b"Qu#y", b"Qu\xe4y"))
    assert isinstance(first, Article)
    assert isinstance(nameless, Fault)
    assert (nameless.item, nameless.reason) == (2, "an: expected an accession number")
    assert isinstance(garbled, Fault)
    assert (garbled.item, garbled.reason) == (3, "expected UTF-8, got the byte 0xe4")
    assert isinstance(last, Article)


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_that_breaks_off_gives_what_came_before(tmp_path: Path, codec: str) -> None:
    rows = [row(an=f"A{n}", body=os.urandom(600).hex()) for n in range(40)]
    body = packed(*rows, codec=codec)
    found = items(tmp_path, body[: len(body) * 2 // 3])
    assert 0 < len(found) - 1 < 40
    assert all(isinstance(one, Article) for one in found[:-1])
    assert found[-1] == Fault(str(tmp_path / "part-000"), len(found), "the Avro file is broken or breaks off")


def test_a_block_whose_marker_is_not_the_files_is_a_fault(tmp_path: Path) -> None:
    body = packed(row())
    (fault,) = items(tmp_path, body[:-1] + bytes([body[-1] ^ 1]))
    assert isinstance(fault, Fault)


def test_a_block_that_unpacks_to_more_than_its_limit_is_refused(tmp_path: Path) -> None:
    (fault,) = items(tmp_path, packed(row(body="w" * (MAX_BLOCK + 1))))
    assert isinstance(fault, Fault)
    assert fault.reason == "expected blocks of at most 64 MB"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "record", "name": "r", "fields": [{"name": "an", "type": "null"}]},
        {"type": "record", "name": "r", "fields": [{"name": "an", "type": {"type": "array", "items": "null"}}]},
        {
            "type": "record",
            "name": "r",
            "fields": [{"name": "next", "type": ["null", {"type": "array", "items": ["null", "r"]}]}],
        },
    ],
)
def test_a_schema_that_promises_more_than_there_is_is_refused(tmp_path: Path, schema: Any) -> None:
    (fault,) = items(
        tmp_path, packed({"an": [] if "array" in str(schema) else None, "next": None}, schema=schema, codec="null")
    )
    assert isinstance(fault, Fault)
    assert fault.reason.startswith("expected an Avro schema of texts and numbers")


def test_any_damage_of_a_file_gives_items_and_faults(tmp_path: Path) -> None:
    whole = packed(row(), row(an="B2"), codec="null")
    for at in range(4, len(whole), 3):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        assert all(isinstance(one, Article | Removal | Fault) for one in items(tmp_path, bytes(damaged)))
