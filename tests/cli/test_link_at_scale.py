"""`wiretrace link` on dumps that one machine just holds: what it expects, its shards, the index that it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawler.interchange import article_to_json
from tests.cli.conftest import Wiretrace
from tests.stories import story


@pytest.fixture(autouse=True)
def _dumps(tmp_path: Path) -> None:
    """pages.jsonl of three pages, and wire.jsonl of the original of one."""
    pages = [article_to_json(story(name)) for name in ("ferry-spun", "port-independent", "pump-copy")]
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    (tmp_path / "wire.jsonl").write_text(json.dumps(article_to_json(story("ferry-original"))))


def test_what_is_expected_is_said_before_anything_is_read(wiretrace: Wiretrace) -> None:
    ran = wiretrace("link", "--in", "pages.jsonl", "--originals", "wire.jsonl", "--out", "links.jsonl")
    said = ran.err.splitlines()[0]
    assert said.startswith("wiretrace: about 3 articles and 1 originals: expects 190 MB of memory, ")


def test_more_than_the_allowed_memory_is_refused_before_anything_is_written(
    wiretrace: Wiretrace, tmp_path: Path
) -> None:
    ran = wiretrace("link", "--in", "pages.jsonl", "--out", "links.jsonl", "--memory", "100M")
    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("wiretrace: --memory: 100 MB are allowed, about 190 MB are needed")
    assert {path.name for path in tmp_path.iterdir()} == {"pages.jsonl", "wire.jsonl"}
    assert wiretrace("link", "--in", "pages.jsonl", "--out", "links.jsonl", "--memory", "0.5G").code == 0


@pytest.mark.parametrize("size", ["much", "0", "-1G", "", "4X", "nan"])
def test_a_size_that_is_none_is_wrong_usage(wiretrace: Wiretrace, size: str) -> None:
    ran = wiretrace("link", "--in", "pages.jsonl", "--out", "links.jsonl", f"--memory={size}")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "--memory: expected a size such as 4G or 512M" in ran.err


def test_a_file_is_put_together_from_shards_with_its_manifest_beside_it(wiretrace: Wiretrace, tmp_path: Path) -> None:
    given = ("link", "--in", "pages.jsonl", "--originals", "wire.jsonl")
    assert wiretrace(*given, "--out", "links.jsonl", "--shard-rows", 2).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "pages.jsonl", "wire.jsonl", "links.jsonl", "links.manifest.json",
    }  # fmt: skip
    assert wiretrace(*given, "--out", "links/", "--shard-rows", 2).code == 0
    parts = sorted((tmp_path / "links").glob("part-*.jsonl"))
    assert "".join(part.read_text() for part in parts) == (tmp_path / "links.jsonl").read_text()
    assert [part.read_text().count("\n") for part in parts] == [2, 1]


def test_the_index_in_a_folder_serves_the_next_job(wiretrace: Wiretrace, tmp_path: Path) -> None:
    wiretrace("link", "--in", "pages.jsonl", "--originals", "wire.jsonl", "--index", "kept", "--out", "may.jsonl")
    ran = wiretrace("link", "--in", "pages.jsonl", "--index", "kept", "--out", "-", "--linked-only")
    assert [json.loads(line)["original"] for line in ran.out.splitlines()] == ["ferry-original"]
    assert ran.err.splitlines()[-1] == "originals=1 articles=3 linked=1 faults=0"


def test_rows_left_out_are_listed_in_the_folder(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "pages.jsonl").write_text("nonsense\n" + (tmp_path / "pages.jsonl").read_text())
    assert wiretrace("link", "--in", "pages.jsonl", "--out", "links/").code == 0
    assert json.loads((tmp_path / "links" / "_rejects.jsonl").read_text())["line"] == 1


def test_an_index_with_self_is_wrong_usage(wiretrace: Wiretrace) -> None:
    ran = wiretrace("link", "--in", "pages.jsonl", "--self", "--groups", "g.jsonl", "--index", "kept")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "--index: holds originals" in ran.err


def test_words_that_are_counted_in_the_dump_make_another_linker(wiretrace: Wiretrace, tmp_path: Path) -> None:
    given = ("link", "--in", "pages.jsonl", "--originals", "wire.jsonl", "--out")
    assert wiretrace(*given, "plain.jsonl").code == 0
    assert wiretrace(*given, "counted.jsonl", "--count-idf").code == 0
    linkers = {json.loads((tmp_path / f"{name}.manifest.json").read_text())["linker"] for name in ("plain", "counted")}
    assert len(linkers) == 2
    links = [json.loads(line) for line in (tmp_path / "counted.jsonl").read_text().splitlines()]
    assert [row["original"] for row in links] == ["ferry-original", None, None]
