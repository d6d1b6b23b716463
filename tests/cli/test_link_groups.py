"""`wiretrace link --self` and the files around it, as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crawler.interchange import Json, article_to_json
from tests.cli.conftest import Wiretrace
from tests.stories import story


def rows_of(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Rows with an id and a text alone, in columns of other names."""
    path = tmp_path / "dump.jsonl"
    names = ("pump-original", "pump-copy", "port-independent")
    path.write_text("".join(json.dumps({"doc": name, "body": story(name).text}) + "\n" for name in names))
    return path


def test_a_dump_without_roles_is_grouped(wiretrace: Wiretrace, tmp_path: Path, dump: Path) -> None:
    ran = wiretrace("link", "--in", dump, "--self", "--groups", "g.jsonl", "--map", "id=doc,text=body")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines()[1:] == ["rows=3 groups=2 dropped=1 faults=0"]
    rows = {row["id"]: row for row in rows_of(tmp_path / "g.jsonl")}
    assert list(rows["pump-copy"]) == ["id", "group", "keep", "reason", "via", "score"]
    assert rows["pump-copy"] | {"group": "pump-copy", "keep": True, "reason": "first-id"} == rows["pump-copy"]
    assert rows["pump-original"] | {"group": "pump-copy", "keep": False, "reason": "copy"} == rows["pump-original"]
    assert rows["port-independent"]["reason"] == "alone"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dump.jsonl", "g.jsonl"]


def test_groups_and_links_are_written_at_once(wiretrace: Wiretrace, tmp_path: Path, dump: Path) -> None:
    ran = wiretrace(
        "link",
        "--in",
        dump,
        "--self",
        "--groups",
        "g.jsonl",
        "--out",
        "-",
        "--map",
        "id=doc,text=body",
        "--linked-only",
    )
    assert [json.loads(line)["rewrite"] for line in ran.out.splitlines()] == ["pump-original"]
    assert len(rows_of(tmp_path / "g.jsonl")) == 3


def test_the_preferred_host_is_kept(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_text("best.example\n")
    text = story("pump-original").text
    lines = [{"id": name, "url": f"https://{name}.example/a", "text": text} for name in ("any", "best", "other")]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert wiretrace("link", "--in", "d.jsonl", "--self", "--groups", "g.jsonl", "--keep", "hosts.txt").code == 0
    assert [row["id"] for row in rows_of(tmp_path / "g.jsonl") if row["keep"]] == ["best"]


def test_a_group_of_over_a_thousand_rows_is_told(wiretrace: Wiretrace, tmp_path: Path) -> None:
    lines = [{"id": f"p{number:04}", "text": "The same everywhere."} for number in range(1_001)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = wiretrace("link", "--in", "d.jsonl", "--self", "--groups", "g.jsonl")
    assert ran.err.splitlines()[1:] == [
        "wiretrace: the group of p0000 has 1,001 rows: is it one story?",
        "rows=1001 groups=1 dropped=1000 faults=0",
    ]


# --- rows that are left out ----------------------------------------------------------------------------------


def test_bad_and_repeated_rows_are_listed_beside_the_output(wiretrace: Wiretrace, tmp_path: Path, dump: Path) -> None:
    dump.write_text(dump.read_text() + '{"doc": "pump-copy", "body": "Again."}\nnonsense\n')
    ran = wiretrace("link", "--in", dump, "--self", "--groups", "g.jsonl", "--map", "id=doc,text=body")
    assert ran.code == 0
    assert rows_of(tmp_path / "g.rejects.jsonl") == [
        {"file": str(dump), "line": 4, "reason": "id: 'pump-copy' is that of a row before, which is kept"},
        {"file": str(dump), "line": 5, "reason": "expected a JSON object a line"},
    ]
    assert ran.err.splitlines()[-2:] == [
        "wiretrace: g.rejects.jsonl lists the rows that were left out: 2",
        "rows=3 groups=2 dropped=1 faults=2",
    ]


def test_of_many_bad_rows_the_first_are_told_and_the_file_lists_all(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text("nonsense\n" * 50 + '{"id": "a", "text": "One."}\n')
    ran = wiretrace("link", "--in", "d.jsonl", "--out", "l.jsonl", "--rejects", "bad.jsonl")
    assert len(rows_of(tmp_path / "bad.jsonl")) == 50
    assert len(ran.err.splitlines()) == 23
    ran = wiretrace("link", "--in", "d.jsonl", "--out", "-")
    assert "wiretrace: 30 more rows were left out (--rejects FILE lists them)\n" in ran.err


def test_the_rejects_of_an_earlier_job_do_not_stay(wiretrace: Wiretrace, tmp_path: Path) -> None:
    rejects = tmp_path / "l.rejects.jsonl"
    rejects.write_text("{}\n")
    (tmp_path / "d.jsonl").write_text('{"id": "a", "text": "One."}\n')
    assert wiretrace("link", "--in", "d.jsonl", "--out", "l.jsonl").code == 0
    assert rejects.read_text() == ""


def test_a_dump_of_which_no_row_can_be_read_fails(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"id": "a", "content": "One."}\n')
    ran = wiretrace("link", "--in", "d.jsonl", "--out", "l.jsonl", "--map", "text=contents")
    assert ran.code == 1
    assert "wiretrace: --map: no row has the column 'contents'\n" in ran.err
    assert ran.err.endswith("wiretrace: d.jsonl: expected rows that can be read, there is none\n")


# --- wrong usage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--groups", "g.jsonl"], "--groups: needs --self, which makes groups"),
        (["--out", "l.jsonl", "--keep", "longest"], "--keep: needs --self, which makes groups"),
        ([], "--out: expected a file, or - for standard output"),
        (["--self"], "--out: expected a file, or - for standard output, or --groups"),
        (["--self", "--groups", "g.jsonl", "--originals", "d.jsonl"], "--originals: with --self every row may be"),
        (["--self", "--groups", "g.jsonl", "--keep", "best"], "--keep: expected earliest, longest or a file of hosts"),
        (["--self", "--groups", "x.jsonl", "--out", "x.jsonl"], "--out, --groups, --rejects: expected different files"),
        (["--self", "--groups", "-", "--out", "-"], "--out, --groups, --rejects: expected different files"),
        (["--out", "d.jsonl"], "d.jsonl: expected another file for the output, this one is read"),
        (["--out", "l.jsonl", "--map", "body=text"], "--map: expected one of id, url"),
    ],
)
def test_wrong_usage_is_told_in_one_line(wiretrace: Wiretrace, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "d.jsonl").write_text('{"id": "a", "text": "One."}\n')
    ran = wiretrace("link", "--in", "d.jsonl", *arguments)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert said in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["d.jsonl"]


def test_the_help_has_examples(wiretrace: Wiretrace) -> None:
    assert "--self --groups groups.jsonl" in wiretrace("link", "--help").out


# --- stopped -------------------------------------------------------------------------------------------------


@pytest.mark.full
def test_a_grouping_that_is_stopped_leaves_no_half_file(tmp_path: Path) -> None:
    text = story("ferry-original").text
    rows = [json.dumps({"id": f"r{number}", "text": f"Dispatch {number}. {text}"}) for number in range(4_000)]
    (tmp_path / "d.jsonl").write_text("\n".join([*rows, "nonsense"]), encoding="utf-8")
    grouping = subprocess.Popen(
        [sys.executable, "-m", "crawler", "link", "--in", "d.jsonl", "--self", "--groups", "g.jsonl"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
    )
    while grouping.poll() is None and not list(tmp_path.glob(".g.rejects.jsonl.*")):
        time.sleep(0.02)
    grouping.send_signal(signal.SIGINT)
    _, err = grouping.communicate(timeout=60)
    assert (grouping.returncode, err.splitlines()[-1]) == (130, "wiretrace: stopped by Ctrl-C")
    assert [one.name for one in tmp_path.iterdir()] == ["d.jsonl"]


# --- links of originals and pages ----------------------------------------------------------------------------


def test_pages_in_parquet_are_linked_to_originals_in_json(wiretrace: Wiretrace, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(arrow.table({"doc": ["p"], "body": [story("ferry-spun").text]}), tmp_path / "pages.parquet")
    (tmp_path / "wire.jsonl").write_text(json.dumps(article_to_json(story("ferry-original"))))
    ran = wiretrace(
        "link", "--in", tmp_path, "--originals", "wire.jsonl", "--out", "-", "--map", "id=doc,text=body",
        "--evidence", "none", "--linked-only",
    )  # fmt: skip
    assert json.loads(ran.out)["original"] == "ferry-original"


def test_parquet_without_its_extra_is_one_line_and_exit_2(
    wiretrace: Wiretrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "d.parquet").write_bytes(b"PAR1....PAR1")
    ran = wiretrace("link", "--in", "d.parquet", "--out", "l.jsonl")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert 'pip install "wiretrace[parquet]"' in ran.err
