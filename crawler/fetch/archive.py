"""The evidence archive: what was asked and answered, as WARC 1.1, one gzip member a record.

The format: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/. The file that is being
written has `.open` behind its name; whoever copies finished files needs to know no more. A process that dies leaves
its file so, and the next one to start finishes it: of a last record that was cut off nothing stays.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from crawler import __version__
from crawler.clock import Clock, SystemClock
from crawler.errors import WiretraceError
from crawler.fetch import records
from crawler.fetch.response import Hop, Response
from crawler.fetch.warc import WarcRecord, record_at, whole_length
from crawler.model import ArchiveRecord
from crawler.settings import ArchiveSettings

log = logging.getLogger(__name__)

FILE_SIZE = 1_000_000_000  # bytes after which a new file is begun
OPEN = ".open"  # behind the name of a file that is being written


class ArchiveError(WiretraceError):
    """The archive can't be written."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of an answer: the record that has its body, and the one that was `written` for it now."""

    named: ArchiveRecord
    written: ArchiveRecord


class Archive:
    """Writes into a folder, one file at a time, each file by one process only.

    Use as an async context manager, which first finishes what processes that died left open.
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
            await asyncio.to_thread(self._prepare)
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

    async def write(self, response: Response, earlier: ArchiveRecord | None = None) -> ArchiveRecord:
        """Keeps the answer, the redirects on the way to it, and each one's request; names the record with the body.

        Where the `earlier` record of the page has the very same body, what is written only refers to it, and it is
        the one that is named. Raises ArchiveError.
        """
        return (await self.enter(response, earlier)).named

    async def enter(self, response: Response, earlier: ArchiveRecord | None = None) -> Entered:
        """As `write`; names the record of this very answer as well."""
        try:
            return await asyncio.to_thread(self._write, response, earlier)
        except OSError as error:
            raise self._failed(error) from None

    async def confirm(self, response: Response, earlier: ArchiveRecord) -> ArchiveRecord | None:
        """Keeps that the server said of the `earlier` record that it is so still (304), where that record is there;
        names the record that says so. Raises ArchiveError."""
        try:
            return await asyncio.to_thread(self._confirm, response, earlier)
        except OSError as error:
            raise self._failed(error) from None

    async def refuse(self, answers: Sequence[Hop], request: Mapping[str, str]) -> ArchiveRecord:
        """Keeps that there was nothing: an error status with its headers, and the redirects on the way to it; names
        the record of that status. Raises ArchiveError."""
        try:
            return await asyncio.to_thread(self._refuse, answers, request)
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> ArchiveError:
        return ArchiveError(f"{self._folder}: the archive can't be written ({error.strerror})")

    def _write(self, response: Response, earlier: ArchiveRecord | None) -> Entered:
        held = find(self._folder, earlier) if earlier is not None else None
        if earlier is not None and held is not None and _has_body(held, response.raw):
            return Entered(earlier, self._put(response, records.revisited(response, held)))
        written = self._put(response, records.answered(response))
        return Entered(written, written)

    def _confirm(self, response: Response, earlier: ArchiveRecord) -> ArchiveRecord | None:
        held = find(self._folder, earlier)
        return self._put(response, records.revisited(response, held)) if held is not None else None

    def _refuse(self, answers: Sequence[Hop], request: Mapping[str, str]) -> ArchiveRecord:
        *way, last = (records.passed(hop, request) for hop in answers)
        return self._put_all(way, last)

    def _put(self, response: Response, answer: records.Kept) -> ArchiveRecord:
        return self._put_all([records.passed(hop, response.request) for hop in response.redirects], answer)

    def _put_all(self, way: Sequence[records.Kept], answer: records.Kept) -> ArchiveRecord:
        before = b"".join(records.as_written(*hop.records) for hop in way)
        data = records.as_written(*answer.records)
        with self._lock:
            offset = self._append(self._open_file(), before + data) + len(before)
            return ArchiveRecord(self._name, offset, answer.record_id)

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
        self._file = FileIO(self._folder / (self._name + OPEN), "xb")
        with suppress(OSError):  # a file system without locks: then nobody finishes the file but we
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._append(self._file, records.file_head(self._name, about))
        return self._file

    def _end_file(self) -> None:
        if self._file is not None:
            os.fsync(self._file.fileno())
            (self._folder / (self._name + OPEN)).rename(self._folder / self._name)
            self._file.close()
        self._file = None

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            self._end_file()

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._folder.glob(f"wiretrace-*.warc.gz{OPEN}")):
            try:
                _finish(path)
            except OSError as error:
                log.warning("%s: left open by a run that ended, and can't be finished: %s", path, error.strerror)


def find(folder: Path, record: ArchiveRecord, *, limit: int = 0) -> WarcRecord | None:
    """The record of an archive in `folder`, with at most `limit` bytes of its block; None where it is not there."""
    if Path(record.file).name != record.file:
        return None
    for name in (record.file, record.file + OPEN):
        with suppress(FileNotFoundError), (folder / name).open("rb") as file:
            found = record_at(file, record.offset, limit=limit)
            return found if found is not None and found.record_id == record.record_id else None
    return None


def _has_body(held: WarcRecord, raw: bytes) -> bool:
    return held.kind == "response" and held.headers.get("warc-payload-digest") == records.digest(raw)


def _finish(path: Path) -> None:
    """Closes a file that its process left open. One that somebody still writes is left alone."""
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if not path.exists():  # finished by another, while we opened it
            return
        length = whole_length(file)
        if length == 0:
            path.unlink()
            return
        file.truncate(length)
        os.fsync(file.fileno())
        path.rename(path.with_name(path.name.removesuffix(OPEN)))
    log.info("%s: finished what a run that was cut off left open", path)
