"""The evidence archive, read back by the library others read it with."""

from __future__ import annotations

import asyncio
import gzip
import os
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler.fetch.archive import Archive, ArchiveError
from crawler.settings import ArchiveSettings

AGENT = "wiretrace/1.0 (+https://desk.example/bot)"


def archive(folder: Path, **keys) -> Archive:
    return Archive(ArchiveSettings(warc_dir=str(folder)), AGENT, **keys)


def records(folder: Path) -> list[tuple[str, dict[str, str], bytes, bytes]]:
    """Type, WARC headers, HTTP head and payload as sent, of every record in the folder."""
    found = []
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, verify_http=False, check_digests="raise"):
                head = record.http_headers.to_bytes(encoding="latin-1") if record.http_headers else b""
                found.append((record.rec_type, dict(record.rec_headers.headers), head, record.raw_stream.read()))
    return found


async def test_a_record_is_found_at_its_offset_with_the_bytes_as_sent(web, fetcher, clock, tmp_path):
    packed = gzip.compress(b"<p>The ferry runs again.")
    got = await fetcher.get(
        web.page("/story?page=2", packed, headers={"Content-Encoding": "gzip", "X-Desk": "caf\xe9"})
    )
    async with archive(tmp_path, clock=clock) as kept:
        await kept.write(got)
        record = await kept.write(got)
    with (tmp_path / record.file).open("rb") as file:
        file.seek(record.offset)
        first = next(iter(ArchiveIterator(file, check_digests="raise")))
        assert first.rec_type == "response"
        assert first.rec_headers.get_header("WARC-Record-ID") == record.record_id
        assert first.rec_headers.get_header("WARC-Target-URI") == got.final_url
        assert first.rec_headers.get_header("WARC-IP-Address") == "127.0.0.2"
        assert first.rec_headers.get_header("WARC-Date") == "2026-03-02T08:16:40Z"
        assert first.http_headers.get_header("X-Desk") == "caf\xe9"
        assert first.http_headers.statusline == "200 Scripted"
        assert first.raw_stream.read() == packed


async def test_the_request_stands_beside_its_response(web, fetcher, tmp_path):
    got = await fetcher.get(web.page("/story?page=2", "text"))
    async with archive(tmp_path) as kept:
        record = await kept.write(got)
    (about, _, _, notes), (_, _, _, _), (kind, headers, head, _) = records(tmp_path)
    assert about == "warcinfo"
    assert AGENT.encode() in notes
    assert (kind, headers["WARC-Concurrent-To"]) == ("request", record.record_id)
    assert head.startswith(b"GET /story?page=2 HTTP/1.1\r\nHost: 127.0.0.2:")
    assert b"User-Agent: wiretrace/" in head


async def test_no_credential_is_ever_written(web, fetcher, tmp_path):
    url = web.page("/feed", "text", headers={"Set-Cookie": "session=topsecret"})
    got = await fetcher.get(url, headers={"Authorization": "topsecret", "X-Partner-Key": "topsecret"})
    async with archive(tmp_path) as kept:
        await kept.write(got)
    assert web.last("/feed").headers["x-partner-key"] == "topsecret"
    assert all(b"topsecret" not in gzip.decompress(path.read_bytes()) for path in tmp_path.iterdir())


async def test_an_undone_transfer_encoding_does_not_mislead_readers(web, fetcher, tmp_path):
    web.raw("/", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntext\r\n0\r\n\r\n")
    got = await fetcher.get(web.url("/"))
    async with archive(tmp_path) as kept:
        await kept.write(got)
    response = records(tmp_path)[1]
    assert b"\r\nX-Undone-Transfer-Encoding: chunked\r\n" in response[2]
    assert response[3] == b"text"


async def test_files_are_rotated_by_size(web, fetcher, tmp_path):
    got = await fetcher.get(web.page("/", os.urandom(3_000)))
    async with archive(tmp_path, file_size=8_000) as kept:
        written = [await kept.write(got) for _ in range(7)]
    files = list(dict.fromkeys(record.file for record in written))
    assert len(files) > 2
    assert all((tmp_path / name).stat().st_size >= 8_000 for name in files[:-1])
    assert {record.file for record in written} == {path.name for path in tmp_path.iterdir()}
    assert [kind for kind, *_ in records(tmp_path)].count("response") == 7


async def test_writes_at_once_do_not_mix(web, fetcher, tmp_path):
    got = [await fetcher.get(web.page(f"/{number}", os.urandom(20_000))) for number in range(8)]
    async with archive(tmp_path) as kept:
        await asyncio.gather(*(kept.write(one) for one in got))
    bodies = {headers["WARC-Target-URI"]: body for kind, headers, _, body in records(tmp_path) if kind == "response"}
    assert bodies == {one.final_url: one.raw for one in got}


async def test_a_cancelled_write_leaves_whole_records(web, fetcher, tmp_path):
    got = await fetcher.get(web.page("/", os.urandom(200_000)))
    async with archive(tmp_path) as kept:
        tasks = [asyncio.create_task(kept.write(got)) for _ in range(6)]
        await asyncio.sleep(0.005)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await kept.write(got)
    assert all(body == got.raw for kind, _, _, body in records(tmp_path) if kind == "response")


async def test_two_archives_in_one_folder_write_two_files(web, fetcher, tmp_path):
    got = await fetcher.get(web.page("/", "text"))
    async with archive(tmp_path) as one, archive(tmp_path) as two:
        assert (await one.write(got)).file != (await two.write(got)).file


async def test_a_disk_that_is_full_takes_back_the_half_record(web, fetcher, tmp_path):
    import resource
    import signal

    small = await fetcher.get(web.page("/small", "text"))
    large = await fetcher.get(web.page("/large", os.urandom(200_000)))
    async with archive(tmp_path) as kept:
        await kept.write(small)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        try:
            with pytest.raises(ArchiveError, match="can't be written"):
                await kept.write(large)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        await kept.write(large)
    assert [kind for kind, *_ in records(tmp_path)].count("response") == 2


async def test_a_folder_that_can_not_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ArchiveError, match="can't be written"):
        async with archive(tmp_path / "file" / "warc"):
            pass
