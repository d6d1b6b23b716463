"""The evidence archive: what was asked and answered, as WARC 1.1, one gzip member a record.

The format: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/. A body is kept as it
was sent, still compressed; transfer encoding is undone already, so its header is kept under another name.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import threading
from collections.abc import Callable, Iterable
from io import BytesIO, FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from warcio.recordbuilder import RecordBuilder  # type: ignore[import-untyped]
from warcio.statusandheaders import StatusAndHeaders  # type: ignore[import-untyped]
from warcio.warcwriter import WARCWriter  # type: ignore[import-untyped]

from crawler import __version__
from crawler.clock import Clock, SystemClock
from crawler.errors import WiretraceError
from crawler.fetch.response import Response
from crawler.interchange import time_to_json
from crawler.model import ArchiveRecord
from crawler.settings import ArchiveSettings

_VERSION = "WARC/1.1"
FILE_SIZE = 1_000_000_000  # bytes after which a new file is begun
# A session is a credential, whoever hands it out.
_NEVER_WRITTEN = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "set-cookie2"})
_UNDONE = frozenset({"transfer-encoding"})


class ArchiveError(WiretraceError):
    """The archive can't be written."""


class Archive:
    """Writes into a folder, one file at a time, each file by one process only.

    Use as an async context manager. A file is never reopened: after a crash the last record of the file then
    open may be cut off, all before it are whole.
    """

    def __init__(
        self,
        settings: ArchiveSettings,
        user_agent: str,
        *,
        clock: Clock | None = None,
        file_size: int = FILE_SIZE,
    ) -> None:
        self._folder = Path(settings.warc_dir)
        self._user_agent = user_agent
        self._clock = clock or SystemClock()
        self._file_size = file_size
        self._file: FileIO | None = None
        self._name = ""
        self._closed = False
        # Held by the thread that writes, not by the task that waits: a cancelled task leaves its thread at work.
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(error) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await asyncio.to_thread(self._close)
        except OSError as failure:
            raise self._failed(failure) from None

    async def write(self, response: Response) -> ArchiveRecord:
        """Keeps the request and its response; the record named is the response's. Raises ArchiveError."""
        try:
            return await asyncio.to_thread(self._write, response)
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> ArchiveError:
        return ArchiveError(f"{self._folder}: the archive can't be written ({error.strerror})")

    def _write(self, response: Response) -> ArchiveRecord:
        kept, asked = _records(response)
        data = _as_written(kept, asked)
        with self._lock:
            offset = self._append(self._open_file(), data)
            return ArchiveRecord(self._name, offset, kept.rec_headers.get_header("WARC-Record-ID"))

    def _append(self, file: FileIO, data: bytes) -> int:
        """Writes all of `data`, or nothing: half a record (a full disk) would hide all that follows it."""
        offset = file.tell()
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(offset)
            file.seek(offset)
            raise
        return offset

    def _open_file(self) -> FileIO:
        if self._closed:
            raise OSError(errno.EBADF, "it is closed")
        if self._file is not None and self._file.tell() < self._file_size:
            return self._file
        self._end_file()
        stamp = self._clock.now().strftime("%Y%m%d%H%M%S")
        self._name = f"wiretrace-{stamp}-{os.getpid()}-{secrets.token_hex(4)}.warc.gz"
        about = {
            "software": f"wiretrace/{__version__}",
            "format": "WARC File Format 1.1",
            "http-header-user-agent": self._user_agent,
            "robots": "classic",
        }
        builder = RecordBuilder(warc_version=_VERSION)
        self._file = FileIO(self._folder / self._name, "xb")
        self._append(self._file, _as_written(builder.create_warcinfo_record(self._name, about)))
        return self._file

    def _end_file(self) -> None:
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
        self._file = None

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            self._end_file()


class _HttpHeaders(StatusAndHeaders):  # type: ignore[misc]
    """As they were sent: warcio would respell a header that is not ASCII."""

    def to_ascii_bytes(self, filter_func: Callable[[tuple[str, str]], tuple[str, str]] | None = None) -> bytes:
        return str(self.to_str(filter_func)).encode("latin-1", "replace") + b"\r\n"


def _as_written(*records: Any) -> bytes:
    buffer = BytesIO()
    writer = WARCWriter(buffer, gzip=True, warc_version=_VERSION)
    for record in records:
        writer.write_record(record)
    return buffer.getvalue()


def _records(response: Response) -> tuple[Any, Any]:
    """The response's record and its request's."""
    builder = RecordBuilder(warc_version=_VERSION)
    about = {"WARC-Date": time_to_json(response.fetched)}
    if response.ip:
        about["WARC-IP-Address"] = response.ip
    kept = builder.create_warc_record(
        response.final_url,
        "response",
        payload=BytesIO(response.raw),
        length=len(response.raw),
        http_headers=_HttpHeaders(
            f"{response.status} {response.reason}".strip(), _written(response.headers.items()), "HTTP/1.1"
        ),
        warc_headers_dict=dict(about),
    )
    asked = builder.create_warc_record(
        response.final_url,
        "request",
        payload=BytesIO(),
        length=0,
        http_headers=_HttpHeaders(_request_line(response.final_url), _request_headers(response), is_http_request=True),
        warc_headers_dict={**about, "WARC-Concurrent-To": kept.rec_headers.get_header("WARC-Record-ID")},
    )
    return kept, asked


def _written(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (f"X-Undone-{name}" if name.lower() in _UNDONE else name, value)
        for name, value in headers
        if name.lower() not in _NEVER_WRITTEN
    ]


def _request_line(url: str) -> str:
    parts = urlsplit(url)
    return f"GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1"


def _request_headers(response: Response) -> list[tuple[str, str]]:
    return [("Host", urlsplit(response.final_url).netloc), *_written(response.request.items())]
