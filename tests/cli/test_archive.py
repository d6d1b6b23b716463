"""`wiretrace archive` and `run --from-warc`, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.archives import archive, of_story
from tests.cli.conftest import Wiretrace
from tests.stories import page_html, story


@pytest.fixture
def crawled(wiretrace: Wiretrace, tmp_path: Path) -> Path:
    """An archive that was crawled, one of its pages linked to an original that was imported."""
    original = story("ferry-original")
    row = {
        "id": "ferry", "role": "origin", "publisher": original.publisher, "url": original.url, "title": original.title,
        "text": original.text, "published": "2026-01-14T10:30:00Z",
    }  # fmt: skip
    (tmp_path / "originals.jsonl").write_text(json.dumps(row))
    (tmp_path / "wiretrace.toml").write_text("[run]\nprocesses = 1\n")
    assert wiretrace("import", "originals.jsonl").code == 0
    file = archive(tmp_path / "NEWS-01.warc.gz", [of_story("ferry-spun"), of_story("pump-spun")])
    ran = wiretrace("run", "--from-warc", file)
    assert ran.code == 0, ran.err
    assert "new=2" in ran.out
    return file


def test_what_a_link_is_about_is_shown_and_written(wiretrace: Wiretrace, crawled: Path, tmp_path: Path) -> None:
    link = json.loads(wiretrace("export", "links").out)
    shown = wiretrace("archive", "show", link["id"])
    assert shown.code == 0, shown.err
    assert shown.out.splitlines()[0] == f"{crawled}:{link['archive']['offset']}"
    assert f"warc-record-id: {link['archive']['record_id']}" in shown.out
    assert "warc-date: 2026-05-02T03:04:05Z" in shown.out
    assert "HTTP/1.1 200 OK" in shown.out
    assert wiretrace("archive", "show", link["id"], "-o", "page.html").code == 0
    assert (tmp_path / "page.html").read_text() == page_html(story("ferry-spun"))
    for name in (link["rewrite"]["id"], link["rewrite"]["url"], f"{crawled}:{link['archive']['offset']}"):
        assert wiretrace("archive", "show", name).out == shown.out


def test_a_record_is_found_by_its_own_id_in_our_archive(wiretrace: Wiretrace, crawled: Path, tmp_path: Path) -> None:
    link = json.loads(wiretrace("export", "links").out)
    (tmp_path / "wiretrace.toml").write_text(f'[archive]\nwarc_dir = "{tmp_path}"\n')
    assert link["archive"]["record_id"] in wiretrace("archive", "show", link["archive"]["record_id"]).out
    assert wiretrace("archive", "show", "urn:uuid:none").code == 1


def test_what_can_not_be_shown_is_one_line_and_a_code(wiretrace: Wiretrace, crawled: Path) -> None:
    for target in ("nothing", f"{crawled}:7", "https://bulletin.example/none"):
        ran = wiretrace("archive", "show", target)
        assert (ran.code, ran.err.count("\n")) == (1, 1), target
    assert "expected a page" in wiretrace("archive", "show", f"{crawled}:0", "-o", "page.html").err
    crawled.unlink()
    page = json.loads(wiretrace("export", "links").out)
    gone = wiretrace("archive", "show", page["id"])
    assert gone.code == 1
    assert f"looked in {crawled.parent}" in gone.err


def test_the_archives_that_were_read_are_listed(wiretrace: Wiretrace, crawled: Path) -> None:
    assert f"NEWS-01.warc.gz pages=2 position={crawled.stat().st_size} read=" in wiretrace("archive", "list").out
    (told,) = json.loads(wiretrace("archive", "list", "--json").out)
    assert (told["name"], told["pages"], told["position"]) == ("NEWS-01.warc.gz", 2, crawled.stat().st_size)


def test_a_shells_expansion_of_a_glob_is_taken(wiretrace: Wiretrace, tmp_path: Path) -> None:
    files = [archive(tmp_path / f"{name}.warc.gz", [of_story(name)]) for name in ("ferry-spun", "pump-spun")]
    ran = wiretrace("run", "--from-warc", *files)
    assert "sources=2" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--from-warc", "none.warc.gz"], 1),
        (["--from-warc", "page.warc"], 1),
        (["--from-warc", "page.warc", "--source", "wire"], 2),
        (["--from-warc", "page.warc", "--once", "--due"], 2),
        (["page.warc"], 2),
    ],
)
def test_a_run_that_can_not_be_is_told_by_its_code(
    wiretrace: Wiretrace, tmp_path: Path, arguments: list[str], code: int
) -> None:
    (tmp_path / "page.warc").write_text("<p>no archive")
    ran = wiretrace("run", *arguments)
    assert ran.code == code
    assert "Traceback" not in ran.err
