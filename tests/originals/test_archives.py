from __future__ import annotations

import gzip
import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.errors import InputError
from crawler.model import Article, Removal
from crawler.originals import Fault, Item, RawOriginal, read
from tests.originals.test_factiva import row

NITF = (
    '<nitf><head><docdata><doc-id id-string="QUAY-2"/></docdata></head>'
    "<body><body.content><p>Barges wait.</p></body.content></body></nitf>"
)
PAGE = b"<!doctype html><html><body><h1>Quay</h1><p>Barges wait.</p></body></html>"


def archive(path: Path, members: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as out:
        for name, body in members.items():
            out.writestr(name, body)
    return path


def shown(path: Path, found: list[Item]) -> list[str]:
    return [str(one).removeprefix(str(path)) if isinstance(one, Fault) else type(one).__name__ for one in found]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_file_of_a_zip_archive_is_read_by_its_own_content(tmp_path: Path, method: int) -> None:
    path = archive(
        tmp_path / "delivery.zip",
        {
            "day/lines": json.dumps(row()) + "\nno json\n",
            "day/lines.gz": gzip.compress(json.dumps(row(an="A2")).encode()),
            "day/item.xml": NITF,
            "day/page.html": PAGE,
            "day/.hidden": "x",
            "__MACOSX/day/lines": "x",
            "day/empty.txt": b"",
            "day/inner.zip": b"PK\x03\x04",
        },
        method,
    )
    found = list(read(path, publisher="Post"))
    assert shown(path, found) == [
        "Article",
        "/day/lines:2: expected a JSON object, expecting value at character 1",
        "Article",
        "Article",
        "RawOriginal",
        "/day/empty.txt: expected JSON lines, Factiva JSON, CSV or Avro, NewsML-G2, NITF, HTML or text in UTF-8, "
        "the file is empty",
        "/day/inner.zip: expected JSON lines, Factiva JSON, CSV or Avro, NewsML-G2, NITF, HTML or text in UTF-8, "
        "got a ZIP archive in another",
    ]


def test_a_text_in_an_archive_takes_what_its_sidecar_says(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "delivery.zip",
        {
            "a/story.txt": "Barges wait. Nobody knows.",
            "a/story.json": json.dumps({"publisher": "Post", "title": "Quay"}),
        },
    )
    (article,) = read(path)
    assert isinstance(article, Article)
    assert (article.publisher, article.title) == ("Post", "Quay")


def test_a_text_without_publisher_and_a_broken_sidecar_are_faults_of_their_files(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.zip", {"a.txt": "Barges wait.", "b.txt": "Barges wait.", "b.txt.json": "{", "c": NITF})
    assert shown(path, list(read(path))) == [
        "/a.txt: a text file doesn't say whose it is, expected --publisher NAME or a sidecar",
        "/b.txt.json: expected a JSON object in UTF-8",
        "Article",
    ]


def test_a_removal_in_an_archive_has_the_archives_time(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.zip", {"lines": json.dumps({"an": "A1", "action": "del"})})
    os.utime(path, (1_767_600_000, 1_767_600_000))
    assert list(read(path)) == [Removal("A1", None, datetime(2026, 1, 5, 8, tzinfo=UTC))]


def test_a_member_that_is_damaged_is_its_own_fault(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(row(an=os.urandom(40).hex())) for _ in range(2_000))
    path = archive(tmp_path / "d.zip", {"lines": lines, "item": NITF})
    body = bytearray(path.read_bytes())
    for at in range(len(body) // 2, len(body) // 2 + 40):
        body[at] ^= 0x5A
    path.write_bytes(body)
    found = list(read(path))
    assert isinstance(found[0], Article)
    assert {one.path for one in found if isinstance(one, Fault)} == {f"{path}/lines"}
    assert isinstance(found[-1], Article)


def test_an_encrypted_member_is_a_fault(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.zip", {"item": NITF}, zipfile.ZIP_STORED)
    body = bytearray(path.read_bytes())
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(body)
    (fault,) = read(path)
    assert isinstance(fault, Fault)
    assert fault.reason == "can't be unpacked: it is encrypted"


def test_an_archive_that_breaks_off_is_one_line(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.zip", {"item": NITF * 100})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="expected a whole ZIP archive"):
        read(path)


@pytest.mark.parametrize("packed_as", ["zip", "gzip"])
def test_a_file_that_unpacks_without_end_is_given_up(tmp_path: Path, packed_as: str) -> None:
    body = (json.dumps(row()) + "\n").encode() + (b" " * 1_000_000 + b"\n") * 55
    path = tmp_path / "bomb"
    if packed_as == "zip":
        archive(path, {"lines": body})
    else:
        path.write_bytes(gzip.compress(body, compresslevel=1))
    first, fault = read(path)
    assert isinstance(first, Article)
    assert isinstance(fault, Fault)
    assert fault.reason == "expected data that unpack to at most 200 times their size"


def test_a_page_in_an_archive_is_left_to_be_extracted(tmp_path: Path) -> None:
    (raw,) = read(archive(tmp_path / "d.zip", {"a/story.html": PAGE}), publisher="Post")
    assert isinstance(raw, RawOriginal)
    assert (raw.document.url, raw.document.body) == ("file:story.html", PAGE)
