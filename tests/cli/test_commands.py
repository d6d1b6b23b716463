"""Commands, their output and their exit codes."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from crawler import __version__
from crawler.interchange import article_to_json
from tests.cli.conftest import Wiretrace
from tests.stories import page_html, story


def rows_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def write_rows(path: Path, *identifiers: str) -> Path:
    rows = "".join(json.dumps(article_to_json(story(one))) + "\n" for one in identifiers)
    path.write_text(rows, encoding="utf-8")
    return path


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(page_html(story("ferry-spun")), encoding="utf-8")
    return path


def test_the_version_is_shown(wiretrace: Wiretrace) -> None:
    assert wiretrace("--version").out == f"wiretrace {__version__}\n"


def test_help_names_every_command(wiretrace: Wiretrace) -> None:
    said = wiretrace("--help").out
    names = (
        "demo",
        "init",
        "run",
        "import",
        "trace",
        "link",
        "extract",
        "export",
        "evaluate",
        "sources",
        "db",
        "serve",
    )
    assert all(name in said for name in names)


@pytest.mark.parametrize(
    "arguments",
    [
        ["runn"],
        ["run", "--onc"],
        ["run", "--due"],
        ["export", "everything"],
        ["export", "links", "--since", "soon"],
        ["trace"],
        ["--config"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(wiretrace: Wiretrace, arguments: list[str]) -> None:
    ran = wiretrace(*arguments)
    assert ran.code == 2
    assert len(ran.err.strip().splitlines()) == 1
    assert ran.err.startswith("wiretrace: ")
    assert ran.out == ""


def test_a_misspelt_key_is_one_line_and_exit_2(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "wiretrace.toml").write_text("[fetch]\nconcurency = 3\n")
    ran = wiretrace("run", "--once")
    assert ran.code == 2
    assert ran.err == "wiretrace: wiretrace.toml: fetch.concurency: unknown key, did you mean 'concurrency'?\n"


def test_a_misspelt_key_is_told_before_the_one_that_is_missing_for_it(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "wiretrace.toml").write_text(
        '[[sources]]\nname = "Post"\nurl = "https://post.example/"\nrol = "origin"\n'
    )
    assert wiretrace("status").err == "wiretrace: wiretrace.toml: sources[1].rol: unknown key, did you mean 'role'?\n"


def test_a_missing_configuration_is_one_line_and_exit_2(wiretrace: Wiretrace) -> None:
    ran = wiretrace("--config", "nowhere.toml", "status")
    assert ran.code == 2
    assert ran.err.startswith("wiretrace: nowhere.toml: no such file")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    "url",
    ["sqlite+aiosqlite:////nowhere/at/all.db", "postgresql+asyncpg://me:secret@127.0.0.1:1/wire"],
)
def test_an_unreachable_database_is_one_line_and_exit_1(
    wiretrace: Wiretrace, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("WIRETRACE_DATABASE__URL", url)
    ran = wiretrace("status")
    assert ran.code == 1
    assert len(ran.err.strip().splitlines()) == 1
    assert "secret" not in ran.err


def test_a_database_that_is_no_database_is_told(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "wiretrace.db").write_text("this is a text and no database, but long enough to be looked at\n" * 20)
    ran = wiretrace("status")
    assert ran.code == 1
    assert len(ran.err.strip().splitlines()) == 1


def test_init_writes_a_configuration_that_works(wiretrace: Wiretrace, tmp_path: Path) -> None:
    assert wiretrace("init").code == 0
    listed = rows = json.loads(wiretrace("sources", "list", "--json").out)
    assert rows
    assert {row["role"] for row in listed} == {"origin"}


def test_init_overwrites_nothing(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "wiretrace.toml").write_text("# mine\n")
    assert wiretrace("init").code == 2
    assert (tmp_path / "wiretrace.toml").read_text() == "# mine\n"


def test_an_article_is_extracted(wiretrace: Wiretrace, page: Path) -> None:
    row = json.loads(wiretrace("extract", "--json", page).out)
    assert row["title"] == story("ferry-spun").title
    assert "Home" not in row["text"]
    assert row["verdict"] == "article"


def test_many_files_are_one_line_each_and_a_bad_one_ends_nothing(wiretrace: Wiretrace, page: Path) -> None:
    ran = wiretrace("extract", "--json", page, "missing.html", page)
    assert ran.code == 0
    assert [row["path"] for row in rows_of(ran.out)] == [str(page), str(page)]
    assert ran.err == "wiretrace: missing.html: expected a readable file (No such file or directory)\n"


def test_a_page_from_standard_input(wiretrace: Wiretrace, page: Path) -> None:
    assert json.loads(wiretrace("extract", "--json", "-", stdin=page.read_bytes()).out)["title"]


def test_imported_originals_are_found_by_trace(wiretrace: Wiretrace, tmp_path: Path, page: Path) -> None:
    originals = write_rows(tmp_path / "wire.jsonl", "ferry-original", "pump-original")
    assert wiretrace("import", originals).out.startswith("created=2 ")
    found = json.loads(wiretrace("trace", page, "--json").out)
    assert found["link"]["original"]["title"] == story("ferry-original").title
    assert found["link"]["relation"] == "rewrite"
    assert found["candidates"][0]["taken"]
    assert found["title"] == story("ferry-spun").title


def test_trace_stores_only_when_asked(wiretrace: Wiretrace, tmp_path: Path, page: Path) -> None:
    wiretrace("import", write_rows(tmp_path / "wire.jsonl", "ferry-original"))
    wiretrace("trace", page)
    assert wiretrace("export", "links").out == ""
    assert wiretrace("trace", page, "--store").code == 0
    assert len(rows_of(wiretrace("export", "links").out)) == 1


def test_a_saved_page_is_not_its_original_whatever_its_canonical_says(wiretrace: Wiretrace, tmp_path: Path) -> None:
    original = story("ferry-original")
    wiretrace("import", write_rows(tmp_path / "wire.jsonl", "ferry-original"))
    head = f'<link rel="canonical" href="{original.url}">'
    (tmp_path / "scraped.html").write_text(page_html(story("ferry-spun"), head=head), encoding="utf-8")
    found = json.loads(wiretrace("trace", "scraped.html", "--store", "--json").out)
    assert found["link"]["original"]["url"] == original.url
    assert found["link"]["decided"]
    assert len(rows_of(wiretrace("export", "articles").out)) == 2


def test_an_odd_file_in_a_folder_of_originals_is_told_and_left_out(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "wire").mkdir()
    write_rows(tmp_path / "wire" / "z.jsonl", "ferry-original")
    (tmp_path / "wire" / "a.pdf").write_bytes(b"%PDF-1.7 nothing")
    (tmp_path / "wire" / "b.jsonl").write_bytes(b"")
    ran = wiretrace("import", "wire")
    assert ran.code == 0
    assert ran.out.startswith("created=1 ")
    assert "a.pdf" in ran.err


def test_an_export_into_a_device_leaves_it_one(wiretrace: Wiretrace, tmp_path: Path) -> None:
    wiretrace("import", write_rows(tmp_path / "wire.jsonl", "ferry-original"))
    (tmp_path / "link").symlink_to("/dev/null")
    assert wiretrace("export", "articles", "-o", "link").code == 0
    assert (tmp_path / "link").is_char_device()


def test_a_list_of_sources_without_configuration_disables_none(wiretrace: Wiretrace, tmp_path: Path) -> None:
    text = '[[sources]]\nname = "News"\nurl = "https://news.example/feed"\nrole = "aggregator"\n'
    (tmp_path / "other.toml").write_text(text)
    wiretrace("--config", "other.toml", "sources", "list")
    (row,) = json.loads(wiretrace("sources", "list", "--json").out)
    assert row["enabled"]


def test_trace_makes_no_store_where_there_is_none(wiretrace: Wiretrace, tmp_path: Path, page: Path) -> None:
    found = json.loads(wiretrace("trace", page, "--json").out)
    assert found["link"] is None
    assert found["candidates"] == []
    assert list(tmp_path.glob("*.db")) == []


def test_trace_tells_a_person_what_was_found(wiretrace: Wiretrace, tmp_path: Path, page: Path) -> None:
    wiretrace("import", write_rows(tmp_path / "wire.jsonl", "ferry-original"))
    said = wiretrace("trace", page).out
    assert f"rewrite of: {story('ferry-original').title}" in said
    assert "page: " in said
    assert "original: " not in said  # no source says that its text may leave


def test_a_page_without_an_article_is_told(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "empty.html").write_text("")
    ran = wiretrace("trace", "empty.html")
    assert ran.code == 1
    assert ran.err.startswith("wiretrace: empty.html: expected an article")


def test_importing_twice_changes_nothing(wiretrace: Wiretrace, tmp_path: Path) -> None:
    originals = write_rows(tmp_path / "wire.jsonl", "ferry-original")
    wiretrace("import", originals)
    before = wiretrace("export", "changes").out
    assert wiretrace("import", originals).out.startswith("created=0 changed=0 unchanged=1 ")
    assert wiretrace("export", "changes").out == before


def test_a_bad_line_is_told_with_its_number_and_the_rest_goes_in(wiretrace: Wiretrace, tmp_path: Path) -> None:
    originals = write_rows(tmp_path / "wire.jsonl", "ferry-original", "pump-original")
    first, second = originals.read_text().splitlines()
    originals.write_text(f"{first}\n{{broken\n{second}\n")
    ran = wiretrace("import", originals)
    assert ran.code == 0
    assert ran.out.startswith("created=2 ")
    assert f"{originals}:2: " in ran.err


def test_a_factiva_delivery_goes_in_and_out_again(wiretrace: Wiretrace, tmp_path: Path) -> None:
    article = story("ferry-original")
    line = {
        "an": "WSJO000020260201em21000f1", "title": article.title, "snippet": article.text[:80],
        "body": article.text[80:], "publication_datetime": 1769847300000, "modification_datetime": 1769847300000,
        "publisher_name": "Dow Jones & Company, Inc.", "source_code": "WSJO", "language_code": "en", "action": "add",
    }  # fmt: skip
    delivery = tmp_path / "stream.jsonl"
    delivery.write_text(json.dumps(line) + "\n")
    assert wiretrace("import", delivery).out.startswith("created=1 ")
    delivery.write_text(json.dumps({**line, "action": "del", "modification_datetime": 1769847400000}) + "\n")
    assert "removed=1" in wiretrace("import", delivery).out
    assert wiretrace("export", "articles").out == ""


def test_links_of_a_dump_are_made_without_a_store(wiretrace: Wiretrace, tmp_path: Path) -> None:
    originals = write_rows(tmp_path / "wire.jsonl", "ferry-original", "pump-original")
    pages = write_rows(tmp_path / "pages.jsonl", "ferry-spun", "port-independent")
    ran = wiretrace("link", "--in", pages, "--originals", originals, "--out", "links.jsonl")
    assert ran.code == 0
    rows = {row["rewrite"]: row for row in rows_of((tmp_path / "links.jsonl").read_text())}
    assert rows["ferry-spun"]["original"] == "ferry-original"
    assert rows["port-independent"]["original"] is None
    assert rows["port-independent"]["relation"] is None
    assert not (tmp_path / "wiretrace.db").exists()


def test_a_dump_may_be_gzipped_and_name_its_columns_otherwise(wiretrace: Wiretrace, tmp_path: Path) -> None:
    originals = write_rows(tmp_path / "wire.jsonl", "ferry-original")
    row = {"doc": "p1", "content": story("ferry-spun").text, "title": story("ferry-spun").title}
    (tmp_path / "pages.jsonl.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    ran = wiretrace("link", "--in", "pages*.gz", "--originals", originals, "--out", "-", "--map", "id=doc,text=content")
    assert rows_of(ran.out)[0]["original"] == "ferry-original"
    assert rows_of(ran.out)[0]["rewrite"] == "p1"


def test_a_bad_row_of_a_dump_is_told_and_left_out(wiretrace: Wiretrace, tmp_path: Path) -> None:
    pages = write_rows(tmp_path / "pages.jsonl", "ferry-spun")
    pages.write_text(pages.read_text() + '{"id": "x"}\n[1]\nnonsense\n')
    ran = wiretrace("link", "--in", pages, "--originals", pages, "--out", "-")
    assert ran.code == 0
    assert f"{pages}:2: text: expected the article's text" in ran.err
    assert f"{pages}:3: expected a JSON object" in ran.err
    assert f"{pages}:4: expected a JSON object a line" in ran.err


def test_missing_input_is_told(wiretrace: Wiretrace) -> None:
    ran = wiretrace("link", "--in", "nothing*.jsonl", "--out", "-")
    assert ran.code == 1
    assert ran.err.startswith("wiretrace: nothing*.jsonl: expected a JSONL file")


def test_an_export_as_csv_is_safe_to_open(wiretrace: Wiretrace, tmp_path: Path) -> None:
    row = article_to_json(story("ferry-original")) | {"title": "=HYPERLINK(1)"}
    (tmp_path / "wire.jsonl").write_text(json.dumps(row))
    wiretrace("import", "wire.jsonl")
    table = list(csv.DictReader(io.StringIO(wiretrace("export", "articles", "--format", "csv").out)))
    assert table[0]["title"] == "'=HYPERLINK(1)"
    assert table[0]["publisher"] == story("ferry-original").publisher


@pytest.mark.full
def test_an_export_as_parquet_is_what_link_reads(wiretrace: Wiretrace, tmp_path: Path) -> None:
    wiretrace("import", write_rows(tmp_path / "wire.jsonl", "ferry-original"))
    (tmp_path / "wiretrace.toml").write_text(
        '[[sources]]\nname = "w"\nurl = "https://w.example/"\nrole = "origin"\nredistribute = true\n'
        f"publisher = '{story('ferry-original').publisher}'\n"
    )
    assert wiretrace("export", "articles", "--format", "parquet", "-o", "all.parquet").err.startswith("wrote 1 rows")
    write_rows(tmp_path / "pages.jsonl", "ferry-spun")
    ran = wiretrace("link", "--in", "pages.jsonl", "--originals", "all.parquet", "--out", "-")
    (row,) = rows_of(ran.out)
    assert row["original"] == rows_of(wiretrace("export", "articles").out)[0]["id"]


def test_an_export_goes_to_a_file_whole_or_not_at_all(wiretrace: Wiretrace, tmp_path: Path) -> None:
    wiretrace("import", write_rows(tmp_path / "wire.jsonl", "ferry-original"))
    assert wiretrace("export", "articles", "-o", "out.jsonl").err == "wrote 1 rows to out.jsonl\n"
    assert len(rows_of((tmp_path / "out.jsonl").read_text())) == 1
    assert wiretrace("export", "articles", "-o", "no/such/out.jsonl").code == 1


def test_changes_since_a_number_leave_out_what_is_known(wiretrace: Wiretrace, tmp_path: Path) -> None:
    wiretrace("import", write_rows(tmp_path / "wire.jsonl", "ferry-original"))
    first = rows_of(wiretrace("export", "changes").out)
    wiretrace("import", write_rows(tmp_path / "more.jsonl", "pump-original"))
    later = rows_of(wiretrace("export", "changes", "--since", first[-1]["seq"]).out)
    assert [row["seq"] for row in later] == [first[-1]["seq"] + 1]


def test_sources_are_added_listed_and_removed(wiretrace: Wiretrace) -> None:
    assert wiretrace("sources", "add", "https://news.example/feed", "--name", "News").code == 0
    (row,) = json.loads(wiretrace("sources", "list", "--json").out)
    assert (row["name"], row["declared"], row["role"]) == ("News", "store", "aggregator")
    assert wiretrace("sources", "remove", "News").code == 0
    assert json.loads(wiretrace("sources", "list", "--json").out) == []


def test_a_source_of_the_file_is_removed_in_the_file(wiretrace: Wiretrace, tmp_path: Path) -> None:
    text = '[[sources]]\nname = "News"\nurl = "https://news.example/feed"\nrole = "aggregator"\n'
    (tmp_path / "wiretrace.toml").write_text(text)
    wiretrace("sources", "list")
    ran = wiretrace("sources", "remove", "News")
    assert ran.code == 2
    assert "wiretrace.toml" in ran.err


def test_a_source_that_is_no_url_is_refused(wiretrace: Wiretrace) -> None:
    ran = wiretrace("sources", "add", "news.example")
    assert ran.code == 2
    assert "expected a URL" in ran.err


def test_the_status_of_a_new_store_is_empty(wiretrace: Wiretrace) -> None:
    assert json.loads(wiretrace("status", "--json").out)
    assert wiretrace("status").code == 0


def test_the_schema_is_shown(wiretrace: Wiretrace) -> None:
    assert wiretrace("db", "upgrade").code == 0
    assert "up to date" in wiretrace("db", "current").out


def test_the_linker_is_measured_on_a_corpus(wiretrace: Wiretrace, tmp_path: Path) -> None:
    write_rows(tmp_path / "articles.jsonl", "ferry-original", "ferry-spun", "port-independent")
    truth = [
        {"rewrite": "ferry-spun", "original": "ferry-original", "kind": "spun"},
        {"rewrite": "port-independent", "original": None, "kind": "independent"},
    ]
    (tmp_path / "links.jsonl").write_text("".join(json.dumps(row) + "\n" for row in truth))
    report = json.loads(wiretrace("evaluate", tmp_path, "--json").out)
    assert "spun" in json.dumps(report)
    assert "independent" in wiretrace("evaluate", tmp_path).out


def test_logs_may_be_json(wiretrace: Wiretrace) -> None:
    ran = wiretrace("--log-format", "json", "run", "--once")
    assert ran.code == 0
    for line in ran.err.splitlines():
        assert json.loads(line)["level"]
