"""Arguments that are wrong, signals, and what a command reads before it works."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import typer

from crawler import daemon
from crawler.cli.app import COMMANDS, app
from crawler.daemon.service import RunResult
from crawler.interchange import article_to_json
from crawler.pipeline.tally import Tally
from tests.cli.conftest import Wiretrace
from tests.stories import story

HEAVY = ("aiohttp", "datasketch", "numpy", "pydantic", "rich", "selectolax", "sqlalchemy", "Stemmer", "tldextract")
NOT_FOR_STATUS = ("aiohttp", "datasketch", "numpy", "selectolax", "Stemmer", "tldextract", "crawler.link")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["trace", "http://[::1"], 1, "http://[::1: is no URL: Invalid IPv6 URL"),
        (
            ["trace", "http://news.example:99999/"],
            1,
            "http://news.example:99999/: is no URL: Port out of range 0-65535",
        ),
        (
            ["trace", "ftp://news.example/a"],
            1,
            "ftp://news.example/a: expected a URL that starts with http:// or https://",
        ),
        (["extract", "http://[::1"], 1, "http://[::1: is no URL: Invalid IPv6 URL"),
        (["sources", "add", "http://[::1"], 2, "URL 'http://[::1': is no URL: Invalid IPv6 URL"),
        (["sources", "add", ""], 2, "URL '': expected a URL that starts with http:// or https://"),
        (["sources", "add", "https://me:secret@a.example/"], 2, "URL 'https://…@a.example': credentials in a URL"),
        (
            ["sources", "add", "https://a.example/", "--interval", "0"],
            2,
            "--interval: expected seconds, 1 or more, got 0.0",
        ),
        (
            ["sources", "add", "https://a.example/", "--role", "origin", "--kind", "listing"],
            2,
            "a listing of originals gives no text: expected --fetch-pages, or --kind feed",
        ),
        (["demo", "--db", "mysql://h/d"], 2, "--db: expected sqlite+aiosqlite:///FILE or postgresql+asyncpg://"),
        (["import", "none.jsonl"], 1, "none.jsonl: expected a file or a folder, there is none"),
        (
            ["import", "--format", "avro", "x"],
            2,
            "Invalid value for '--format': 'avro' is not one of 'auto', 'factiva'",
        ),
        (["export", "links", "--since", ""], 2, "--since: expected a time such as 2026-01-31T08:15:00Z or the number"),
        (["export", "links", "--since", "soon"], 2, "or the number of a change such as 1200, got 'soon'"),
        (
            ["export", "links", "--since", "seq:x"],
            2,
            "--since: expected the number of a change behind seq:, got 'seq:x'",
        ),
        (["export", "links", "--as-of", ""], 2, "--as-of: expected a time such as 2026-01-31T08:15:00Z, got ''"),
        (["runn"], 2, "No such command 'runn'. Did you mean 'run'?"),
    ],
)
def test_a_wrong_argument_is_one_line_that_names_it(
    wiretrace: Wiretrace, arguments: list[str], code: int, said: str
) -> None:
    ran = wiretrace(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert ran.err.startswith("wiretrace: ")
    assert ran.err.count("\n") == 1


def test_standard_input_without_an_article_is_called_by_its_name(wiretrace: Wiretrace) -> None:
    assert wiretrace("trace", "-").err.startswith("wiretrace: standard input: expected an article, found none")


def test_init_into_a_file_is_told_as_such(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    ran = wiretrace("init", "there")
    assert (ran.code, ran.err) == (2, "wiretrace: there: expected a folder, it is a file\n")


def test_a_page_without_an_article_in_a_delivery_is_told_by_its_path(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "wire").mkdir()
    (tmp_path / "wire" / "a b.html").write_text("<!doctype html><html><body><nav>Home</nav></body></html>")
    ran = wiretrace("import", "wire", "--publisher", "Post")
    assert "faults=1" in ran.out
    assert ran.err.startswith("wiretrace: wire/a b.html: expected an article with a text")


@pytest.mark.parametrize(("digits", "day"), [("2020", "2020-01-01"), ("20260131", "2026-01-31")])
def test_digits_that_are_a_date_too_are_asked_about(wiretrace: Wiretrace, digits: str, day: str) -> None:
    ran = wiretrace("export", "articles", "--since", digits)
    assert ran.code == 2
    expected = f"--since: {digits} is a date or the number of a change: expected {day} or seq:{digits}"
    assert ran.err == f"wiretrace: {expected}\n"


def test_the_change_log_takes_a_year_for_a_number_and_says_so(wiretrace: Wiretrace) -> None:
    ran = wiretrace("export", "changes", "--since", "2020")
    assert ran.code == 0
    assert ran.err == "--since 2020: taken for the number of a change; the time would be 2020-01-01\n"


def test_since_takes_a_time_a_number_and_a_number_said_to_be_one(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "wire.jsonl").write_text(json.dumps(article_to_json(story("ferry-original"))))
    wiretrace("import", "wire.jsonl")
    rows = {
        mark: wiretrace("export", "articles", "--since", mark).out.count("\n")
        for mark in (
            "0",
            "12",
            "seq:0",
            "seq:2020",
            "2020-01-01",
            "2020-01-01T00:00:00Z",
            "1577836800000",
            "2999-01-01",
        )
    }
    assert rows == {
        "0": 1, "12": 0, "seq:0": 1, "seq:2020": 0,
        "2020-01-01": 1, "2020-01-01T00:00:00Z": 1, "1577836800000": 1, "2999-01-01": 0,
    }  # fmt: skip


def test_a_group_without_a_command_shows_its_help(wiretrace: Wiretrace) -> None:
    for arguments in ([], ["sources"]):
        ran = wiretrace(*arguments)
        assert ran.code == 2
        assert ran.err.startswith("Usage: ")
        assert "Commands:" in ran.err


def test_the_list_of_commands_says_what_their_own_help_says() -> None:
    group = typer.main.get_command(app)
    assert list(group.commands) == list(COMMANDS)
    for name, (_, line) in COMMANDS.items():
        assert group.commands[name].help.splitlines()[0] == line


def modules_after(*arguments: str, folder: Path) -> set[str]:
    program = (
        "import sys\nfrom crawler.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stderr.split())


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_read_no_heavy_library(tmp_path: Path, argument: str) -> None:
    assert modules_after(argument, folder=tmp_path).isdisjoint({*HEAVY, "crawler.settings", "crawler.store"})


def test_the_status_is_told_without_linker_and_http(tmp_path: Path) -> None:
    read = modules_after("status", "--json", folder=tmp_path)
    assert "sqlalchemy" in read
    assert read.isdisjoint(NOT_FOR_STATUS)


def _stored(database: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM articles").fetchone()[0])
    except sqlite3.Error:
        return 0


def _dump(path: Path, rows: int) -> None:
    original = story("ferry-original")
    with path.open("w") as file:
        for one in range(rows):
            row = article_to_json(original) | {"id": f"a{one}", "url": f"https://wire.example/{one}"}
            file.write(json.dumps(row | {"text": f"Dispatch {one}. {original.text}"}) + "\n")


def _started(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "crawler", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.full
def test_an_import_that_is_stopped_keeps_what_it_has_stored(tmp_path: Path) -> None:
    _dump(tmp_path / "wire.jsonl", 4_000)
    importing = _started("import", "wire.jsonl", folder=tmp_path)
    while importing.poll() is None and not _stored(tmp_path / "wiretrace.db"):
        time.sleep(0.02)
    importing.send_signal(signal.SIGINT)
    out, err = importing.communicate(timeout=60)
    assert (importing.returncode, err) == (130, "wiretrace: stopped by Ctrl-C\n")
    counted = int(out.split()[0].removeprefix("created="))
    assert 0 <= _stored(tmp_path / "wiretrace.db") - counted <= 1  # one may have been under way
    assert 0 < _stored(tmp_path / "wiretrace.db") < 4_000


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGINT, "Ctrl-C"), pytest.param(signal.SIGTERM, "SIGTERM", marks=pytest.mark.full)],
)
def test_a_batch_that_is_stopped_leaves_no_half_file(tmp_path: Path, number: signal.Signals, name: str) -> None:
    _dump(tmp_path / "rows.jsonl", 4_000)
    linking = _started("link", "--in", "rows.jsonl", "--originals", "rows.jsonl", "--out", "o.jsonl", folder=tmp_path)
    while linking.poll() is None and not (tmp_path / "o.parts").exists():
        time.sleep(0.02)
    linking.send_signal(number)
    _, err = linking.communicate(timeout=60)
    assert (linking.returncode, err.splitlines()[-1]) == (128 + number, f"wiretrace: stopped by {name}")
    assert [one.name for one in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_demo_that_is_stopped_ends_there(wiretrace: Wiretrace, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stopped(*_: object, **__: object) -> RunResult:
        return RunResult(Tally(), signal=signal.SIGINT)

    monkeypatch.setattr(daemon, "run", stopped)
    ran = wiretrace("demo")
    assert (ran.code, ran.err) == (130, "wiretrace: stopped by Ctrl-C\n")
    assert "Where to look next" not in ran.out
