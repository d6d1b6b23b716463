"""The originals in a folder: found as those in memory are, for longer than one job."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.errors import InputError, LinkerMismatch, UsageError
from crawler.jobs import disk_index
from crawler.jobs.disk_index import OriginalsOnDisk, opened_index
from crawler.jobs.dumps import Row
from crawler.jobs.held import OriginalsInMemory
from crawler.jobs.spool import Spool
from crawler.link import Linker
from crawler.model import Fingerprint
from crawler.settings import LinkSettings
from tests.stories import story


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(LinkSettings())


@pytest.fixture
def index(tmp_path: Path, linker: Linker) -> Iterator[OriginalsOnDisk]:
    with opened_index(tmp_path / "index", linker) as made:
        yield made


def row(name: str, number: int = 1, text: str = "") -> Row:
    held = story("ferry-original")
    return Row(replace(held, id=name, text=text or held.text), Path("wire.jsonl"), number)


def made(source: random.Random) -> Fingerprint:
    """Some keys of which a few are common to many."""
    keys = sorted({source.randrange(300) for _ in range(5)} | {source.randrange(-(1 << 31), 1 << 31) for _ in range(9)})
    return Fingerprint("x", "s", b"", tuple(keys), tuple(source.randrange(16, 160) / 16 for _ in keys))


def test_it_finds_what_the_index_in_memory_finds(
    tmp_path: Path, linker: Linker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_index, "_UNSETTLED_MOST", 700)
    monkeypatch.setattr("crawler.link.postings._MERGED", 400)
    source = random.Random(1)
    with Spool() as spool:
        memory = OriginalsInMemory(spool)
        for part in range(4):
            with opened_index(tmp_path / "index", linker) as disk:
                for number in range(400):
                    fingerprint = made(source)
                    for originals in (memory, disk):
                        originals.add(row(f"o{part}-{number}", number), fingerprint)
                disk.settle()
                for _ in range(100):
                    wanted = made(source)
                    found = disk.search(wanted, 20, 0.0)
                    assert found == memory.search(wanted, 20, 0.0)
                    assert found
                assert disk.held("o0-7") == memory.held("o0-7")
                assert disk.held("nobody") is None


def test_a_text_that_comes_again_in_another_file_is_the_same(index: OriginalsOnDisk, linker: Linker) -> None:
    first = row("x")
    index.add(first, linker.fingerprint(first.article))
    held = index.held("x")
    assert held is not None
    assert index.is_same(held, replace(first, path=Path("other.jsonl"), number=9))
    assert not index.is_same(held, row("x", text="Another text."))


def test_what_was_not_settled_is_gone_and_all_else_is_there(tmp_path: Path, linker: Linker) -> None:
    folder = tmp_path / "index"
    with opened_index(folder, linker) as index:
        index.add(row("a"), linker.fingerprint(row("a").article))
        index.settle()
        state = index.state
        index.add(row("b"), linker.fingerprint(row("b").article))
    (folder / "keys-7").write_bytes(b"half a run")
    with opened_index(folder, linker) as index:
        assert (len(index), index.state, index.held("b")) == (1, state, None)
        assert index.article("a") == row("a").article
        assert not (folder / "keys-7").exists()


def test_two_jobs_can_not_have_one_index(index: OriginalsOnDisk, tmp_path: Path, linker: Linker) -> None:
    with ExitStack() as stack, pytest.raises(UsageError, match="in use by another job"):
        stack.enter_context(opened_index(tmp_path / "index", linker))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, linker: Linker) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader")
    with ExitStack() as stack, pytest.raises(InputError, match="expected a folder with an index, or an empty one"):
        stack.enter_context(opened_index(tmp_path, linker))
    assert [one.name for one in tmp_path.iterdir()] == ["letter.txt"]


def test_the_index_of_another_linker_is_refused(tmp_path: Path, linker: Linker) -> None:
    folder = tmp_path / "index"
    with opened_index(folder, linker) as index:
        index.settle()
    told = folder / "index.json"
    told.write_text(told.read_text().replace(linker.id, "1-other"))
    with ExitStack() as stack, pytest.raises(LinkerMismatch, match="was made by linker 1-other"):
        stack.enter_context(opened_index(folder, linker))


@pytest.mark.parametrize("content", ["", "{}", '{"format": 99}', "[]"])
def test_a_damaged_index_is_told_in_one_line(tmp_path: Path, linker: Linker, content: str) -> None:
    (tmp_path / "index.json").write_text(content)
    with ExitStack() as stack, pytest.raises(InputError, match="expected an index that `link --index` made"):
        stack.enter_context(opened_index(tmp_path, linker))


def test_an_index_whose_files_are_cut_off_is_told(tmp_path: Path, linker: Linker) -> None:
    folder = tmp_path / "index"
    with opened_index(folder, linker) as index:
        index.add(row("a"), linker.fingerprint(row("a").article))
        index.settle()
    (folder / "texts").write_bytes(b"")
    with ExitStack() as stack, pytest.raises(InputError, match="the index is damaged"):
        stack.enter_context(opened_index(folder, linker))
