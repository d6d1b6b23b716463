"""One request: what comes back, and what a broken or hostile server comes to."""

from __future__ import annotations

import asyncio

import pytest

from crawler.directives import Directives
from crawler.errors import (
    BadStatus,
    BodyTooLarge,
    BodyUndecodable,
    ConnectionFailed,
    HostUnresolved,
    MediaRefused,
    TimedOut,
    UrlRefused,
)
from crawler.model import Validators
from tests.web import Seen, Web, response


async def test_a_page_comes_with_all_that_is_known_of_it(web, fetcher, clock):
    url = web.page(
        "/story",
        "<h1>Ferry back in service</h1>",
        media="Text/HTML; Charset=ISO-8859-1",
        headers={
            "ETag": '"v1"',
            "Last-Modified": "Mon, 02 Mar 2026 07:00:00 GMT",
            "Cache-Control": "public, max-age=300",
        },
    )
    got = await fetcher.get(url)
    assert (got.status, got.url, got.final_url, got.ip) == (200, url, url, "127.0.0.2")
    assert got.body == got.raw == b"<h1>Ferry back in service</h1>"
    assert (got.media_type, got.charset, got.max_age) == ("text/html", "iso-8859-1", 300.0)
    assert got.validators == Validators('"v1"', "Mon, 02 Mar 2026 07:00:00 GMT")
    assert got.headers["etag"] == '"v1"'
    assert got.fetched == clock.now()
    assert got.document().body == got.body


async def test_we_say_who_we_are_and_what_we_can_undo(web, make):
    fetcher = await make(user_agent="wiretrace/9 (+https://desk.example/bot)")
    await fetcher.get(web.page("/"), accept="text/xml")
    headers = web.last("/").headers
    assert headers["user-agent"] == "wiretrace/9 (+https://desk.example/bot)"
    assert headers["accept"] == "text/xml"
    assert set(headers["accept-encoding"].split(", ")) == {"gzip", "deflate", "br", "zstd"}


async def test_validators_make_a_request_conditional(web, fetcher):
    web.page("/feed", status=304, media=None, headers={"ETag": '"v2"'})
    got = await fetcher.get(web.url("/feed"), validators=Validators('"v2"', "Mon, 02 Mar 2026 07:00:00 GMT"))
    assert got.not_modified
    assert got.body == b""
    assert web.last("/feed").headers["if-none-match"] == '"v2"'
    assert web.last("/feed").headers["if-modified-since"] == "Mon, 02 Mar 2026 07:00:00 GMT"


async def test_an_unasked_304_is_an_error(web, fetcher):
    web.page("/feed", status=304, media=None)
    with pytest.raises(BadStatus) as caught:
        await fetcher.get(web.url("/feed"))
    assert caught.value.status == 304


@pytest.mark.parametrize(("status", "retry"), [(404, False), (410, False), (403, False), (500, True), (502, True)])
async def test_an_error_status_says_whether_trying_again_can_help(web, fetcher, status, retry):
    web.page("/gone", "sorry", status=status)
    with pytest.raises(BadStatus) as caught:
        await fetcher.get(web.url("/gone"))
    assert (caught.value.status, caught.value.reason, caught.value.retry) == (status, f"status-{status}", retry)


async def test_what_the_headers_ask_of_us_is_told(web, make):
    fetcher = await make(user_agent="DeskReader/2.0 (+https://desk.example/bot)")
    web.raw(
        "/",
        b"HTTP/1.1 200 OK\r\nX-Robots-Tag: otherbot: noindex\r\nx-robots-tag: deskreader: noarchive\r\n"
        b"X-ROBOTS-TAG: nofollow\r\nContent-Length: 0\r\n\r\n",
    )
    got = await fetcher.get(web.url("/"))
    assert got.directives == Directives(noarchive=True, nofollow=True)
    document = got.document()
    assert (document.directives, document.robot) == (got.directives, "deskreader")


async def test_cookies_are_neither_kept_nor_sent(web, fetcher):
    web.page("/", headers={"Set-Cookie": "visitor=1; Path=/"})
    await fetcher.get(web.url("/"))
    await fetcher.get(web.url("/"))
    assert "cookie" not in web.last("/").headers


async def test_connections_are_kept_between_requests(web, fetcher):
    for number in range(5):
        await fetcher.get(web.page(f"/{number}"), robots=False)
    assert web.connections == 1


async def test_a_host_that_is_gone_fails_to_resolve(fetcher):
    with pytest.raises(HostUnresolved, match="no address"):
        await fetcher.get("http://gone.example/")


async def test_a_host_that_refuses_connections_is_a_failed_connection(fetcher):
    async with Web("127.0.0.9") as server:
        url = server.url("/")
    with pytest.raises(ConnectionFailed) as caught:
        await fetcher.get(url)
    assert caught.value.retry


async def test_a_body_that_never_ends_is_cut_off_by_its_size(web, make):
    async def endless(_: Seen, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()
        return False

    fetcher = await make(max_body=1_000_000)
    with pytest.raises(BodyTooLarge):
        await fetcher.get(web.handler("/", endless), robots=False)


async def test_a_trickle_is_cut_off_by_the_time_for_the_whole(web, make):
    async def trickle(_: Seen, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)
        return False

    fetcher = await make(timeout=0.2)
    with pytest.raises(TimedOut):
        await fetcher.get(web.handler("/", trickle), robots=False)


async def test_headers_that_trickle_are_cut_off_too(web, make):
    async def trickle(_: Seen, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"X-Slow: 1\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)
        return False

    fetcher = await make(timeout=0.2)
    with pytest.raises(TimedOut):
        await fetcher.get(web.handler("/", trickle), robots=False)


async def test_an_answer_that_never_comes_times_out(web, make):
    async def silent(_: Seen, __: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(60)
        return False

    fetcher = await make(timeout=0.1)
    with pytest.raises(TimedOut):
        await fetcher.get(web.handler("/", silent), robots=False)


async def test_the_time_is_for_all_redirects_together(web, make):
    async def slowly(seen: Seen, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.15)
        step = int(seen.path[1:])
        writer.write(response(status=302, headers={"Location": f"/{step + 1}"}))
        return True

    web.handler("*", slowly)
    fetcher = await make(timeout=0.4)
    with pytest.raises(TimedOut):
        await fetcher.get(web.url("/1"), robots=False)


async def test_a_connection_that_breaks_within_the_body_is_a_failure(web, fetcher):
    web.raw("/", response("<p>half of", length=1_000))
    with pytest.raises(ConnectionFailed, match="broke off"):
        await fetcher.get(web.url("/"))


async def test_a_broken_chunk_is_a_failure(web, fetcher):
    web.raw("/", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\nno chunk\r\n")
    with pytest.raises(ConnectionFailed):
        await fetcher.get(web.url("/"))


@pytest.mark.parametrize(
    "answer", [b"", b"\x16\x03\x01\x02\x00\x01", b"220 mail.example ESMTP\r\n\r\n", b"<html>\r\n\r\n"]
)
async def test_an_answer_that_is_no_http_is_a_failed_connection(web, fetcher, answer):
    web.raw("/", answer)
    with pytest.raises(ConnectionFailed):
        await fetcher.get(web.url("/"), robots=False)


@pytest.mark.parametrize(
    "flood",
    [
        b"".join(b"X-%d: 1\r\n" % number for number in range(5_000)),
        b"X-Long: " + b"x" * 1_000_000 + b"\r\n",
    ],
    ids=["many", "long"],
)
async def test_a_flood_of_headers_is_refused(web, fetcher, flood):
    web.raw("/", b"HTTP/1.1 200 OK\r\n" + flood + b"\r\n")
    with pytest.raises(ConnectionFailed):
        await fetcher.get(web.url("/"), robots=False)


async def test_long_headers_of_real_sites_are_borne(web, fetcher):
    web.page("/", "<p>text", headers={"Content-Security-Policy": "script-src " + "https://ads.example " * 1_000})
    assert (await fetcher.get(web.url("/"))).body == b"<p>text"


async def test_endless_interim_answers_time_out(web, make):
    async def interim(_: Seen, writer: asyncio.StreamWriter) -> bool:
        while not writer.is_closing():
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.005)
        return False

    fetcher = await make(timeout=0.2)
    with pytest.raises(TimedOut):
        await fetcher.get(web.handler("/", interim), robots=False)


async def test_ten_megabytes_are_taken_and_one_byte_more_is_not(web, fetcher):
    web.page("/full", b"<b>" + b"x" * 9_999_997)
    web.page("/over", b"<b>" + b"x" * 9_999_998)
    assert len((await fetcher.get(web.url("/full"))).body) == 10_000_000
    with pytest.raises(BodyTooLarge):
        await fetcher.get(web.url("/over"))


async def test_a_body_announced_too_large_is_not_read(web, fetcher):
    web.raw("/", response(b"x", length=50_000_000))
    with pytest.raises(BodyTooLarge, match="announces 50000000 bytes"):
        await fetcher.get(web.url("/"))


@pytest.mark.parametrize("media", ["image/png", "video/mp4", "application/pdf", "application/zip", "text/css"])
async def test_a_media_type_without_an_article_is_refused_before_its_body(web, fetcher, media):
    async def headers_only(_: Seen, writer: asyncio.StreamWriter) -> bool:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Length: 1000\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(60)
        return False

    with pytest.raises(MediaRefused, match=media):
        await fetcher.get(web.handler("/", headers_only))


@pytest.mark.parametrize("media", ["application/octet-stream", "text/html", None])
async def test_a_pdf_is_known_by_its_first_bytes(web, fetcher, media):
    web.page("/", b"%PDF-1.7\n" + b"\x00" * 100, media=media)
    with pytest.raises(MediaRefused, match="PDF"):
        await fetcher.get(web.url("/"))


@pytest.mark.parametrize(
    "media", ["application/octet-stream", "application/gzip", "application/rss+xml", "bogus", None]
)
async def test_a_media_type_that_may_hold_text_is_read(web, fetcher, media):
    web.page("/", "<rss></rss> and some more", media=media)
    assert (await fetcher.get(web.url("/"))).body.startswith(b"<rss>")


async def test_an_empty_body_is_an_answer(web, fetcher):
    web.page("/", b"")
    assert (await fetcher.get(web.url("/"))).body == b""


async def test_validators_that_could_not_be_sent_back_are_dropped(web, fetcher):
    web.page("/", headers={"ETag": '"caf\xe9"', "Last-Modified": "x" * 5_000})
    assert (await fetcher.get(web.url("/"))).validators == Validators()


async def test_credentials_reach_their_origin_and_nothing_else(web, fetcher):
    web.page("/feed", "<rss/>")
    got = await fetcher.get(web.url("/feed"), headers={"Authorization": "Bearer very-secret\n"})
    assert web.last("/feed").headers["authorization"] == "Bearer very-secret"
    assert "authorization" not in web.last("/robots.txt").headers
    assert "very-secret" not in repr(got)
    assert "very-secret" not in str(dict(got.request))


async def test_credentials_of_a_feed_are_not_for_a_stranger_it_links_to(web, other, fetcher):
    feed, credentials = web.url("/feed"), {"Authorization": "very-secret"}
    await fetcher.get(web.page("/own", "x"), headers=credentials, headers_for=feed)
    await fetcher.get(other.page("/linked", "x"), headers=credentials, headers_for=feed)
    assert web.last("/own").headers["authorization"] == "very-secret"
    assert "authorization" not in other.last("/linked").headers


async def test_a_credential_that_would_split_the_request_is_refused_without_being_shown(web, fetcher):
    with pytest.raises(UrlRefused) as caught:
        await fetcher.get(web.page("/"), headers={"X-Key": "very-secret\r\nHost: evil.example"})
    assert "X-Key" in str(caught.value)
    assert "very-secret" not in str(caught.value)
    assert web.connections == 0


async def test_a_failed_request_shows_no_credential(web, fetcher):
    web.raw("/feed", b"nonsense\r\n\r\n")
    with pytest.raises(ConnectionFailed) as caught:
        await fetcher.get(web.url("/feed"), headers={"Authorization": "very-secret"})
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "very-secret" not in str(caught.value)


async def test_many_requests_at_once_stay_within_the_concurrency(web, other, make):
    running = most = 0

    async def count(_: Seen, writer: asyncio.StreamWriter) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        writer.write(response("x"))
        return True

    web.handler("*", count)
    other.handler("*", count)
    fetcher = await make(concurrency=3, per_host=10)
    urls = [server.url(f"/{number}") for number in range(10) for server in (web, other)]
    await asyncio.gather(*(fetcher.get(url, robots=False) for url in urls))
    assert most == 3


async def test_a_cancelled_request_leaves_its_place_to_others(web, make):
    async def silent(_: Seen, __: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(60)
        return False

    web.handler("/silent", silent)
    web.page("/page", "text")
    fetcher = await make(concurrency=1, per_host=1)
    stuck = asyncio.create_task(fetcher.get(web.url("/silent"), robots=False))
    while not web.count("/silent"):
        await asyncio.sleep(0.005)
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    assert (await fetcher.get(web.url("/page"), robots=False)).body == b"text"


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
async def test_a_body_that_is_not_what_its_encoding_says_is_undecodable(web, fetcher, encoding):
    web.page("/", "<p>plain text all the same", headers={"Content-Encoding": encoding})
    with pytest.raises(BodyUndecodable):
        await fetcher.get(web.url("/"))
