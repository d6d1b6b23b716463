from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler import urls
from crawler.model import Article, Removal, Role
from crawler.originals import Fault, Format, Item, read

MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)

NITF = """<nitf xml:lang="en"><head><title>Quay closed</title>
<docdata management-status="usable"><doc-id id-string="QUAY-1"/><date.issue norm="20260105T090000+0100"/>
<doc.copyright year="2026" holder="Harbour Media"/></docdata>
<pubdata name="The Quay" position.section="Business"/></head>
<body><body.head><hedline><hl1>Quay closed after <em>crane</em> fault</hl1><hl2>Barges wait</hl2></hedline>
<byline>By Ida Mell and Ole Brandt<byttl>Staff writers</byttl></byline>
<dateline><location>MOLE TOWN</location></dateline></body.head>
<body.content><block><p>The harbour office closed quay&nbsp;seven on Monday.</p>
<media media-type="image"><media-caption>A crane at dawn</media-caption></media>
<p>A crane<br/>stopped.</p></block><block><hl2>What next</hl2><p>Barges wait &amp; wait.</p>
<table><tr><td>7</td></tr></table></block></body.content></body></nitf>"""

TEXT = "The harbour office closed quay seven on Monday.\n\nA crane stopped.\n\nWhat next\n\nBarges wait & wait."


def news_item(
    content: str = f'<inlineXML contenttype="application/nitf+xml">{NITF}</inlineXML>',
    *,
    guid: str = 'guid="tag:quay.example,2026:1"',
    status: str = "stat:usable",
    item_class: str = "ninat:text",
    created: str = "2026-01-05T08:05:00Z",
) -> str:
    return f"""<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" {guid} version="3" xml:lang="en">
<rightsInfo><copyrightNotice>© 2026 Harbour Media</copyrightNotice></rightsInfo>
<itemMeta><itemClass qcode="{item_class}"/><provider literal="Harbour Media"/>
<versionCreated>{created}</versionCreated><firstCreated>2026-01-05T08:00:00Z</firstCreated>
<pubStatus qcode="{status}"/></itemMeta>
<contentMeta><headline>Quay closed</headline><by>Ida Mell</by><creditline>Mole News Agency</creditline>
<language tag="en-GB"/></contentMeta><contentSet>{content}</contentSet></newsItem>"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "delivery.xml"
    path.write_text(text, encoding="utf-8")
    return path


def items(tmp_path: Path, text: str, publisher: str = "") -> list[Item]:
    return list(read(write(tmp_path, text), publisher=publisher))


@pytest.mark.parametrize("head", ["", "<?xml version='1.0'?>\n", '<!DOCTYPE nitf SYSTEM "nitf-3-4.dtd">\n'])
def test_a_nitf_file_becomes_an_article(tmp_path: Path, head: str) -> None:
    assert items(tmp_path, head + NITF, "Harbour Media") == [
        Article(
            id=urls.vendor_article_id("Harbour Media", "QUAY-1"),
            url="nitf:QUAY-1",
            role=Role.ORIGIN,
            publisher="Harbour Media",
            title="Quay closed after crane fault",
            text=TEXT,
            byline=("Ida Mell", "Ole Brandt"),
            published=MORNING,
            modified=MORNING,
            language="en",
            captions=("A crane at dawn",),
            copyright="© 2026 Harbour Media",
            vendor_id="QUAY-1",
            section="Business",
        )
    ]


def test_a_canceled_nitf_file_is_a_removal(tmp_path: Path) -> None:
    assert items(tmp_path, NITF.replace('status="usable"', 'status="canceled"')) == [Removal("QUAY-1", None, MORNING)]


def test_a_news_item_with_inline_nitf_becomes_an_article(tmp_path: Path) -> None:
    assert items(tmp_path, news_item()) == [
        Article(
            id=urls.vendor_article_id("Harbour Media", "tag:quay.example,2026:1"),
            url="newsml:tag:quay.example,2026:1",
            role=Role.ORIGIN,
            publisher="Harbour Media",
            title="Quay closed",
            text=TEXT,
            byline=("Ida Mell",),
            published=MORNING,
            modified=datetime(2026, 1, 5, 8, 5, tzinfo=UTC),
            language="en-GB",
            captions=("A crane at dawn",),
            copyright="© 2026 Harbour Media",
            vendor_id="tag:quay.example,2026:1",
            credit="Mole News Agency",
        )
    ]


@pytest.mark.parametrize(
    "content",
    [
        '<inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml"><head/>'
        "<body><h2>What next</h2><p>Barges wait.</p><blockquote><p>For how long?</p><p>Long.</p></blockquote>"
        "<div>Loose <b>end</b></div></body></html></inlineXML>",
        '<inlineXML><html xmlns="http://www.w3.org/1999/xhtml"><body>What next<p>Barges wait.</p>'
        "<ul><li>For how long?</li><li><p>Long.</p></li></ul>Loose end</body></html></inlineXML>",
        '<remoteContent href="x.jpg"/><inlineData contenttype="text/plain">What next\n\nBarges wait.\n\n'
        "For how long?\n\nLong.\n\nLoose end</inlineData>",
    ],
)
def test_xhtml_and_plain_text_are_read_paragraph_by_paragraph(tmp_path: Path, content: str) -> None:
    (article,) = items(tmp_path, news_item(content))
    assert isinstance(article, Article)
    assert article.text == "What next\n\nBarges wait.\n\nFor how long?\n\nLong.\n\nLoose end"


@pytest.mark.parametrize("status", ["stat:canceled", "stat:withheld", "canceled"])
def test_a_canceled_or_withheld_item_is_a_removal(tmp_path: Path, status: str) -> None:
    assert items(tmp_path, news_item(status=status)) == [
        Removal("tag:quay.example,2026:1", None, datetime(2026, 1, 5, 8, 5, tzinfo=UTC))
    ]


def test_a_removal_without_a_time_has_that_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, news_item(status="stat:canceled", created=""))
    os.utime(path, (MORNING.timestamp(), MORNING.timestamp()))
    assert list(read(path)) == [Removal("tag:quay.example,2026:1", None, MORNING)]


def message(*parts: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><header/>'
        f"<itemSet>{''.join(parts)}</itemSet></newsMessage>"
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("<packageItem guid='p'><itemMeta/></packageItem>", "skipped: a packageItem holds no text of its own"),
        (news_item(guid=""), "guid: expected the item's id"),
        (news_item(item_class="ninat:picture"), "skipped: an item of class picture, not a text"),
        (news_item(""), "contentSet: expected inline NITF, XHTML or plain text"),
        (news_item(created="just now"), "versionCreated: expected a time"),
    ],
)
def test_a_bad_item_of_a_message_is_one_fault_and_the_rest_goes_in(tmp_path: Path, bad: str, reason: str) -> None:
    nitf_free = news_item("<inlineData>Barges wait.</inlineData>")
    first, fault, last = items(tmp_path, message(nitf_free, bad.replace("&nbsp;", " "), nitf_free))
    assert isinstance(first, Article)
    assert isinstance(last, Article)
    assert isinstance(fault, Fault)
    assert fault.item == 2
    assert fault.reason.startswith(reason)


def test_a_message_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    whole = message(news_item(), news_item())
    first, fault = items(tmp_path, whole[: len(whole) * 3 // 4])
    assert isinstance(first, Article)
    assert isinstance(fault, Fault)
    assert fault.item == 2
    assert fault.reason.startswith("expected well-formed XML")


@pytest.mark.parametrize("root", ["nitf", "newsItem"])
@pytest.mark.parametrize(
    "subset",
    [
        '<!ENTITY a "wave"><!ENTITY b "&a;&a;&a;">',
        '<!ENTITY f SYSTEM "file:///etc/passwd">',
        '<!ENTITY % p SYSTEM "x">',
    ],
)
def test_documents_that_declare_entities_are_refused(tmp_path: Path, root: str, subset: str) -> None:
    (fault,) = items(tmp_path, f"<!DOCTYPE {root} [{subset}]><{root}><p>&b;&f;</p></{root}>")
    assert isinstance(fault, Fault)
    assert fault.reason == "the document declares XML entities, which are not read"


def test_nesting_is_bounded(tmp_path: Path) -> None:
    (fault,) = items(tmp_path, "<nitf>" + "<block>" * 50_000)
    assert isinstance(fault, Fault)
    assert fault.reason == "expected at most 200 levels of elements"


@pytest.mark.parametrize("kind", [Format.NITF, Format.NEWSML])
def test_a_document_without_items_is_a_fault(tmp_path: Path, kind: Format) -> None:
    (fault,) = read(write(tmp_path, "<other/>"), kind)
    assert isinstance(fault, Fault)
    assert fault.reason.startswith("expected an element n")


@pytest.mark.parametrize("damage", ['<doc-id id-string="QUAY-1"/>', "body.content"])
def test_a_nitf_file_without_its_number_or_text_is_a_fault(tmp_path: Path, damage: str) -> None:
    (fault,) = items(tmp_path, NITF.replace(damage, "" if damage.startswith("<") else "other"))
    assert isinstance(fault, Fault)
