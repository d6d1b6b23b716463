from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler import urls
from crawler.link.standing import is_dow_jones
from crawler.model import Article, Removal, Role
from crawler.originals import Fault, Format, Item, read

MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
MORNING_MS = 1_767_600_000_000


def row(**fields: Any) -> dict[str, Any]:
    return {
        "an": "QUAY000020260105em1500001",
        "title": "Quay Closed After Crane Fault",
        "snippet": "The harbour office closed quay seven on Monday.",
        "body": "A crane stopped at dawn.\n\nBarges wait off the mole.",
        "byline": "By Ida Mell and Ole Brandt",
        "publication_datetime": MORNING_MS,
        "modification_datetime": MORNING_MS + 60_000,
        "ingestion_datetime": MORNING_MS + 5_000,
        "publisher_name": "Harbour Media",
        "source_code": "QUAY",
        "source_name": "The Quay",
        "language_code": "en",
        "word_count": 18,
        "copyright": "Copyright 2026 Harbour Media",
        "credit": "Mole News Agency",
        "company_codes": "abc,def",
        "subject_codes": ["ghi", "jkl"],
        **fields,
    }


def write(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in rows), encoding="utf-8"
    )
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "delivery.jsonl"


def kinds(items: Iterator[Item]) -> list[str]:
    return [type(item).__name__ for item in items]


def only(items: Iterator[Item]) -> Item:
    (item,) = items
    return item


def test_an_object_becomes_an_article(file: Path) -> None:
    assert only(read(write(file, row()))) == Article(
        id=urls.vendor_article_id("The Quay", "QUAY000020260105em1500001"),
        url="factiva:QUAY000020260105em1500001",
        role=Role.ORIGIN,
        publisher="The Quay",
        title="Quay Closed After Crane Fault",
        text="The harbour office closed quay seven on Monday.\n\nA crane stopped at dawn.\n\nBarges wait off the mole.",
        site="Harbour Media",
        byline=("Ida Mell", "Ole Brandt"),
        published=MORNING,
        modified=datetime(2026, 1, 5, 8, 1, tzinfo=UTC),
        language="en",
        copyright="Copyright 2026 Harbour Media",
        vendor_id="QUAY000020260105em1500001",
        vendor_source="QUAY",
        credit="Mole News Agency",
    )


def test_times_may_be_iso_text(file: Path) -> None:
    article = only(read(write(file, row(publication_datetime="2026-01-05T09:00:00+01:00", modification_datetime=None))))
    assert isinstance(article, Article)
    assert article.published == MORNING
    assert article.modified == datetime(2026, 1, 5, 8, 0, 5, tzinfo=UTC)  # of ingestion


def test_a_time_without_zone_is_utc(file: Path) -> None:
    article = only(read(write(file, row(publication_datetime="2026-01-05 08:00:00"))))
    assert isinstance(article, Article)
    assert article.published == MORNING


def test_a_lead_repeated_in_the_body_stands_once(file: Path) -> None:
    article = only(read(write(file, row(snippet="A crane stopped at dawn."))))
    assert isinstance(article, Article)
    assert article.text == "A crane stopped at dawn.\n\nBarges wait off the mole."


def test_html_in_fields_is_read_as_such(file: Path) -> None:
    article = only(read(write(file, row(snippet="", body="<p>Barges &amp; tugs</p><p>wait <b>long</b>.</p>"))))
    assert isinstance(article, Article)
    assert article.text == "Barges & tugs\n\nwait long."


def test_publisher_stands_in_where_the_object_names_no_title(file: Path) -> None:
    article = only(read(write(file, row(source_name="")), publisher="Mole Papers"))
    assert isinstance(article, Article)
    assert (article.publisher, article.site) == ("Mole Papers", "Harbour Media")
    assert article.id == urls.vendor_article_id("Mole Papers", "QUAY000020260105em1500001")


def test_the_house_is_the_publisher_where_nothing_names_a_title(file: Path) -> None:
    article = only(read(write(file, row(source_name=None))))
    assert isinstance(article, Article)
    assert article.publisher == "Harbour Media"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("The Wall Street Journal Online", "The Wall Street Journal"),
        ("Barron's Online", "Barron's"),
        ("The Quay (Online)", "The Quay"),
        ("The Quay (Online and Print)", "The Quay"),
        ("Quay Online", "Quay Online"),
        ("The Wall Street Journal Asia", "The Wall Street Journal Asia"),
    ],
)
def test_an_edition_is_no_part_of_a_title(file: Path, name: str, title: str) -> None:
    article = only(read(write(file, row(source_name=name))))
    assert isinstance(article, Article)
    assert article.publisher == title


def test_a_story_of_a_title_is_ours_by_default_whatever_its_house_is_called(file: Path) -> None:
    line = row(source_name="The Wall Street Journal", publisher_name="Dow Jones & Company, Inc.", credit=None)
    article = only(read(write(file, line)))
    assert isinstance(article, Article)
    assert is_dow_jones(article.publisher)


def test_actions_are_delivered_in_the_order_of_the_file(file: Path) -> None:
    items = list(
        read(
            write(
                file,
                row(action="add"),
                row(action="rep", title="Quay Opens Again"),
                {"an": "QUAY000020260105em1500001", "action": "del", "modification_datetime": MORNING_MS},
                {"event_type": "source_delete", "source_code": "QUAY", "modification_datetime": MORNING_MS},
            )
        )
    )
    assert [getattr(item, "title", None) for item in items[:2]] == ["Quay Closed After Crane Fault", "Quay Opens Again"]
    assert items[2:] == [
        Removal(vendor_id="QUAY000020260105em1500001", vendor_source=None, at=MORNING),
        Removal(vendor_id=None, vendor_source="QUAY", at=MORNING),
    ]


def test_a_removal_without_a_time_has_that_of_the_file(file: Path) -> None:
    write(file, {"an": "A1", "action": "del"})
    os.utime(file, (MORNING.timestamp(), MORNING.timestamp()))
    assert only(read(file)) == Removal(vendor_id="A1", vendor_source=None, at=MORNING)


def message(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"data": [{"id": f"drn:{one.get('an')}", "type": "event", "attributes": one} for one in elements]}


def test_every_element_of_a_stream_message_is_delivered(file: Path) -> None:
    items = list(
        read(write(file, message(row(action="add"), row(an="B2", action="add")), message(row(an="C3", action="del"))))
    )
    assert [getattr(item, "vendor_id", None) for item in items] == ["QUAY000020260105em1500001", "B2", "C3"]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wire", [False, True])
def test_an_array_or_message_spread_over_the_file_is_delivered(file: Path, indent: int | None, wire: bool) -> None:
    rows = [row(an=f"A{n}", title="Brücke – 港") for n in range(500)]
    file.write_text(json.dumps(message(*rows) if wire else rows, indent=indent, ensure_ascii=False), encoding="utf-8")
    items = list(read(file))
    assert [item.vendor_id for item in items if isinstance(item, Article)] == [f"A{n}" for n in range(500)]
    assert {item.title for item in items if isinstance(item, Article)} == {"Brücke – 港"}


def test_one_object_spread_over_lines_is_delivered(file: Path) -> None:
    file.write_text(json.dumps(row(), indent=4), encoding="utf-8")
    assert kinds(read(file)) == ["Article"]


def test_a_broken_element_of_an_array_does_not_stop_the_rest(file: Path) -> None:
    lines = [json.dumps(row(an=f"A{n}")) for n in range(5)]
    lines[2] = lines[2].replace('"title":', '"title"')
    file.write_text("[\n" + ",\n".join(lines) + "\n]", encoding="utf-8")
    items = list(read(file))
    assert kinds(iter(items)) == ["Article", "Article", "Fault", "Article", "Article"]
    assert isinstance(items[2], Fault)
    assert items[2].item == 3


def test_an_array_of_broken_elements_is_given_up(file: Path) -> None:
    file.write_text("[\n" + '{"an":\n' * 20_000, encoding="utf-8")
    items = list(read(file))
    assert len(items) == 1_001
    assert isinstance(items[-1], Fault)
    assert items[-1].reason == "1,000 broken values, the rest is not read"


def test_an_array_that_breaks_off_gives_what_came_before(file: Path) -> None:
    text = json.dumps([row(an=f"A{n}") for n in range(5)])
    file.write_text(text[:-100], encoding="utf-8")
    assert kinds(read(file)) == ["Article"] * 4 + ["Fault"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{no json", "expected a JSON object, expecting property name enclosed in double quotes at character 2"),
        ('"text"', "expected an object, got text"),
        ("[1]", "expected an object, got a number"),
        (json.dumps({"title": "x"}), "an: expected an accession number"),
        (json.dumps({"an": "", "title": "x"}), "an: expected an accession number"),
        (json.dumps({"an": {"x": 1}}), "an: expected text, got dict"),
        (json.dumps(row(publication_datetime="yesterday")), "publication_datetime: expected a time such as"),
        (json.dumps(row(modification_datetime=10**20)), "modification_datetime: expected a time such as"),
        (json.dumps(row(modification_datetime=float("nan"))), "modification_datetime: expected a time such as"),
        (json.dumps(row(action="upsert")), "action: expected add, rep or del, got 'upsert'"),
        (json.dumps(row(body="", snippet=None)), "body: expected a text in snippet or body"),
        (json.dumps({"event_type": "source_delete"}), "source_code: expected the code of the source"),
        (json.dumps({"event_type": "source_add", "source_code": "Q"}), "event_type: expected source_delete"),
        ('{"an": "A1", "body": "cut of', "expected a JSON object, unterminated string"),
        ("[" * 100_000, "expected a JSON object"),
        (json.dumps({"an": "A1"}).replace("A1", "1" * 10), "body: expected a text"),
    ],
)
def test_a_bad_line_is_one_fault_with_its_number_and_the_rest_goes_in(file: Path, bad: str, reason: str) -> None:
    items = list(read(write(file, row(an="A1"), "", bad, row(an="A2")), Format.FACTIVA))
    assert kinds(iter(items)) == ["Article", "Fault", "Article"]
    fault = items[1]
    assert isinstance(fault, Fault)
    assert fault.item == 3
    assert fault.reason.startswith(reason)
    assert str(fault) == f"{file}:3: {fault.reason}"
    assert "\n" not in str(fault)
    assert str(fault.as_error()) == str(fault)


def test_invalid_utf_8_in_one_line_is_that_lines_fault(file: Path) -> None:
    good = json.dumps(row()).encode()
    file.write_bytes(good + b"\n" + good.replace(b"Quay Closed", b"Quay\xff Closed") + b"\n" + good)
    items = list(read(file))
    assert kinds(iter(items)) == ["Article", "Fault", "Article"]
    assert isinstance(items[1], Fault)
    assert "0xff" in items[1].reason


def test_a_byte_order_mark_crlf_and_blank_lines_change_nothing(file: Path) -> None:
    line = json.dumps(row()).encode()
    file.write_bytes(b"\xef\xbb\xbf\r\n" + line + b"\r\n\r\n   \r\n" + line + b"\r\n")
    assert kinds(read(file)) == ["Article", "Article"]


def test_a_truncated_last_line_is_a_fault(file: Path) -> None:
    line = json.dumps(row()).encode()
    file.write_bytes(line + b"\n" + line[:200])
    assert kinds(read(file)) == ["Article", "Fault"]


def test_a_line_over_5_megabytes_is_passed_over(file: Path) -> None:
    items = list(read(write(file, row(), row(body="w" * 5_000_001), row())))
    assert kinds(iter(items)) == ["Article", "Fault", "Article"]
    assert items[1] == Fault(str(file), 2, "expected a line of at most 5 MB")


def test_characters_that_no_store_takes_are_left_out(file: Path) -> None:
    article = only(read(write(file, row(title="Qu\\u0000ay".replace("\\u0000", "\x00") + "\ud800 closed \U0001f6a2"))))
    assert isinstance(article, Article)
    assert article.title == "Quay closed \U0001f6a2"


def test_gzip_is_told_by_content(tmp_path: Path) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(gzip.compress(json.dumps(row()).encode()))
    assert kinds(read(path)) == ["Article"]


def test_zstd_is_told_by_content(tmp_path: Path) -> None:
    from backports import zstd

    path = tmp_path / "delivery"
    path.write_bytes(zstd.compress(json.dumps(row()).encode()))
    assert kinds(read(path)) == ["Article"]


@pytest.mark.parametrize("pattern", ["{}", "[{}]"])
def test_compressed_data_that_break_off_give_what_came_before(tmp_path: Path, pattern: str) -> None:
    path = tmp_path / "delivery.gz"
    rows = (",\n" if "[" in pattern else "\n").join(json.dumps(row(an=os.urandom(60).hex())) for _ in range(2_000))
    packed = gzip.compress(pattern.replace("{}", rows).encode())
    path.write_bytes(packed[: len(packed) // 2])
    items = list(read(path))
    assert len(items) > 100
    assert items[-1] == Fault(str(path), None, "the compressed data are broken or break off")


CSV = (
    "an,title,snippet,body,publication_datetime,source_code,subject_codes\r\n"
    'A1,"Quay ""seven"" closed","The lead, in short.","First.\n\nSecond.",1767600000000,QUAY,"abc,def"\r\n'
    "A2,Too few\r\n"
    ",No number,Lead,Body,,QUAY,\r\n"
    "A3,Quay open,Lead.,Rest.,2026-01-05T08:00:00Z,QUAY,\r\n"
)


def test_the_rows_of_a_snapshots_csv_are_delivered(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.csv"
    path.write_bytes(CSV.encode())
    first, short, nameless, last = read(path, publisher="Harbour Media")
    assert isinstance(first, Article)
    assert (first.title, first.text) == ('Quay "seven" closed', "The lead, in short.\n\nFirst.\n\nSecond.")
    assert first.published == MORNING
    assert short == Fault(str(path), 5, "expected 7 columns, got 2")
    assert nameless == Fault(str(path), 6, "an: expected an accession number")
    assert isinstance(last, Article)
    assert last.published == MORNING


def test_a_csv_field_without_end_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.csv"
    path.write_text('an\ttitle\tbody\nA1\tx\ttext\nA2\tx\t"' + "w" * 100 + "\n" * 3 + "more\n" * 9)
    items = list(read(path))
    assert isinstance(items[0], Article)
    assert len(items) <= 2


def test_the_same_file_read_twice_says_the_same(file: Path) -> None:
    write(file, row(), {"an": "A1", "action": "del"}, {"event_type": "source_delete", "source_code": "Q"})
    assert list(read(file)) == list(read(file))


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["an", "title", "snippet", "body", "byline", "publication_datetime", "modification_datetime", "action",
     "event_type", "source_code", "attributes", "data", "publisher_name", "language_code", "role"]
)  # fmt: skip


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(FIELDS, JSONISH, max_size=6) | JSONISH, max_size=5))
def test_any_json_is_an_item_or_a_fault(tmp_path: Path, rows: list[Any]) -> None:
    path = tmp_path / "delivery.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in rows), encoding="utf-8")
    for kind in (Format.FACTIVA, Format.JSONL):
        for item in read(path, kind):
            assert isinstance(item, Article | Removal | Fault)
            str(item).encode()
