"""URL rules: one spelling, one identity, one site."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.errors import UrlRefused


@pytest.mark.parametrize(
    ("given_url", "normal"),
    [
        ("HTTP://News.Example:80/a/../b/./c#top", "http://news.example/b/c"),
        ("https://news.example:443", "https://news.example/"),
        ("https://news.example/%7euser/%c3%a9", "https://news.example/~user/%C3%A9"),
        ("https://bücher.example/ä ö", "https://xn--bcher-kva.example/%C3%A4%20%C3%B6"),
        ("https://news.example/100%", "https://news.example/100%25"),
        ("  https://news.example/a\n", "https://news.example/a"),
        ("https://news.example./a", "https://news.example/a"),
    ],
)
def test_a_url_has_one_spelling(given_url: str, normal: str) -> None:
    assert urls.normalize(given_url) == normal


@given(
    st.text("ab0._-", min_size=1, max_size=12),
    st.text("aZ0/._~:@!$&'()*+,;=-", max_size=20),
    st.text("aZ0/._~:@!$&'()*+,;=?-", max_size=12),
)
def test_a_url_that_looks_plain_is_spelt_as_any_other(host: str, path: str, query: str) -> None:
    url = f"https://{host}/{path}" + ("?" + query if query else "")
    try:
        normal = urls.normalize(url + "#")
    except UrlRefused:
        with pytest.raises(UrlRefused):
            urls.normalize(url)
    else:
        assert urls.normalize(url) == normal


def test_a_relative_url_is_made_absolute() -> None:
    assert urls.normalize("../b?x=1#y", "https://news.example/a/c/d") == "https://news.example/a/b?x=1"


@pytest.mark.parametrize(
    "refused",
    [
        "ftp://news.example/a",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://user:secret@news.example/",
        "https://",
        "https://exa mple/",
        "https://news.example:99999/",
        "//news.example/a",
        "https://news.example/" + "a" * 3000,
        "http://[::1",
        "https://news.example/\ud800",
    ],
)
def test_what_is_no_plain_web_address_is_refused(refused: str) -> None:
    with pytest.raises(UrlRefused):
        urls.normalize(refused)


def test_a_refusal_never_repeats_a_password() -> None:
    with pytest.raises(UrlRefused) as refused:
        urls.normalize("https://user:secret@news.example/")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "twin",
    [
        "http://news.example/2026/story",
        "https://www.news.example/2026/story/",
        "https://m.news.example/2026/story",
        "https://amp.news.example/2026/story",
        "https://news.example/2026/story/amp/",
        "https://news.example/2026/story.amp.html",
        "https://news.example/amp/2026/story",
        "https://news.example/2026/story?amp=1",
        "https://news.example/2026/story?utm_source=feed&utm_medium=rss&fbclid=x",
        "https://news.example/2026/story/index.html#comments",
    ],
)
def test_twins_of_a_page_have_one_id(twin: str) -> None:
    assert urls.article_id(twin) == urls.article_id("https://news.example/2026/story")


@pytest.mark.parametrize(
    "other",
    [
        "https://news.example/2026/story2",
        "https://news.example/2026/story?page=2",
        "https://other.example/2026/story",
        "https://news.example:8443/2026/story",
        "https://sport.news.example/2026/story",
    ],
)
def test_other_pages_have_other_ids(other: str) -> None:
    assert urls.article_id(other) != urls.article_id("https://news.example/2026/story")


def test_the_only_parameter_of_a_script_names_the_article() -> None:
    one, other = (urls.article_id(f"https://news.example/story.php?cid={number}") for number in (1, 2))
    assert one != other
    assert urls.article_id("https://news.example/story.php?cid=1&utm_source=x") == one


def test_the_order_of_parameters_does_not_matter() -> None:
    assert urls.article_id("https://a.example/?id=7&lang=de") == urls.article_id("https://a.example/?lang=de&id=7")


def test_an_id_is_the_same_for_ever() -> None:
    """Ids are in users' stores and exports: a change of the rules would orphan them."""
    assert urls.article_id("https://news.example/2026/story") == "4591782f47a188798f59b9ead6fd1cbc"
    assert urls.vendor_article_id("Barron's", "WSJO000020260101em1") == "a909089105da8320d114c6eb89076098"


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.news.example.co.uk", "example.co.uk"),
        ("news.example", "news.example"),
        ("a.b.dailyharbor.localhost:8080", "dailyharbor.localhost"),
        ("alice.github.io", "alice.github.io"),
        ("127.0.0.1:80", "127.0.0.1"),
    ],
)
def test_the_registrable_domain_is_what_somebody_registered(host: str, domain: str) -> None:
    assert urls.registrable_domain(host) == domain


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", IPv4Address("127.0.0.1")),
        ("2130706433", IPv4Address("127.0.0.1")),
        ("0x7f.1", IPv4Address("127.0.0.1")),
        ("0177.0.0.1", IPv4Address("127.0.0.1")),
        ("127.1", IPv4Address("127.0.0.1")),
        ("[::1]", IPv6Address("::1")),
        ("::ffff:10.0.0.1", IPv6Address("::ffff:10.0.0.1")),
        ("news.example", None),
        ("256.1.1.1", None),
        ("1.2.3.4.5", None),
    ],
)
def test_odd_spellings_of_addresses_are_read(host: str, address: object) -> None:
    assert urls.literal_address(host) == address


@given(st.text(max_size=300))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        normal = urls.normalize(text)
    except UrlRefused:
        return
    assert urls.normalize(normal) == normal
    assert normal.isascii()
    assert not any(ord(c) <= 32 for c in normal)


@given(st.text(max_size=60), st.text(max_size=60))
def test_normalizing_twice_changes_nothing(path: str, query: str) -> None:
    try:
        normal = urls.normalize(f"https://news.example/{path}?{query}")
    except UrlRefused:
        return
    assert urls.normalize(normal) == normal
    assert urls.identity(urls.identity(normal)) == urls.identity(normal)


@pytest.mark.parametrize(
    "base",
    [
        "https://news.example/a/b.html",
        "https://News.example:443/a/b.html?x=/y",
        "https://a..example/",
        "news.example/x",
    ],
)
@pytest.mark.parametrize("path", ["/b;?c=d", "/b/../c", "/b//c", "/?q=1", "//other.example/c", "/b#part", "/ä b", "/"])
def test_a_path_from_the_root_is_joined_as_any_other_address(base: str, path: str) -> None:
    def spelled(url: str, base: str | None) -> str:
        try:
            return urls.normalize(url, base)
        except UrlRefused:
            return "refused"

    assert spelled(path, base) == spelled(urljoin(base, path), None)
