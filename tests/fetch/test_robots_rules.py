"""What a robots.txt means, case by case of RFC 9309, and that no file makes reading it laborious."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import RobotsDenied
from crawler.fetch import Robots
from crawler.fetch.robots_rules import RuleSet, canonical


def parsed(text: str | bytes, token: str = "wiretrace") -> Robots:
    return Robots.parse(text.encode() if isinstance(text, str) else text, token)


def covers(pattern: str, path: str) -> bool:
    return not RuleSet([(False, pattern)]).allows(f"http://x.example{path}")


# RFC 9309, section 2.2.2, with the examples of its tables.
SAME = [
    ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
    ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
    ("/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https://foo.bar"),
    ("/foo/bar/\u30c4", "/foo/bar/%E3%83%84"),
    ("/foo/bar/%E3%83%84", "/foo/bar/\u30c4"),
    ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
    ("/~joe/", "/%7Ejoe/index.html"),
    ("/%7ejoe/", "/~joe/index.html"),
    ("/a%3cd.html", "/a%3Cd.html"),
    ("/a:b", "/a%3Ab"),
    ("/file-with-a-%2A.html", "/file-with-a-*.html"),
    ("/path/foo-%24", "/path/foo-$"),
    ("/a$b", "/a$b"),
    ("/50%", "/50%25"),
]
DIFFERENT = [
    ("/a%2Fb", "/a/b"),
    ("/a/b", "/a%2Fb"),
    ("/file-with-a-%2A.html", "/file-with-a-x.html"),
    ("/path/foo-%24", "/path/foo-"),
    ("/search?q=a%26b", "/search?q=a&b"),
    ("/Case", "/case"),
    ("/a?b", "/a%3Fb"),
]


@pytest.mark.parametrize(("pattern", "path"), SAME)
def test_two_spellings_of_one_path_are_one_path(pattern, path):
    assert covers(pattern, path)


@pytest.mark.parametrize(("pattern", "path"), DIFFERENT)
def test_an_escape_that_makes_another_path_stays_another(pattern, path):
    assert not covers(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "covered", "open_paths"),
    [
        ("/", ["/", "/a"], []),
        ("*", ["/", "/a"], []),
        ("/*", ["/", "/a"], []),
        ("/$", ["/"], ["/a", "/?q"]),
        ("/fish", ["/fish", "/fish.html", "/fishheads", "/fish?id=1"], ["/Fish", "/catfish", "/"]),
        ("/fish*", ["/fish", "/fish.html"], ["/Fish"]),
        ("/fish/", ["/fish/", "/fish/salmon"], ["/fish", "/fish.html"]),
        ("/*.php", ["/index.php", "/a/b.php?x", "/.php5"], ["/windows.PHP", "/"]),
        ("/*.php$", ["/file.php", "/a/file.php"], ["/file.php?x", "/file.php/", "/file.php5"]),
        ("/fish*.php", ["/fish.php", "/fishheads/cat.php?x"], ["/Fish.PHP", "/fish"]),
        ("*.pdf$", ["/a.pdf"], ["/a.pdf?x"]),
        ("/a*b*c$", ["/abc", "/axbxc", "/abcbc"], ["/acb", "/abcd", "/ab"]),
        ("/*a*a$", ["/aa", "/xaxa"], ["/a", "/xa"]),
        ("/x**y", ["/xy", "/x--y"], ["/x"]),
        ("/a*$", ["/a", "/ab"], ["/b"]),
        ("/*/print", ["/a/print", "/a?next=/print"], ["/print"]),
        ("/*?*session=", ["/a?session=1", "/a?x=1&session=2"], ["/session=1"]),
    ],
)
def test_wildcards_and_the_end_mark_cover_what_they_say(pattern, covered, open_paths):
    assert [path for path in [*covered, *open_paths] if covers(pattern, path)] == covered


@pytest.mark.parametrize("pattern", ["", "private/", "http://x.example/", "$", "#"])
def test_what_is_no_path_covers_nothing(pattern):
    assert not covers(pattern, "/")
    assert not covers(pattern, "/private/")


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("Allow: /p\nDisallow: /", "/page", True),
        ("Allow: /folder\nDisallow: /folder", "/folder/page", True),
        ("Allow: /page\nDisallow: /*.htm", "/page.htm", False),
        ("Allow: /page\nDisallow: /*.ph", "/page.php5", True),
        ("Allow: /$\nDisallow: /", "/", True),
        ("Allow: /$\nDisallow: /", "/page.htm", False),
        ("Allow: /example/page/\nDisallow: /example/page/disallowed.gif", "/example/page/disallowed.gif", False),
        ("Allow: /a\u00e9\nDisallow: /a*****", "/a\u00e9", True),  # octets count, not characters
        ("Disallow: /x", "/", True),
        ("Disallow:", "/x", True),
    ],
)
def test_the_most_specific_rule_decides_and_allow_wins_a_tie(rules, path, allowed):
    assert parsed(f"User-agent: *\n{rules}").allows(f"http://x.example{path}") is allowed


@pytest.mark.parametrize(
    "text",
    [
        "User-agent: WireTrace\nDisallow: /",
        "USER-AGENT:wiretrace/2.0 (+https://x)\nDISALLOW:/",
        "user agent wiretrace\ndisallow /",
        "User-agent: *\nDisallow:\nUser-agent: wiretrace\nDisallow: /",
        "User-agent: wiretrace\n\n\n# a remark\n\nDisallow: /",
        "User-agent: wiretrace\nUser-agent: other\nDisallow: /",
        "User-agent: wiretrace\nCrawl-delay: 5\nUser-agent: other\nDisallow: /",
        "User-agent: wiretrace\nSitemap: https://x.example/s.xml\nDisallow: /",
        "User-agent: *\nNoindex: /x\nUser-agent: other\nDisallow: /",
        "User-agent: *\rDisallow: /",
        "\ufeffUser-agent: *\r\nDisallow: /",
        "Disallow: /nothing\nUser-agent: *\nDissalow: /",
        "User-agent: * # all\nDisallow: / # of it",
    ],
)
def test_the_group_that_is_meant_is_found(text):
    assert not parsed(text).allows("http://x.example/page")


@pytest.mark.parametrize(
    "text",
    [
        "Disallow: /",  # said to nobody
        "User-agent: wiretracer\nDisallow: /",
        "User-agent: wire\nDisallow: /",
        "User-agent: wiretrace\nAllow: /\n\nUser-agent: *\nDisallow: /",
        "User-agent: wiretrace\nDisallow:\n\nUser-agent: *\nDisallow: /",
        "User-agent: other\nDisallow: /",
        "User-agent: *\nDisallow: /x\u2028Disallow: /",  # only CR and LF end a line
    ],
)
def test_rules_for_others_do_not_bind_us(text):
    assert parsed(text).allows("http://x.example/page")


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0.5", 0.5), (".5", 0.5), ("-1", None), ("soon", None), ("nan", None)]
)
def test_a_crawl_delay_is_a_plain_number_of_seconds(value, seconds):
    assert parsed(f"User-agent: *\nCrawl-delay: {value}\nDisallow:").crawl_delay == seconds


def test_the_crawl_delay_for_everyone_is_not_ours_where_we_have_a_group():
    assert parsed("User-agent: *\nCrawl-delay: 30\n\nUser-agent: wiretrace\nDisallow: /x").crawl_delay is None


PATHS = st.text("ab/*$?=&%2FAé", max_size=12).map(lambda text: "/" + text)


def _by_the_book(pattern: str, path: str) -> bool:
    """The definition as a regular expression: slow, but plainly it."""
    anchored = pattern.endswith("$")
    pieces = (pattern[:-1] if anchored else pattern).split("*")
    written = ".*".join(re.escape(canonical(piece)) for piece in pieces) + (r"\Z" if anchored else "")
    return re.match(written, canonical(path), re.DOTALL) is not None


@given(PATHS, PATHS)
def test_a_rule_covers_what_its_definition_covers(pattern: str, path: str):
    parts = urlsplit(f"http://x.example{path}")
    if "?" not in path and "?" not in pattern:
        assert covers(pattern, parts.path) == _by_the_book(pattern, parts.path)


@given(st.lists(st.tuples(st.booleans(), PATHS), max_size=8), PATHS)
def test_rules_that_agree_are_not_overruled(rules: list[tuple[bool, str]], path: str):
    verdicts = {allows for allows, pattern in rules if covers(pattern, path)}
    if len(verdicts) < 2:
        assert RuleSet(rules).allows(f"http://x.example{path}") is (verdicts != {False})


@pytest.mark.parametrize(
    "line",
    [
        "Disallow: /" + "*a" * 1_000 + "*b$",
        "Disallow: /" + "*" * 400_000 + "x",
        "Disallow: /" + "a" * 400_000,
        "Allow:" + " " * 400_000 + "/",
        "User-agent:" + "w" * 400_000,
    ],
    ids=["many stars", "only stars", "a long path", "many blanks", "a long name"],
)
def test_a_bomb_of_one_line_is_read_and_compared_in_no_time(line):
    began = time.process_time()
    robots = parsed("User-agent: *\nDisallow: /no\n" + line)
    assert not robots.allows("http://x.example/no/" + "ab" * 1_000)
    robots.allows("http://x.example/" + "a" * 2_000)
    assert time.process_time() - began < 1.0


def test_a_bomb_of_many_wildcards_is_compared_beside_the_event_loop():
    rules = "".join(f"Disallow: /*a*{number}*b$\n" for number in range(20_000))
    robots = parsed("User-agent: *\n" + rules)
    assert robots.laborious
    assert not parsed("User-agent: *\nDisallow: /*.pdf$\n" * 5_000).laborious  # one rule said often
    began = time.process_time()
    assert robots.allows("http://x.example/" + "ab" * 1_000)
    assert time.process_time() - began < 2.0


async def test_a_laborious_file_is_obeyed_all_the_same(web, fetcher):
    rules = "".join(f"Disallow: /*a*{number}*b$\n" for number in range(2_000))
    web.page("/robots.txt", "User-agent: *\n" + rules, media="text/plain")
    web.page("/open", "x")
    await fetcher.get(web.url("/open"))
    with pytest.raises(RobotsDenied):
        await fetcher.get(web.url("/a-1999-b"))
    assert web.paths() == ["/robots.txt", "/open"]
