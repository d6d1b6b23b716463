"""`sources add` of a site, OPML in and out, `sources suggest`: as a user types them, with a site on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.cli.conftest import Ran, Wiretrace

PATHS = [f"/2026/{number + 10}/harbour-council-votes-on-the-quay-{number}" for number in range(8)]


class Site:
    """A news site: `pages` by path, `asked` the paths that were requested."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, str]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                media, body = site.pages.get(self.path, ("text/plain", ""))
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", media)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                """The access log is nobody's business here."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}"

    def feed(self, path: str, stories: list[str]) -> None:
        time = format_datetime(datetime.now(UTC))
        items = "".join(
            f"<item><title>Votes</title><link>{self.url}{one}</link><pubDate>{time}</pubDate></item>" for one in stories
        )
        feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Post</title>{items}</channel></rss>'
        self.pages[path] = ("application/rss+xml", feed)

    def page(self, path: str, *feeds: str, stories: list[str] | None = None) -> None:
        head = "".join(f'<link rel="alternate" type="application/rss+xml" href="{one}">' for one in feeds)
        body = "".join(f"<h2><a href={one}>Harbour council votes on the quay</a></h2>" for one in stories or PATHS)
        self.pages[path] = ("text/html", f"<html><head><title>Post</title>{head}</head><body>{body}</body></html>")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, wiretrace: Wiretrace) -> Iterator[Site]:
    """After `wiretrace`, which clears the environment."""
    monkeypatch.setenv("WIRETRACE_FETCH__ALLOW_PRIVATE", "127.0.0.0/8")
    monkeypatch.setenv("WIRETRACE_FETCH__DELAY", "0")
    monkeypatch.setenv("WIRETRACE_FETCH__TIMEOUT", "3")
    found = Site()
    with found.server:
        thread = Thread(target=found.server.serve_forever, args=(0.02,))
        thread.start()
        yield found
        found.server.shutdown()
        thread.join()


def listed(wiretrace: Wiretrace) -> dict[str, Any]:
    return {row["name"]: row for row in json.loads(wiretrace("sources", "list", "--json").out)}


def one_line(ran: Ran) -> str:
    (line,) = ran.err.splitlines()
    return line


# --- add ------------------------------------------------------------------------------------------------------


def test_of_a_site_its_feed_is_added_and_told_with_the_reason(wiretrace: Wiretrace, site: Site) -> None:
    site.page("/", "/feed")
    site.feed("/feed", PATHS)
    ran = wiretrace("sources", "add", site.url, "--publisher", "The Post")
    assert ran.code == 0
    said = ran.err.splitlines()
    today = datetime.now(UTC).date().isoformat()
    assert said[0] == f"added {site.host}: {site.url}/feed (aggregator)"
    assert said[1] == f"  feed with 8 entries (0 with full text), newest of {today}, named by the page"
    row = listed(wiretrace)[site.host]
    assert (row["url"], row["publisher"], row["kind"]) == (f"{site.url}/feed", "The Post", "auto")
    assert wiretrace("sources", "check", site.host).code == 0


def test_a_site_that_is_a_source_already_is_not_added_again(wiretrace: Wiretrace, site: Site) -> None:
    site.page("/", "/feed")
    site.feed("/feed", PATHS)
    wiretrace("sources", "add", site.url)
    ran = wiretrace("sources", "add", f"{site.url}/", "--name", "Again")
    assert ran.code == 2
    assert one_line(ran) == f"wiretrace: source {site.host!r} is there already with the URL {site.url}/feed"


def test_all_adds_what_brings_more_and_nothing_twice(wiretrace: Wiretrace, site: Site) -> None:
    site.page("/", "/feed", "/sport.rss", "/same.rss")
    site.feed("/feed", PATHS)
    site.feed("/same.rss", PATHS)
    site.feed("/sport.rss", [f"/sport{path}" for path in PATHS])
    first = wiretrace("sources", "add", site.url, "--name", "Post")
    assert f"not added: {site.url}/sport.rss" in first.err
    assert "/same.rss" not in first.err
    wiretrace("sources", "remove", "Post")
    for _ in range(2):
        assert wiretrace("sources", "add", "--all", site.url, "--name", "Post").code == 0
        assert {name: row["url"] for name, row in listed(wiretrace).items()} == {
            "Post": f"{site.url}/feed",
            "Post: sport.rss": f"{site.url}/sport.rss",
        }


def test_a_dry_run_shows_what_is_found_and_keeps_nothing(wiretrace: Wiretrace, site: Site, tmp_path: Path) -> None:
    site.page("/", "/feed", "/same.rss")
    site.feed("/feed", PATHS)
    site.feed("/same.rss", PATHS)
    shown = wiretrace("sources", "add", "--dry-run", site.url).out.splitlines()
    assert [line.split(": ")[0] for line in shown] == [f"+ {site.url}/feed", f"- {site.url}/same.rss", f"- {site.url}/"]
    assert shown[1].endswith(f"named by the page; it brings what {site.url}/feed brings")
    rows = json.loads(wiretrace("sources", "add", "--dry-run", "--json", site.url).out)
    assert [(row["verdict"], row["chosen"]) for row in rows] == [("best", True), ("repeats", False), ("repeats", False)]
    assert list(tmp_path.glob("*.db")) == []


@pytest.mark.parametrize(
    "arguments",
    [["/feed"], ["/news.xml"], ["/", "--kind", "listing"], ["/", "--no-check"], ["/world", "--kind", "feed"]],
    ids=" ".join,
)
def test_what_says_what_it_is_is_added_without_a_request(
    wiretrace: Wiretrace, site: Site, arguments: list[str]
) -> None:
    url = site.url + arguments[0]
    ran = wiretrace("sources", "add", url, "--name", "Post", *arguments[1:])
    assert (ran.code, one_line(ran)) == (0, f"added Post: {url} (aggregator)")
    assert site.asked == []


def test_a_section_front_is_added_as_it_is_and_its_feeds_are_named(wiretrace: Wiretrace, site: Site) -> None:
    site.page("/world", "/feed")
    site.feed("/feed", PATHS)
    ran = wiretrace("sources", "add", f"{site.url}/world")
    assert listed(wiretrace)[f"{site.host}/world"]["url"] == f"{site.url}/world"
    assert f"its page names feeds: `wiretrace sources add --dry-run {site.url}/world`" in ran.err
    assert "/feed" not in site.asked


def test_a_feed_that_is_empty_today_is_added_all_the_same(wiretrace: Wiretrace, site: Site) -> None:
    site.feed("/stream", [])
    ran = wiretrace("sources", "add", f"{site.url}/stream")
    assert ran.err.splitlines() == [
        f"added {site.host}/stream: {site.url}/stream (aggregator)",
        "  feed with 0 entries (0 with full text), the URL itself; it holds no entries",
    ]


def test_a_site_that_shuts_us_out_is_not_to_be_added_unchecked(wiretrace: Wiretrace, site: Site) -> None:
    site.pages["/robots.txt"] = ("text/plain", "User-agent: *\nDisallow: /\n")
    ran = wiretrace("sources", "add", site.url)
    assert (ran.code, one_line(ran)) == (1, f"wiretrace: {site.url}/: robots.txt forbids it")
    assert site.asked == ["/robots.txt"]


def test_an_origin_s_site_gives_no_page_of_links(wiretrace: Wiretrace, site: Site) -> None:
    site.page("/")
    ran = wiretrace("sources", "add", site.url, "--role", "origin")
    assert ran.code == 1
    assert "found no feed, sitemap or page of stories there" in one_line(ran)
    assert wiretrace("sources", "add", site.url, "--role", "origin", "--fetch-pages").code == 0


def test_a_site_that_cannot_be_reached_is_one_line_that_says_what_to_do(wiretrace: Wiretrace, site: Site) -> None:
    ran = wiretrace("sources", "add", "http://127.0.0.1:1/", "--no-check", "--name", "Closed")
    assert ran.code == 0
    ran = wiretrace("sources", "add", "http://nowhere.invalid/")
    assert ran.code == 1
    assert one_line(ran).startswith("wiretrace: http://nowhere.invalid/: its host has no address")
    assert one_line(ran).endswith("(`wiretrace sources add --no-check` adds the URL as it is)")
    assert list(listed(wiretrace)) == ["Closed"]


@pytest.mark.parametrize(
    "arguments", [["--all", "--no-check"], ["--dry-run", "--kind", "feed"], ["--json", "--no-check"]]
)
def test_looking_and_not_looking_at_once_is_wrong_usage(wiretrace: Wiretrace, arguments: list[str]) -> None:
    ran = wiretrace("sources", "add", "https://post.example/", *arguments)
    assert ran.code == 2
    assert one_line(ran).startswith(f"wiretrace: {arguments[0]}: looks for sources, expected without")


# --- OPML -----------------------------------------------------------------------------------------------------

LIST = """<?xml version="1.0"?><opml version="1.1"><head><title>Mine</title></head><body>
<outline text="News"><outline text="Coast"><outline type="rss" text="Harbour Post" xmlUrl="https://harbour.example/feed"/>
</outline><outline text="Dale" title="Dale Daily" xmlUrl="https://dale.example/rss?a=1&b=2" htmlUrl="https://dale.example/"/>
</outline><outline text="Harbour Post" xmlUrl="http://HARBOUR.example/feed/"/>
<outline text="Harbour Post" xmlUrl="https://harbour.example/sport.xml"/>
<outline text="No feed" htmlUrl="https://page.example/"/><outline text="Other" xmlUrl="ftp://other.example/feed"/>
</body></opml>"""


def test_a_list_is_imported_and_what_is_bad_is_told(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "feeds.opml").write_text(LIST)
    ran = wiretrace("sources", "import-opml", "feeds.opml")
    assert ran.code == 0
    assert ran.err.splitlines() == [
        "wiretrace: feeds.opml: outline 7: expected an xmlUrl, 'No feed' has none "
        "(`wiretrace sources add` looks for the feed of https://page.example/)",
        "wiretrace: feeds.opml: outline 8: ftp://other.example/feed: expected a URL that starts with http:// or https://",
        "added=3 held=1 faults=2",
    ]
    assert {name: row["url"] for name, row in listed(wiretrace).items()} == {
        "Harbour Post": "https://harbour.example/feed",
        "Dale Daily": "https://dale.example/rss?a=1&b=2",
        "Harbour Post (harbour.example)": "https://harbour.example/sport.xml",
    }


def test_importing_twice_changes_nothing(wiretrace: Wiretrace) -> None:
    wiretrace("sources", "import-opml", "-", stdin=LIST.encode())
    before = listed(wiretrace)
    again = wiretrace("sources", "import-opml", "-", stdin=LIST.encode())
    assert again.err.splitlines()[-1] == "added=0 held=4 faults=2"
    assert listed(wiretrace) == before


def test_what_is_exported_comes_back_as_it_was(wiretrace: Wiretrace, tmp_path: Path) -> None:
    here = [
        ["https://wire.example/feed?a=1&b=2", "--name", 'Wire <&> "Service"', "--role", "origin", "--interval", "90.5"],
        ["https://post.example/map.xml", "--kind", "sitemap", "--publisher", "The Post", "--no-fetch-pages"],
        ["https://dale.example/world", "--kind", "listing"],
    ]
    for arguments in here:
        assert wiretrace("sources", "add", *arguments).code == 0
    before = listed(wiretrace)
    assert wiretrace("sources", "export-opml", "-o", "all.opml").code == 0
    text = (tmp_path / "all.opml").read_text()
    assert wiretrace("sources", "export-opml").out.split("</head>")[1] == text.split("</head>")[1]
    (tmp_path / "wiretrace.db").unlink()
    assert wiretrace("sources", "import-opml", "all.opml").err == "added=3 held=0 faults=0\n"
    assert listed(wiretrace) == before
    assert wiretrace("sources", "export-opml").out.split("</head>")[1] == text.split("</head>")[1]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("<html><body>no</body></html>", "expected OPML, got XML with the root element html"),
        ("<opml><body><outline", "expected well-formed XML"),
        ("", "expected well-formed XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><opml><body/></opml>', "declares XML entities"),
        (f"<opml>{'<outline>' * 200}{'</outline>' * 200}</opml>", "expected at most 100 levels"),
    ],
    ids=["html", "cut", "empty", "entities", "deep"],
)
def test_what_is_no_list_changes_nothing(wiretrace: Wiretrace, data: str, expected: str) -> None:
    ran = wiretrace("sources", "import-opml", "-", stdin=data.encode())
    assert ran.code == 1
    assert expected in one_line(ran)
    assert listed(wiretrace) == {}


def test_a_list_of_nothing_but_bad_outlines_fails(wiretrace: Wiretrace) -> None:
    bad = "".join(f'<outline text="{number}" xmlUrl="ftp://x/"/>' for number in range(30))
    ran = wiretrace("sources", "import-opml", "-", stdin=f"<opml><body>{bad}</body></opml>".encode())
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 22
    assert wiretrace("sources", "import-opml", "missing.opml").code == 1


# --- suggest --------------------------------------------------------------------------------------------------


def rows(path: Path, *lines: dict[str, object]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_hosts_of_a_dump_are_suggested_the_copying_ones_first(wiretrace: Wiretrace, tmp_path: Path) -> None:
    wiretrace("sources", "add", "https://feeds.known.example/feed")
    rows(
        tmp_path / "dump.jsonl",
        {"id": "1", "url": "https://quiet.example/a", "text": "x"},
        {"id": "2", "url": "https://quiet.example/b"},
        {"id": "3", "url": "https://www.copier.example/old", "published": "2026-01-02T00:00:00Z"},
        {"id": "4", "url": "https://copier.example/new", "published": "2026-02-02T00:00:00Z"},
        {"id": "5", "url": "https://copier.example/own", "published": "2026-03-02T00:00:00Z"},
        {"id": "6", "url": "https://www.known.example/a"},
        {"id": "7", "url": "https://wire.example/a", "role": "origin"},
        {"id": "8", "url": "https://claims.example/a", "attribution": {"publisher": "Tidewater Wire"}},
        {"id": "9", "url": "file:///tmp/a"},
    )
    links = [{"rewrite": "3", "original": "7"}, {"rewrite": "4", "original": "7"}, {"rewrite": "1", "original": None}]
    rows(tmp_path / "links.jsonl", *links)
    found = json.loads(wiretrace("sources", "suggest", "dump.jsonl", "links.jsonl", "--json").out)
    assert found[0] == {
        "host": "copier.example",
        "pages": 3,
        "linked": 2,
        "attributed": 0,
        "share": 0.6667,
        "example": "https://copier.example/new",
    }
    assert [(row["host"], row["pages"], row["attributed"]) for row in found[1:]] == [
        ("claims.example", 1, 1),
        ("quiet.example", 2, 0),
    ]
    ran = wiretrace("sources", "suggest", ".", "--limit", "1", "--min-pages", "2")
    assert "copier.example" in ran.out
    assert "66.7%" in ran.out
    assert ran.err == "and 1 more (--limit shows them)\n"


def test_a_row_that_cannot_be_read_is_told_and_ends_nothing(wiretrace: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "dump.jsonl").write_text('{"url": "https://a.example/1"}\nnot json\n{"url": "https://a.example/2"}\n')
    ran = wiretrace("sources", "suggest", "dump.jsonl", "--json")
    assert [row["pages"] for row in json.loads(ran.out)] == [2]
    assert one_line(ran) == "wiretrace: dump.jsonl:2: expected a JSON object a line"


def test_without_any_page_nothing_is_suggested(wiretrace: Wiretrace) -> None:
    ran = wiretrace("sources", "suggest")
    assert (ran.code, ran.out) == (0, "")
    assert one_line(ran) == "no host was met that is not a source's"


def test_hosts_that_are_chosen_become_sources(wiretrace: Wiretrace, site: Site) -> None:
    site.page("/", "/feed")
    site.feed("/feed", PATHS)
    ran = wiretrace("sources", "suggest", "--add", "nowhere.invalid", "--add", site.host)
    assert ran.code == 0
    assert listed(wiretrace)[site.host]["url"] == f"{site.url}/feed"
    assert ran.err.startswith("wiretrace: https://nowhere.invalid/: its host has no address")
    assert wiretrace("sources", "suggest", "--add", "nowhere.invalid").code == 1
    assert wiretrace("sources", "suggest", "--add", "https://me:secret@a.example/").code == 2
