"""Hosts of pages in dumps and archives, and those of them that are suggested."""

from __future__ import annotations

import gzip
import json
from io import BytesIO
from pathlib import Path

import pyarrow as arrow
import pytest
from pyarrow import parquet
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.errors import InputError
from crawler.extract.repetition import blocks_of
from crawler.jobs import met_hosts
from crawler.jobs.dumps import Columns
from crawler.jobs.met_hosts import MetHosts, met_in_files
from crawler.jobs.suggesting import site_urls, suggest_hosts
from crawler.model import SitePage
from crawler.settings import DatabaseSettings
from crawler.store import Store
from tests.store.pieces import StillClock, page, source


def met(*paths: Path, columns: Columns | None = None) -> tuple[dict[str, tuple[int, int]], list[str]]:
    faults: list[InputError] = []
    found = met_in_files(paths, columns or Columns(), faults.append)
    return {host: (one.pages, one.linked) for host, one in found.hosts.items()}, [str(fault) for fault in faults]


def record(
    writer: WARCWriter, url: str, *, kind: str = "response", status: str = "200 OK", media: str = "text/html"
) -> None:
    headers = StatusAndHeaders(status, [("Content-Type", media)], protocol="HTTP/1.1")
    made = writer.create_warc_record(
        url,
        kind,
        payload=BytesIO(b"<p>x</p>"),
        http_headers=headers,
        warc_headers_dict={"WARC-Date": "2026-01-02T03:04:05Z"},
    )
    writer.write_record(made)


@pytest.fixture(params=[True, False], ids=["gzip", "plain"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / ("crawl.warc.gz" if request.param else "crawl.warc")
    with path.open("wb") as stream:
        writer = WARCWriter(stream, gzip=request.param)
        writer.write_record(writer.create_warcinfo_record("crawl.warc", {"software": "a crawler"}))
        for number in range(3):
            record(writer, f"https://www.copier.example/{number}")
        record(writer, "https://copier.example/old", status="404 Not Found")
        record(writer, "https://copier.example/moved", status="301 Moved")
        record(writer, "https://pictures.example/a.png", media="image/png")
        record(writer, "https://other.example/a", media="text/html; charset=utf-8")
        record(writer, "https://copier.example/0", kind="request")
        record(writer, "https://copier.example/0", kind="revisit")
    return path


def test_pages_of_an_archive_are_its_answers_that_are_html_and_were_there(archive: Path) -> None:
    assert met(archive) == ({"copier.example": (3, 0), "other.example": (1, 0)}, [])


def test_an_archive_that_breaks_off_is_read_up_to_there(archive: Path) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) * 2 // 3])
    hosts, faults = met(archive)
    assert hosts["copier.example"] == (3, 0)
    assert all("the file is damaged" in fault for fault in faults)


def test_a_folder_is_its_dumps_and_its_archives(archive: Path) -> None:
    (archive.parent / "dump.jsonl").write_text('{"url": "https://dump.example/"}\n')
    (archive.parent / "notes.txt").write_text("nothing")
    assert [path.name for path in met_hosts.expand([str(archive.parent)])] == ["dump.jsonl", archive.name]
    with pytest.raises(InputError):
        met_hosts.expand([str(archive.parent / "none*")])


def test_columns_of_another_name_and_parquet(tmp_path: Path) -> None:
    table = arrow.table({"doc": ["1", "2"], "link": ["https://a.example/1", "https://b.example/1"], "text": ["x", "y"]})
    parquet.write_table(table, tmp_path / "dump.parquet")
    (tmp_path / "links.jsonl.gz").write_bytes(gzip.compress(b'{"rewrite": "2", "original": "9"}\n'))
    columns = Columns({"id": "doc", "url": "link"})
    hosts, faults = met(tmp_path / "dump.parquet", tmp_path / "links.jsonl.gz", columns=columns)
    assert (hosts, faults, columns.unmet) == ({"a.example": (1, 0), "b.example": (1, 1)}, [], [])


def test_rows_without_ids_are_named_by_their_line_as_link_names_them(tmp_path: Path) -> None:
    dump = tmp_path / "dump.jsonl"
    dump.write_text('{"url": "https://a.example/1"}\n{"url": "https://a.example/2"}\n')
    (tmp_path / "links.jsonl").write_text(json.dumps({"rewrite": f"{dump}:2", "original": "9"}) + "\n")
    assert met(dump, tmp_path / "links.jsonl")[0] == {"a.example": (2, 1)}


def test_more_hosts_than_there_can_be_are_not_all_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(met_hosts, "MAX_HOSTS", 2)
    rows = "".join(json.dumps({"url": f"https://h{number % 4}.example/"}) + "\n" for number in range(8))
    (tmp_path / "dump.jsonl").write_text(rows)
    found = met_in_files([tmp_path / "dump.jsonl"], Columns(), lambda _: None)
    assert {host: one.pages for host, one in found.hosts.items()} == {"h0.example": 2, "h1.example": 2}
    assert found.left_out == 4


async def test_a_host_of_store_and_files_has_the_greater_counts_and_a_source_s_domain_is_left_out(
    tmp_path: Path,
) -> None:
    rows = ["https://copy.example/1", "https://copy.example/2", "https://x.harbour.example/1", "https://b.example/1"]
    (tmp_path / "dump.jsonl").write_text("".join(json.dumps({"url": url}) + "\n" for url in rows))
    files = met_in_files([tmp_path / "dump.jsonl"], Columns(), lambda _: None)
    settings = DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'wire.db'}")
    async with await Store.open(settings, StillClock()) as store:
        await store.add_source(source())
        for number, host in enumerate(["copy.example", "www.copy.example", "copy.example", "www.harbour.example"]):
            article = page(str(number))
            known = SitePage(host, blocks_of(article.title, article.text), (), (0, 0))
            await store.store_article(article, None, page=known)
        shown, of = await suggest_hosts(store, files)
        assert [(one.host, one.pages, one.example) for one in shown] == [
            ("copy.example", 3, page("2").url),
            ("b.example", 1, "https://b.example/1"),
        ]
        assert of == 2
        assert [one.host for one in (await suggest_hosts(store, files, limit=1))[0]] == ["copy.example"]
        assert (await suggest_hosts(store, MetHosts(), min_pages=4)) == ([], 0)


def test_a_host_is_asked_by_https_first() -> None:
    assert site_urls("digest.example") == ["https://digest.example/", "http://digest.example/"]
    assert site_urls("http://digest.example/news") == ["http://digest.example/news"]
