"""Lists of sources as other programs write them, and our own there and back."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.discover import opml
from crawler.discover.opml import BadOutline, NotOpml, Outline, read_opml, write_opml
from crawler.model import Role, Source, SourceKind

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = (
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn")), min_size=1, max_size=60)
    .map(str.strip)
    .filter(bool)
)


def source(name: str = "Post", **other: object) -> Source:
    fields = {"url": "https://post.example/feed", "role": Role.AGGREGATOR, "publisher": name, **other}
    return Source(name=name, **fields)  # type: ignore[arg-type]


def outlines(text: str, encoding: str = "utf-8") -> list[Outline | BadOutline]:
    return list(read_opml(text.encode(encoding)))


@settings(max_examples=60, deadline=None)
@given(NAMES, NAMES, st.sampled_from(Role), st.sampled_from(SourceKind), st.booleans())
def test_any_source_comes_back_as_it_was_written(
    name: str, publisher: str, role: Role, kind: SourceKind, fetch_pages: bool
) -> None:
    url = "https://post.example/feed?a=1&b='2'"
    given = source(name, url=url, publisher=publisher, role=role, kind=kind, fetch_pages=fetch_pages, interval=90.5)
    (found,) = outlines(write_opml([(given, None)], "Mine", NOW))
    ours = {
        "role": role.value,
        "publisher": publisher,
        "kind": kind.value,
        "interval": "90.5",
        "fetch_pages": "true" if fetch_pages else "false",
    }
    assert found == Outline(1, url, name, ours)


def test_what_no_xml_can_hold_is_left_out_of_names() -> None:
    (found,) = outlines(write_opml([(source("A\x00B\x1b\ufffe C"), None)], "\x07", NOW))
    assert isinstance(found, Outline)
    assert found.name == "AB C"


def test_secrets_and_the_right_to_hand_on_are_neither_written_nor_read() -> None:
    held = source(headers_env={"Authorization": "PARTNER_TOKEN"}, redistribute=True)
    text = write_opml([(held, None)], "Mine", NOW)
    assert "PARTNER_TOKEN" not in text
    assert "redistribute" not in text
    taken = text.replace("wiretrace:role", 'wiretrace:headersEnv="{}" wiretrace:redistribute="true" wiretrace:role')
    (found,) = outlines(taken)
    assert isinstance(found, Outline)
    assert set(found.ours) == {"role", "publisher", "kind", "interval", "fetch_pages"}


def test_only_feeds_are_called_rss() -> None:
    text = write_opml([(source(), SourceKind.LISTING), (source(), None)], "Mine", NOW)
    assert text.count('type="link"') == text.count('type="rss"') == 1


def test_attributes_of_any_case_and_of_other_programs_are_no_matter() -> None:
    (found,) = outlines(
        '<opml><body><outline XMLURL=" https://a.example/feed " TEXT="A" x:role="origin" xmlns:x="https://x.example/" '
        'role="release"/></body></opml>'
    )
    assert found == Outline(1, "https://a.example/feed", "A", {})


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (
            '<?xml version="1.0" encoding="windows-1252"?><opml><body><outline text="Süd" xmlUrl="u"/></body></opml>',
            "cp1252",
        ),
        ('<?xml version="1.0" encoding="utf-16"?><opml><body><outline text="Süd" xmlUrl="u"/></body></opml>', "utf-16"),
        ('\ufeff<opml><body><outline text="S&uuml;d" xmlUrl="u"/></body></opml>', "utf-8"),
        ('<!DOCTYPE opml SYSTEM "opml.dtd"><opml><body><outline text="S&#252;d" xmlUrl="u"/></body></opml>', "utf-8"),
    ],
    ids=["windows", "utf-16", "names", "doctype"],
)
def test_encodings_and_entities_of_real_lists(text: str, encoding: str) -> None:
    assert outlines(text, encoding) == [Outline(1, "u", "Süd", {})]


def test_a_bare_ampersand_is_mended() -> None:
    (found,) = outlines('<opml><body><outline text="R & D" xmlUrl="https://a.example/?a=1&b=2&amp;c"/></body></opml>')
    assert found == Outline(1, "https://a.example/?a=1&b=2&c", "R & D", {})


def test_a_folder_is_no_entry_and_an_empty_one_is_told() -> None:
    text = '<opml><body><outline text="F"><outline text="A" xmlUrl="u"/></outline><outline text="E"/></body></opml>'
    assert outlines(text) == [Outline(2, "u", "A", {}), BadOutline(3, "expected an xmlUrl, 'E' has none")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "expected well-formed XML"),
        (b"\x00" * 50, "expected well-formed XML"),
        (b'<?xml version="1.0" encoding="martian"?><opml/>', "encoding"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><opml>&b;</opml>', "declares XML entities"),
        (b"<opml>" + b"<a>" * 500, "at most 100 levels"),
        (b"<opml>" + b"<outline/>" * 20_001 + b"</opml>", "at most 20,000 outlines"),
        (b"x" * (opml.MAX_BYTES + 1), "at most 20 MB"),
    ],
    ids=["empty", "binary", "encoding", "entities", "deep", "many", "large"],
)
def test_a_hostile_list_is_refused_in_words_and_in_no_time(data: bytes, expected: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(NotOpml, match=expected):
        list(read_opml(data))
    assert time.perf_counter() - begun < 3


def test_a_long_attribute_is_cut() -> None:
    (found,) = outlines(f'<opml><body><outline text="{"x" * 100_000}" xmlUrl="u"/></body></opml>')
    assert isinstance(found, Outline)
    assert len(found.name) < 3_000
