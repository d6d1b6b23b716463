"""Archives read back: ours, others' and broken ones, each made by the library that others write with."""

from __future__ import annotations

import gzip
import os
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.errors import BodyTooLarge, BodyUndecodable, RecordDamaged, UrlRefused
from crawler.fetch.captures import Capture, capture_of, is_answer
from crawler.fetch.warc import Fault, WarcRecord, read_records, record_at

LIMIT = 1_000_000
PAGE = b"<!doctype html><title>Harbor</title><p>The ferry runs again."


def written(*bodies: bytes, packed: bool = True, version: str = "1.1", **headers: str) -> bytes:
    """A file of responses, one a body, at https://site.example/NUMBER."""
    buffer = BytesIO()
    writer = WARCWriter(buffer, gzip=packed, warc_version=version)
    writer.write_record(writer.create_warcinfo_record("made.warc.gz", {"software": "a test"}))
    for number, body in enumerate(bodies):
        head = StatusAndHeaders(
            "200 OK",
            [("Content-Type", "text/html"), *((n.replace("_", "-"), v) for n, v in headers.items())],
            "HTTP/1.1",
        )
        writer.write_record(
            writer.create_warc_record(
                f"https://site.example/{number}",
                "response",
                payload=BytesIO(body),
                http_headers=head,
                warc_headers_dict={"WARC-Date": "2026-02-03T04:05:06Z"},
            )
        )
    return buffer.getvalue()


def read(data: bytes, **keys: Any) -> list[WarcRecord]:
    return list(read_records(BytesIO(data), limit=LIMIT, **keys))


def pages(data: bytes) -> list[Capture]:
    found = [capture_of(one) for one in read(data, wants=is_answer) if is_answer(one.headers) and not one.fault]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_every_record_is_read_with_its_place(packed: bool, version: str) -> None:
    data = written(PAGE, PAGE + b"2", packed=packed, version=version)
    records = read(data)
    assert [one.kind for one in records] == ["warcinfo", "response", "response"]
    assert records[0].offset == 0
    assert [one.end for one in records] == [records[1].offset, records[2].offset, len(data)]
    for one in records:
        alone = record_at(BytesIO(data), one.offset, limit=LIMIT)
        assert alone is not None
        assert (alone.record_id, alone.block) == (one.record_id, one.block)


@pytest.mark.parametrize("packed", [True, False])
def test_reading_goes_on_where_it_ended(packed: bool) -> None:
    data = written(PAGE, PAGE, PAGE, packed=packed)
    first = read(data)
    assert [one.record_id for one in read(data, start=first[1].end)] == [one.record_id for one in first[2:]]


def test_a_file_that_is_one_gzip_member_is_read() -> None:
    data = gzip.compress(written(PAGE, PAGE, packed=False))
    records = read(data)
    assert len(records) == 3
    # Only from its begin can such a file be read again.
    assert [(one.offset, one.end) for one in records] == [(0, 0), (0, 0), (0, len(data))]


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_that_breaks_off_gives_all_that_is_whole(packed: bool) -> None:
    data = written(PAGE, os.urandom(5_000), packed=packed)
    *whole, last = read(data[:-2_000])
    assert [one.fault for one in whole] == [Fault.NONE, Fault.NONE]
    assert (last.fault, last.end) == (Fault.CUT, last.offset)
    assert last.offset == read(data)[2].offset


def test_a_damaged_record_costs_that_record_alone() -> None:
    whole = written(PAGE, os.urandom(300_000), PAGE + b"last")
    at = read(whole)[2].offset
    broken = whole[: at + 100] + bytes(1_000) + whole[at + 1_100 :]
    faults = [one.fault for one in read(broken)]
    assert faults[:2] == [Fault.NONE, Fault.NONE]
    assert set(faults[2:-1]) == {Fault.DAMAGED}
    assert pages(broken)[-1].raw == PAGE + b"last"


def test_a_plain_record_of_a_wrong_length_costs_that_record_alone() -> None:
    data = written(PAGE, PAGE + b"2", PAGE + b"3", packed=False)
    at = read(data)[1].offset
    head, tail = data[:at], data[at:]
    lying = tail.replace(b"Content-Length: ", b"Content-Length: 1", 1)
    assert pages(head + lying)[-1].raw == PAGE + b"3"


def test_what_is_no_archive_is_one_fault() -> None:
    for data in (b"<!doctype html><p>no archive", gzip.compress(b"nor is this"), os.urandom(5_000), b"\x1f\x8b\x08"):
        assert [one.fault for one in read(data)] in ([Fault.DAMAGED], [Fault.CUT])
    assert read(b"") == read(b"\r\n\r\n") == []


def test_a_record_over_the_limit_is_told_and_not_held() -> None:
    data = written(bytes(LIMIT + 1), PAGE)
    assert [one.fault for one in read(data)] == [Fault.NONE, Fault.TOO_LARGE, Fault.NONE]
    assert read(data)[1].block == b""


def test_a_file_that_is_damaged_all_over_is_given_up() -> None:
    assert len(read(gzip.compress(b"WARC/9.9") * 1_000)) == 100


def test_a_bomb_is_damage_and_not_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.fetch.warc._BOMB_BYTES", 1 << 20)
    head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 999999999\r\n\r\n"
    bomb = gzip.compress(head + bytes(30_000_000))
    assert [one.fault for one in read(bomb + written(PAGE))] == [Fault.DAMAGED, Fault.NONE, Fault.NONE]


def test_headers_that_are_not_utf_8_and_folded_ones_are_read() -> None:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html;\r\n\tcharset=utf-8\r\nX-Desk: caf\xe9\r\n\r\n" + PAGE
    head = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: 2026-01-01T00:00:00Z\r\nX-Note: caf\xe9\r\n"
        b"WARC-Target-URI: <https://site.example/a>\r\nContent-Type: application/http;\r\n msgtype=response\r\n"
        b"Content-Length: %d\r\n\r\n" % len(block)
    )
    (record,) = read(head + block + b"\r\n\r\n")
    assert record.headers["x-note"] == "caf\xe9"
    capture = capture_of(record)
    assert capture is not None
    assert capture.url == "https://site.example/a"
    assert capture.document(LIMIT).charset == "utf-8"


def chunked(body: bytes) -> bytes:
    half = len(body) // 2
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:])) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (chunked(PAGE), {"Transfer_Encoding": "chunked"}),
        (PAGE, {"Transfer_Encoding": "chunked"}),  # undone, and still named
        (gzip.compress(PAGE), {"Content_Encoding": "gzip"}),
        (PAGE, {"Content_Encoding": "gzip"}),
        (PAGE, {"Content_Encoding": "br"}),
        (PAGE, {"Content_Encoding": "sdch"}),
        (chunked(zlib.compress(PAGE)), {"Transfer_Encoding": "chunked", "Content_Encoding": "deflate"}),
        (PAGE, {}),
    ],
    ids=["chunked", "chunked undone", "gzip", "gzip undone", "br undone", "unknown", "chunked deflate", "plain"],
)
def test_encodings_are_undone_where_they_are_there(body: bytes, headers: dict[str, str]) -> None:
    (capture,) = pages(written(body, **headers))
    assert capture.document(LIMIT).body == PAGE
    assert capture.at.isoformat() == "2026-02-03T04:05:06+00:00"


def test_a_body_that_grows_over_the_limit_is_refused() -> None:
    (capture,) = pages(written(gzip.compress(bytes(3_000_000)), Content_Encoding="gzip"))
    with pytest.raises(BodyTooLarge):
        capture.document(LIMIT)


def test_a_compressed_body_that_breaks_off_counts_only_where_the_archive_says_so() -> None:
    cut = gzip.compress(PAGE * 100 + os.urandom(2_000))[:-500]
    (capture,) = pages(written(cut, Content_Encoding="gzip"))
    with pytest.raises(BodyUndecodable):
        capture.document(LIMIT)
    told = Capture(capture.url, capture.at, capture.record_id, capture.headers, capture.raw, cut=True)
    assert told.document(LIMIT).body.startswith(PAGE)


def answer(block: bytes, **headers: str) -> WarcRecord:
    base = {"warc-date": "2026-01-01T00:00:00Z", "warc-target-uri": "https://site.example/"}
    return WarcRecord(0, 0, base | {name.replace("_", "-"): value for name, value in headers.items()}, block)


@pytest.mark.parametrize(
    "block",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n" + PAGE,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n%PDF-1.7",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nonly text",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_page_is_none(block: bytes) -> None:
    assert capture_of(answer(block)) is None


@pytest.mark.parametrize("head", [b"HTTP/2 200\r\n\r\n", b"HTTP/1.0 200 OK\nContent-Type: text/plain\n\n"])
def test_a_page_is_told_by_its_begin_where_no_type_says_it(head: bytes) -> None:
    capture = capture_of(answer(head + b"\n " + PAGE))
    assert capture is not None


@pytest.mark.parametrize(
    ("block", "headers", "error"),
    [
        (b"no answer at all", {}, RecordDamaged),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html", {}, RecordDamaged),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", {"warc_date": "soon"}, RecordDamaged),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", {"warc_target_uri": "dns:site.example"}, UrlRefused),
    ],
)
def test_a_record_without_what_it_should_have_is_refused(
    block: bytes, headers: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        capture_of(answer(block, **headers))


@given(st.binary(max_size=400), st.integers(0, 700), st.booleans())
def test_whatever_is_broken_reading_ends_and_moves_forward(noise: bytes, place: int, packed: bool) -> None:
    data = written(PAGE, PAGE, packed=packed)
    at = min(place, len(data))
    records = read(data[:at] + noise + data[at:])
    ends = [one.end for one in records]
    assert ends == sorted(ends)
    assert len(records) < 100
