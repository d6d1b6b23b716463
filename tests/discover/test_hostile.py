"""Whatever bytes a server sends, the answer is a Discovery or one line."""

from __future__ import annotations

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
