"""Response headers as data: what is well said is understood, what is not is worth nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.fetch import header

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/html", ("text/html", None)),
        ("Text/HTML; charset=UTF-8", ("text/html", "utf-8")),
        ('text/html;charset="windows-1252"', ("text/html", "windows-1252")),
        ("text/html; version=1; Charset = 'koi8-r'", ("text/html", "koi8-r")),
        ("application/rss+xml;charset=", ("application/rss+xml", None)),
        ("text/html, text/html; charset=utf-8", ("text/html", "utf-8")),
        ("", ("", None)),
        ("html", ("", None)),
        ("text /html", ("", None)),
    ],
)
def test_media_type_and_charset(value, expected):
    assert header.content_type(value) == expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("99999999999", 86_400.0),
        ("Mon, 02 Mar 2026 08:01:00 GMT", 60.0),
        ("Mon, 02 Mar 2020 08:01:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert header.retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("max-age=300", 300.0),
        ("public, Max-Age=60, must-revalidate", 60.0),
        ("no-cache, max-age=60", 0.0),
        ("s-maxage=60", None),
        ("max-age=99999999999999", 9_999_999_999.0),
        ("", None),
    ],
)
def test_max_age(value, seconds):
    expected = None if seconds is None else min(seconds, 31_536_000.0)
    assert header.max_age({"Cache-Control": value}) == expected


@pytest.mark.parametrize(
    "media",
    ["image/svg+xml", "application/vnd.ms-excel", "application/msword", "font/woff2", "application/javascript"],
)
def test_media_without_an_article_is_refused(media):
    assert header.refused_media(media)


@pytest.mark.parametrize(
    "media",
    [
        "", "text/html", "application/xhtml+xml", "text/plain", "application/json", "application/feed+json",
        "application/rss+xml", "application/x-gzip", "application/octet-stream", "application/vnd.iptc.g2.newsitem+xml",
    ],
)  # fmt: skip
def test_media_that_may_hold_one_is_not(media):
    assert not header.refused_media(media)


@given(st.text(max_size=300))
def test_no_header_value_is_an_error(value: str):
    header.content_type(value)
    header.retry_after(value, NOW)
    header.max_age({"Cache-Control": value})
    header.validators({"ETag": value, "Last-Modified": value})
    header.http_date(value)


@given(st.binary(max_size=40))
def test_no_first_bytes_are_an_error(head: bytes):
    header.sniff(head)


@pytest.mark.parametrize("head", [b"<!doctype html>", b"\xef\xbb\xbf<?xml", b"\x1f\x8b\x08", b"{", b"", b"PK"])
def test_text_and_gzip_pass_the_sniff(head):
    assert header.sniff(head) is None
