"""What nothing on the web can do to us: each attack ends in one of our own errors, within its time and its bytes.

Single limits have their tests beside what sets them (test_get, test_decoder, test_addresses, test_robots …). Here are
the attacks that need a server of their own, and all of them at once against one fetcher.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import brotli
import pytest
from backports import zstd

from crawler.errors import (
    AddressRefused,
    BadStatus,
    BodyTooLarge,
    BodyUndecodable,
    ConnectionFailed,
    FetchError,
    RobotsDenied,
    TimedOut,
    TooManyRedirects,
    UrlRefused,
)
from crawler.fetch import Fetcher
from crawler.fetch.names import MAX_ADDRESSES
from tests.fetch.conftest import HeldClock, Names, settings
from tests.web import Handler, Seen, Web, response

STATM = Path("/proc/self/statm")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def endless(first: bytes, again: bytes, pause: float = 0.0) -> Handler:
    """Writes `again` for as long as anyone listens."""

    async def write(_: Seen, writer: asyncio.StreamWriter) -> bool:
        writer.write(first)
        while not writer.is_closing():
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause)
        return False

    return write


def answering(data: bytes) -> Handler:
    async def write(_: Seen, writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        return False

    return write


async def silent(_: Seen, __: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(60)
    return False


async def onward(seen: Seen, writer: asyncio.StreamWriter) -> bool:
    """A redirect to a new place each time."""
    writer.write(response(status=302, headers={"Location": seen.path + "x"}))
    return True


def packed(body: bytes, encoding: str) -> bytes:
    return response(body, headers={"Content-Encoding": encoding})


def zeros(megabytes: int) -> bytes:
    return b"\0" * (megabytes * 1_000_000)


BOMB = zeros(30)
ENDED: tuple[type[FetchError], ...] = (ConnectionFailed, TimedOut, BodyTooLarge)
ATTACKS: dict[str, tuple[Handler, tuple[type[FetchError], ...]]] = {
    "a body that drips": (endless(HEAD + b"\r\n", b"x", 0.01), (TimedOut,)),
    "headers that drip": (endless(HEAD, b"X-Slow: 1\r\n", 0.01), (TimedOut,)),
    "a header's letters that drip": (endless(HEAD + b"X-Slow: ", b"x", 0.01), (TimedOut,)),
    "chunks of one byte that drip": (endless(CHUNKED, b"1\r\nx\r\n", 0.01), (TimedOut,)),
    "no answer": (silent, (TimedOut,)),
    "a body without end": (endless(HEAD + b"\r\n", b"x" * 65_536), (BodyTooLarge,)),
    "chunks without end": (endless(CHUNKED, b"4000\r\n" + b"x" * 0x4000 + b"\r\n"), (BodyTooLarge,)),
    "empty lines for a chunk's size": (endless(CHUNKED, b"\r\n"), ENDED),
    "a chunk's size without end": (endless(CHUNKED, b"0" * 65_536), ENDED),
    "a chunk extension without end": (endless(CHUNKED + b"1;a=", b"x" * 65_536), ENDED),
    "trailers without end": (endless(CHUNKED + b"1\r\nx\r\n0\r\n", b"X-Trailer: 1\r\n" * 1_000), ENDED),
    "headers without end": (endless(HEAD, b"X-More: 1\r\n" * 1_000), ENDED),
    "one header without end": (endless(HEAD + b"X-More: ", b"x" * 65_536), ENDED),
    "one header's name without end": (endless(HEAD, b"x" * 65_536), ENDED),
    "a folded header without end": (endless(HEAD + b"X-More: 1\r\n", b" folded\r\n" * 1_000), ENDED),
    "a status line without end": (endless(b"HTTP/1.1 200 ", b"x" * 65_536), ENDED),
    "blank lines before the answer": (endless(b"", b"\r\n" * 1_000), ENDED),
    "interim answers without end": (endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100), ENDED),
    "interim answers with links": (endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100), ENDED),
    "another protocol": (answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), (BadStatus, *ENDED)),
    "HTTP/2 unasked": (answering(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5\0\xff\xff\xff"), ENDED),
    "a length below nothing": (answering(HEAD + b"Content-Length: -1\r\n\r\nx"), ENDED),
    "a length beyond counting": (answering(HEAD + b"Content-Length: " + b"9" * 300 + b"\r\n\r\nx"), ENDED),
    "two lengths": (answering(HEAD + b"Content-Length: 1\r\nContent-Length: 9\r\n\r\nx"), ENDED),
    "a body shorter than its length": (answering(response("<p>short", length=500)), (ConnectionFailed,)),
    "a chunk longer than said": (answering(CHUNKED + b"1\r\nxyz\r\n0\r\n\r\n"), ENDED),
    "a chunk that breaks off": (answering(CHUNKED + b"500\r\nxyz"), ENDED),
    "a chunk's size that is none": (answering(CHUNKED + b"-1\r\nx\r\n0\r\n\r\n"), ENDED),
    "chunks that never end": (answering(CHUNKED + b"1\r\nx\r\n"), ENDED),
    "redirects without end": (onward, (TooManyRedirects,)),
    "a redirect of a megabyte": (answering(response(status=302, headers={"Location": "/" + "x" * 1_000_000})), ENDED),
    "a redirect too long": (answering(response(status=302, headers={"Location": "/" + "x" * 20_000})), (UrlRefused,)),
    "a gzip bomb": (answering(packed(gzip.compress(BOMB), "gzip")), (BodyTooLarge,)),
    "a deflate bomb": (answering(packed(zlib.compress(BOMB), "deflate")), (BodyTooLarge,)),
    "a brotli bomb": (answering(packed(brotli.compress(BOMB, quality=4), "br")), (BodyTooLarge,)),
    "a zstd bomb": (answering(packed(zstd.compress(BOMB), "zstd")), (BodyTooLarge,)),
    "a bomb in a bomb": (answering(packed(gzip.compress(gzip.compress(BOMB)), "gzip, gzip")), (BodyTooLarge,)),
    "a bomb in a bomb of others": (
        answering(packed(brotli.compress(zstd.compress(BOMB), quality=4), "zstd, br")),
        (BodyTooLarge,),
    ),
    "a bomb thrice packed": (answering(packed(b"x", "gzip, br, zstd")), (BodyUndecodable,)),
    "ten thousand empty members": (answering(packed(gzip.compress(b"") * 10_000, "gzip")), (BodyUndecodable,)),
}


@asynccontextmanager
async def fleet(handlers: dict[str, Handler]) -> AsyncIterator[dict[str, Web]]:
    """A server for each attack, at an address of its own."""
    async with AsyncExitStack() as stack:
        servers: dict[str, Web] = {}
        for number, (name, handler) in enumerate(handlers.items()):
            server = await stack.enter_async_context(Web(f"127.0.1.{number + 1}"))
            server.handler("*", handler)
            servers[name] = server
        yield servers


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_ends_in_an_error_of_ours(make: Callable[..., object], name: str):
    handler, expected = ATTACKS[name]
    async with fleet({name: handler}) as servers:
        fetcher = await make(timeout=0.5, max_body=2_000_000)
        async with asyncio.timeout(10):
            with pytest.raises(expected):
                await fetcher.get(servers[name].url("/"), robots=False)
        assert servers[name].connections <= 11


async def test_all_attacks_at_once_hold_up_nobody():
    """With every attack under way an honest site is read, page by page."""
    async with fleet({name: handler for name, (handler, _) in ATTACKS.items()}) as servers, Web("127.0.0.2") as honest:
        for number in range(20):
            honest.page(f"/{number}", f"<p>{number}")
        async with Fetcher(settings(timeout=1.5, max_body=2_000_000), HeldClock(), resolver=Names({})) as fetcher:
            attacks = [asyncio.create_task(fetcher.get(server.url("/"), robots=False)) for server in servers.values()]
            pages = [(await fetcher.get(honest.url(f"/{number}"))).body for number in range(20)]
            async with asyncio.timeout(60):
                ended = await asyncio.gather(*attacks, return_exceptions=True)
    assert pages == [f"<p>{number}".encode() for number in range(20)]
    assert [type(one).__name__ for one in ended if not isinstance(one, FetchError)] == []


@pytest.mark.skipif(not STATM.exists(), reason="reads the process's memory from /proc")
@pytest.mark.parametrize(
    "name",
    ["a chunk's size without end", "a chunk extension without end", "trailers without end", "headers without end",
     "one header without end", "a folded header without end", "a status line without end",
     "interim answers with links", "blank lines before the answer"],
)  # fmt: skip
async def test_what_does_not_count_as_a_body_fills_no_memory(make: Callable[..., object], name: str):
    def resident() -> int:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async with fleet({name: ATTACKS[name][0]}) as servers:
        fetcher = await make(timeout=0.7, max_body=2_000_000)
        before = resident()
        with pytest.raises(FetchError):
            await fetcher.get(servers[name].url("/"), robots=False)
        assert resident() - before < 30_000_000


async def test_a_handshake_that_never_ends_times_out(make: Callable[..., object]):
    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)
        writer.close()

    server = await asyncio.start_server(hold, "127.0.1.1", 0)
    port = server.sockets[0].getsockname()[1]
    fetcher = await make(timeout=0.3)
    with pytest.raises(TimedOut):
        await fetcher.get(f"https://127.0.1.1:{port}/", robots=False)
    server.close()


async def test_what_a_server_says_unasked_is_no_answer_to_the_next_request(web, make):
    """A second answer behind the first would pass for the page of another URL."""
    forged = response("<p>forged")
    web.raw("/first", response("<p>first") + forged, keep=True)
    web.page("/second", "<p>second")
    fetcher = await make()
    assert (await fetcher.get(web.url("/first"), robots=False)).body == b"<p>first"
    assert (await fetcher.get(web.url("/second"), robots=False)).body == b"<p>second"


async def test_what_a_server_says_unasked_and_late_is_no_answer_either(web, make):
    async def late(_: Seen, writer: asyncio.StreamWriter) -> bool:
        writer.write(response("<p>first"))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(response("<p>forged"))
        await writer.drain()
        return True

    web.page("/second", "<p>second")
    fetcher = await make()
    assert (await fetcher.get(web.handler("/first", late), robots=False)).body == b"<p>first"
    await asyncio.sleep(0.15)
    assert (await fetcher.get(web.url("/second"), robots=False)).body == b"<p>second"


PLACES = [
    "http://{host}:{port}/", "//{host}:{port}/", "http:\\\\{host}:{port}\\", "http://{decimal}:{port}/",
    "http://{hexadecimal}:{port}/", "http://{octal}:{port}/", "http://[::ffff:{host}]:{port}/",
    "http://[64:ff9b::{host}]:{port}/", "http://[2002:7f00:0363::]:{port}/", "http://me@{host}:{port}/",
    "http://{host}%2f@web.example:{port}/", "http://inside.example:{port}/", "http://{host}.:{port}/",
    "http://127.0.867:{port}/", "http://\uff11\uff12\uff17.0.3.99:{port}/", "http://\u2460\u2461\u2466.0.3.99:{port}/", "http://{host}\t:{port}/",
    "ftp://{host}:{port}/", "gopher://{host}:{port}/x", "file:///etc/hostname", "data:text/html,x",
    "javascript:alert(1)", "ws://{host}:{port}/", "HTTP://{host}:{port}/",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
async def test_no_redirect_reaches_a_refused_address(web, make, place):
    async with Web("127.0.3.99") as hidden:
        hidden.page("*", "secrets")
        number = 0x7F000363
        to = place.format(
            host=hidden.host, port=hidden.port, decimal=number, hexadecimal=hex(number), octal=f"0{number:o}"
        )
        names = Names({"inside.example": [hidden.host], "web.example": [hidden.host]})
        fetcher = await make(allow_private=("127.0.0.2",), resolver=names)
        web.raw("/", f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())
        with pytest.raises((AddressRefused, UrlRefused, BadStatus)):
            await fetcher.get(web.url("/"), robots=False)
        assert hidden.connections == 0


async def test_a_name_of_thousands_of_addresses_is_asked_at_few_of_them(make):
    addresses = [f"127.7.{number // 250}.{number % 250 + 1}" for number in range(5_000)]
    async with Web("127.7.0.1") as server:
        server.page("/", "x")
        names = Names({"many.example": addresses})
        fetcher = await make(resolver=names)
        assert (await fetcher.get(f"http://many.example:{server.port}/", robots=False)).body == b"x"
        assert len(await fetcher._names.addresses("many.example")) == MAX_ADDRESSES


async def test_rules_that_redirect_without_end_or_drip_cost_their_time_once(make):
    async with fleet({"onward": onward, "drip": endless(HEAD + b"\r\n", b"# \n", 0.01)}) as servers:
        fetcher = await make(timeout=0.4)
        dripping = [fetcher.get(servers["drip"].url(f"/{number}")) for number in range(5)]
        answers = await asyncio.gather(*dripping, return_exceptions=True)
        assert {type(answer) for answer in answers} == {TimedOut}
        assert servers["drip"].paths() == ["/robots.txt"]
        with pytest.raises(TooManyRedirects):  # the page's own; endless rules count as none
            await fetcher.get(servers["onward"].url("/page"))
        assert len([path for path in servers["onward"].paths() if path.startswith("/robots.txt")]) == 6


async def test_of_a_hundred_forbidden_paths_none_is_asked_for_by_any_way(web, other, make):
    web.page("/robots.txt", "User-agent: *\nDisallow: /private\nDisallow: /*?secret=", media="text/plain")
    ways = [f"/private/{number}" for number in range(40)]
    ways += [f"/%70rivate/{number}" for number in range(20)] + [f"/open/../private/{number}" for number in range(20)]
    ways += [f"/{number}?secret=1" for number in range(20)]
    fetcher = await make()
    for number, way in enumerate(ways):
        other.redirect(f"/to/{number}", web.url(way))
        for url in (web.url(way), other.url(f"/to/{number}")):
            with pytest.raises(RobotsDenied):
                await fetcher.get(url)
    assert web.paths() == ["/robots.txt"]


async def test_cookies_by_the_hundred_come_back_to_nobody(web, make):
    flood = b"".join(b"Set-Cookie: c%d=1; Domain=127.0.0.2\r\n" % number for number in range(150))
    web.raw("/", HEAD + flood + b"Content-Length: 0\r\n\r\n", keep=True)
    fetcher = await make()
    for _ in range(2):
        await fetcher.get(web.url("/"))
    assert not any("cookie" in seen.headers for seen in web.requests)
