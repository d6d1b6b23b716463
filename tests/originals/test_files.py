from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler import urls
from crawler.errors import InputError, UsageError
from crawler.model import Article, RawDocument, Role
from crawler.originals import Fault, Format, RawOriginal, read


def article_row(**fields: object) -> str:
    return json.dumps(
        {"url": "https://post.example/a", "title": "Quay closed", "text": "Barges wait.", "publisher": "Post", **fields}
    )


def test_a_row_of_public_json_becomes_an_original(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(article_row(published="2026-01-05T08:00:00Z", role="aggregator", byline=["Ida Mell"]))
    (article,) = read(path)
    assert article == Article(
        id=urls.article_id("https://post.example/a"),
        url="https://post.example/a",
        role=Role.ORIGIN,
        publisher="Post",
        title="Quay closed",
        text="Barges wait.",
        byline=("Ida Mell",),
        published=datetime(2026, 1, 5, 8, tzinfo=UTC),
    )


def test_a_row_that_says_release_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(article_row(role="release"))
    (article,) = read(path)
    assert isinstance(article, Article)
    assert article.role is Role.RELEASE


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (article_row(published="soon"), "published: expected a time"),
        (article_row(url=None), "id: expected an id or a URL"),
        (article_row(text=""), "text: expected a text"),
        (article_row(text=7.5), "text: expected text, got float"),
        (article_row(role="copycat"), "role: expected origin"),
        ("nonsense", "expected a JSON object"),
    ],
)
def test_a_bad_row_is_one_fault_and_the_rest_goes_in(tmp_path: Path, bad: str, reason: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([article_row(), bad, article_row()]))
    first, fault, last = read(path)
    assert isinstance(first, Article)
    assert isinstance(last, Article)
    assert isinstance(fault, Fault)
    assert fault.item == 2
    assert fault.reason.startswith(reason)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.ndjson", "rows.jsonl.gz", "delivery"])
def test_lines_of_json_stay_such_when_the_first_is_none(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    lines = "\n".join(["one moment, please", article_row(), article_row(url="https://post.example/b")]).encode()
    path.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
    fault, first, second = read(path, publisher="Post")
    assert isinstance(fault, Fault)
    assert (fault.item, fault.reason) == (1, "expected a JSON object, expecting value at character 1")
    assert isinstance(first, Article)
    assert isinstance(second, Article)


def test_a_file_named_as_json_without_any_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("Quay closed\n\nBarges wait.\n")
    assert [item.item for item in read(path, publisher="Post") if isinstance(item, Fault)] == [1, 3]


def test_a_text_with_a_line_that_looks_like_json_stays_a_text(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("The harbour's new format\n\nIt begins with a brace:\n\n{\n\nand ends with one.\n")
    (article,) = read(path, publisher="Post")
    assert isinstance(article, Article)
    assert article.title == "The harbour's new format"


def test_a_text_file_is_an_article_of_the_publisher(tmp_path: Path) -> None:
    path = tmp_path / "quay story.txt"
    path.write_text("Quay closed after crane fault\n\nThe harbour office\nclosed quay seven.\n\nBarges wait.\n")
    (article,) = read(path, publisher="Harbour Media")
    assert isinstance(article, Article)
    assert article.title == "Quay closed after crane fault"
    assert article.text == "The harbour office closed quay seven.\n\nBarges wait."
    assert (article.publisher, article.url) == ("Harbour Media", "file:quay%20story.txt")


def test_a_moved_text_file_is_the_same_article_and_another_of_its_name_is_not(tmp_path: Path) -> None:
    ids = []
    for folder, text in (("a", "One.\n\nTwo."), ("b", "One.\n\nTwo."), ("c", "Other.\n\nText.")):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "story.txt"
        path.write_text(text)
        (article,) = read(path, publisher="Post")
        assert isinstance(article, Article)
        ids.append(article.id)
    assert ids[0] == ids[1] != ids[2]


def test_a_text_file_in_windows_charset_is_read(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_bytes("Café closes early on the quay\n\nThe “owner” said so.".encode("cp1252"))
    (article,) = read(path, publisher="Post")
    assert isinstance(article, Article)
    assert article.title == "Café closes early on the quay"


def test_a_text_file_without_publisher_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("Quay closed\n\nBarges wait.")
    with pytest.raises(UsageError, match="expected --publisher NAME"):
        read(path)


def test_an_html_file_is_left_to_be_extracted(tmp_path: Path) -> None:
    path = tmp_path / "story.html"
    body = b"<!DOCTYPE html><html><body><h1>Quay</h1><p>Barges wait.</p></body></html>"
    path.write_bytes(body)
    (raw,) = read(path, publisher="Post")
    assert isinstance(raw, RawOriginal)
    assert raw.document == RawDocument(url="file:story.html", body=body, media_type="text/html")
    assert (raw.article.publisher, raw.article.role, raw.article.text) == ("Post", Role.ORIGIN, "")


@pytest.mark.parametrize(
    ("body", "got"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"%PDF-1.7", "got a PDF file"),
        (b"PAR1\x04", "got a Parquet file"),
        (b"\xff\xfe{\x00", "got UTF-16"),
        (b"a\x00b", "got binary data"),
        (b"<?xml version='1.0'?><rss/>", "got XML with the root element rss"),
    ],
)
def test_a_file_of_no_known_format_is_one_line(tmp_path: Path, body: bytes, got: str) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(body)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: expected JSON lines, Factiva JSON, CSV or Avro, ")
    assert str(caught.value).endswith(got)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file, there is none"):
        read(tmp_path / "gone.jsonl")


def test_a_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file, it is a folder"):
        read(tmp_path)


@pytest.mark.parametrize("kind", [Format.HTML, Format.TEXT])
def test_a_file_over_5_megabytes_is_a_fault(tmp_path: Path, kind: Format) -> None:
    path = tmp_path / "story"
    path.write_bytes(b"<p>word " * 700_000)
    (fault,) = read(path, kind, publisher="Post")
    assert fault == Fault(str(path), None, "expected at most 5 MB")


@pytest.mark.parametrize("kind", list(Format))
def test_every_format_meets_any_bytes_with_items_faults_or_one_line(tmp_path: Path, kind: Format) -> None:
    path = tmp_path / "delivery"
    for body in (
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"[",
        b"<",
        b"<a>",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        b"\x1f\x8b\x08\x00" * 9,
        b'an,title\n"',
    ):
        path.write_bytes(body)
        try:
            items = list(read(path, kind, publisher="Post"))
        except InputError:
            continue
        assert all(isinstance(item, Fault | Article | RawOriginal) for item in items)
