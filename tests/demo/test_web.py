"""The sample web's server: hosts, conditional requests, noise, and nothing unescaped."""

from __future__ import annotations

import gzip
import html
import re

import aiohttp
import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.demo import sites
from crawler.demo.stories import Kind, blocks
from crawler.model import Article, Role
from tests.demo.conftest import LIGHTHOUSE, SPUN, Client

PAGE_HOSTS = ("dailyharbor", "bulletin24", "oldtownpost", "quickbrief", "northpress", "ledgerline")


def pages(client: Client, *hosts: str) -> list[Article]:
    return [article for host in hosts or PAGE_HOSTS for article in client.web.stories.on(host)]


def visible(body: bytes, encoding: str = "utf-8") -> str:
    """Text without tags, entities resolved, white space folded."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", body.decode(encoding))).split())


async def test_every_page_holds_all_paragraphs_of_its_story(client: Client) -> None:
    for article in pages(client):
        encoding = "windows-1252" if "oldtownpost" in article.url else "utf-8"
        answer = await client.get_url(client.web.url(article))
        assert answer.status == 200
        text = visible(answer.body, encoding)
        for paragraph in article.text.split("\n\n"):
            assert paragraph in text, (article.id, paragraph)


async def test_a_page_holds_furniture_besides_the_story(client: Client) -> None:
    for article in pages(client, "dailyharbor", "bulletin24", "quickbrief", "oldtownpost"):
        answer = await client.get_url(client.web.url(article))
        text = visible(answer.body, "windows-1252" if "oldtownpost" in article.url else "utf-8")
        assert len(text) > len(article.text) + 500
        assert "advertise" in text.lower()


async def test_markup_in_a_title_stays_text(client: Client) -> None:
    for article in pages(client, "dailyharbor", "bulletin24"):
        for path in (client.web.url(article), client.web.url(article) + "?amp=1"):
            tree = LexborHTMLParser((await client.get_url(path)).body)
            assert not [node for node in tree.css("script") if node.text().startswith("alert(")]
            heading = tree.css_first("h1")
            assert heading is not None
            assert heading.text().strip() == article.title


async def test_markup_in_paragraphs_and_names_stays_text(client: Client) -> None:
    answer = await client.get("dailyharbor", "/2026/02/plain/")
    assert b"<b>its</b>" not in answer.body
    assert b"J. &lt;i&gt;Doe&lt;/i&gt;" in answer.body


async def test_captions_stand_in_figures_and_contact_lines_are_linked(client: Client) -> None:
    tree = LexborHTMLParser((await client.get("bulletin24", "/world/lamp-1")).body)
    caption = tree.css_first("figure figcaption")
    assert caption is not None
    assert caption.text() == LIGHTHOUSE[4]
    assert tree.css_first("a[href='mailto:morna.dalgleish@wsj.example']") is not None
    assert [node.text() for node in tree.css(".story__body h2")] == [LIGHTHOUSE[2]]


async def test_the_box_about_the_author_stands_below_the_text(client: Client) -> None:
    tree = LexborHTMLParser((await client.get("dailyharbor", "/2026/02/lamp/")).body)
    box, content = tree.css_first(".author-box"), tree.css_first(".entry-content")
    assert box is not None
    assert content is not None
    assert SPUN[-1] in box.text()
    assert SPUN[-1] not in content.text()


async def test_the_old_site_is_windows_1252_and_says_so_only_in_its_meta_element(client: Client) -> None:
    answer = await client.get("oldtownpost", "/world/0301.htm")
    assert answer.headers["Content-Type"] == "text/html"
    assert b"charset=windows-1252" in answer.body
    assert "“the lamp”".encode("cp1252") in answer.body
    assert "it’s".encode("cp1252") in answer.body
    assert "&#271;ár".encode("cp1252") in answer.body  # ď is not in windows-1252, á and ž are
    assert b"<br><br>" in answer.body
    assert b"<p" not in answer.body


async def test_hosts_are_told_apart_and_unknown_ones_have_nothing(client: Client) -> None:
    assert (await client.get("ledgerline", "/energy/lamp")).status == 200
    assert (await client.get("northpress", "/energy/lamp")).status == 404
    assert (await client.get("nobody", "/")).status == 404
    assert [visit.host for visit in client.web.requests] == [
        "ledgerline.localhost",
        "northpress.localhost",
        "nobody.localhost",
    ]


async def test_the_log_of_requests_holds_path_query_and_status(client: Client) -> None:
    await client.get("bulletin24", "/world/lamp-1?utm_source=atom")
    visit = client.web.requests[-1]
    assert (visit.host, visit.path, visit.status) == ("bulletin24.localhost", "/world/lamp-1?utm_source=atom", 200)


@pytest.mark.parametrize("path", ["/feed/", "/2026/02/lamp/", "/"])
async def test_feeds_and_pages_answer_304_to_their_own_validators(client: Client, path: str) -> None:
    first = await client.get("dailyharbor", path)
    for known in ({"If-None-Match": first.headers["ETag"]}, {"If-Modified-Since": first.headers["Last-Modified"]}):
        second = await client.get("dailyharbor", path, known)
        assert (second.status, second.body) == (304, b"")
        assert second.headers["ETag"] == first.headers["ETag"]


async def test_other_validators_get_the_whole_document(client: Client) -> None:
    for other in (
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": "Thu, 01 Jan 2015 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
    ):
        assert (await client.get("dailyharbor", "/feed/", other)).status == 200


async def test_some_hosts_compress_for_who_asks(client: Client) -> None:
    url = f"http://127.0.0.1:{client.web.port}/world/lamp-1"
    asked = {"Host": f"bulletin24.localhost:{client.web.port}"}
    async with aiohttp.ClientSession(auto_decompress=False) as raw:
        async with raw.get(url, headers={**asked, "Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            packed = await response.read()
        async with raw.get(url, headers={**asked, "Accept-Encoding": "identity"}) as response:
            assert "Content-Encoding" not in response.headers
            assert gzip.decompress(packed) == await response.read()


async def test_noise_answers_as_the_real_web_does(client: Client) -> None:
    assert (await client.get("dailyharbor", "/2026/02/gone/")).status == 404
    assert (await client.get("bulletin24", "/world/broken-9")).status == 500
    picture = await client.get("quickbrief", "/news/picture")
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/png")
    assert picture.body.startswith(b"\x89PNG")


async def test_a_scraped_page_names_its_original_as_canonical_and_others_themselves(client: Client) -> None:
    home = f".localhost:{client.web.port}"
    scraped = LexborHTMLParser((await client.get("bulletin24", "/world/lamp-1")).body)
    assert scraped.css_first("link[rel=canonical]").attributes["href"] == f"http://newsroom{home}/lamp"
    assert scraped.css_first("meta[property='og:url']").attributes["content"] == f"http://bulletin24{home}/world/lamp-1"
    own = LexborHTMLParser((await client.get("bulletin24", "/world/script-2?utm_source=x")).body)
    assert own.css_first("link[rel=canonical]").attributes["href"] == f"http://bulletin24{home}/world/script-2"


async def test_the_amp_twin_is_another_page_with_the_same_canonical_url(client: Client) -> None:
    page = LexborHTMLParser((await client.get("bulletin24", "/world/script-2")).body)
    twin = LexborHTMLParser((await client.get("bulletin24", "/world/script-2?amp=1")).body)
    assert page.css_first("link[rel=amphtml]").attributes["href"].endswith("/world/script-2?amp=1")
    assert "amp" in twin.css_first("html").attributes
    canonical = [tree.css_first("link[rel=canonical]").attributes["href"] for tree in (page, twin)]
    assert canonical[0] == canonical[1]


async def test_words_of_a_page_are_linked_to_the_original(client: Client) -> None:
    tree = LexborHTMLParser((await client.get("quickbrief", "/b/lamp")).body)
    link = tree.css_first(".txt a[href$='/lamp']")
    assert link is not None
    assert link.text() == "the tower"


async def test_the_pages_of_the_feed_only_site_are_walls(client: Client) -> None:
    answer = await client.get("feedgazette", "/item/lamp")
    assert answer.status == 200
    assert "consent" in visible(answer.body)
    assert "77 steps" not in visible(answer.body)


async def test_pages_of_originals_are_paywalls_that_robots_may_not_fetch(client: Client) -> None:
    page = visible((await client.get("newsroom", "/lamp")).body)
    assert LIGHTHOUSE[0] in page
    assert LIGHTHOUSE[5] not in page
    assert b"Disallow: /\n" in (await client.get("newsroom", "/robots.txt")).body


async def test_every_host_has_robots_and_one_forbids_what_its_front_page_links_to(client: Client) -> None:
    for site in sites.SITES:
        answer = await client.get(site.host, "/robots.txt")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
    assert b"Disallow: /private/" in (await client.get("oldtownpost", "/robots.txt")).body
    front = (await client.get("oldtownpost", "/")).body
    assert re.search(rb"href='/private/[^']+'", front)


def test_what_stands_in_a_column_is_told_apart() -> None:
    kinds = [block.kind for block in blocks("\n\n".join(LIGHTHOUSE))]
    plain, head, caption, trailer = Kind.PARAGRAPH, Kind.HEADING, Kind.CAPTION, Kind.TRAILER
    assert kinds == [plain, plain, head, plain, caption, plain, plain, trailer, trailer]
    spun = [block.kind for block in blocks("\n\n".join(SPUN))]
    assert spun == [Kind.SIGNATURE, plain, plain, plain, caption, plain, trailer, Kind.BIO_TITLE, Kind.BIO]
    end = blocks("News.\n\n(END) Dow Jones Newswires\n\nFebruary 09, 2026 05:52 ET (10:52 GMT)")
    assert [block.kind for block in end] == [plain, trailer, trailer]


async def test_sources_name_role_and_publisher(client: Client) -> None:
    sources = {source.name: source for source in client.web.sources()}
    assert len({source.url for source in sources.values()}) == len(sources)
    origins = [source for source in sources.values() if source.role is Role.ORIGIN]
    assert {source.publisher for source in origins} == {"The Wall Street Journal", "Barron's"}
    assert not any(source.fetch_pages for source in origins)
    assert [source.role for source in sources.values()].count(Role.RELEASE) == 1
    assert [source.role for source in sources.values()].count(Role.AGGREGATOR) == 7
    for source in sources.values():
        assert (await client.get_url(source.url)).status == 200
