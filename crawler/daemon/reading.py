"""The way through one archive: its pages one after another, and the place before which all of them are done."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crawler.errors import FetchError, InputError
from crawler.fetch.archive import OPEN
from crawler.fetch.captures import Capture, capture_of, is_answer
from crawler.fetch.warc import Fault, WarcRecord, read_records
from crawler.model import ArchiveRecord, Source
from crawler.pipeline.captures import source_of
from crawler.store import ArchiveProgress

log = logging.getLogger(__name__)

SUFFIXES = (".warc", ".warc.gz")
_KEY_BYTES = 1_024  # of a file's begin, which has the id of its first record
_HEAD_BYTES = 1 << 18  # that an HTTP header adds to a body
# What is handed over at once: bytes and number of pages, and records that were looked at for them.
_MOST_BYTES, _MOST_PAGES, _MOST_RECORDS = 4_000_000, 16, 500


@dataclass(slots=True)
class Page:
    """A capture and its place. `end` is where its record, and what is left out behind it, ends."""

    capture: Capture
    place: ArchiveRecord
    end: int
    done: bool = False


@dataclass(slots=True)
class Batch:
    """Pages in the order of the archive; what was left out before the first of them ends at `lead`."""

    lead: int
    pages: list[Page] = field(default_factory=list)
    records: int = 0
    size: int = 0

    @property
    def full(self) -> bool:
        return self.records >= _MOST_RECORDS or len(self.pages) >= _MOST_PAGES or self.size >= _MOST_BYTES

    def leave_out(self, end: int) -> None:
        if self.pages:
            self.pages[-1].end = end
        else:
            self.lead = end


@dataclass(slots=True)
class ArchiveReading:
    """One archive under way. `failed` counts records that can't be read, by reason.

    `batches` runs in a thread; all else belongs to the event loop.
    """

    path: Path
    source: Source
    key: str
    begun: int  # where reading began
    position: int  # all before it is done
    pages: int
    over: bool = False
    records: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    saved: int = 0
    _waiting: deque[Page] = field(default_factory=deque)

    @classmethod
    def of(cls, path: Path, held: ArchiveProgress | None, key: str) -> ArchiveReading:
        begun, pages = (held.position, held.pages) if held is not None else (0, 0)
        return cls(path, source_of(name_of(path)), key, begun, begun, pages, saved=begun)

    @property
    def finished(self) -> bool:
        """Whether all that was read is done."""
        return self.over and not self._waiting

    @property
    def is_archive(self) -> bool:
        """Whether the file has turned out to hold records, or still may."""
        return self.begun > 0 or self.records > 0 or not self.failed

    def progress(self) -> ArchiveProgress:
        return ArchiveProgress(self.key, name_of(self.path), str(self.path), self.position, self.pages)

    def batches(self, limit: int) -> Iterator[Batch]:
        """What follows `begun`, some at a time, with bodies of at most `limit` bytes. Raises OSError."""
        with self.path.open("rb") as file:
            batch = Batch(self.begun)
            for record in read_records(file, start=self.begun, limit=limit + _HEAD_BYTES, wants=is_answer):
                self._take(record, batch)
                if batch.full:
                    yield batch
                    batch = Batch(record.end)
            yield batch

    def _take(self, record: WarcRecord, batch: Batch) -> None:
        batch.records += 1
        capture = self._capture(record)
        if capture is None:
            batch.leave_out(record.end)
            return
        place = ArchiveRecord(name_of(self.path), record.offset, record.record_id)
        batch.pages.append(Page(capture, place, record.end))
        batch.size += len(capture.raw)

    def _capture(self, record: WarcRecord) -> Capture | None:
        if record.fault:
            self.failed[record.fault] += 1
            log.warning("%s: the record at %d is left out (%s)", self.path, record.offset, record.fault)
        if record.fault in {Fault.DAMAGED, Fault.CUT}:
            return None
        self.records += 1
        if record.fault or not is_answer(record.headers):
            return None
        try:
            return capture_of(record)
        except FetchError as error:
            self.failed[error.reason] += 1
            log.warning("%s: the record at %d is left out: %s", self.path, record.offset, error)
            return None

    def begin(self, batch: Batch) -> Sequence[Page]:
        """Takes a batch in hand."""
        if self._waiting:
            self._waiting[-1].end = max(self._waiting[-1].end, batch.lead)
        else:
            self.position = max(self.position, batch.lead)
        self._waiting.extend(batch.pages)
        return batch.pages

    def settle(self, page: Page) -> None:
        """The page is done; moves `position` on over all that are."""
        page.done = True
        while self._waiting and self._waiting[0].done:
            self.position = max(self.position, self._waiting.popleft().end)
            self.pages += 1


def name_of(path: Path) -> str:
    """By which articles and links name the archive: that of a file which is still written is its later one."""
    # A name need not be text; in what is exported it has to be.
    return os.fsencode(path.name.removesuffix(OPEN)).decode("utf-8", "replace")


def key_of(path: Path) -> str:
    """BLAKE2b-128 of the name and the first bytes. Raises InputError for a file that can't be read."""
    try:
        with path.open("rb") as file:
            begin = file.read(_KEY_BYTES)
    except OSError as error:
        raise InputError(path, f"expected a readable file ({error.strerror or error})") from None
    return hashlib.blake2b(name_of(path).encode() + begin, digest_size=16).hexdigest()


def archives_of(given: Sequence[Path]) -> list[Path]:
    """Files, globs and folders (their .warc and .warc.gz) as files, each once, in order. Raises InputError."""
    found: dict[Path, Path] = {}
    for one in given:
        if one.is_dir():
            files = [path for path in sorted(one.rglob("*")) if _is_archive(path)]
        elif one.exists():
            files = [one]
        else:
            files = [path for path in _globbed(one) if path.is_file()]
        if not files:
            raise InputError(one, "expected a WARC file, a folder of them, or a glob")
        for path in files:
            found.setdefault(path.resolve(), path)
    return list(found)


def _is_archive(path: Path) -> bool:
    return path.name.endswith(SUFFIXES) and not path.name.startswith(".") and path.is_file()


def _globbed(pattern: Path) -> list[Path]:
    try:
        return sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    except (ValueError, NotImplementedError):
        return []
