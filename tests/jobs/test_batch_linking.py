"""`link` on dumps whose ids are not all different."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from crawler.errors import InputError
from crawler.interchange import article_to_json
from crawler.jobs.batch_linking import BatchReport, EvidenceLevel, link_batch
from crawler.jobs.dumps import Columns, expand
from crawler.link import Linker
from crawler.settings import LinkSettings
from tests.stories import story


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(LinkSettings())


def dump(path: Path, **stories: str) -> Path:
    """A file with a row for each id: what story it holds."""
    rows = [article_to_json(story(held)) | {"id": name, "url": ""} for name, held in stories.items()]
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def linked(linker: Linker, articles: list[Path], originals: list[Path]) -> tuple[list[dict[str, str]], list[str]]:
    out = io.StringIO()
    faults: list[InputError] = []
    report: BatchReport = link_batch(
        linker, articles, originals, out, columns=Columns(), evidence=EvidenceLevel.NONE, on_fault=faults.append
    )
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (report.articles, report.faults) == (len(rows), len(faults))
    return rows, [str(fault) for fault in faults]


def test_of_two_originals_with_one_id_the_first_is_kept(linker: Linker, tmp_path: Path) -> None:
    first = dump(tmp_path / "a.jsonl", x="ferry-original")
    second = dump(tmp_path / "b.jsonl", y="pump-original", x="port-independent")
    rows, faults = linked(linker, [dump(tmp_path / "pages.jsonl", p="ferry-spun")], [first, second])
    assert faults == [f"{second}:2: id: 'x' is that of {first}:1, which is kept"]
    assert [(row["rewrite"], row["original"]) for row in rows] == [("p", "x")]


def test_of_two_articles_with_one_id_the_first_is_kept(linker: Linker, tmp_path: Path) -> None:
    first, second = dump(tmp_path / "a.jsonl", p="ferry-spun"), dump(tmp_path / "b.jsonl", p="port-independent")
    rows, faults = linked(linker, [first, second], [dump(tmp_path / "wire.jsonl", x="ferry-original")])
    assert faults == [f"{second}:1: id: 'p' is that of an article before, which is kept"]
    assert [(row["rewrite"], row["original"]) for row in rows] == [("p", "x")]


def test_an_article_with_the_id_of_another_original_is_told(linker: Linker, tmp_path: Path) -> None:
    wire, pages = dump(tmp_path / "wire.jsonl", x="ferry-original"), dump(tmp_path / "pages.jsonl", x="ferry-spun")
    rows, faults = linked(linker, [pages], [wire])
    assert rows == []
    assert faults == [f"{pages}:1: id: 'x' is that of the original {wire}:1"]


def test_a_dump_may_be_given_as_originals_and_as_articles(linker: Linker, tmp_path: Path) -> None:
    both = dump(tmp_path / "all.jsonl", x="ferry-original", p="ferry-spun")
    again = tmp_path / ".." / tmp_path.name / "all.jsonl"
    rows, faults = linked(linker, [again], [both])
    assert faults == []
    assert [row["rewrite"] for row in rows] == ["p"]


def test_rows_without_an_id_in_files_of_one_name_are_different(linker: Linker, tmp_path: Path) -> None:
    paths = [tmp_path / "one" / "rows.jsonl", tmp_path / "two" / "rows.jsonl"]
    for path in paths:
        dump(path, **{"": "ferry-spun"})
    rows, faults = linked(linker, paths, [])
    assert faults == []
    assert [row["rewrite"] for row in rows] == [f"{path}:1" for path in paths]


def test_a_file_that_two_patterns_name_is_read_once(tmp_path: Path) -> None:
    path = dump(tmp_path / "rows.jsonl", p="ferry-spun")
    assert expand([str(tmp_path), str(path), str(tmp_path / "*.jsonl")]) == [path]
