from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from crawler.discover import read
from crawler.errors import DiscoverError
from crawler.model import Discovery, RawDocument, Reference, SourceKind

URL = "https://post.example/feeds/all"


def discover(text: str | bytes, kind: SourceKind = SourceKind.AUTO, charset: str | None = None) -> Discovery:
    body = text.encode() if isinstance(text, str) else text
    return read(RawDocument(url=URL, body=body, charset=charset), kind)


def rss(items: str, head: str = "") -> str:
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" '
        'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0">'
        f"<channel><title>Harbour Post</title>{head}{items}</channel></rss>"
    )


def item(inner: str = "", link: str = "https://post.example/2026/quay-closed") -> str:
    return f"<item><title>Quay closed</title><link>{link}</link>{inner}</item>"


def only(discovery: Discovery) -> Reference:
    (reference,) = discovery.references
    return reference


def test_an_rss_2_item_gives_all_fields() -> None:
    found = discover(
        rss(
            item(
                "<pubDate>Mon, 05 Jan 2026 08:00:00 +0100</pubDate>"
                "<dcterms:modified>2026-01-05T09:30:00Z</dcterms:modified>"
                "<dc:creator>By Ida Mell and Ole Brandt</dc:creator>"
                "<description><![CDATA[<p>Barges &amp; tugs\n wait.</p>]]></description>"
                "<content:encoded><![CDATA[<p>Barges wait off the quay.</p>]]></content:encoded>"
            ),
            head="<link>https://post.example/</link><language>en-gb</language>",
        )
    )
    assert found.kind is SourceKind.FEED
    assert found.title == "Harbour Post"
    assert found.faults == ()
    assert only(found) == Reference(
        url="https://post.example/2026/quay-closed",
        title="Quay closed",
        published=datetime(2026, 1, 5, 7, tzinfo=UTC),
        modified=datetime(2026, 1, 5, 9, 30, tzinfo=UTC),
        byline=("Ida Mell", "Ole Brandt"),
        teaser="Barges & tugs wait.",
        content_html="<p>Barges wait off the quay.</p>",
        language="en-GB",
    )


def test_an_atom_entry_gives_all_fields() -> None:
    reference = only(
        discover(
            '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>Kai</title><entry>'
            '<title type="html">Kai &amp;lt;b&amp;gt; &lt;i&gt;gesperrt&lt;/i&gt;</title>'
            "<id>tag:kai.example,2026:1</id>"
            '<link rel="self" href="https://post.example/entry/1.atom"/>'
            '<link rel="alternate" type="text/html" href="/2026/kai-gesperrt"/>'
            "<published>2026-01-05T08:00:00Z</published><updated>2026-01-06T08:00:00Z</updated>"
            "<author><name>Ida Mell</name></author><author><name>Ole Brandt</name></author>"
            '<summary>Schiffe warten</summary><content type="html">&lt;p&gt;Schiffe warten am Kai.&lt;/p&gt;</content>'
            "</entry></feed>"
        )
    )
    assert reference == Reference(
        url="https://post.example/2026/kai-gesperrt",
        title="Kai <b> gesperrt",
        published=datetime(2026, 1, 5, 8, tzinfo=UTC),
        modified=datetime(2026, 1, 6, 8, tzinfo=UTC),
        byline=("Ida Mell", "Ole Brandt"),
        teaser="Schiffe warten",
        content_html="<p>Schiffe warten am Kai.</p>",
        language="de",
    )


def test_an_atom_entry_with_updated_alone_has_no_published_time() -> None:
    reference = only(
        discover(
            '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="https://post.example/a"/>'
            "<updated>2026-01-06T08:00:00Z</updated></entry></feed>"
        )
    )
    assert (reference.published, reference.modified) == (None, datetime(2026, 1, 6, 8, tzinfo=UTC))


def test_atom_03_is_read() -> None:
    reference = only(
        discover(
            '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>t</title><entry><title>Quay</title>'
            '<link rel="alternate" type="text/html" href="https://post.example/a"/>'
            "<issued>2026-01-05T08:00:00Z</issued><modified>2026-01-06T08:00:00Z</modified></entry></feed>"
        )
    )
    assert reference.published == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert reference.modified == datetime(2026, 1, 6, 8, tzinfo=UTC)


def test_rss_1_items_beside_the_channel_are_read() -> None:
    found = discover(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://post.example/"><title>Post</title>'
        '<link>https://post.example/</link></channel><item rdf:about="https://post.example/a"><title>Quay</title>'
        "<link>https://post.example/a</link><dc:date>2026-01-05T08:00:00+01:00</dc:date></item></rdf:RDF>"
    )
    assert found.title == "Post"
    assert only(found).published == datetime(2026, 1, 5, 7, tzinfo=UTC)


def test_rss_091_with_its_doctype_is_read() -> None:
    found = discover(
        '<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Harbour//DTD RSS 0.91//EN" "https://post.example/rss-0.91.dtd">'
        '<rss version="0.91"><channel><title>t</title>' + item() + "</channel></rss>"
    )
    assert only(found).title == "Quay closed"


def test_a_json_feed_gives_all_fields() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Harbour Post",
        "language": "en",
        "items": [
            {
                "id": "1",
                "url": "https://post.example/a",
                "title": "Quay closed",
                "summary": "Barges wait",
                "content_html": "<p>Barges wait.</p>",
                "date_published": "2026-01-05T08:00:00+01:00",
                "date_modified": "2026-01-05T09:00:00Z",
                "authors": [{"name": "Ida Mell"}, {"name": "Ole Brandt"}],
            }
        ],
    }
    assert only(discover(json.dumps(feed))) == Reference(
        url="https://post.example/a",
        title="Quay closed",
        published=datetime(2026, 1, 5, 7, tzinfo=UTC),
        modified=datetime(2026, 1, 5, 9, tzinfo=UTC),
        byline=("Ida Mell", "Ole Brandt"),
        teaser="Barges wait",
        content_html="<p>Barges wait.</p>",
        language="en",
    )


def test_a_json_feed_that_breaks_off_gives_the_items_before() -> None:
    text = (
        '{"version": "https://jsonfeed.org/version/1", "items": [{"url": "https://post.example/a"}, {"url": "https://po'
    )
    found = discover(text)
    assert found.truncated
    assert only(found).url == "https://post.example/a"


def test_a_json_item_that_is_no_object_is_a_fault() -> None:
    found = discover('{"version": "https://jsonfeed.org/version/1", "items": [7, {"url": "https://post.example/a"}]}')
    assert len(found.references) == 1
    assert found.faults == ("entry 1: expected an object, got int",)


@pytest.mark.parametrize(
    "text",
    [
        rss(""),
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Harbour Post</title></feed>',
        '{"version": "https://jsonfeed.org/version/1", "title": "Harbour Post", "items": []}',
        '<rss version="2.0"/>',
    ],
)
def test_a_valid_feed_without_entries_is_an_empty_discovery(text: str) -> None:
    found = discover(text)
    assert (found.kind, found.references, found.faults, found.truncated) == (SourceKind.FEED, (), (), False)


def test_a_truncated_feed_gives_what_came_before_the_break() -> None:
    whole = rss("".join(item(link=f"https://post.example/story-{n}") for n in range(10)))
    found = discover(whole[: whole.index("story-6") + 5])  # in the middle of a URL
    assert [one.url[-1] for one in found.references] == list("012345")
    assert found.truncated
    assert found.faults == ("the document breaks off",)


def test_a_feed_that_breaks_off_in_its_first_entry_gives_none() -> None:
    found = discover(rss(item())[:-60])
    assert found.references == ()
    assert found.truncated


def test_a_bare_ampersand_stays_in_the_link() -> None:
    found = discover(rss(item(link="https://post.example/a?x=1&y=2") + item()))
    assert [one.url for one in found.references] == [
        "https://post.example/a?x=1&y=2",
        "https://post.example/2026/quay-closed",
    ]
    assert len(found.faults) == 1
    assert found.faults[0].startswith("not well-formed")


def test_an_escaped_ampersand_within_cdata_is_one_ampersand() -> None:
    found = discover(rss(item(link="<![CDATA[https://post.example/a?x=1&amp;y=2]]>")))
    assert only(found).url == "https://post.example/a?x=1&y=2"


def test_html_entities_and_control_characters_are_mended() -> None:
    found = discover(
        rss("<item><title>Caf&eacute;&nbsp;\x0bquay&rsquo;s</title><link>https://post.example/a</link></item>")
    )
    assert only(found).title == "Café quay’s"


def test_items_after_unclosed_html_are_found() -> None:
    found = discover(rss(item("<description><p>Barges<br>wait</description>") + item(link="https://post.example/b")))
    assert [one.url for one in found.references] == ["https://post.example/2026/quay-closed", "https://post.example/b"]


def test_full_text_of_an_undeclared_prefix_is_found() -> None:
    text = (
        "<rss><channel>" + item("<content:encoded><![CDATA[<p>All of it</p>]]></content:encoded>") + "</channel></rss>"
    )
    assert only(discover(text)).content_html == "<p>All of it</p>"


def test_notices_before_the_document_are_skipped() -> None:
    assert only(discover("<br />\n<b>Warning</b>: disk full\n" + rss(item()))).title == "Quay closed"


def test_xhtml_content_becomes_html() -> None:
    reference = only(
        discover(
            '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:x="http://www.w3.org/1999/xhtml"><entry>'
            '<link href="https://post.example/a"/><content type="xhtml">'
            "<x:div><x:p>Barges <x:b>wait</x:b></x:p></x:div>"
            "</content></entry></feed>"
        )
    )
    assert reference.content_html == "<div><p>Barges <b>wait</b></p></div>"


def test_content_of_another_media_type_is_left_out() -> None:
    text = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="https://post.example/a"/>'
        '<content type="image/png">aGFyYm91cg==</content></entry></feed>'
    )
    assert only(discover(text)).content_html == ""


def test_a_long_description_with_paragraphs_is_the_full_text() -> None:
    body = "&lt;p&gt;The barges wait off the quay for a tug.&lt;/p&gt;" * 40
    reference = only(discover(rss(item(f"<description>{body}</description>"))))
    assert reference.content_html.startswith("<p>The barges")
    assert len(reference.teaser) <= 2_000


def test_titles_of_pictures_are_not_the_articles() -> None:
    found = discover(rss("<item><media:title>A crane</media:title><link>https://post.example/a</link></item>"))
    assert only(found).title == ""


def test_relative_links_follow_xml_base() -> None:
    found = discover(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://quay.example/news/">'
        '<entry xml:base="2026/"><link href="closed"/></entry></feed>'
    )
    assert only(found).url == "https://quay.example/news/2026/closed"


def test_relative_links_of_rss_follow_the_channels_link() -> None:
    found = discover(rss(item(link="/2026/closed"), head="<link>https://www.quay.example/</link>"))
    assert only(found).url == "https://www.quay.example/2026/closed"


def test_the_channels_link_to_itself_is_no_base() -> None:
    head = '<atom:link rel="self" href="https://mirror.example/rss"/>'
    assert only(discover(rss(item(link="/a"), head=head))).url == "https://post.example/a"


@pytest.mark.parametrize(
    ("inner", "url"),
    [
        ("<guid>https://post.example/g</guid>", "https://post.example/g"),
        (
            "<link>https://proxy.example/x1</link><feedburner:origLink>https://post.example/o</feedburner:origLink>",
            "https://post.example/o",
        ),
        ('<atom:link rel="alternate" href="https://post.example/alt"/>', "https://post.example/alt"),
        ("<link/><guid isPermaLink='true'>https://post.example/g</guid>", "https://post.example/g"),
    ],
)
def test_the_link_is_found_where_feeds_put_it(inner: str, url: str) -> None:
    assert only(discover(rss(f"<item>{inner}</item>"))).url == url


@pytest.mark.parametrize(
    "inner",
    [
        "<title>No link</title>",
        '<guid isPermaLink="false">https://post.example/g</guid>',
        "<link>javascript:alert(1)</link>",
        "<link>https://user:secret@post.example/a</link>",
        '<atom:link rel="enclosure" href="https://post.example/a.mp3"/>',
    ],
)
def test_an_entry_without_a_usable_link_is_a_fault(inner: str) -> None:
    found = discover(rss(f"<item>{inner}</item>" + item()))
    assert len(found.references) == 1
    assert len(found.faults) == 1
    assert found.faults[0].startswith("entry 1: ") or ": " in found.faults[0]
    assert "secret" not in found.faults[0]


def test_twins_of_one_url_are_merged() -> None:
    found = discover(
        rss(
            "<item><link>https://POST.example/a#top</link><title>First</title></item>"
            "<item><link>https://post.example/a</link><title>Second</title><description>Lead</description></item>"
        )
    )
    assert (only(found).title, only(found).teaser) == ("First", "Lead")


def test_an_unreadable_date_is_a_fault_and_the_entry_is_kept() -> None:
    found = discover(rss(item("<pubDate>next Tuesday</pubDate>")))
    assert only(found).published is None
    assert found.faults == ("entry 1: expected a date, got 'next Tuesday'",)


def test_faults_are_bounded() -> None:
    found = discover(rss("<item><title>x</title></item>" * 150))
    assert len(found.faults) == 101
    assert found.faults[-1] == "and 50 more"


def test_entries_are_bounded() -> None:
    found = discover(rss("".join(f"<item><link>https://post.example/{n}</link></item>" for n in range(50_001))))
    assert len(found.references) == 50_000
    assert found.truncated


def test_the_feeds_author_stands_in_for_an_entrys() -> None:
    found = discover(
        '<feed xmlns="http://www.w3.org/2005/Atom"><author><name>Ida Mell</name></author>'
        '<entry><link href="https://post.example/a"/></entry></feed>'
    )
    assert only(found).byline == ("Ida Mell",)


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<title>Café on the “quay” closes early this winter</title>".encode("cp1252"), None),
        ("<title>Café on the “quay” closes early this winter</title>".encode("cp1252"), "iso-8859-1"),
        ("<title>Café on the “quay” closes early this winter</title>".encode("cp1252"), "utf-8"),
        ("<title>Café on the “quay” closes early this winter</title>".encode(), "iso-8859-1"),
        ("<title>Café on the “quay” closes early this winter</title>".encode(), "no-such-charset"),
    ],
)
def test_wrong_charsets_are_seen_through(body: bytes, charset: str | None) -> None:
    found = discover(
        b"<rss><channel><item><link>https://post.example/a</link>" + body + b"</item></channel></rss>", charset=charset
    )
    assert only(found).title == "Café on the “quay” closes early this winter"


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-8-sig", "iso-8859-2", "shift_jis", "iso-2022-jp", "koi8-r"]
)
def test_declared_encodings_are_read(encoding: str) -> None:
    title = {
        "shift_jis": "港の話",
        "iso-2022-jp": "港の話",
        "koi8-r": "Порт закрыт",
        "iso-8859-2": "Příběh přístavu",
    }.get(encoding, "Café")
    text = f'<?xml version="1.0" encoding="{encoding}"?><rss><channel><item><link>https://post.example/a</link><title>{title}</title></item></channel></rss>'
    assert only(discover(text.encode(encoding))).title == title


def test_one_broken_byte_in_utf_8_spoils_one_character() -> None:
    body = rss(
        item()
        + "<item><link>https://post.example/b</link><title>Ærø–Fyn–Åbo X, Skærgård på én gang — ærø</title></item>"
    ).encode()
    found = discover(body.replace(b"X", b"\xff"))
    assert found.references[1].title == "Ærø–Fyn–Åbo \ufffd, Skærgård på én gang — ærø"


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE rss [<!ENTITY e0 "wave">{ENTITIES}]>',
        f'<!DOCTYPE rss [<!ENTITY big "{"w" * 10_000}">]>',
        '<!DOCTYPE rss [<!ENTITY file SYSTEM "file:///etc/passwd">]>',
        '<!-- x --><!DOCTYPE rss [<!entity % p SYSTEM "https://evil.example/x.dtd"> %p;]>',
    ],
)
def test_documents_that_declare_entities_are_refused(doctype: str) -> None:
    with pytest.raises(DiscoverError, match="declares XML entities"):
        discover(f"<?xml version='1.0'?>{doctype}<rss>{item('<description>&e9;&big;&file;</description>')}</rss>")


def test_an_article_about_entities_is_no_attack() -> None:
    found = discover(rss(item("<description><![CDATA[write <!ENTITY x> in a <!DOCTYPE y [ ]>]]></description>")))
    assert len(found.references) == 1


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"", SourceKind.FEED, "expected a feed, got an empty document"),
        (b" \n ", SourceKind.AUTO, "expected a feed, a sitemap or a listing page, got an empty document"),
        (b"%PDF-1.7 \x00", SourceKind.AUTO, "got a PDF file"),
        (b"\x89PNG\r\n", SourceKind.AUTO, "got an image"),
        (b"<!doctype html><html><a href=/>x</a>", SourceKind.FEED, "expected a feed, got an HTML page"),
        (b"<urlset></urlset>", SourceKind.FEED, "expected a feed, got a sitemap"),
        (b"<rss></rss>", SourceKind.SITEMAP, "expected a sitemap, got a feed"),
        (b"<rss></rss>", SourceKind.LISTING, "expected a listing page, got a feed"),
        (b'{"error": "gone"}', SourceKind.AUTO, "got JSON that is no JSON Feed"),
        (
            b'{"version": "https://jsonfeed.org/version/1", "items": []}',
            SourceKind.SITEMAP,
            "expected a sitemap, got JSON",
        ),
        (b"<opml version='2.0'><body/></opml>", SourceKind.FEED, "got XML with the root element opml"),
        (b"gone fishing", SourceKind.AUTO, "got plain text"),
        (b"\x00\x01\x02" * 50, SourceKind.AUTO, "got binary data"),
        (
            b"<html><body><p>Sign in</p></body></html>",
            SourceKind.AUTO,
            "got an HTML page without links that look like articles",
        ),
        (b"https://post.example/a\n", SourceKind.FEED, "expected a feed, got a list of URLs"),
        (b"[" * 100_000, SourceKind.AUTO, "got JSON that is no JSON Feed"),
        (b"<rss>" + b"<a/>" * 1_000_001, SourceKind.AUTO, "got XML with more than 1,000,000 tags"),
    ],
)
def test_what_is_no_such_document_is_one_line_that_says_so(body: bytes, kind: SourceKind, message: str) -> None:
    with pytest.raises(DiscoverError) as caught:
        discover(body, kind)
    line = str(caught.value)
    assert line.startswith(URL + ": ")
    assert line.endswith(message)
    assert "\n" not in line


def test_ten_megabytes_of_one_tag_end_quickly_and_empty() -> None:
    found = discover(b"<rss><channel>" + b"<item>" * 900_000)
    assert found.references == ()


def test_a_feed_over_10_megabytes_gives_what_the_first_10_hold() -> None:
    big = item(f"<description>{'w' * 100_000}</description>")
    found = discover(rss(item(link="https://post.example/first") + big * 110))
    assert found.references[0].url == "https://post.example/first"
    assert found.truncated
    assert found.faults == ("only the first 10 MB are read",)
