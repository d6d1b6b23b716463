"""`db copy`: a store moved to another database, by its command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Wiretrace
from tests.cli.test_keeping_texts import delivered, traced  # noqa: F401 - a fixture
from tests.databases import *  # noqa: F403 - fixtures

HERE = "sqlite+aiosqlite:///wiretrace.db"


@pytest.fixture
def empty_postgres(shared_folder: Path, tmp_path: Path) -> Iterator[str]:
    with fresh_database("postgresql", shared_folder, tmp_path, migrated=False) as url:  # noqa: F405
        yield url


@pytest.mark.full
def test_a_page_is_linked_in_the_copy_as_in_its_origin(
    wiretrace: Wiretrace,
    delivered: Path,  # noqa: F811
    empty_postgres: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert wiretrace("import", delivered).code == 0
    before = traced(wiretrace)
    (tmp_path / "to").write_text(f"{empty_postgres}\n")
    ran = wiretrace("db", "copy", HERE, "@to", "--json")
    assert (ran.code, ran.err) == (0, "")
    report = json.loads(ran.out)
    assert report["from"] == HERE
    tables = {one["table"]: one for one in report["tables"]}
    assert tables["articles"]["rows"] == tables["articles"]["copied"] == 1
    assert all(one["checksum_from"] == one["checksum_to"] for one in tables.values())
    assert wiretrace("db", "copy", empty_postgres, "sqlite+aiosqlite:///back.db").code == 0
    for url in (empty_postgres, "sqlite+aiosqlite:///back.db"):
        monkeypatch.setenv("WIRETRACE_DATABASE__URL", url)
        after = traced(wiretrace)
        assert before == {**after, "decided": before["decided"]}


def test_the_tables_are_shown_with_rows_and_checksums(wiretrace: Wiretrace) -> None:
    assert wiretrace("db", "upgrade").code == 0
    shown = wiretrace("db", "copy", HERE, "sqlite+aiosqlite:///to.db").out.splitlines()
    assert shown[0].split() == ["table", "rows", "copied", "now", "checksum", "of", "both", "sides"]
    assert shown[-1] == "1 rows, the same on both sides"


@pytest.mark.parametrize(
    ("origin", "target", "said"),
    [
        ("mysql://x", HERE, "wiretrace: FROM: expected sqlite+aiosqlite"),
        (HERE, "@nowhere", "wiretrace: TO: nowhere: expected a file with a URL"),
        (HERE, "sqlite+aiosqlite:///to.db", "wiretrace.db: expected a store to copy from, there is none"),
    ],
)
def test_what_can_not_be_copied_is_wrong_usage(wiretrace: Wiretrace, origin: str, target: str, said: str) -> None:
    ran = wiretrace("db", "copy", origin, target)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
