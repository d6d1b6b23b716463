"""Exports as Parquet and CSV: the rows of the JSON, with types, in little memory, and safe to open."""

from __future__ import annotations

import csv
import io
import os
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
from pyarrow import parquet

from crawler.interchange import article_to_json, formula_safe, link_id, time_from_json
from crawler.jobs import parquet_writing
from crawler.jobs.exporting import Format, Subject, destination, export
from crawler.model import ArchiveRecord, Evidence, EvidenceKind, LinkState
from crawler.settings import DatabaseSettings
from crawler.store import Store
from tests.databases import *  # noqa: F403 - fixtures
from tests.store.pieces import NOON, StillClock, claim, fingerprint, linked, original, page, unlinked

EVIL = "=HYPERLINK(1)"


@pytest.fixture
async def filled(sqlite_url: str) -> AsyncIterator[Store]:
    """An original, a page linked to it and judged, one that only claims it, and half a character in a title."""
    async with await Store.open(DatabaseSettings(url=sqlite_url), StillClock()) as store:
        wire, copy, orphan = original(), page(title="Half \ud83d a sign", byline=("A", "B")), page("orphan", title=EVIL)
        for number, article in enumerate((wire, copy, orphan)):
            await store.store_article(article, fingerprint(number + 1))
        evidence = (
            Evidence(EvidenceKind.PASSAGE, rewrite=(0, 34), original=None, similarity=0.7),
            Evidence(EvidenceKind.NAME, text="Ferry"),
        )
        made = linked(copy, wire, evidence=evidence, archive=ArchiveRecord("a.warc.gz", 12, "<urn:uuid:1>"))
        await store.record_decision(made, worker=None, reason="new")
        await store.record_decision(unlinked(orphan, claim()), worker=None, reason="new")
        await store.review(link_id(copy.id, wire.id), LinkState.CONFIRMED, reviewer="Morna", note="-1+1")
        yield store


def plain(value: Any) -> Any:
    """A value as the JSON has it: times are told the same way, fields that are null are left out."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str) and len(value) > 18 and value[10] == "T":
        return time_from_json(value)
    return value.replace("\ud83d", "\ufffd") if isinstance(value, str) else value


async def written(store: Store, subject: Subject, file: Path) -> Any:
    with destination(file, io.StringIO()) as out:
        await export(store, subject, out, kind=Format.PARQUET)
    return parquet.read_table(file)


@pytest.mark.parametrize("subject", [Subject.ARTICLES, Subject.LINKS, Subject.STORIES, Subject.REVIEWS])
async def test_rows_are_those_of_the_json(filled: Store, subject: Subject, tmp_path: Path) -> None:
    table = await written(filled, subject, tmp_path / "out.parquet")
    rows: dict[Subject, Any] = {
        Subject.ARTICLES: filled.export_articles(),
        Subject.LINKS: filled.export_links(),
        Subject.STORIES: filled.export_stories(),
        Subject.REVIEWS: filled.export_reviews(),
    }
    expected = [one.as_json() if subject is Subject.REVIEWS else dict(one) async for one in rows[subject]]
    assert expected
    assert [plain(row) for row in table.to_pylist()] == [plain(row) for row in expected]


async def test_times_numbers_and_lists_are_typed(filled: Store, tmp_path: Path) -> None:
    articles = (await written(filled, Subject.ARTICLES, tmp_path / "a.parquet")).schema
    assert articles.field("published").type == arrow.timestamp("us", tz="UTC")
    assert articles.field("byline").type == arrow.list_(arrow.field("element", arrow.string()))
    links = await written(filled, Subject.LINKS, tmp_path / "l.parquet")
    assert links.schema.field("score").type == arrow.float64()
    assert links["coverage"].combine_chunks().field("rewrite").to_pylist() == [0.9]
    changes = (await written(filled, Subject.CHANGES, tmp_path / "c.parquet")).schema
    assert (changes.field("seq").type, changes.field("state").type) == (arrow.int64(), arrow.string())


async def test_a_pipe_takes_it_as_well(filled: Store) -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as out:  # noqa: PTH123 - it has no path
        assert await export(filled, Subject.LINKS, out, kind=Format.PARQUET) == 1
    with open(reading, "rb") as pipe:  # noqa: PTH123
        assert parquet.read_table(arrow.BufferReader(pipe.read())).num_rows == 1


async def test_an_export_of_nothing_has_its_columns(sqlite_url: str, tmp_path: Path) -> None:
    async with await Store.open(DatabaseSettings(url=sqlite_url), StillClock()) as store:
        table = await written(store, Subject.LINKS, tmp_path / "none.parquet")
    assert table.num_rows == 0
    assert "score" in table.column_names


def test_memory_is_that_of_one_group_however_many_rows_there_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(parquet_writing, "GROUP_SIZE", 25_000)

    def rows() -> Iterator[Any]:
        for number in range(800):
            yield article_to_json(page(str(number), text=f"{number} " + "word " * 500))  # 2.5 KB each

    with (tmp_path / "many.parquet").open("wb") as file:
        tracemalloc.start()
        with parquet_writing.ParquetRows("articles", file) as out:
            for row in rows():
                out.write(row)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 1_000_000  # half of the texts alone
    read = parquet.ParquetFile(tmp_path / "many.parquet")
    assert read.metadata.num_rows == 800
    assert read.metadata.num_row_groups >= 40


@pytest.mark.parametrize("subject", list(Subject))
async def test_no_cell_of_a_csv_file_begins_a_formula(filled: Store, subject: Subject, tmp_path: Path) -> None:
    with destination(tmp_path / "out.csv", io.StringIO()) as out:
        await export(filled, subject, out, kind=Format.CSV)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert rows
    assert {len(row) for row in rows} == {len(header)}
    assert all(cell.strip()[:1] not in set("=+-@＝＋－＠") for row in rows for cell in row if not _is_number(cell))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@A", "\t=1", "\r=1", "\n1", " =1", "\u00a0+1", "＝1", "－1"])
def test_what_a_spreadsheet_may_take_for_a_formula_is_marked_as_text(cell: str) -> None:
    assert formula_safe(cell) == "'" + cell
    assert formula_safe("x" + cell) == "x" + cell


async def test_half_a_character_is_an_escape_in_json_and_a_mark_elsewhere(filled: Store, tmp_path: Path) -> None:
    for kind in (Format.JSONL, Format.CSV):
        with destination(tmp_path / kind, io.StringIO()) as out:
            assert await export(filled, Subject.ARTICLES, out, kind=kind) == 3
    assert '"Half \\ud83d a sign"' in (tmp_path / "jsonl").read_text("utf-8")
    assert "Half \ufffd a sign" in (tmp_path / "csv").read_text("utf-8")
    assert NOON.isoformat()[:10] in (tmp_path / "csv").read_text("utf-8")
