"""`link` into shards: stopped anywhere and started again, it writes what it would have written at once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.errors import InputError
from crawler.interchange import Json, article_to_json
from crawler.jobs.batch_linking import Batch, BatchReport, EvidenceLevel
from crawler.jobs.dumps import Columns
from crawler.jobs.restartable import Target, link_to, originals_in
from crawler.link import Linker
from crawler.settings import LinkSettings
from tests.stories import story

ROOT = Path(__file__).parents[2]
NAMES = ("ferry-spun", "port-independent", "pump-copy", "ferry-original", "pump-original")
SETTINGS: Json = {"evidence": "short"}


class Stopped(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(LinkSettings())


@pytest.fixture
def wire(tmp_path: Path) -> Path:
    path = tmp_path / "wire.jsonl"
    rows = [article_to_json(story(name)) for name in ("ferry-original", "pump-original")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    path = tmp_path / "pages.jsonl"
    rows = [
        article_to_json(story(NAMES[number % len(NAMES)])) | {"id": f"p{number}", "url": "", "role": "aggregator"}
        for number in range(23)
    ]
    lines = [json.dumps(row) for row in rows]
    lines[7:7] = ["nonsense", lines[3]]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def run(
    linker: Linker,
    target: Target,
    pages: Path,
    wire: Path,
    *,
    index: Path | None = None,
    stop_after: int | None = None,
    notes: list[str] | None = None,
) -> tuple[BatchReport, list[str], list[str]]:
    """Links, ends after so many articles if asked, and gives the report with faults and notes."""
    faults: list[str] = []
    notes = [] if notes is None else notes

    def progress(stage: str, done: int) -> None:
        if stage == "articles linked" and done == stop_after:
            raise Stopped

    with originals_in(index, linker) as originals:
        batch = Batch(
            linker, originals, Columns(), EvidenceLevel.SHORT, False, lambda fault: faults.append(str(fault)), progress
        )
        report = link_to(target, batch, [pages], [wire], SETTINGS, 4, notes.append)
    return report, faults, notes


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("is_folder", [True, False])
@pytest.mark.parametrize("keeps_index", [True, False])
def test_what_was_stopped_again_and_again_ends_as_what_was_not(
    linker: Linker, tmp_path: Path, pages: Path, wire: Path, is_folder: bool, keeps_index: bool
) -> None:
    for name in ("once", "often"):
        (tmp_path / name).mkdir()
    index = tmp_path / "index" if keeps_index else None
    once, often = (Target(tmp_path / name / "links", is_folder) for name in ("once", "often"))
    whole = run(linker, once, pages, wire, index=index)
    stopped = 0
    for after in (1, 5, 6, 11, 17, 23):
        with pytest.raises(Stopped):
            run(linker, often, pages, wire, index=index, stop_after=after)
        stopped += 1
    report, faults, notes = run(linker, often, pages, wire, index=index)
    assert stopped == 6
    assert (report, faults) == whole[:2]
    assert notes == ["goes on after 20 articles in 5 finished shards"]
    assert content(often.path if is_folder else often.path.parent) == content(
        once.path if is_folder else once.path.parent
    )


def test_the_manifest_tells_what_the_output_was_made_of(
    linker: Linker, tmp_path: Path, pages: Path, wire: Path
) -> None:
    target = Target(tmp_path / "out", is_folder=True)
    run(linker, target, pages, wire, index=tmp_path / "index")
    told = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    assert told["linker"] == linker.id
    assert told["settings"] == {"evidence": "short", "shard_rows": 4}
    assert [one["given"] for one in told["inputs"]] == ["articles", "originals"]
    assert told["index"]["originals"] == 2
    assert [one["articles"] for one in told["shards"]] == [4, 4, 4, 4, 4, 3]
    assert told["counts"] == {"originals": 2, "articles": 23, "linked": 18, "faults": 2}
    assert told["finished"] is True


def test_a_job_that_is_done_is_not_done_again(linker: Linker, tmp_path: Path, pages: Path, wire: Path) -> None:
    target = Target(tmp_path / "out", is_folder=True)
    report, _, _ = run(linker, target, pages, wire)
    before = {path.name: path.stat().st_mtime_ns for path in target.path.glob("part-*")}
    again, _, notes = run(linker, target, pages, wire)
    assert again == report
    assert notes == ["goes on after 23 articles in 6 finished shards"]
    assert {path.name: path.stat().st_mtime_ns for path in target.path.glob("part-*")} == before


def test_a_shard_that_was_changed_is_made_again(linker: Linker, tmp_path: Path, pages: Path, wire: Path) -> None:
    target = Target(tmp_path / "out", is_folder=True)
    run(linker, target, pages, wire)
    before = content(target.path)
    (target.path / "part-00002.jsonl").write_text("{}\n")
    run(linker, target, pages, wire)
    assert content(target.path) == before


def test_a_folder_of_another_job_is_left_alone(linker: Linker, tmp_path: Path, pages: Path, wire: Path) -> None:
    target = Target(tmp_path / "out", is_folder=True)
    run(linker, target, pages, wire)
    before = content(target.path)
    pages.write_text(pages.read_text() + "\n\n")
    with pytest.raises(InputError, match="holds the output of another job \\(the input was another\\)"):
        run(linker, target, pages, wire)
    assert content(target.path) == before


def test_shards_of_another_job_never_get_into_a_file(linker: Linker, tmp_path: Path, pages: Path, wire: Path) -> None:
    target = Target(tmp_path / "links.jsonl", is_folder=False)
    with pytest.raises(Stopped):
        run(linker, target, pages, wire, stop_after=11)
    pages.write_text("\n".join(pages.read_text().splitlines()[::-1]))
    _, _, notes = run(linker, target, pages, wire)
    assert len(notes) == 1
    assert notes[0].endswith("begins anew")
    fresh = Target(tmp_path / "fresh.jsonl", is_folder=False)
    run(linker, fresh, pages, wire)
    assert target.path.read_bytes() == fresh.path.read_bytes()
    assert not target.folder.exists()


def test_who_stops_a_job_is_told_where_it_goes_on(linker: Linker, tmp_path: Path, pages: Path, wire: Path) -> None:
    notes: list[str] = []
    target = Target(tmp_path / "links.jsonl", is_folder=False)
    with pytest.raises(Stopped):
        run(linker, target, pages, wire, stop_after=11, notes=notes)
    assert notes == [f"2 finished shards wait in {tmp_path}/links.parts: the same command goes on after them"]


def test_a_link_to_a_file_is_written_through(linker: Linker, tmp_path: Path, pages: Path, wire: Path) -> None:
    (tmp_path / "elsewhere.jsonl").write_text("old")
    (tmp_path / "links.jsonl").symlink_to("elsewhere.jsonl")
    run(linker, Target(tmp_path / "links.jsonl", is_folder=False), pages, wire)
    assert (tmp_path / "links.jsonl").is_symlink()
    assert len((tmp_path / "elsewhere.jsonl").read_text().splitlines()) == 23


def test_a_file_in_a_folder_that_is_not_there_is_refused(
    linker: Linker, tmp_path: Path, pages: Path, wire: Path
) -> None:
    with pytest.raises(InputError, match="nowhere: expected a folder, there is none"):
        run(linker, Target(tmp_path / "nowhere" / "links.jsonl", is_folder=False), pages, wire)
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_with_other_files_is_refused(linker: Linker, tmp_path: Path, pages: Path, wire: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("Dear reader")
    with pytest.raises(InputError, match="expected an empty folder, or one that this job began to fill"):
        run(linker, Target(tmp_path / "out", is_folder=True), pages, wire)


def test_next_months_pages_are_linked_to_the_index_alone(
    linker: Linker, tmp_path: Path, pages: Path, wire: Path
) -> None:
    index = tmp_path / "index"
    run(linker, Target(tmp_path / "may", is_folder=True), pages, wire, index=index)
    nothing = tmp_path / "none.jsonl"
    nothing.write_text("")
    run(linker, Target(tmp_path / "june", is_folder=True), pages, nothing, index=index)
    for path in (tmp_path / "may").glob("part-*"):
        assert (tmp_path / "june" / path.name).read_bytes() == path.read_bytes()


# --- killed for good -----------------------------------------------------------------------------------------


@pytest.mark.full
def test_killed_again_and_again_at_random_the_output_is_byte_equal(tmp_path: Path) -> None:
    rows = [
        article_to_json(story(NAMES[number % len(NAMES)])) | {"id": f"p{number}", "url": "", "role": "aggregator"}
        for number in range(150)
    ]
    for number, row in enumerate(rows):
        row["text"] = f"{row['text']}\n\nEdition {number} of the evening."
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    wire = [article_to_json(story(name)) for name in ("ferry-original", "pump-original")]
    (tmp_path / "wire.jsonl").write_text("".join(json.dumps(row) + "\n" for row in wire))

    def start(out: str, index: str) -> subprocess.Popen[str]:
        command = f"link --in pages.jsonl --originals wire.jsonl --index {index} --out {out} --shard-rows 6"
        return subprocess.Popen(
            [sys.executable, "-m", "crawler", *command.split()],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    started = time.monotonic()
    whole = start("once/links.jsonl", "index-1") if (tmp_path / "once").mkdir() is None else None
    assert whole is not None
    assert whole.wait(timeout=300) == 0
    took = time.monotonic() - started
    (tmp_path / "often").mkdir()
    source = random.Random(5)
    killed = 0
    while killed < 6:
        job = start("often/links.jsonl", "index-2")
        try:
            job.wait(timeout=source.uniform(0.3, 1.0) * took)
        except subprocess.TimeoutExpired:
            job.kill()
            killed += 1
            job.wait()
        else:  # it got to its end in between: from the start once more
            assert job.returncode == 0
            assert_equal(tmp_path)
            for path in (tmp_path / "often").iterdir():
                path.unlink()
    last = start("often/links.jsonl", "index-2")
    assert last.wait(timeout=300) == 0
    assert_equal(tmp_path)


def assert_equal(tmp_path: Path) -> None:
    read: Callable[[str], bytes] = lambda name: (tmp_path / name / "links.jsonl").read_bytes()  # noqa: E731
    assert read("often") == read("once")
    assert len(read("once").splitlines()) == 150
