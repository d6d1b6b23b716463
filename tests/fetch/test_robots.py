"""robots.txt: RFC 9309 over the wire, and a parser that nothing written there holds up."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import ConnectionFailed, HostUnresolved, RobotsDenied, RobotsUnreachable, TimedOut
from crawler.fetch import Robots
from crawler.fetch.robots import product_token
from tests.web import Seen, Web, response


def rules(web: Web, text: str | bytes, **keys) -> None:
    web.page("/robots.txt", text, media="text/plain", **keys)


async def test_a_forbidden_path_is_never_asked_for(web, fetcher):
    rules(web, "User-agent: *\nDisallow: /private/\nAllow: /private/open")
    web.page("/private/open", "x")
    with pytest.raises(RobotsDenied) as caught:
        await fetcher.get(web.url("/private/page"))
    assert not caught.value.retry
    await fetcher.get(web.url("/private/open"))
    assert web.paths() == ["/robots.txt", "/private/open"]


async def test_our_own_group_is_the_one_that_counts(web, make):
    rules(web, "User-agent: *\nDisallow: /\n\nUser-agent: WireTrace\nDisallow: /no\n")
    web.page("/yes", "x")
    fetcher = await make(user_agent="wiretrace/1.0 (+https://desk.example/bot)")
    await fetcher.get(web.url("/yes"))
    with pytest.raises(RobotsDenied):
        await fetcher.get(web.url("/no"))


async def test_a_person_and_a_setting_may_overrule_it(web, fetcher, make):
    rules(web, "User-agent: *\nDisallow: /")
    web.page("/page", "x")
    await fetcher.get(web.url("/page"), robots=False)
    heedless = await make(respect_robots=False)
    await heedless.get(web.url("/page"))
    assert web.count("/robots.txt") == 0


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_missing_file_allows_everything(web, fetcher, status):
    rules(web, "no", status=status)
    web.page("/", "x")
    assert (await fetcher.get(web.url("/"))).body == b"x"


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_a_server_in_trouble_closes_its_site_for_a_while(web, fetcher, clock, status):
    rules(web, "oops", status=status, headers={"Retry-After": "0"})
    web.page("/", "x")
    for _ in range(3):
        with pytest.raises(RobotsUnreachable) as caught:
            await fetcher.get(web.url("/"))
        assert caught.value.retry
    assert web.paths() == ["/robots.txt"]
    rules(web, "")
    clock.seconds += 700
    assert (await fetcher.get(web.url("/"))).body == b"x"


async def test_it_is_fetched_once_though_fifty_ask_at_once(web, fetcher):
    web.page("/page", "x")
    await asyncio.gather(*(fetcher.get(web.url("/page")) for _ in range(50)))
    assert web.count("/robots.txt") == 1


async def test_it_is_kept_for_a_day(web, fetcher, clock):
    rules(web, "User-agent: *\nDisallow: /a")
    web.page("/b", "x")
    await fetcher.get(web.url("/b"))
    clock.seconds += 23 * 3600
    await fetcher.get(web.url("/b"))
    assert web.count("/robots.txt") == 1
    clock.seconds += 2 * 3600
    await fetcher.get(web.url("/b"))
    assert web.count("/robots.txt") == 2


async def test_five_redirects_are_followed_across_hosts(web, other, fetcher):
    for number in range(4):
        web.redirect(f"/r{number}", f"/r{number + 1}")
    web.redirect("/robots.txt", "/r0")
    web.redirect("/r3", other.page("/rules", "User-agent: *\nDisallow: /", media="text/plain"))
    with pytest.raises(RobotsDenied):
        await fetcher.get(web.url("/page"))
    assert other.paths() == ["/rules"]


async def test_more_redirects_than_five_count_as_no_file(web, fetcher):
    for number in range(9):
        web.redirect(f"/r{number}", f"/r{number + 1}")
    web.redirect("/robots.txt", "/r0")
    web.page("/page", "x")
    assert (await fetcher.get(web.url("/page"))).body == b"x"
    assert web.count("/r5") == 0


async def test_a_redirect_of_it_to_a_refused_address_closes_the_site(web, make):
    async with Web("127.0.0.66") as hidden:
        fetcher = await make(allow_private=("127.0.0.2",))
        web.redirect("/robots.txt", hidden.url("/"))
        with pytest.raises(RobotsUnreachable):
            await fetcher.get(web.page("/page", "x"))
        assert hidden.connections == 0


async def test_a_host_that_is_gone_is_called_so(fetcher):
    with pytest.raises(HostUnresolved):
        await fetcher.get("http://gone.example/page")


async def test_a_server_that_hangs_up_on_it_is_asked_for_nothing_else(web, fetcher):
    web.raw("/robots.txt", b"")
    with pytest.raises(ConnectionFailed, match=r"robots\.txt"):
        await fetcher.get(web.page("/page", "x"))
    assert web.count("/page") == 0


async def test_one_that_never_comes_times_out_once_for_all(web, make):
    async def silent(_: Seen, __: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(60)
        return False

    web.handler("/robots.txt", silent)
    fetcher = await make(timeout=0.1)
    answers = await asyncio.gather(*(fetcher.get(web.url("/page")) for _ in range(10)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {TimedOut}
    assert web.paths() == ["/robots.txt"]


async def test_only_the_first_500_kib_count(web, fetcher):
    filler = b"# filler\n" * 70_000
    rules(web, b"User-agent: *\nDisallow: /early\n" + filler + b"Disallow: /late\n")
    web.page("/late", "x")
    with pytest.raises(RobotsDenied):
        await fetcher.get(web.url("/early"))
    await fetcher.get(web.url("/late"))


async def test_an_endless_one_is_cut_off(web, fetcher):
    async def endless(_: Seen, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nUser-agent: *\nDisallow: /no\n")
        while not writer.is_closing():
            writer.write(b"# on and on\n" * 5_000)
            await writer.drain()
        return False

    web.handler("/robots.txt", endless)
    web.page("/yes", "x")
    await fetcher.get(web.url("/yes"))
    with pytest.raises(RobotsDenied):
        await fetcher.get(web.url("/no"))


async def test_a_compressed_bomb_of_one_is_cut_off(web, fetcher):
    import gzip

    bomb = gzip.compress(b"User-agent: *\nDisallow: /no\n" + b"#" * 50_000_000)
    web.raw("/robots.txt", response(bomb, media="text/plain", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(RobotsDenied):
        await fetcher.get(web.url("/no"))


async def test_an_html_page_in_its_place_forbids_nothing(web, fetcher):
    web.page("/robots.txt", "<!doctype html><p>User-friendly: 404</p>")
    web.page("/", "x")
    assert (await fetcher.get(web.url("/"))).body == b"x"


async def test_crawl_delay_holds_between_requests_and_is_bounded(web, other, fetcher, clock):
    rules(web, "User-agent: *\nCrawl-delay: 7")
    rules(other, "User-agent: *\nCrawl-delay: 86400")
    for server in (web, other):
        server.page("/a", "x")
        server.page("/b", "x")
        await fetcher.get(server.url("/a"))
        await fetcher.get(server.url("/b"))
    assert clock.slept == [7.0, 60.0]


async def test_each_port_and_scheme_has_rules_of_its_own(web, fetcher):
    rules(web, "User-agent: *\nDisallow: /")
    async with Web("127.0.0.2") as second:
        second.page("/", "x")
        await fetcher.get(second.url("/"))
        assert second.count("/robots.txt") == 1


async def test_sitemaps_are_told(web, fetcher):
    rules(web, "Sitemap: https://a.example/news.xml\nUser-agent: *\nDisallow: /x\nsitemap: https://a.example/all.xml")
    assert (await fetcher.robots(web.url("/page"))).sitemaps == (
        "https://a.example/news.xml",
        "https://a.example/all.xml",
    )


async def test_rules_that_can_not_be_had_are_an_error(web, fetcher):
    rules(web, "", status=500)
    with pytest.raises(RobotsUnreachable):
        await fetcher.robots(web.url("/page"))


@pytest.mark.parametrize(
    ("agent", "token"),
    [("wiretrace/1.0 (+https://x)", "wiretrace"), ("My-Bot", "my-bot"), ("Desk_Reader 2", "desk_reader"), ("1", "*")],
)
def test_the_product_token_is_the_name_before_the_version(agent, token):
    assert product_token(agent) == token


def parsed(text: str) -> Robots:
    return Robots.parse(text.encode(), "wiretrace")


def test_the_longest_match_wins_and_allow_wins_a_tie():
    robots = parsed("User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c\nAllow: /tie\nDisallow: /tie")
    verdicts = {path: robots.allows(f"http://x.example{path}") for path in ("/a", "/a/b", "/a/b/c", "/tie", "/")}
    assert verdicts == {"/a": False, "/a/b": True, "/a/b/c": False, "/tie": True, "/": True}


def test_wildcards_and_ends_are_understood():
    robots = parsed("User-agent: *\nDisallow: /*/print$\nDisallow: /*?session=")
    assert not robots.allows("http://x.example/story/print")
    assert robots.allows("http://x.example/story/printed")
    assert not robots.allows("http://x.example/a?session=1")


def test_agents_named_together_share_their_rules():
    robots = parsed("User-agent: otherbot\nUser-agent: wiretrace\nUser-agent: thirdbot\nDisallow: /x\n")
    assert not robots.allows("http://x.example/x")


def test_groups_of_one_agent_are_read_as_one():
    robots = parsed(
        "User-agent: wiretrace\nDisallow: /a\n\nUser-agent: q\nDisallow: /q\n\nUser-agent: wiretrace\nDisallow: /b"
    )
    assert [robots.allows(f"http://x.example/{path}") for path in "abq"] == [False, False, True]


def test_the_rules_of_others_are_not_ours():
    assert parsed("User-agent: wiretracer\nDisallow: /\nUser-agent: wire\nDisallow: /").allows("http://x.example/")


def test_a_byte_order_mark_and_broken_bytes_do_no_harm():
    robots = Robots.parse(
        b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /a\r\n\xff\xfe\x00garbage\r\nDisallow: /b", "wiretrace"
    )
    assert [robots.allows(f"http://x.example/{path}") for path in "ab"] == [False, False]


@given(st.binary(max_size=400))
def test_any_bytes_are_rules_or_none(body: bytes):
    robots = Robots.parse(body, "wiretrace")
    assert robots.allows("http://x.example/page?q=1") in {True, False}
    assert robots.crawl_delay is None or robots.crawl_delay >= 0


LINES = st.sampled_from(
    [
        "User-agent: *",
        "User-agent: wiretrace",
        "User-agent: other",
        "Disallow: /a",
        "Allow: /a",
        "Disallow: /",
        "",
        "# c",
    ]
)


@given(st.lists(LINES, max_size=12))
def test_verdicts_are_those_of_a_parser_in_wide_use(lines: list[str]):
    from protego import Protego

    text = "\n".join(lines)
    ours, whole = parsed(text), Protego.parse(text)
    for url in ("http://x.example/a", "http://x.example/b"):
        assert ours.allows(url) == whole.can_fetch(url, "wiretrace")


def test_a_file_of_agents_times_rules_takes_neither_time_nor_memory():
    agents = b"".join(b"User-agent: a%d\n" % number for number in range(15_000))
    body = agents + b"User-agent: *\n" + b"".join(b"Disallow: /%d\n" % number for number in range(15_000))
    assert not Robots.parse(body, "wiretrace").allows("http://x.example/14")
