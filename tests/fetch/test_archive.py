"""The evidence archive, read back by the library others read it with."""

from __future__ import annotations

import asyncio
import gzip
import os
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler.fetch.archive import Archive, ArchiveError, find
from crawler.fetch.warc import WarcRecord
from crawler.model import ArchiveRecord
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


async def test_the_redirects_on_the_way_stand_before_the_answer(web, other, fetcher, tmp_path):
    end = other.page("/end", "there")
    web.redirect("/next", end, 302)
    got = await fetcher.get(web.redirect("/start", "/next", 301))
    async with archive(tmp_path) as kept:
        record = await kept.write(got)
    _, *pairs = records(tmp_path)
    answers, requests = pairs[::2], pairs[1::2]
    assert [headers["WARC-Target-URI"] for _, headers, _, _ in answers] == [
        web.url("/start"),
        web.url("/next"),
        end,
    ]
    assert [head.split(b"\r\n")[0] for _, _, head, _ in answers] == [
        b"HTTP/1.1 301 Scripted",
        b"HTTP/1.1 302 Scripted",
        b"HTTP/1.1 200 Scripted",
    ]
    assert b"\r\nLocation: /next\r\n" in answers[0][2]
    assert answers[0][1]["WARC-IP-Address"] == "127.0.0.2"
    assert answers[2][1]["WARC-Record-ID"] == record.record_id
    assert [headers["WARC-Concurrent-To"] for _, headers, _, _ in requests] == [
        headers["WARC-Record-ID"] for _, headers, _, _ in answers
    ]
    assert read_back(tmp_path, record).block.endswith(b"there")


def read_back(folder: Path, record: ArchiveRecord) -> WarcRecord:
    found = find(folder, record, limit=1_000_000)
    assert found is not None
    return found


async def test_the_same_body_again_is_a_record_that_refers_to_the_first(web, fetcher, tmp_path):
    got = await fetcher.get(web.page("/story", os.urandom(20_000)))
    async with archive(tmp_path) as kept:
        first = await kept.write(got)
        size = sum(path.stat().st_size for path in tmp_path.iterdir())
        again = await kept.write(got, first)
    assert again == first
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) - size < 2_000
    response, _, revisit, request = records(tmp_path)[1:]
    assert revisit[0] == "revisit"
    about = revisit[1]
    assert about["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
    assert about["WARC-Refers-To"] == first.record_id
    assert about["WARC-Refers-To-Target-URI"] == got.final_url
    assert about["WARC-Refers-To-Date"] == response[1]["WARC-Date"]
    assert about["WARC-Payload-Digest"] == response[1]["WARC-Payload-Digest"]
    assert revisit[2].startswith(b"HTTP/1.1 200 ")
    assert revisit[3] == b""
    assert request[1]["WARC-Concurrent-To"] == about["WARC-Record-ID"]


async def test_another_body_is_kept_whole(web, fetcher, tmp_path):
    one = await fetcher.get(web.page("/story", "one"))
    two = await fetcher.get(web.page("/story", "two"))
    async with archive(tmp_path) as kept:
        first = await kept.write(one)
        second = await kept.write(two, first)
    assert second != first
    assert read_back(tmp_path, second).block.endswith(b"two")


async def test_a_body_whose_earlier_record_is_gone_is_kept_whole(web, fetcher, tmp_path):
    got = await fetcher.get(web.page("/story", "text"))
    async with archive(tmp_path / "old") as old:
        first = await old.write(got)
    async with archive(tmp_path / "new") as kept:
        record = await kept.write(got, first)
    assert record.file != first.file
    assert read_back(tmp_path / "new", record).block.endswith(b"text")


async def test_a_page_that_is_not_modified_is_a_record_that_says_so(web, fetcher, tmp_path):
    got = await fetcher.get(web.page("/story", "text", headers={"ETag": '"one"'}))
    web.page("/story", status=304, media=None, headers={"ETag": '"one"'})
    same = await fetcher.get(web.url("/story"), validators=got.validators)
    async with archive(tmp_path) as kept:
        first = await kept.write(got)
        await kept.confirm(same, first)
    *_, revisit, request = records(tmp_path)
    assert revisit[1]["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
    assert revisit[1]["WARC-Refers-To"] == first.record_id
    assert revisit[2].startswith(b"HTTP/1.1 304 ")
    assert b'\r\nIf-None-Match: "one"\r\n' in request[2]


async def test_the_file_that_is_written_shows_it_by_its_name_and_can_be_read(web, fetcher, tmp_path):
    got = await fetcher.get(web.page("/", "text"))
    async with archive(tmp_path) as kept:
        record = await kept.write(got)
        assert [path.name for path in tmp_path.iterdir()] == [record.file + ".open"]
        assert read_back(tmp_path, record).block.endswith(b"text")
    assert [path.name for path in tmp_path.iterdir()] == [record.file]
    assert read_back(tmp_path, record).block.endswith(b"text")


@pytest.mark.parametrize("torn", [b"", b"\x1f\x8b\x08 half a record", bytes(4_096)])
async def test_what_a_killed_process_left_open_is_finished_by_the_next(web, fetcher, tmp_path, torn):
    # A page may be made of records itself, and of random bytes it lies in the file as it came.
    inner = gzip.compress(b"WARC/1.1\r\n" + os.urandom(3_000)) + os.urandom(3_000)
    got = await fetcher.get(web.page("/", inner, headers={"Content-Type": "text/html"}))
    async with archive(tmp_path / "made") as kept:
        record = await kept.write(got)
    whole = (tmp_path / "made" / record.file).read_bytes()
    (tmp_path / (record.file + ".open")).write_bytes(whole + torn)
    async with archive(tmp_path):
        assert (tmp_path / record.file).read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [record.file]


async def test_a_file_that_another_process_writes_is_left_to_it(web, fetcher, tmp_path):
    got = await fetcher.get(web.page("/", "text"))
    async with archive(tmp_path) as one:
        record = await one.write(got)
        async with archive(tmp_path):
            assert (tmp_path / (record.file + ".open")).exists()
        assert (await one.write(got)).file == record.file


async def test_a_file_in_which_nothing_is_whole_goes(tmp_path):
    (tmp_path / "wiretrace-20260101000000-1-00000000.warc.gz.open").write_bytes(b"\x1f\x8b\x08\x00")
    async with archive(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_record_is_never_looked_for_outside_the_folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out.warc").write_bytes(b"WARC/1.1\r\nWARC-Record-ID: <x>\r\nContent-Length: 0\r\n\r\n\r\n\r\n")
    assert find(tmp_path, ArchiveRecord("out.warc", 0, "<x>")) is not None
    assert find(tmp_path / "in", ArchiveRecord("../out.warc", 0, "<x>")) is None
    assert find(tmp_path, ArchiveRecord("out.warc", 0, "<y>")) is None


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
