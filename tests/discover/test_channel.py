from __future__ import annotations

import json

import pytest

from crawler.discover import read
from crawler.model import Discovery, RawDocument, Wishes

URL = "https://post.example/feed"


def rss(head: str) -> Discovery:
    text = (
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">'
        f"<channel><title>Post</title>{head}<item><link>https://post.example/a</link></item></channel></rss>"
    )
    return read(RawDocument(URL, text.encode()))


def test_a_feed_may_ask_to_be_polled_seldom_and_not_in_some_hours_and_on_some_days() -> None:
    found = rss(
        "<ttl>30</ttl><skipHours><hour>0</hour><hour>24</hour><hour>5</hour></skipHours>"
        "<skipDays><day>Saturday</day><day>sunday</day><day>Restday</day></skipDays>"
    )
    assert found.wishes == Wishes(1_800.0, frozenset({0, 5}), frozenset({5, 6}))


@pytest.mark.parametrize("ttl", ["", "-5", "soon", "1e9", "9" * 400, "٣"])
def test_a_ttl_that_is_no_number_says_nothing(ttl: str) -> None:
    assert rss(f"<ttl>{ttl}</ttl>").wishes == Wishes()


def test_a_ttl_of_weeks_is_a_day() -> None:
    assert rss("<ttl>40000</ttl>").wishes.ttl == 86_400.0


def test_hub_own_address_and_new_address_are_read() -> None:
    found = rss(
        '<atom:link rel="hub" href="https://hub.example/"/><atom:link rel="self" href="/own"/>'
        "<itunes:new-feed-url>https://new.example/feed</itunes:new-feed-url>"
    )
    assert (found.hub, found.own_url, found.new_url) == (
        "https://hub.example/", "https://post.example/own", "https://new.example/feed",
    )  # fmt: skip


def test_addresses_that_nobody_could_ask_are_none() -> None:
    found = rss('<atom:link rel="hub" href="javascript:1"/><atom:link rel="self" href="http://u:p@x.example/"/>')
    assert (found.hub, found.own_url) == (None, None)


def test_a_json_feed_names_its_hub_and_its_own_address() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "feed_url": "https://post.example/feed.json",
        "hubs": [
            "odd",
            {"type": "rssCloud", "url": "https://c.example/"},
            {"type": "WebSub", "url": "https://h.example/"},
        ],
        "items": [{"id": "1", "url": "https://post.example/a"}],
    }
    found = read(RawDocument(URL, json.dumps(feed).encode()))
    assert (found.hub, found.own_url) == ("https://h.example/", "https://post.example/feed.json")
