"""Long work on a terminal: how far it is, how fast it goes and what is left; elsewhere not a byte of it."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.cli import console
from crawler.interchange import article_to_json
from crawler.jobs.importing import Reach
from crawler.pipeline.tally import Tally
from tests.cli.conftest import Wiretrace
from tests.stories import story


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


OnTerminal = Callable[..., str]


@pytest.fixture
def on_terminal(wiretrace: Wiretrace, monkeypatch: pytest.MonkeyPatch) -> OnTerminal:
    """Runs a command with a terminal as its standard error; what that got. Standard output is none."""

    def run(*arguments: object) -> str:
        with monkeypatch.context() as patched:
            patched.setenv("TERM", "xterm")
            patched.setenv("COLUMNS", "140")
            terminal = Terminal()
            patched.setattr(sys, "stderr", terminal)
            ran = wiretrace(*arguments)
        assert ran.code == 0, terminal.getvalue()
        return ran.out + "\0" + terminal.getvalue()

    return run


@pytest.fixture
def wire(tmp_path: Path) -> Path:
    """Two deliveries of two originals each."""
    folder = tmp_path / "wire"
    folder.mkdir()
    original = article_to_json(story("ferry-original"))
    for file in "ab":
        rows = [original | {"id": f"{file}{one}", "url": f"https://wire.example/{file}{one}"} for one in range(2)]
        (folder / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_an_import_shows_a_bar_and_its_line_stays_on_standard_output(on_terminal: OnTerminal, wire: Path) -> None:
    out, _, shown = on_terminal("import", wire).partition("\0")
    assert out.startswith("created=4 ")
    assert "importing" in shown
    assert "created=" not in shown


def test_a_batch_shows_its_stages_and_writes_its_rows_to_standard_output(on_terminal: OnTerminal, wire: Path) -> None:
    page = article_to_json(story("ferry-original")) | {"id": "p", "role": "aggregator", "url": "https://s.example/p"}
    (wire.parent / "pages.jsonl").write_text(json.dumps(page) + "\n")
    out, _, shown = on_terminal("link", "--in", "pages.jsonl", "--originals", wire, "--out", "-").partition("\0")
    assert json.loads(out)["rewrite"] == "p"
    assert "articles linked" in shown
    assert "1/1" in shown


def test_a_measurement_shows_how_many_pages_are_decided(on_terminal: OnTerminal, tmp_path: Path) -> None:
    page = article_to_json(story("ferry-original")) | {"id": "p", "role": "aggregator", "url": "https://s.example/p"}
    (tmp_path / "articles.jsonl").write_text(json.dumps(page) + "\n")
    (tmp_path / "links.jsonl").write_text(json.dumps({"rewrite": "p", "original": None, "kind": "unrelated"}) + "\n")
    out, _, shown = on_terminal("evaluate", tmp_path, "--json").partition("\0")
    assert json.loads(out)["pages"] == 1
    assert "1/1" in shown


def test_without_a_terminal_there_is_no_bar(wiretrace: Wiretrace, wire: Path) -> None:
    assert wiretrace("import", wire).err == ""


def test_a_bar_tells_pace_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(console, "_SHOWN_EVERY", 0.0)
    with console.bar("signing") as show:
        for done in range(0, 400, 10):
            show(done, 1_000)
            time.sleep(0.001)
    last = terminal.getvalue().replace("\x1b", "\n")
    assert "/s" in last
    assert "left" in last
    assert "390/1000" in last


def test_a_run_tells_its_pace_and_what_is_left_of_the_time_given() -> None:
    tally = Tally(sources=3, fetched=90, new=40, linked=2)
    assert "fetched 90 (3.0/s) " in console.run_line(tally, 30.0, None)
    assert console.run_line(tally, 30.0, 600.0).endswith("at most 0:09:30 left")
    assert "/s" not in console.run_line(tally, 0.2, None)


def test_what_an_import_expects_follows_from_the_sizes_of_the_files_that_are_done(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    for file, size in zip(files, (100, 100, 300), strict=True):
        file.write_bytes(b"x" * size)
    reach = Reach(files)
    assert reach.expected(7, files[0]) is None
    assert reach.expected(10, files[1]) == 50
    assert reach.expected(60, files[2]) == 150
