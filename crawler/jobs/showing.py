"""What an archive has of a page, looked up by what names it: a link, an article, its address, or the place itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crawler.clock import Clock
from crawler.errors import FetchError, InputError, NotFound
from crawler.fetch.archive import OPEN, find
from crawler.fetch.captures import capture_of
from crawler.fetch.warc import WarcRecord, read_records, record_at
from crawler.settings import Settings
from crawler.store import Store

_PLACE = re.compile(r"(.+):(\d{1,15})")
_RECORD_ID = re.compile(r"<?(urn:[^<>\s]{1,200})>?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Shown:
    """A record, the file it lies in, and the most bytes that its page may have."""

    path: Path
    record: WarcRecord
    limit: int

    @property
    def head(self) -> str:
        """The record's own headers, then those of the answer."""
        own = [f"{name}: {value}" for name, value in self.record.headers.items()]
        end = _HEAD_END.search(self.record.block)
        answer = self.record.block[: end.start()] if end else b""
        return "\n".join([*own, "", *answer.decode("latin-1").splitlines()])

    def page(self) -> bytes:
        """The page with its encodings undone. Raises InputError where the record has none."""
        try:
            capture = capture_of(self.record) if self.record.kind == "response" else None
            if capture is not None:
                return capture.document(self.limit).body
        except FetchError as error:
            raise InputError(self.path, f"expected a page at {self.record.offset}: {error}") from None
        refers = self.record.headers.get("warc-refers-to")
        hint = f"; it refers to {refers}" if refers else ""
        raise InputError(self.path, f"expected a page at {self.record.offset}, it is a {self.record.kind} record{hint}")


async def show(settings: Settings, target: str, *, clock: Clock) -> Shown:
    """The record of a link or article (by id), a page's URL, FILE:OFFSET, or a record's own id.

    Archives are looked for in `[archive] warc_dir` and where they were last read from. Raises NotFound, InputError.
    """
    limit = settings.fetch.max_body
    direct = _direct(settings, target, limit)
    if direct is not None:
        return direct
    async with await Store.open(settings.database, clock) as store:
        record = await store.archive_record(target)
        if record is None:
            raise NotFound(f"{target}: it is stored, and no archive has its page")
        folders = _folders(settings, await store.archive_paths(record.file))
    for folder in folders:
        found = find(folder, record, limit=2 * limit)
        if found is not None:
            return Shown(_existing(folder / record.file), found, limit)
    looked = ", ".join(map(str, folders)) or "no folder; set [archive] warc_dir"
    raise NotFound(f"{record.file}: expected the archive with record {record.record_id}; looked in {looked}")


def _direct(settings: Settings, target: str, limit: int) -> Shown | None:
    """What is named without the store."""
    place = _PLACE.fullmatch(target)
    if place is not None and Path(place[1]).is_file():
        return _at(Path(place[1]), int(place[2]), limit)
    record_id = _RECORD_ID.fullmatch(target)
    return None if record_id is None else _searched(settings, f"<{record_id[1]}>", limit)


def _folders(settings: Settings, paths: Sequence[str]) -> list[Path]:
    own = [Path(settings.archive.warc_dir)] if settings.archive.warc_dir else []
    return list(dict.fromkeys([*own, *(Path(path).parent for path in paths)]))


def _existing(path: Path) -> Path:
    return path if path.exists() else path.with_name(path.name + OPEN)


def _at(path: Path, offset: int, limit: int) -> Shown:
    try:
        with path.open("rb") as file:
            record = record_at(file, offset, limit=2 * limit)
    except OSError as error:
        raise InputError(path, f"expected a readable file ({error.strerror or error})") from None
    if record is None:
        raise InputError(path, f"expected a record at {offset}, there is none")
    return Shown(path, record, limit)


def _searched(settings: Settings, record_id: str, limit: int) -> Shown:
    """Looks through all files of our own archive: only the place of a record is quickly found."""
    if not settings.archive.warc_dir:
        raise NotFound(f"{record_id}: expected [archive] warc_dir, to look for it there; or FILE:OFFSET")
    for path in _files(Path(settings.archive.warc_dir)):
        with path.open("rb") as file:
            for record in read_records(file, limit=0, wants=lambda headers: False):
                if record.record_id == record_id:
                    return _at(path, record.offset, limit)
    raise NotFound(f"{record_id}: no archive in {settings.archive.warc_dir} has this record")


def _files(folder: Path) -> Iterator[Path]:
    found = [path for path in folder.rglob("*") if path.name.removesuffix(OPEN).endswith((".warc", ".warc.gz"))]
    yield from sorted(found, reverse=True)  # the newest first, by the time in their names
