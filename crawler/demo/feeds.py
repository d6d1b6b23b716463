"""The documents by which sites announce their stories, each format as its sites write it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # of a feed without entries


@dataclass(frozen=True, slots=True)
class Entry:
    """One announced story. `content_html` is its full text where the feed carries it."""

    title: str
    url: str
    published: datetime
    teaser: str = ""
    byline: tuple[str, ...] = ()
    publisher: str = ""
    content_html: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """Whose feed it is and where it lies."""

    title: str
    home: str
    url: str


def rss2(channel: Channel, entries: Sequence[Entry]) -> bytes:
    """RSS 2.0 (https://www.rssboard.org/rss-specification) with the Dublin Core, content and Atom modules."""
    items = "\n".join(
        f"""    <item>
      <title>{escape(entry.title)}</title>
      <link>{escape(entry.url)}</link>
      <guid isPermaLink="true">{escape(entry.url)}</guid>
      <pubDate>{format_datetime(entry.published)}</pubDate>
{_lines("dc:creator", entry.byline)}{_lines("dc:publisher", [entry.publisher])}{_description(entry)}\
{_content(entry)}    </item>"""
        for entry in entries
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom">
  <channel>
    <title>{escape(channel.title)}</title>
    <link>{escape(channel.home)}/</link>
    <description>{escape(channel.title)}</description>
    <atom:link href="{escape(channel.url)}" rel="self" type="application/rss+xml"/>
    <language>en-us</language>
    <lastBuildDate>{format_datetime(_newest(entries))}</lastBuildDate>
    <ttl>15</ttl>
{items}
  </channel>
</rss>
""".encode()


def rss1(channel: Channel, entries: Sequence[Entry]) -> bytes:
    """RSS 1.0 (https://web.resource.org/rss/1.0/spec), which is RDF: items stand beside their channel."""
    listed = "\n".join(f'        <rdf:li rdf:resource="{escape(entry.url)}"/>' for entry in entries)
    items = "\n".join(
        f"""  <item rdf:about="{escape(entry.url)}">
    <title>{escape(entry.title)}</title>
    <link>{escape(entry.url)}</link>
    <description>{escape(entry.teaser)}</description>
    <dc:date>{_iso(entry.published)}</dc:date>
{_lines("dc:creator", entry.byline)}  </item>"""
        for entry in entries
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" \
xmlns:dc="http://purl.org/dc/elements/1.1/">
  <channel rdf:about="{escape(channel.url)}">
    <title>{escape(channel.title)}</title>
    <link>{escape(channel.home)}/</link>
    <description>{escape(channel.title)}</description>
    <items>
      <rdf:Seq>
{listed}
      </rdf:Seq>
    </items>
  </channel>
{items}
</rdf:RDF>
""".encode()


def atom(channel: Channel, entries: Sequence[Entry]) -> bytes:
    """Atom (RFC 4287) with summaries only."""
    items = "\n".join(
        f"""  <entry>
    <id>{escape(entry.url)}</id>
    <title type="text">{escape(entry.title)}</title>
    <link rel="alternate" type="text/html" href="{escape(entry.url)}"/>
    <published>{_iso(entry.published)}</published>
    <updated>{_iso(entry.published)}</updated>
    <summary type="html">{escape(f"<p>{escape(entry.teaser)}</p>")}</summary>
{_authors(entry)}  </entry>"""
        for entry in entries
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
  <id>{escape(channel.url)}</id>
  <title>{escape(channel.title)}</title>
  <author><name>{escape(channel.title)}</name></author>
  <link rel="self" href="{escape(channel.url)}"/>
  <link rel="alternate" type="text/html" href="{escape(channel.home)}/"/>
  <updated>{_iso(_newest(entries))}</updated>
{items}
</feed>
""".encode()


def json_feed(channel: Channel, entries: Sequence[Entry]) -> bytes:
    """JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/) with summaries only."""
    table = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "home_page_url": f"{channel.home}/",
        "feed_url": channel.url,
        "language": "en",
        "items": [
            {
                "id": entry.url,
                "url": entry.url,
                "title": entry.title,
                "summary": entry.teaser,
                "date_published": _iso(entry.published),
                "authors": [{"name": name} for name in entry.byline],
            }
            for entry in entries
        ],
    }
    return json.dumps(table, ensure_ascii=False, indent=1).encode()


def news_sitemap(publication: str, entries: Sequence[Entry]) -> bytes:
    """A sitemap with Google's news extension (https://www.sitemaps.org/protocol.html)."""
    items = "\n".join(
        f"""  <url>
    <loc>{escape(entry.url)}</loc>
    <lastmod>{_iso(entry.published)}</lastmod>
    <news:news>
      <news:publication><news:name>{escape(publication)}</news:name><news:language>en</news:language></news:publication>
      <news:publication_date>{_iso(entry.published)}</news:publication_date>
      <news:title>{escape(entry.title)}</news:title>
    </news:news>
  </url>"""
        for entry in entries
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" \
xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
{items}
</urlset>
""".encode()


def sitemap_index(children: Sequence[tuple[str, datetime]]) -> bytes:
    """A sitemap of sitemaps; `children` are (URL, time of the last change)."""
    items = "\n".join(
        f"  <sitemap><loc>{escape(url)}</loc><lastmod>{_iso(modified)}</lastmod></sitemap>"
        for url, modified in children
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{items}
</sitemapindex>
""".encode()


def _lines(tag: str, texts: Iterable[str]) -> str:
    return "".join(f"      <{tag}>{escape(text)}</{tag}>\n" for text in texts if text)


def _authors(entry: Entry) -> str:
    return "".join(f"    <author><name>{escape(name)}</name></author>\n" for name in entry.byline)


def _description(entry: Entry) -> str:
    return f"      <description>{escape(escape(entry.teaser))}</description>\n"  # HTML inside XML


def _content(entry: Entry) -> str:
    if not entry.content_html:
        return ""
    whole = entry.content_html.replace("]]>", "]]]]><![CDATA[>")
    return f"      <content:encoded><![CDATA[{whole}]]></content:encoded>\n"


def _newest(entries: Sequence[Entry]) -> datetime:
    return max((entry.published for entry in entries), default=_NEVER)


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
