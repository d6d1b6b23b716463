from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from crawler.clock import SystemClock
from crawler.errors import InputError
from crawler.jobs.dropfolder import DropFolder
from crawler.jobs.importing import ImportReport
from crawler.jobs.watching import watch_folders
from crawler.settings import DatabaseSettings, Settings
from crawler.store import Store
from tests.originals.test_factiva import row

Until = Callable[[Callable[[], bool]], Awaitable[None]]


class Quick(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/wiretrace.db"))


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


@contextlib.asynccontextmanager
async def watching(settings: Settings, drop: Path, settle: float = 0.0) -> AsyncIterator[tuple[ImportReport, Until]]:
    report = ImportReport()
    work = asyncio.create_task(
        watch_folders(settings, [drop], clock=Quick(), report=report, settle=settle, processes=0)
    )

    async def until(condition: Callable[[], bool]) -> None:
        for _ in range(1_500):
            if condition():
                return
            if work.done():
                await work
            await asyncio.sleep(0.02)
        raise AssertionError(sorted(str(one) for one in drop.rglob("*")))

    try:
        yield report, until
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


def line(number: int, **fields: Any) -> str:
    return json.dumps(row(an=f"A{number}", **fields)) + "\n"


def files(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


async def test_a_dropped_file_is_imported_and_put_away(settings: Settings, drop: Path) -> None:
    async with watching(settings, drop) as (report, until):
        (drop / "today").mkdir()
        (drop / "today" / "lines.jsonl").write_text(line(1) + line(2))
        await until((drop / "done" / "today" / "lines.jsonl").exists)
        assert report.as_json()["created"] == 2
        assert not files(drop / ".taken")
        assert not (drop / "today" / "lines.jsonl").exists()


async def test_a_file_of_which_nothing_can_be_read_fails_with_its_reason(settings: Settings, drop: Path) -> None:
    (drop / "broken.pdf").write_bytes(b"%PDF-1.7")
    (drop / "none.jsonl").write_text('{"an": \n{"title": "x"}\n')
    async with watching(settings, drop) as (report, until):
        await until(lambda: len(files(drop / "failed")) == 4)
        assert report.faults == 3
    assert (drop / "failed" / "broken.pdf.reason.txt").read_text().startswith(f"{drop}/broken.pdf: expected JSON lines")
    reasons = (drop / "failed" / "none.jsonl.reason.txt").read_text().splitlines()
    assert reasons[0].startswith(f"{drop}/none.jsonl:1: expected a JSON object")
    assert reasons[1].startswith(f"{drop}/none.jsonl:2: ")


async def test_a_file_with_some_bad_items_is_done_and_tells_them(settings: Settings, drop: Path) -> None:
    (drop / "lines.jsonl").write_text(line(1) + "no json\n")
    async with watching(settings, drop) as (_, until):
        await until((drop / "done" / "lines.jsonl").exists)
    assert (drop / "done" / "lines.jsonl.reason.txt").read_text().startswith(f"{drop}/lines.jsonl:2: expected")


async def test_a_file_of_orders_to_delete_or_of_packages_is_done(settings: Settings, drop: Path) -> None:
    (drop / "gone.jsonl").write_text('{"an": "A9", "action": "del", "modification_datetime": 1767600000000}\n')
    (drop / "package.xml").write_text("<packageItem guid='p'><itemMeta/></packageItem>")
    async with watching(settings, drop) as (report, until):
        await until((drop / "done" / "package.xml").exists)
        assert (report.faults, report.skipped) == (0, 1)
    assert files(drop / "failed") == []


async def test_a_file_delivered_twice_changes_nothing_and_both_are_kept(settings: Settings, drop: Path) -> None:
    async with watching(settings, drop) as (report, until):
        for name in ("lines.jsonl", "lines~2.jsonl"):
            (drop / "lines.jsonl").write_text(line(1))
            await until(lambda name=name: (drop / "done" / name).exists())
        assert (report.as_json()["created"], report.as_json()["unchanged"]) == (1, 1)


async def test_a_text_is_imported_with_its_sidecar(settings: Settings, drop: Path) -> None:
    async with watching(settings, drop, settle=0.1) as (report, until):
        (drop / "story.txt.json").write_text(json.dumps({"publisher": "Post", "an": "P1"}))
        await asyncio.sleep(0.3)
        assert (drop / "story.txt.json").exists()  # it waits for its story
        (drop / "story.txt").write_text("The harbour office closed quay seven. Barges wait off the mole.")
        await until((drop / "done" / "story.txt").exists)
        assert (report.faults, report.as_json()["created"]) == (0, 1)
    assert files(drop / "done") == ["story.txt", "story.txt.json"]


async def test_a_link_to_another_file_is_not_followed(settings: Settings, drop: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_text(line(1))
    (drop / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    async with watching(settings, drop) as (report, until):
        await until((drop / "failed" / "link.jsonl").is_symlink)
        assert (report.faults, report.outcomes.total()) == (1, 0)


async def test_what_was_taken_and_not_put_away_is_imported_by_the_next_start(settings: Settings, drop: Path) -> None:
    with DropFolder.held(drop, settle=0.0) as folder:
        (drop / "lines.jsonl").write_text(line(1))
        folder.look(0.0)
        assert folder.take(Path("lines.jsonl")) == drop / ".taken" / "lines.jsonl"
    async with watching(settings, drop) as (report, until):
        await until((drop / "done" / "lines.jsonl").exists)
        assert report.as_json()["created"] == 1


async def test_a_folder_that_another_process_watches_is_one_line(settings: Settings, drop: Path) -> None:
    async with watching(settings, drop) as (_, until):
        await until((drop / ".wiretrace.lock").exists)
        with pytest.raises(InputError, match="another `wiretrace import --watch` watches this folder"):
            await watch_folders(settings, [drop], clock=Quick(), report=ImportReport(), processes=0)


def test_a_file_is_whole_once_it_has_stood_still(drop: Path) -> None:
    with DropFolder.held(drop, settle=2.0) as folder:
        path = drop / "lines.jsonl"
        path.write_text("{")
        assert folder.look(10.0) == []
        path.write_text("{}")
        assert folder.look(12.0) == []  # it has grown
        assert folder.look(13.9) == []
        assert folder.look(14.0) == [Path("lines.jsonl")]


def test_an_empty_file_may_still_be_filled(drop: Path) -> None:
    with DropFolder.held(drop, settle=2.0) as folder:
        (drop / "lines.jsonl").touch()
        assert [folder.look(now) for now in (0.0, 10.0, 60.0)] == [[], [], [Path("lines.jsonl")]]


def test_names_of_unfinished_and_hidden_files_are_passed_over(drop: Path) -> None:
    with DropFolder.held(drop, settle=0.0) as folder:
        for name in ("a.jsonl.part", "b.TMP", "c.filepart", "d~", ".e.jsonl", "f.jsonl"):
            (drop / name).write_text("{}")
        (drop / ".upload").mkdir()
        (drop / ".upload" / "g.jsonl").write_text("{}")
        folder.look(0.0)
        assert folder.look(1.0) == [Path("f.jsonl")]


@pytest.mark.full
def test_killed_again_and_again_it_imports_every_file_once(tmp_path: Path, drop: Path) -> None:
    """kill -9 at growing instants; in the end every file is put away and every article is stored once."""
    expected = set()
    for number in range(40):
        rows = [line(number * 50 + one, body=f"Barge {number} waits.\n\nTug {one} lies idle.") for one in range(50)]
        expected |= {f"A{number * 50 + one}" for one in range(50)}
        if number % 4:
            (drop / f"{number:02}.jsonl").write_text("".join(rows))
        else:
            with zipfile.ZipFile(drop / f"{number:02}.zip", "w") as archive:
                archive.writestr("lines", "".join(rows))
    environment = {**os.environ, "WIRETRACE_DATABASE__URL": f"sqlite+aiosqlite:///{tmp_path}/wiretrace.db"}
    command = [sys.executable, "-m", "crawler", "-q", "import", "--watch", "--settle", "0", str(drop)]
    kills = 0
    while len(list((drop / "done").glob("*"))) < 40:
        process = subprocess.Popen(command, env=environment, start_new_session=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.2 + kills * 0.15 if kills < 6 else 60.0)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
        assert kills < 40
    assert files(drop / ".taken") == []
    assert files(drop / "failed") == []

    async def stored() -> list[str]:
        async with await Store.open(
            DatabaseSettings(url=environment["WIRETRACE_DATABASE__URL"]), SystemClock()
        ) as store:
            return [str(one["url"]).removeprefix("factiva:") async for one in store.export_articles()]

    found = asyncio.run(stored())
    assert len(found) == len(expected)
    assert set(found) == expected
