"""`wiretrace extract` over many files: whatever one of them does to its worker, the others get their rows."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from crawler.jobs import extract_crew
from crawler.jobs.extract_crew import AHEAD, extract_all
from crawler.model import RawDocument
from tests.cli.conftest import Wiretrace
from tests.stories import page_html, story

LIMIT = 10_000_000


@pytest.fixture
def pages(tmp_path: Path) -> list[Path]:
    """A folder of pages in the order of their names; the first take longest."""
    folder = tmp_path / "pages"
    folder.mkdir()
    made = []
    for number in range(12):
        path = folder / f"{number:02}.html"
        filler = "<!-- -->" * (20_000 if number < 3 else 1)
        path.write_text(page_html(story("ferry-spun")).replace("<body>", f"<body>{filler}"))
        made.append(path)
    return made


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """A file that never ends: a pipe that nobody writes to."""
    path = tmp_path / "stuck.html"
    os.mkfifo(path)
    return path


def opener_of(path: Path) -> int | None:
    """The worker that has a file open."""
    for child in multiprocessing.active_children():
        with suppress(OSError):
            for fd in Path(f"/proc/{child.pid}/fd").iterdir():
                if fd.readlink() == path:
                    return child.pid
    return None


@contextmanager
def killing(path: Path) -> Iterator[list[int]]:
    """As long as it lasts whoever opens `path` is killed, and listed."""
    killed: list[int] = []
    over = threading.Event()
    # Held open for both: whoever opens it to read gets it at once and waits for bytes.
    held = os.open(path, os.O_RDWR)

    def watch() -> None:
        while not over.wait(0.02):
            worker = opener_of(path)
            if worker is not None and worker not in killed:
                killed.append(worker)
                os.kill(worker, signal.SIGKILL)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()
        os.close(held)


def paths_of(out: str) -> list[str]:
    return [json.loads(line)["path"] for line in out.splitlines()]


@pytest.mark.parametrize("workers", [1, 3])
def test_rows_come_in_the_order_of_the_files(wiretrace: Wiretrace, pages: list[Path], workers: int) -> None:
    ran = wiretrace("extract", "--json", "--workers", workers, *pages)
    assert (ran.code, ran.err) == (0, "")
    assert paths_of(ran.out) == [str(path) for path in pages]
    assert {json.loads(line)["title"] for line in ran.out.splitlines()} == {story("ferry-spun").title}


def test_a_worker_that_is_killed_costs_its_file_alone(wiretrace: Wiretrace, pages: list[Path], stuck: Path) -> None:
    with killing(stuck) as killed:
        ran = wiretrace("extract", "--json", "--workers", 2, *pages[:4], stuck, *pages[4:])
    assert ran.code == 0
    assert paths_of(ran.out) == [str(path) for path in pages]
    assert ran.err == f"wiretrace: {stuck}: ended its worker process (signal 9)\n"
    assert len(killed) == extract_crew.TRIES


def test_a_file_that_never_ends_is_given_up(
    wiretrace: Wiretrace, pages: list[Path], stuck: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract_crew, "FILE_TIMEOUT", 5.0)
    ran = wiretrace("extract", "--json", "--workers", 2, stuck, *pages)
    assert ran.code == 0
    assert paths_of(ran.out) == [str(path) for path in pages]
    assert ran.err == f"wiretrace: {stuck}: took more than 5 seconds\n"


def test_where_no_file_can_be_read_the_command_fails(wiretrace: Wiretrace) -> None:
    ran = wiretrace("extract", "--json", "one.html", "two.html")
    assert (ran.code, ran.out) == (1, "")
    assert [line.split(": expected")[0] for line in ran.err.splitlines()] == [
        "wiretrace: one.html",
        "wiretrace: two.html",
    ]


def test_a_folder_is_its_files_by_name_without_the_hidden_ones(wiretrace: Wiretrace, pages: list[Path]) -> None:
    folder = pages[0].parent
    (folder / ".hidden.html").write_text("x")
    below = folder / "05.below"
    below.mkdir()
    (below / "page.html").write_bytes(pages[0].read_bytes())
    ran = wiretrace("extract", "--json", "--workers", 2, folder)
    assert paths_of(ran.out) == [*map(str, pages), str(below / "page.html")]


def test_an_empty_folder_is_told(wiretrace: Wiretrace, pages: list[Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = wiretrace("extract", "--json", "empty", pages[0])
    assert (ran.code, paths_of(ran.out)) == (0, [str(pages[0])])
    assert ran.err == "wiretrace: empty: expected a file, it is a folder\n"


@pytest.mark.parametrize("by", ["file", "standard input"])
def test_files_are_taken_from_a_list(wiretrace: Wiretrace, pages: list[Path], by: str) -> None:
    listed = "".join(f"{path}\n" for path in pages[1:3]) + "\r\n"
    Path("list.txt").write_text(listed)
    name, stdin = ("list.txt", b"") if by == "file" else ("-", listed.encode())
    ran = wiretrace("extract", "--json", pages[0], "--files-from", name, stdin=stdin)
    assert paths_of(ran.out) == [str(path) for path in pages[:3]]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "expected PATH, URL or -"),
        (["-", "--files-from", "-"], 2, "standard input can't be both"),
        (
            ["page.html", "--files-from", "missing.txt"],
            1,
            "missing.txt: expected a list of files (No such file or directory)",
        ),
        (["page.html", "--workers", "0"], 2, "Invalid value for '--workers'"),
    ],
)
def test_what_can_not_be_done_is_one_line(wiretrace: Wiretrace, arguments: list[str], code: int, said: str) -> None:
    ran = wiretrace("extract", "--json", *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
    assert said in ran.err


def test_a_page_from_standard_input_stands_in_its_place_among_files(wiretrace: Wiretrace, pages: list[Path]) -> None:
    ran = wiretrace("extract", "--json", pages[0], "-", pages[1], stdin=pages[2].read_bytes())
    assert paths_of(ran.out) == [str(pages[0]), "-", str(pages[1])]


def test_a_name_that_is_no_utf8_breaks_no_row(wiretrace: Wiretrace, pages: list[Path], tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.html")
    Path(odd).write_bytes(pages[0].read_bytes())
    ran = wiretrace("extract", "--json", odd, pages[1])
    assert paths_of(ran.out) == [f"{tmp_path}/caf\ufffd.html", str(pages[1])]


def from_disk(target: str) -> RawDocument | None:
    return None


def test_only_so_many_files_are_taken_before_the_oldest_is_done(pages: list[Path], stuck: Path) -> None:
    taken = count()
    seen = 0

    def targets() -> Iterator[str]:
        nonlocal seen
        yield str(stuck)
        for _ in range(500):
            seen = next(taken)
            yield str(pages[5])

    held = os.open(stuck, os.O_RDWR)
    most = 0

    def let_go() -> None:
        nonlocal most
        while seen < 2 * AHEAD - 2:
            time.sleep(0.02)
        time.sleep(1.0)  # in which hundreds would be read
        most = seen
        os.write(held, b"<html><title>Late</title></html>")
        os.close(held)

    thread = threading.Thread(target=let_go)
    thread.start()
    results = [one.target for one in extract_all(targets(), workers=2, limit=LIMIT, load=from_disk)]
    thread.join()
    assert results == [str(stuck), *[str(pages[5])] * 500]
    assert most <= 2 * AHEAD


def test_who_stops_reading_leaves_no_process(pages: list[Path]) -> None:
    results = extract_all(map(str, pages * 10), workers=2, limit=LIMIT, load=from_disk)
    next(results)
    assert multiprocessing.active_children()
    results.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()
