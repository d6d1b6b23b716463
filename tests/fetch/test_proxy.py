"""Behind a proxy, and over TLS."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crawler.errors import AddressRefused, ConnectionFailed, HostUnresolved, SettingsError, UrlRefused
from crawler.fetch import Fetcher
from crawler.fetch.target import Target, is_asked_directly
from tests.fetch.conftest import Names, settings
from tests.web import Seen, Web, response

NAMES = {
    "site.example": ["93.184.216.34"],
    "inside.example": ["10.0.0.5"],
    "both.example": ["93.184.216.34", "10.0.0.5"],
}


@pytest.fixture
async def proxy() -> AsyncIterator[Web]:
    """A proxy that answers every absolute URL itself."""
    async with Web("127.0.0.5") as server:

        async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bool:
            if seen.method == "CONNECT":
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return True
            writer.write(response("", status=404) if seen.path.endswith("robots.txt") else response("by proxy"))
            return True

        server.handler("*", answer)
        yield server


async def behind(make, proxy: Web, **keys) -> Fetcher:
    keys.setdefault("resolver", Names(NAMES))
    return await make(proxy=proxy.origin, allow_private=(), **keys)


async def test_requests_and_robots_go_through_the_proxy(make, proxy):
    fetcher = await behind(make, proxy)
    got = await fetcher.get("http://site.example/page")
    assert (got.body, got.ip) == (b"by proxy", None)
    assert proxy.paths() == ["http://site.example/robots.txt", "http://site.example/page"]


async def test_the_proxys_own_address_may_be_private_and_its_password_reaches_it(make, proxy):
    url = f"http://desk:pass%40word@127.0.0.5:{proxy.port}"
    fetcher = await make(proxy=url, allow_private=(), resolver=Names(NAMES))
    await fetcher.get("http://site.example/page", robots=False)
    await fetcher.get("http://site.example/page", robots=False)
    expected = "Basic " + base64.b64encode(b"desk:pass@word").decode()
    assert [seen.headers["proxy-authorization"] for seen in proxy.requests] == [expected, expected]


async def test_a_name_that_leads_inside_is_refused_before_the_proxy_hears_of_it(make, proxy):
    fetcher = await behind(make, proxy)
    for host in ("inside.example", "both.example"):
        with pytest.raises(AddressRefused):
            await fetcher.get(f"http://{host}/", robots=False)
    with pytest.raises(HostUnresolved):
        await fetcher.get("http://gone.example/", robots=False)
    assert proxy.connections == 0


@pytest.mark.parametrize("host", ["10.0.0.5", "169.254.169.254", "[::1]", "2130706433", "localhost", "x.localhost"])
async def test_a_literal_inside_is_refused_even_where_the_proxy_resolves(make, proxy, host):
    fetcher = await behind(make, proxy, proxy_resolves=True)
    with pytest.raises(AddressRefused):
        await fetcher.get(f"http://{host}/", robots=False)
    assert proxy.connections == 0


async def test_where_the_proxy_resolves_no_name_is_looked_up(make, proxy):
    names = Names({})
    fetcher = await behind(make, proxy, proxy_resolves=True, resolver=names)
    assert (await fetcher.get("http://only-there.example/")).body == b"by proxy"
    with pytest.raises(UrlRefused, match="port 25"):
        await fetcher.get("http://only-there.example:25/")
    assert names.asked == []


async def test_hosts_of_no_proxy_are_asked_directly(make, proxy, web):
    web.page("/", "direct")
    names = Names({"own.example": ["127.0.0.2"], "www.own.example": ["127.0.0.2"]})
    fetcher = await make(proxy=proxy.origin, no_proxy=("own.example",), resolver=names)
    for host in ("own.example", "www.own.example"):
        assert (await fetcher.get(f"http://{host}:{web.port}/")).body == b"direct"
    assert proxy.connections == 0


async def test_the_environments_proxy_is_not_used(make, proxy, web, monkeypatch):
    monkeypatch.setenv("http_proxy", proxy.origin)
    fetcher = await make()
    assert (await fetcher.get(web.page("/", "direct"))).body == b"direct"


async def test_a_proxy_that_will_not_connect_is_a_failed_connection(make, proxy):
    fetcher = await behind(make, proxy)
    with pytest.raises(ConnectionFailed, match="proxy"):
        await fetcher.get("https://site.example/", robots=False)
    assert proxy.requests[0].method == "CONNECT"


async def test_a_proxy_that_is_gone_is_named_without_its_password(make):
    async with Web("127.0.0.5") as gone:
        port = gone.port
    fetcher = await make(proxy=f"http://desk:secret@127.0.0.5:{port}", resolver=Names(NAMES))
    with pytest.raises(ConnectionFailed, match="proxy") as caught:
        await fetcher.get("http://site.example/", robots=False)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "entries", "directly"),
    [
        ("http://a.example/", ("a.example",), True),
        ("http://b.a.example/", ("a.example",), True),
        ("http://b.a.example/", (".a.example",), True),
        ("http://ba.example/", ("a.example",), False),
        ("http://a.example:8080/", ("*",), True),
        ("http://10.1.2.3/", ("10.0.0.0/8",), True),
        ("http://11.1.2.3/", ("10.0.0.0/8", "no/network"), False),
        ("http://10.1.2.3/", ("10.1.2.3",), True),
        ("http://a.example/", (), False),
    ],
)
def test_no_proxy_names_hosts_domains_addresses_and_networks(url, entries, directly):
    assert is_asked_directly(Target.of(url), entries) == directly


# Made for these tests: an authority that no system trusts (its key was thrown away) and its one certificate,
# for localhost, valid for a hundred years.
TLS = Path(__file__).parent / "tls"
AUTHORITY = str(TLS / "authority.pem")


@pytest.fixture
async def secure() -> AsyncIterator[Web]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.pem")
    async with Web("127.0.0.1", tls=context) as server:
        server.page("/", "over TLS")
        yield server


async def test_a_certificate_of_an_unknown_authority_is_refused(make, secure):
    fetcher = await make()
    with pytest.raises(ConnectionFailed, match="certificate is not accepted"):
        await fetcher.get(f"https://localhost:{secure.port}/")
    assert secure.requests == []


async def test_ca_file_names_further_authorities(make, secure):
    fetcher = await make(ca_file=AUTHORITY)
    assert (await fetcher.get(f"https://localhost:{secure.port}/")).body == b"over TLS"


async def test_a_certificate_for_another_host_is_refused(make, secure):
    fetcher = await make(ca_file=AUTHORITY)
    with pytest.raises(ConnectionFailed, match="certificate is not accepted"):
        await fetcher.get(secure.url("/"))


async def test_tls_spoken_to_a_plain_server_is_a_failed_connection(make):
    async def confused(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(confused, "127.0.0.2", 0)
    fetcher = await make()
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ConnectionFailed):
            await fetcher.get(f"https://127.0.0.2:{port}/", robots=False)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none_is_an_error_of_the_settings(tmp_path, content, clock):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match="ca_file"):
        Fetcher(settings(ca_file=str(path)), clock, resolver=Names({}))


async def test_credentials_do_not_follow_from_tls_to_plain(make, secure, web):
    secure.redirect("/feed", web.page("/plain", "x"))
    fetcher = await make(ca_file=AUTHORITY)
    await fetcher.get(f"https://localhost:{secure.port}/feed", headers={"Authorization": "secret"})
    assert secure.last("/feed").headers["authorization"] == "secret"
    assert "authorization" not in web.last("/plain").headers
