"""Redirects: each hop is a new request through all checks."""

from __future__ import annotations

import pytest

from crawler.errors import AddressRefused, BadStatus, RobotsDenied, TooManyRedirects, UrlRefused
from crawler.fetch import Hop
from crawler.model import Validators
from tests.web import Web


async def test_hops_are_followed_and_told(web, other, fetcher):
    end = other.page("/end", "there")
    start = web.redirect("/start", "/next", 301)
    step = web.redirect("/next", end, 302)
    got = await fetcher.get(start)
    assert (got.url, got.final_url, got.body, got.ip) == (start, end, b"there", "127.0.0.3")
    assert got.redirects == (Hop(start, 301), Hop(step, 302))
    assert got.moved_to is None


async def test_a_chain_of_permanent_redirects_is_a_move(web, fetcher):
    end = web.page("/new", "there")
    web.redirect("/mid", "/new", 308)
    assert (await fetcher.get(web.redirect("/old", "/mid", 301))).moved_to == end


async def test_a_circle_is_found_at_once(web, fetcher):
    web.redirect("/b", "/a")
    with pytest.raises(TooManyRedirects, match="circle"):
        await fetcher.get(web.redirect("/a", "/b"))
    assert (web.count("/a"), web.count("/b")) == (1, 1)


async def test_a_page_that_redirects_to_itself_is_asked_once(web, fetcher):
    with pytest.raises(TooManyRedirects):
        await fetcher.get(web.redirect("/a", "/a#top"))
    assert web.count("/a") == 1


async def test_an_endless_chain_ends_at_the_limit(web, make):
    for number in range(30):
        web.redirect(f"/{number}", f"/{number + 1}")
    fetcher = await make(max_redirects=4)
    with pytest.raises(TooManyRedirects, match="4 times"):
        await fetcher.get(web.url("/0"))
    assert [path for path in web.paths() if path != "/robots.txt"] == ["/0", "/1", "/2", "/3", "/4"]


@pytest.mark.parametrize(
    "to", ["ftp://127.0.0.2/x", "file:///etc/passwd", "javascript:alert(1)", "http://me:pw@127.0.0.2/"]
)
async def test_other_schemes_and_credentials_are_not_followed(web, fetcher, to):
    with pytest.raises(UrlRefused):
        await fetcher.get(web.redirect("/", to))


async def test_a_redirect_to_a_refused_address_is_not_followed(web, make):
    async with Web("127.0.0.66") as hidden:
        fetcher = await make(allow_private=("127.0.0.2",))
        with pytest.raises(AddressRefused):
            await fetcher.get(web.redirect("/", hidden.url("/admin")))
        assert hidden.connections == 0


async def test_robots_of_the_next_host_are_obeyed(web, other, fetcher):
    other.page("/robots.txt", "User-agent: *\nDisallow: /private", media="text/plain")
    with pytest.raises(RobotsDenied):
        await fetcher.get(web.redirect("/", other.url("/private/page")))
    assert other.paths() == ["/robots.txt"]


async def test_a_redirect_without_a_place_is_an_error_status(web, fetcher):
    web.page("/", status=302)
    with pytest.raises(BadStatus) as caught:
        await fetcher.get(web.url("/"))
    assert caught.value.status == 302


async def test_a_place_in_raw_utf8_is_understood(web, fetcher):
    web.page("/caf%C3%A9", "there")
    web.raw("/", "HTTP/1.1 301 Moved\r\nLocation: /café\r\nContent-Length: 0\r\n\r\n".encode(), keep=True)
    assert (await fetcher.get(web.url("/"))).body == b"there"


async def test_credentials_do_not_follow_to_another_origin_nor_come_back(web, other, fetcher):
    web.page("/back", "there")
    other.redirect("/away", web.url("/back"))
    web.redirect("/inside", other.url("/away"))
    web.redirect("/feed", "/inside")
    await fetcher.get(web.url("/feed"), headers={"X-Key": "secret"})
    assert web.last("/feed").headers["x-key"] == "secret"
    assert web.last("/inside").headers["x-key"] == "secret"
    assert "x-key" not in other.last("/away").headers
    assert "x-key" not in web.last("/back").headers


async def test_another_port_is_another_origin(web, fetcher):
    async with Web("127.0.0.2") as second:
        second.page("/", "there")
        await fetcher.get(web.redirect("/", second.url("/")), headers={"X-Key": "secret"})
        assert "x-key" not in second.last("/").headers


async def test_validators_go_with_every_hop(web, other, fetcher):
    other.page("/feed", status=304, media=None)
    web.redirect("/feed", other.url("/feed"))
    got = await fetcher.get(web.url("/feed"), validators=Validators('"v1"'))
    assert got.not_modified
    assert got.redirects == (Hop(web.url("/feed"), 302),)
