"""Archives for tests, written by the library that others write theirs with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.stories import page_html, story


@dataclass(frozen=True)
class Captured:
    """An answer that an archive has."""

    url: str
    body: bytes
    at: str = "2026-05-02T03:04:05Z"
    status: str = "200 OK"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})


def of_story(name: str, *, head: str = "", **keys: str) -> Captured:
    url = keys.pop("url", f"https://bulletin.example/{name}")
    return Captured(url, page_html(story(name), head=head).encode(), **keys)


def archive(path: Path, captures: Iterable[Captured], *, packed: bool = True) -> Path:
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=packed)
        writer.write_record(writer.create_warcinfo_record(path.name, {"software": "a test"}))
        for one in captures:
            record = writer.create_warc_record(
                one.url,
                "response",
                payload=BytesIO(one.body),
                http_headers=StatusAndHeaders(one.status, list(one.headers.items()), "HTTP/1.1"),
                warc_headers_dict={"WARC-Date": one.at},
            )
            writer.write_record(record)
    return path
