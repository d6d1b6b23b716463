"""Deliveries in the shape in which vendors send them, whole and broken in the ways in which they come broken.

The samples are of one day of an invented paper: the same three stories, in every format.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import fastavro
import pytest

from crawler.model import Article
from crawler.originals import Fault, Item, RawOriginal, read

SAMPLES = Path(__file__).parent / "samples"
TITLES = ["Quay Closed After Crane Fault", "Ferry Line Buys Two Hulls", "Grain Price Falls for Third Week"]
MANY = ["factiva-snapshot.jsonl", "factiva-stream.jsonl", "factiva-snapshot.csv", "newsml-message.xml", "rows.jsonl"]


def of(path: Path) -> list[Item]:
    return [item for item in read(path) if not (isinstance(item, Fault) and item.skipped)]


def avro(path: Path) -> Path:
    """The JSON lines as a Snapshot's Avro."""
    rows = [json.loads(line) for line in (SAMPLES / "factiva-snapshot.jsonl").read_text().splitlines()]
    fields = [
        {"name": name, "type": ["null", "string" if isinstance(value, str) else "long"]}
        for name, value in rows[0].items()
    ]
    out = io.BytesIO()
    fastavro.writer(out, {"type": "record", "name": "article", "fields": fields}, rows, codec="deflate")
    path.write_bytes(out.getvalue())
    return path


@pytest.mark.parametrize("name", [*MANY, "avro"])
def test_a_days_delivery_gives_its_three_stories(name: str, tmp_path: Path) -> None:
    found = of(avro(tmp_path / "part-0") if name == "avro" else SAMPLES / name)
    assert [item.title for item in found if isinstance(item, Article)] == TITLES
    for number, item in enumerate(found):
        assert isinstance(item, Article)
        assert item.publisher == "The Quay"
        assert item.published is not None
        assert item.published.date() == datetime(2026, 1, 5 + number, tzinfo=UTC).date()
        assert item.text.count("\n\n") == 2
    assert "“We shall lift by hand until the part comes,” said Ida Mell" in found[0].text  # type: ignore[union-attr]


def test_codes_as_texts_and_as_lists_make_no_difference() -> None:
    assert of(SAMPLES / "factiva-snapshot.jsonl") == of(SAMPLES / "factiva-stream.jsonl")


@pytest.mark.parametrize(("name", "title"), [("nitf-story.xml", TITLES[0]), ("story.txt", TITLES[2])])
def test_a_story_that_is_a_file_is_read(name: str, title: str) -> None:
    (article,) = of(SAMPLES / name)
    assert isinstance(article, Article)
    assert (article.title, article.publisher) == (title, "The Quay")
    assert article.text.count("\n\n") == 2


def test_a_page_has_what_its_sidecar_says() -> None:
    (raw,) = of(SAMPLES / "page.html")
    assert isinstance(raw, RawOriginal)
    assert (raw.article.vendor_id, raw.article.byline) == ("QUAY-20260106-2", ("Ole Brandt",))


Break = Callable[[bytes], bytes]


def replaced(old: str, new: bytes) -> Break:
    def change(body: bytes) -> bytes:
        assert old.encode() in body
        return body.replace(old.encode(), new, 1)

    return change


SECOND_NUMBER = {
    "factiva-snapshot.jsonl": '"an": "QUAY000020260106em1500002"',
    "factiva-stream.jsonl": '"an": "QUAY000020260106em1500002"',
    "factiva-snapshot.csv": "QUAY000020260106em1500002",
    "newsml-message.xml": 'guid="urn:newsml:quay.example:20260106:2"',
    "rows.jsonl": '"url": "https://quay.example/2026/2"',
}
WITHOUT = {
    "factiva-snapshot.jsonl": b'"an": null',
    "factiva-stream.jsonl": b'"an": ""',
    "factiva-snapshot.csv": b"",
    "newsml-message.xml": b"",
    "rows.jsonl": b'"url": ""',
}


def broken(name: str, tmp_path: Path, change: Break) -> list[Item]:
    path = tmp_path / name
    path.write_bytes(change((SAMPLES / name).read_bytes()))
    return of(path)


def titles(found: list[Item]) -> list[str]:
    return [item.title for item in found if isinstance(item, Article)]


@pytest.mark.parametrize("name", MANY)
def test_an_item_without_its_number_is_told_and_the_others_go_in(name: str, tmp_path: Path) -> None:
    found = broken(name, tmp_path, replaced(SECOND_NUMBER[name], WITHOUT[name]))
    assert titles(found) == [TITLES[0], TITLES[2]]
    (fault,) = (item for item in found if isinstance(item, Fault))
    assert fault.item is not None
    assert "expected" in fault.reason


@pytest.mark.parametrize("name", MANY)
def test_an_item_in_another_encoding_is_told_and_the_others_go_in(name: str, tmp_path: Path) -> None:
    found = broken(name, tmp_path, replaced("Norderlicht", "Nörderlicht".encode("latin-1")))
    assert titles(found) == [TITLES[0], TITLES[2]]
    (fault,) = (item for item in found if isinstance(item, Fault))
    assert fault.item is not None
    assert fault.reason.startswith("expected UTF-8, got ")


@pytest.mark.parametrize("name", MANY)
def test_of_a_delivery_that_breaks_off_what_is_whole_goes_in(name: str, tmp_path: Path) -> None:
    at = (SAMPLES / name).read_bytes().index(b"Mole exchange")
    found = broken(name, tmp_path, lambda body: body[:at])
    assert titles(found) == TITLES[:2]
    assert [type(item) for item in found[2:]] == [Fault]


@pytest.mark.parametrize("name", MANY)
def test_an_item_that_stands_twice_says_the_same_twice(name: str, tmp_path: Path) -> None:
    def doubled(body: bytes) -> bytes:
        if not name.endswith(".xml"):
            first, rest = body.split(b"\n", 1)
            return first + b"\n" + rest + rest
        begin, end = body.index(b"<newsItem"), body.rindex(b"</newsItem>") + len(b"</newsItem>")
        return body[:end] + body[begin:end] + body[end:]

    found = broken(name, tmp_path, doubled)
    assert len(found) >= 5
    assert len({item.id for item in found if isinstance(item, Article)}) == 3


@pytest.mark.parametrize(
    ("name", "said", "zoneless"),
    [
        ("factiva-stream.jsonl", "2026-01-06T08:00:00.000Z", "2026-01-06T08:00:00"),
        ("factiva-snapshot.csv", "1767686400000", "2026-01-06 08:00:00"),
        ("rows.jsonl", "2026-01-06T09:00:00+01:00", "2026-01-06T08:00:00"),
        ("newsml-message.xml", "2026-01-06T08:50:00+01:00", "2026-01-06T08:00:00"),
    ],
)
def test_a_date_without_a_zone_is_taken_as_utc(name: str, said: str, zoneless: str, tmp_path: Path) -> None:
    found = broken(name, tmp_path, replaced(said, zoneless.encode()))
    assert isinstance(found[1], Article)
    assert found[1].published == datetime(2026, 1, 6, 8, tzinfo=UTC)


@pytest.mark.parametrize("name", ["factiva-snapshot.jsonl", "factiva-stream.jsonl", "factiva-snapshot.csv"])
def test_mark_up_in_a_field_is_read_as_such(name: str, tmp_path: Path) -> None:
    found = broken(name, tmp_path, replaced("Traders name", b"<p>Traders <b>at R&amp;D</b> name"))
    assert isinstance(found[2], Article)
    assert "Traders at R&D name the wet harvest inland." in found[2].text


def test_control_characters_end_no_document(tmp_path: Path) -> None:
    found = broken("newsml-message.xml", tmp_path, replaced("Norderlicht", b"Norder\x1alicht\x0b"))
    assert titles(found) == TITLES


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_xml_in_the_encoding_that_it_declares_is_read(encoding: str, tmp_path: Path) -> None:
    text = (SAMPLES / "nitf-story.xml").read_text(encoding="utf-8").replace("“", "«").replace("”", "»")
    path = tmp_path / "story.xml"
    path.write_bytes(text.replace("UTF-8", encoding.upper()).encode(encoding))
    (article,) = of(path)
    assert isinstance(article, Article)
    assert "«We shall lift by hand until the part comes,» said Ida Mell" in article.text
