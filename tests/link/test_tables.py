"""idf tables that were made of a store: written once, read as written, and what a linker does by them."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from crawler.errors import InputError, SettingsError
from crawler.link import Linker
from crawler.link.linker import linker_id
from crawler.link.tables import SHIPPED, Table, Tables, compressed, read_tables, shipped_idf, table_text, write_table
from crawler.model import Completeness
from crawler.settings import LinkSettings
from tests.link import stories
from tests.link.stories import article, original

DAY = date(2026, 5, 4)
CANAL = article("page", stories.CANAL)


def table(language: str = "en", **shares: float) -> Table:
    return Table(language, table_text(language, shares or {"lock": 0.9, "barg": 0.4}, 100, "# Of a test.\n"))


def fault(*paths: Path) -> str:
    with pytest.raises(SettingsError) as error:
        read_tables([str(path) for path in paths])
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    return str(error.value)


def test_a_table_is_named_by_language_day_and_digest_and_read_as_it_was_written(tmp_path: Path) -> None:
    path = write_table(tmp_path / "tables", table(), DAY)
    assert path.name == f"idf-en-2026-05-04-{table().digest}.tsv.gz"
    assert read_tables([str(path)]) == Tables((table(),))
    assert table().idf() == {"lock": 0.1, "barg": 0.9}


def test_a_path_begins_at_the_working_directory_or_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path, table(), DAY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_tables([path.name]) == read_tables([f"~/{path.name}"]) == Tables((table(),))


def test_a_table_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    first = write_table(tmp_path, table(), DAY).stat()
    again = write_table(tmp_path, table(), DAY).stat()
    assert (first.st_ino, first.st_mtime_ns) == (again.st_ino, again.st_mtime_ns)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_that_name_that_holds_something_else_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / f"idf-en-2026-05-04-{table().digest}.tsv.gz"
    path.write_bytes(b"mine")
    with pytest.raises(SettingsError, match=path.name):
        write_table(tmp_path, table(), DAY)
    assert path.read_bytes() == b"mine"


def test_a_folder_that_cannot_be_made_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/tables: expected a folder that can be written"):
        write_table(tmp_path / "file" / "tables", table(), DAY)


def test_a_missing_table_is_named_with_what_was_expected(tmp_path: Path) -> None:
    path = tmp_path / f"idf-en-2026-05-04-{'0' * 12}.tsv.gz"
    said = fault(path)
    assert said == f"{path}: link.idf: no such file; expected a table as `wiretrace db idf` wrote it"


def test_a_truncated_table_is_told_from_a_whole_one(tmp_path: Path) -> None:
    path = write_table(tmp_path, table(), DAY)
    whole = path.read_bytes()
    path.chmod(0o644)
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert str(path) in fault(path)


@pytest.mark.parametrize("content", [b"", b"no gzip", compressed("lock\t1\n"), gzip.compress(b"\xff\xfe", mtime=0)])
def test_a_file_of_other_content_is_no_table(tmp_path: Path, content: bytes) -> None:
    path = write_table(tmp_path, table(), DAY)
    path.chmod(0o644)
    path.write_bytes(content)
    assert "expected a table as `wiretrace db idf` wrote it" in fault(path)


def test_a_changed_row_is_seen(tmp_path: Path) -> None:
    path = write_table(tmp_path, table(), DAY)
    path.chmod(0o644)
    path.write_bytes(gzip.compress(table().text.replace("lock\t1", "lock\t2").encode()))
    assert "its content is not that of its name" in fault(path)


@pytest.mark.parametrize("rows", ["", "lock\n", "lock\tsoon\n", "lock\t101\n", "lock\t-1\n", "\t5\n"])
def test_rows_that_are_none_are_refused_whatever_the_name_says(tmp_path: Path, rows: str) -> None:
    head = table().text.partition("\n")[0]
    path = write_table(tmp_path, Table("en", f"{head}\n{rows}"), DAY)
    assert "expected rows of a stem, a tab and its idf in tenths, 0 to 100" in fault(path)


def test_a_table_of_one_language_is_none_of_another(tmp_path: Path) -> None:
    english = write_table(tmp_path, table(), DAY)
    german = english.rename(tmp_path / english.name.replace("-en-", "-de-"))
    assert "its content is not that of its name" in fault(german)


def test_a_name_without_language_day_and_digest_is_told_how_it_looks(tmp_path: Path) -> None:
    said = fault(write_table(tmp_path, table(), DAY).rename(tmp_path / "mine.tsv.gz"))
    assert "by the name idf-LANGUAGE-DAY-DIGEST.tsv.gz" in said


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / f"idf-en-2026-05-04-{'0' * 12}.tsv.gz"
    path.mkdir()
    assert "expected a file that can be read" in fault(path)


def test_two_tables_of_a_language_are_one_too_many(tmp_path: Path) -> None:
    first, second = write_table(tmp_path, table(), DAY), write_table(tmp_path, table(lock=0.5), DAY)
    assert f"{second}: link.idf: expected one table for each language" in fault(first, second)


def test_languages_without_a_table_of_their_own_keep_that_of_the_package() -> None:
    tables = Tables((table(),))
    assert tables.idf("en") == {"lock": 0.1, "barg": 0.9}
    assert tables.idf("de") is shipped_idf("de")
    assert tables.idf("und") == {}


def test_the_linkers_id_tells_tables_of_other_content_apart_and_no_others(tmp_path: Path) -> None:
    one, other = Tables((table(),)), Tables((table(lock=0.5),))
    assert len({linker_id(), linker_id(one), linker_id(other)}) == 3
    assert linker_id(Tables((table(),))) == linker_id(one)
    assert linker_id(Tables()) == linker_id(SHIPPED) == Linker(LinkSettings()).id
    path = write_table(tmp_path, table(), DAY)
    assert Linker(LinkSettings(idf=(str(path),))).id == linker_id(one)


def flat() -> Tables:
    """By which all known English words are equally rare."""
    return Tables((Table("en", table_text("en", dict.fromkeys(shipped_idf("en"), 0.1), 100_000, "")),))


def test_linkers_of_different_tables_live_side_by_side() -> None:
    alone = Linker(LinkSettings()).fingerprint(CANAL)
    first, second = Linker(LinkSettings()), Linker(LinkSettings(), tables=flat())
    met = [(first.fingerprint(page), second.fingerprint(page)) for page in (article("x", stories.GERMAN), CANAL)]
    assert met[1][0] == alone
    assert met[1][1].weights != alone.weights
    assert met[0][0].keys == met[0][1].keys  # German words weigh the same by both


def test_a_teaser_is_weighed_by_the_tables_of_the_linker_that_weighs_it() -> None:
    page = article("claim", stories.CANAL_SPUN + "\n\nWrite to Ann Berg at ann.berg@wsj.com")
    lead = stories.CANAL.partition("\n")[0]
    item = original("item", lead, title="Canal Lock to Close for 14 Weeks", completeness=Completeness.TEASER)
    found = [
        Linker(LinkSettings(), tables=tables).decide(page, (), (item,)).attribution for tables in (SHIPPED, flat())
    ]
    shipped, other = (one.teaser_score for one in found if one is not None)
    assert shipped is not None
    assert shipped != other
