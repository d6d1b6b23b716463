"""Help as it is read: what a command does, then examples to copy; and JSON for scripts."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import typer

from crawler.cli import console
from crawler.cli.app import app, split_help
from docs.generator.commands import walk
from tests.cli.conftest import Wiretrace


def commands() -> Iterator[tuple[str, str]]:
    root = typer.main.get_command(app)
    for command, ctx in walk(root, root.make_context("wiretrace", [], resilient_parsing=True)):
        if not hasattr(command, "commands"):
            yield ctx.command_path, command.help or ""


# That the examples' options exist is seen to by tests/test_docs.py: the manual shows the same ones.
@pytest.mark.parametrize(("path", "text"), [pytest.param(*one, id=one[0]) for one in commands()])
def test_every_command_has_examples_of_itself(path: str, text: str) -> None:
    _, examples = split_help(text)
    assert examples
    name = path.rpartition(" ")[2]
    assert all(name in example.split() and example.startswith("wiretrace ") for example in examples)


def test_examples_stand_in_the_help_each_on_its_line_however_long(wiretrace: Wiretrace) -> None:
    lines = wiretrace("link", "--help").out.splitlines()
    start = lines.index("Examples:")
    assert lines[start + 1] == "  wiretrace link --in pages.jsonl.gz --originals wire/ --out links.jsonl"
    assert lines[start + 2].endswith("--out links/ --memory 4G")
    assert lines.index("Options:") > start


@pytest.mark.parametrize(
    ("called", "told"),
    [
        ("wiretrace", "wiretrace"),
        (".venv/bin/wiretrace", ".venv/bin/wiretrace"),
        ("/opt/a b/bin/wiretrace", "'/opt/a b/bin/wiretrace'"),
        ("/usr/lib/crawler/__main__.py", f"{shlex.quote(sys.executable)} -m crawler"),
    ],
)
def test_what_to_type_next_is_told_as_the_shell_finds_it(
    monkeypatch: pytest.MonkeyPatch, called: str, told: str
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert console.own_command() == told


def test_a_command_that_is_on_the_path_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "wiretrace").write_text("#!/bin/sh\n")
    (tmp_path / "wiretrace").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "wiretrace")])
    assert console.own_command() == "wiretrace"


@pytest.mark.full
def test_the_last_lines_of_the_demo_open_what_it_found(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(tmp_path)}
    demo = subprocess.run(
        [sys.executable, "-m", "crawler", "-q", "demo"],
        capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120, check=True,
    )  # fmt: skip
    command, last = demo.stdout.splitlines()[-2:]
    assert last == "and open the address that it prints."
    with subprocess.Popen(
        [*shlex.split(command), "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    ) as server:
        assert server.stdout is not None
        try:
            with urlopen(server.stdout.readline().split()[0], timeout=30) as page:
                assert page.read().count(b'class="card new"') > 20
        finally:
            server.terminate()


def test_a_script_reads_how_the_schema_stands(wiretrace: Wiretrace) -> None:
    before = json.loads(wiretrace("db", "current", "--json").out)
    assert (before["current"], before["up_to_date"]) == (None, False)
    wiretrace("db", "upgrade")
    after = json.loads(wiretrace("db", "current", "--json").out)
    assert after == {"current": before["known"], "known": before["known"], "up_to_date": True}


def test_a_script_reads_what_a_reindex_did(wiretrace: Wiretrace) -> None:
    done = json.loads(wiretrace("db", "reindex", "--json").out)
    assert (done["signed"], done["pages"], done["links_changed"]) == (0, 0, 0)


def test_a_script_reads_what_an_import_did(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "wire.jsonl").write_text("{}\n")
    done = json.loads(wiretrace("import", "wire.jsonl", "--json").out)
    assert (done["created"], done["faults"]) == (0, 1)


def test_a_script_reads_the_archives_that_were_read(wiretrace: Wiretrace) -> None:
    assert json.loads(wiretrace("archive", "list", "--json").out) == []
