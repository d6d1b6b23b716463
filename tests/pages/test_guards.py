from __future__ import annotations

import pytest

from crawler.errors import UsageError
from crawler.store import Store
from crawler.store.browsing import LinkFilter
from crawler.web.guard import is_loopback
from crawler.web.serving import guard_for
from tests.pages.conftest import Browser, put_link

PAGES = ("/", "/stories", "/sites", "/sources", "/unlinked", "/search?q=ferry")


@pytest.mark.parametrize("path", [*PAGES, "/nowhere", "/links/" + "0" * 32])
async def test_every_answer_forbids_scripts_frames_and_styles_from_elsewhere(browser: Browser, path: str) -> None:
    answer = await browser.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_needs_what_the_policy_forbids(browser: Browser, path: str) -> None:
    html = (await browser.get(path)).html
    assert not [node for node in html.css("script") if node.text().strip() or "src" not in node.attributes]
    assert not html.css("style")
    assert not [node for node in html.css("*") if any(name.startswith("on") for name in node.attributes)]
    assert not html.css("[style]")
    assert not html.css("[src^='http'], [href^='//']")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8417", "127.0.0.1.evil.example", "", "[::2]", "a@b]"])
async def test_a_name_that_is_not_the_servers_own_is_refused(browser: Browser, host: str) -> None:
    """A stranger's name that resolves to this machine lets a stranger's page read ours."""
    assert (await browser.get("/", Host=host)).status == 421


async def test_the_server_answers_to_every_name_of_loopback(browser: Browser) -> None:
    for host in ("localhost:1", "127.0.0.1", "[::1]:8417", "LOCALHOST"):
        assert (await browser.get("/", Host=host)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_page_can_change_nothing(browser: Browser, headers: dict[str, str]) -> None:
    link = await put_link(browser.store, "one")
    form = {"token": await browser.token(), "verdict": "confirm"}
    assert (await browser.post(f"/links/{link}/review", form, **headers)).status == 403
    assert await browser.store.count_links(LinkFilter()) == 1


@pytest.mark.parametrize("token", ["", "x" * 43, "ümlaut"])
async def test_nothing_changes_without_the_pages_token(browser: Browser, token: str) -> None:
    link = await put_link(browser.store, "one")
    for path in (f"/links/{link}/review", "/undo"):
        assert (await browser.post(path, {"token": token, "verdict": "confirm"})).status == 403
    assert await browser.store.count_links(LinkFilter()) == 1


async def test_a_word_leads_back_to_our_own_pages_only(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    for back in ("https://evil.example/", "//evil.example/", "/\\evil.example", "/links/../../x", "javascript:x"):
        answer = await browser.judge(link, "confirm", back=back)
        assert answer.headers["Location"] == "/"
        await browser.undo()


async def test_what_asks_nonsense_is_told_so(browser: Browser) -> None:
    for query in ("state=odd", "relation=odd", "least=2", "least=nan", "from=yesterday", "after=x", "to=9999-12-31"):
        answer = await browser.get(f"/?{query}")
        assert answer.status == 400, query
        assert query.split("=")[0] in answer.text
    link = await put_link(browser.store, "one")
    assert (await browser.judge(link, "perhaps")).status == 400
    assert (await browser.judge("0" * 32, "confirm")).status == 404


async def test_a_form_of_megabytes_is_refused(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    assert (await browser.judge(link, "confirm", note="x" * 200_000)).status == 413


async def test_static_files_are_those_of_the_package_and_no_others(browser: Browser) -> None:
    html = (await browser.get("/")).html
    for node in html.css("script[src], link[rel=stylesheet]"):
        answer = await browser.get(node.attributes.get("src") or node.attributes["href"] or "")
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
    for path in ("/static/x/app.py", "/static/x/..%2fapp.py", "/static/x/%2e%2e/app.py"):
        assert (await browser.get(path)).status == 404


async def test_pages_are_not_kept_in_caches(browser: Browser) -> None:
    assert (await browser.get("/")).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "news.example", "127.evil.example", ""])
async def test_an_address_that_others_reach_is_refused_without_a_token(store: Store, host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(UsageError, match=r"--host: .*expected a"):
        await guard_for(store, host, "Morna")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
async def test_loopback_addresses_are_served(store: Store, host: str) -> None:
    assert is_loopback(host)
    hosts = (await guard_for(store, host, "Morna")).hosts
    assert hosts is not None
    assert host.strip("[]") in hosts
