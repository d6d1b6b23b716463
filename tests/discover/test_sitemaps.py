from __future__ import annotations

import gzip
from datetime import UTC, datetime

from crawler.discover import read
from crawler.model import Discovery, RawDocument, Reference, SourceKind

NEWS = (
    '<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">'
    "<url><loc>https://post.example/2026/quay-closed</loc><lastmod>2026-01-05T09:00:00Z</lastmod>"
    "<image:image><image:loc>https://post.example/q.jpg</image:loc><image:title>A crane</image:title></image:image>"
    "<news:news><news:publication><news:name>Post</news:name><news:language>en</news:language></news:publication>"
    "<news:publication_date>2026-01-05T08:00:00+01:00</news:publication_date>"
    "<news:title>Quay &amp; lock closed</news:title></news:news></url></urlset>"
)


def discover(body: str | bytes) -> Discovery:
    return read(RawDocument("https://post.example/sitemap.xml", body.encode() if isinstance(body, str) else body))


def test_a_news_sitemap_gives_title_dates_and_language() -> None:
    found = discover(NEWS)
    assert found.kind is SourceKind.SITEMAP
    assert found.references == (
        Reference(
            url="https://post.example/2026/quay-closed",
            title="Quay & lock closed",
            published=datetime(2026, 1, 5, 7, tzinfo=UTC),
            modified=datetime(2026, 1, 5, 9, tzinfo=UTC),
            language="en",
        ),
    )


def test_a_news_sitemap_without_its_namespaces_is_read() -> None:
    bare = NEWS.replace(' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"', "")
    assert discover(bare).references[0].title == "Quay & lock closed"


def test_a_plain_sitemap_gives_urls_with_their_modification_times() -> None:
    found = discover("<urlset><url><loc> https://post.example/a </loc><lastmod>2026-01-05</lastmod></url></urlset>")
    assert found.references == (Reference(url="https://post.example/a", modified=datetime(2026, 1, 5, tzinfo=UTC)),)


def test_a_sitemap_index_gives_its_children_newest_first() -> None:
    found = discover(
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        "<sitemap><loc>https://post.example/s1.xml</loc><lastmod>2025-12-01</lastmod></sitemap>"
        "<sitemap><loc>https://post.example/s2.xml</loc></sitemap>"
        "<sitemap><loc>/s3.xml.gz</loc><lastmod>2026-01-01</lastmod></sitemap></sitemapindex>"
    )
    assert found.children == (
        "https://post.example/s3.xml.gz",
        "https://post.example/s1.xml",
        "https://post.example/s2.xml",
    )
    assert found.references == ()


def test_a_gzipped_sitemap_is_told_by_its_bytes() -> None:
    assert discover(gzip.compress(NEWS.encode())) == discover(NEWS)


def test_a_gzipped_sitemap_of_several_members_is_read() -> None:
    half = len(NEWS) // 2
    assert discover(gzip.compress(NEWS[:half].encode()) + gzip.compress(NEWS[half:].encode())) == discover(NEWS)


def urlset(count: int) -> bytes:
    rows = "".join(f"<url><loc>https://post.example/{n * 7919}/quay</loc></url>" for n in range(count))
    return f"<urlset>{rows}</urlset>".encode()


def test_a_gzip_file_that_breaks_off_gives_what_came_before() -> None:
    packed = gzip.compress(urlset(5_000))
    found = discover(packed[: len(packed) // 2])
    assert found.truncated
    assert 100 < len(found.references) < 5_000
    assert found.faults[0] == "the gzip data break off"


def test_broken_gzip_data_give_what_came_before() -> None:
    packed = bytearray(gzip.compress(urlset(50_000)))
    for place in range(len(packed) // 2, len(packed) // 2 + 64):
        packed[place] ^= 0xFF
    found = discover(bytes(packed))
    assert found.truncated
    assert found.references[0].url == "https://post.example/0/quay"


def test_a_gzip_bomb_is_read_for_10_megabytes_only() -> None:
    bomb = gzip.compress(b"<urlset><url><loc>https://post.example/a</loc></url>" + b" " * 100_000_000, compresslevel=1)
    found = discover(bomb)
    assert len(found.references) == 1
    assert found.faults == ("only the first 10 MB are read",)


def test_a_list_of_urls_gives_each_once() -> None:
    found = discover("https://post.example/a\r\n\r\nhttps://post.example/b\nhttps://post.example/a\n")
    assert [one.url for one in found.references] == ["https://post.example/a", "https://post.example/b"]


def test_a_sitemap_with_a_bare_ampersand_is_read() -> None:
    found = discover("<urlset><url><loc>https://post.example/?p=1&q=2</loc></url></urlset>")
    assert found.references[0].url == "https://post.example/?p=1&q=2"
