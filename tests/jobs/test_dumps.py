"""Dumps as other people write them."""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import InputError, MissingExtra, UsageError
from crawler.jobs.dumps import Columns, Row, expand, is_dump, parse_columns, read_rows
from crawler.model import Role

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROWS = [{"id": "a", "text": "One."}, {"id": "b", "text": "Two.", "published": "2026-02-03T04:05:06Z"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def read(path: Path, columns: Columns | None = None) -> tuple[list[Row], list[InputError]]:
    found = list(read_rows(path, columns or Columns()))
    return [one for one in found if isinstance(one, Row)], [one for one in found if isinstance(one, InputError)]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("d.jsonl", LINES),
        ("d.jsonl", b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n\r\n")),
        ("d.json", json.dumps(ROWS).encode()),
        ("d.json", json.dumps(ROWS, indent=1).encode()),
        ("d.jsonl.gz", gzip.compress(LINES, mtime=0)),  # no clock in it: it is part of the test's name
        ("d.json.zst", zstd.compress(LINES)),
        ("d.gz", LINES),  # the content tells, not the name
    ],
)
def test_rows_are_read_however_they_are_packed(tmp_path: Path, name: str, data: bytes) -> None:
    rows, faults = read(written(tmp_path / name, data))
    assert faults == []
    assert [(row.article.id, row.article.text) for row in rows] == [("a", "One."), ("b", "Two.")]
    assert rows[1].article.published == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert rows[0].article.role is Role.AGGREGATOR


def test_a_bad_row_is_told_with_its_line_and_the_rest_is_read(tmp_path: Path) -> None:
    bad = b'{"id": "x"}\n[1]\nnonsense\n{"id": "y", "text": "T", "published": "soon"}\n\xff\n' + b"[" * 100_000 + b"\n"
    rows, faults = read(written(tmp_path / "d.jsonl", LINES + bad + b'{"id": "c", "text": "Three."}\n'))
    assert [row.article.id for row in rows] == ["a", "b", "c"]
    assert [(fault.item, fault.expected) for fault in faults] == [
        (3, "text: expected the article's text"),
        (4, "expected a JSON object, got list"),
        (5, "expected a JSON object a line"),
        (6, "published: expected a time such as 2026-01-31T08:15:00Z, got 'soon'"),
        (7, "expected a JSON object a line"),
        (8, "expected a JSON object a line"),
    ]


def test_what_came_before_the_break_of_a_packed_file_is_read(tmp_path: Path) -> None:
    whole = gzip.compress(LINES + LINES.replace(b'"a"', b'"c"') * 2_000)
    rows, faults = read(written(tmp_path / "d.jsonl.gz", whole[: len(whole) // 2]))
    assert len(rows) > 2
    assert len(faults) in (1, 2)  # a line that is cut, and the break


def test_binary_data_are_one_fault_and_not_a_thousand(tmp_path: Path) -> None:
    rows, faults = read(written(tmp_path / "d.jsonl", b"\x00\n\x01\n" * 1_000))
    assert (rows, [fault.item for fault in faults]) == ([], [None])


def test_half_a_character_does_not_reach_the_output(tmp_path: Path) -> None:
    rows, _ = read(written(tmp_path / "d.jsonl", b'{"id": "a\\ud83d", "text": "\\ud83d\\ude00 \\udc00"}\n'))
    assert (rows[0].article.id, rows[0].article.text) == ("a\ufffd", "\U0001f600 \ufffd")


def test_a_row_without_id_gets_its_file_and_line(tmp_path: Path) -> None:
    path = written(
        tmp_path / "d.jsonl", b'{"text": "x", "url": "https://news.example/a"}\n\n{"id": null, "text": "y"}\n'
    )
    assert [row.article.id for row in read(path)[0]] == [f"{path}:1", f"{path}:3"]


def test_columns_of_another_name_are_taken_where_a_row_has_them(tmp_path: Path) -> None:
    columns = parse_columns(" text = content , id=doc_id, title=headline")
    path = written(tmp_path / "d.jsonl", b'{"doc_id": 7, "content": "x"}\n{"id": "b", "text": "y"}\n')
    assert [(row.article.id, row.article.text) for row in read(path, columns)[0]] == [("7", "x"), ("b", "y")]
    assert columns.unmet == ["headline"]


@pytest.mark.parametrize("given", ["text", "text=", "=content", "txt=content"])
def test_a_wrong_map_is_told(given: str) -> None:
    with pytest.raises(UsageError, match="--map: expected"):
        parse_columns(given)


# --- Parquet -------------------------------------------------------------------------------------------------


def table(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(arrow.table(columns), path, **options)
    return path


def test_a_parquet_file_is_read_by_its_rows(tmp_path: Path) -> None:
    time = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    path = table(
        tmp_path / "d.parquet",
        {
            "doc": list(range(1_200)),
            "content": [f"Text {number}." for number in range(1_199)] + [None],
            "published": [time] * 1_200,
            "byline": [["A. Writer"]] * 1_200,
            "embedding": [b"\xff"] * 1_200,
        },
        row_group_size=700,
    )
    rows, faults = read(path, parse_columns("id=doc,text=content"))
    assert len(rows) == 1_199
    assert rows[0].article.id == "0"
    assert rows[1_198].number == 1_199
    assert (rows[5].article.published, rows[5].article.byline) == (time, ("A. Writer",))
    assert [(fault.item, fault.expected) for fault in faults] == [(1_200, "text: expected the article's text")]


def test_times_and_texts_of_other_writers_are_understood(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    times = arrow.array([1_770_091_506_000_000_001, None, None], arrow.timestamp("ns", "Europe/Berlin"))
    days = arrow.array([20_487, None, 20_000_000], arrow.date32())
    texts = [b"caf\xc3\xa9", b"\xff", b"x"]
    path = table(tmp_path / "d.parquet", {"text": texts, "published": times, "modified": days})
    rows, faults = read(path)
    assert [row.article.text for row in rows] == ["café"]
    assert rows[0].article.id == f"{path}:1"
    assert rows[0].article.published == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert rows[0].article.modified == datetime(2026, 2, 3, tzinfo=UTC)
    assert [fault.item for fault in faults] == [2, 3]
    assert faults[0].expected == "text: expected UTF-8"
    assert faults[1].expected.startswith("modified: expected a time")


def test_a_damaged_parquet_file_is_told(tmp_path: Path) -> None:
    path = table(tmp_path / "d.parquet", {"text": ["x"] * 100})
    rows, faults = read(written(tmp_path / "cut.parquet", path.read_bytes()[:-40]))
    assert rows == []
    assert len(faults) == 1
    assert "the file is damaged" in faults[0].expected
    assert "\n" not in str(faults[0])


def test_parquet_without_its_extra_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        MissingExtra, match=r'd\.parquet: reading Parquet needs an extra: pip install "wiretrace\[parquet\]"'
    ):
        read(written(tmp_path / "d.parquet", b"PAR1....PAR1"))


# --- which files ---------------------------------------------------------------------------------------------


def test_a_folder_is_read_for_its_dumps(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.parquet", "c/d.json.zst", "part-000.gz", "e.txt", "f.html.gz", ".g.jsonl", "_tmp.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = [path.relative_to(tmp_path).as_posix() for path in expand([str(tmp_path)])]
    assert found == ["a.parquet", "b.jsonl", "c/d.json.zst", "part-000.gz"]


def test_a_glob_takes_files_only(tmp_path: Path) -> None:
    (tmp_path / "one.d").mkdir()
    path = written(tmp_path / "two.d", b"")
    assert expand([str(tmp_path / "*.d")]) == [path]


@pytest.mark.parametrize("given", ["nothing*.jsonl", "nowhere/at/all.jsonl"])
def test_what_names_no_file_is_told(given: str) -> None:
    with pytest.raises(InputError, match="expected a JSONL file"):
        expand([given])


@pytest.mark.parametrize(
    ("name", "expected"), [("x.ndjson", True), ("x.tar.gz", False), ("x.csv", False), ("x", False)]
)
def test_a_dump_is_told_by_its_name(name: str, expected: bool) -> None:
    assert is_dump(name) is expected
