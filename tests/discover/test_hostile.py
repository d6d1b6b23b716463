"""Whatever bytes a server sends, the answer is a Discovery or one line."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import urls
from crawler.discover import read
from crawler.errors import DiscoverError
from crawler.model import Discovery, RawDocument, SourceKind

PIECES = """
<?xml~version='1.0'?> <rss> <channel> <item> <title> x </title> <link> https://a.example/b </link> </item>
</channel> </rss>
<feed> <entry> <link~href=' '/> </entry> </feed> <![CDATA[ ]]> <!-- --> <!DOCTYPE~x~[ ]> & &amp; &nbsp; <a:b>
<urlset> <url>
<loc> </loc> </url> </urlset> <sitemapindex> <sitemap> { "items": [ ] } "url":" <html> </a> <pubDate> 0 xml:base='http://['
<a~href='/2026/01/one-two-three-four'>
"""
RAW = [b"\x00", b"\xff", b"\xc3", b" ", b"\n", b"\x1f\x8b", b"\xfe\xff"]
ALL = [piece.replace("~", " ").encode() for piece in PIECES.split()] + RAW


@settings(max_examples=300)
@given(st.lists(st.sampled_from(ALL), max_size=40).map(b"".join) | st.binary(max_size=200), st.sampled_from(SourceKind))
def test_any_bytes_end_in_a_discovery_or_one_line(body: bytes, kind: SourceKind) -> None:
    found: Discovery | None = None
    message = ""
    try:
        found = read(RawDocument("https://post.example/feed", body), kind)
    except DiscoverError as error:
        message = str(error)
    assert "\n" not in message
    if found is not None:
        assert kind in {SourceKind.AUTO, found.kind}
        assert all(urls.normalize(reference.url) == reference.url for reference in found.references)
        assert all("\n" not in line for line in found.faults)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
FEED = "<rss><channel><item><title>{}</title><link>https://post.example/a</link></item></channel></rss>"
MAP = "<urlset><url><loc>https://post.example/a</loc></url>{}</urlset>"
ENTITIES = {
    "a billion laughs": f'<!DOCTYPE rss [<!ENTITY l0 "ha">{LAUGHS}]>{FEED.format("&l9;")}',
    "quadratic": f'<!DOCTYPE rss [<!ENTITY a "{"x" * 100_000}">]>{FEED.format("&a;" * 20_000)}',
    "a file": f'<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/hostname">]>{FEED.format("&a;")}',
    "a parameter": f'<!DOCTYPE rss [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;]>{FEED.format("x")}',
    "another DTD": f'<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">{FEED.format("&a;")}',
    "hidden behind a comment": f'<!DOCTYPE rss [<!-- ] --> <!ENTITY a "{"x" * 1_000}">]>{FEED.format("&a;" * 9)}',
    "hidden in a value": f'<!DOCTYPE rss [<!ATTLIST a b CDATA "]"> <!ENTITY a "{"x" * 1_000}">]>{FEED.format("&a;")}',
    "in a sitemap": f'<!DOCTYPE urlset [<!ENTITY l0 "ha">{LAUGHS}]>{MAP.format("<url><loc>&l9;</loc></url>")}',
}
LABOURS = {
    "depth": MAP.format("<a>" * 100_000),
    "attributes": MAP.format("<a " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>"),
    "namespaces": MAP.format("".join(f'<a xmlns:n{n}="u{n}"/>' for n in range(50_000))),
    "nested namespaces": MAP.format("".join(f'<n{n}:a xmlns:n{n}="u{n}">' for n in range(250))),
    "open tags": MAP.format("<" * 500_000),
    "ampersands": MAP.format("&" * 500_000),
    "half references": MAP.format("&#1" * 300_000),
    "open comments": MAP.format("<!--" * 200_000),
    "open sections": MAP.format("<![CDATA[" * 100_000),
    "blanks": " " * 5_000_000 + MAP.format(""),
    "declarations": "<?x?>" * 500_000 + MAP.format(""),
    "a long text": MAP.format(f"<url><loc>https://post.example/{'x' * 5_000_000}</loc></url>"),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", ENTITIES)
def test_entities_of_a_document_are_neither_expanded_nor_looked_up(name: str, encoding: str) -> None:
    began = time.process_time()
    try:
        found = read(RawDocument("https://post.example/feed", ENTITIES[name].encode(encoding)))
    except DiscoverError:
        found = None
    assert time.process_time() - began < 2.0
    for reference in found.references if found is not None else ():
        assert "haha" not in reference.title
        assert "xxx" not in reference.title
        assert len(reference.title) < 500


@pytest.mark.parametrize("name", LABOURS)
def test_mark_up_made_to_be_laborious_is_not(name: str) -> None:
    began = time.process_time()
    try:
        found = read(RawDocument("https://post.example/map", LABOURS[name].encode()), SourceKind.SITEMAP)
    except DiscoverError:
        found = None
    assert time.process_time() - began < 3.0
    assert found is None or {reference.url for reference in found.references} <= {"https://post.example/a"}
