"""Which addresses are asked, and that no one else ever sees a connection."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import AddressRefused, HostUnresolved, UrlRefused
from crawler.fetch.addresses import AddressRules, is_public
from crawler.fetch.names import RefusedAddress, guarded_socket
from crawler.settings import FetchSettings
from tests.fetch.conftest import Names
from tests.web import Web, response

INSIDE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.9", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.7", "192.168.1.1", "198.18.0.1",
    "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::1", "3fff::1", "100::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1", "::8.8.8.8",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:a00:1::1",
    "2001:0:808:808:0:0:80ff:fffe", "fec0::1", "4000::1",
]  # fmt: skip
OUTSIDE = [
    "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.169.0.1", "223.255.255.255",
    "2606:4700::1111", "2a00:1450:4001::200e", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_not_everyone_reaches_is_refused(address):
    assert not is_public(ip_address(address))
    assert not AddressRules(FetchSettings()).permits(address, 80)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_public_internet_is_permitted(address):
    assert AddressRules(FetchSettings()).permits(address, 443)


@given(st.ip_addresses(v=4))
def test_every_wrapping_of_a_refused_address_is_refused(address: IPv4Address):
    number = int(address)
    wrapped = [
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address((0x64FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | (number << 80) | 1),
    ]
    for one in wrapped:
        assert is_public(one) == is_public(address)


@given(st.ip_addresses(v=6))
def test_what_python_calls_private_is_never_public(address: IPv6Address):
    if address.is_private and address.ipv4_mapped is None:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_what_python_calls_private_is_never_public_in_v4_either(address: IPv4Address):
    if address.is_private or address.is_multicast or address.is_reserved:
        assert not is_public(address)


def test_listed_networks_are_open_on_every_port_and_wrapped_too():
    rules = AddressRules(FetchSettings(allow_private=("127.0.0.0/8", "fd00::5")))
    assert rules.permits("127.9.9.9", 40_000)
    assert rules.permits("::ffff:127.0.0.1", 40_000)
    assert rules.permits("fd00::5", 22)
    assert not rules.permits("fd00::6", 80)
    assert not rules.permits("10.0.0.1", 80)


def test_ports_are_those_of_the_web_of_the_settings_and_of_sources():
    rules = AddressRules(FetchSettings(allow_ports=(81,)), source_ports=(8888,))
    assert all(rules.permits("8.8.8.8", port) for port in (80, 443, 8000, 8008, 8080, 8443, 81, 8888))
    assert not any(rules.permits("8.8.8.8", port) for port in (22, 25, 6379, 3306, 82))


def test_the_socket_itself_is_refused():
    make = guarded_socket(AddressRules(FetchSettings(allow_private=("127.0.0.2",))))
    with pytest.raises(RefusedAddress):
        make((2, 1, 6, "", ("127.0.0.1", 80)))
    with pytest.raises(RefusedAddress):
        make((10, 1, 6, "", ("::ffff:10.0.0.1", 80, 0, 0)))
    make((2, 1, 6, "", ("127.0.0.2", 80))).close()


@pytest.fixture
async def hidden():
    async with Web("127.0.0.1") as server:
        server.page("/", "secrets")
        yield server


SPELLINGS = [
    "127.0.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001", "0177.0.0.1", "127.1", "127.0.1",
    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "0", "0.0.0.0",
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1.",
]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_a_refused_address_is_connected_to(hidden, make, host):
    names = Names({})
    fetcher = await make(allow_private=("127.0.0.2",), resolver=names)
    with pytest.raises(AddressRefused):
        await fetcher.get(f"http://{host}:{hidden.port}/")
    assert hidden.connections == 0
    assert names.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "127.1", "localhost", "a.localhost"])
async def test_a_listed_address_is_asked_however_it_is_spelt(hidden, make, host):
    fetcher = await make(allow_private=("127.0.0.1",))
    got = await fetcher.get(f"http://{host}:{hidden.port}/", robots=False)
    assert got.body == b"secrets"


async def test_a_name_that_leads_inside_is_refused(hidden, make):
    fetcher = await make(
        resolver=Names({"inside.example": ["127.0.0.1"]}), allow_private=(), allow_ports=(hidden.port,)
    )
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 is not a public address"):
        await fetcher.get(f"http://inside.example:{hidden.port}/")
    assert hidden.connections == 0


async def test_of_several_addresses_only_permitted_ones_are_asked(hidden, web, make):
    async with Web("127.0.0.2", port=hidden.port) as public:
        public.page("/", "public")
        fetcher = await make(
            resolver=Names({"mixed.example": ["127.0.0.1", "::1", "127.0.0.2"]}), allow_private=("127.0.0.2",)
        )
        got = await fetcher.get(f"http://mixed.example:{hidden.port}/")
        assert (got.body, got.ip) == (b"public", "127.0.0.2")
    assert hidden.connections == 0


async def test_a_name_that_turns_inside_after_the_check_is_not_followed(hidden, make):
    """DNS rebinding: while the request waits for its turn the first answer grows stale, and the next leads inside."""

    class Turning(Names):
        async def resolve(self, host: str) -> list[str]:
            self.asked.append(host)
            return ["127.0.0.2"] if len(self.asked) == 1 else ["127.0.0.1"]

    names = Turning({})
    fetcher = await make(resolver=names, allow_private=("127.0.0.2",), delay=1_000.0)
    url = f"http://turning.example:{hidden.port}/"
    async with Web("127.0.0.2", port=hidden.port) as public:
        public.raw("/", response("public"))
        assert (await fetcher.get(url, robots=False)).body == b"public"
        with pytest.raises(AddressRefused):
            await fetcher.get(url, robots=False)
    assert len(names.asked) == 2
    assert hidden.connections == 0


async def test_a_port_that_is_not_open_is_refused_before_the_name_is_looked_up(make):
    names = Names({"mail.example": ["8.8.8.8"]})
    fetcher = await make(resolver=names, allow_private=())
    with pytest.raises(UrlRefused, match="port 25 is not open"):
        await fetcher.get("http://mail.example:25/")
    assert names.asked == []


async def test_a_port_that_is_open_inside_is_still_closed_outside(make):
    fetcher = await make(resolver=Names({"mail.example": ["8.8.8.8"]}))
    with pytest.raises(UrlRefused, match="port 25 is not open"):
        await fetcher.get("http://mail.example:25/")


NOT_FOR_US = [
    "ftp://a.example/", "/relative", "http://", "http://u:p@a.example/", "http://a.example:0/", "http://[::1",
    "http://a\ud800.example/", "http://a.example/\ud800", "http://[fe80::1%25eth0]/",
]  # fmt: skip


@pytest.mark.parametrize("url", NOT_FOR_US)
async def test_what_is_no_web_url_is_refused(fetcher, url):
    with pytest.raises(UrlRefused):
        await fetcher.get(url)


async def test_a_name_is_looked_up_once_however_many_ask(web, make):
    web.page("/", "x")
    names = Names({"site.example": ["127.0.0.2"]})
    fetcher = await make(resolver=names)
    await asyncio.gather(*(fetcher.get(f"http://site.example:{web.port}/", robots=False) for _ in range(20)))
    assert names.asked == ["site.example"]


async def test_answers_are_remembered_for_minutes_and_failures_for_seconds(web, make, clock):
    web.page("/", "x")
    names = Names({})
    fetcher = await make(resolver=names)
    url = f"http://site.example:{web.port}/"
    for _ in range(2):
        with pytest.raises(HostUnresolved):
            await fetcher.get(url, robots=False)
    assert len(names.asked) == 1
    names.table["site.example"] = ["127.0.0.2"]
    clock.seconds += 20
    await fetcher.get(url, robots=False)
    clock.seconds += 200
    await fetcher.get(url, robots=False)
    assert len(names.asked) == 2
    clock.seconds += 200
    await fetcher.get(url, robots=False)
    assert len(names.asked) == 3


async def test_the_systems_resolver_finds_what_the_system_knows():
    from crawler.fetch.names import SystemResolver

    resolver = SystemResolver()
    try:
        assert "127.0.0.1" in await resolver.resolve("127.0.0.1")
        with pytest.raises(OSError, match="no domain name"):
            await resolver.resolve("x" * 70 + ".example")
    finally:
        resolver.close()
