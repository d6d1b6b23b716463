"""The files of a delivery: each by itself, or a member of a ZIP archive that is read where it lies."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from io import BufferedIOBase, BufferedReader
from pathlib import Path, PurePosixPath
from typing import cast

from crawler.errors import InputError
from crawler.originals.items import Fault, Unreadable
from crawler.originals.opening import opened, unpacked
from crawler.originals.sidecars import Details, is_sidecar, of_file, of_member

MAX_MEMBERS = 100_000  # files of one ZIP archive
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_ENCRYPTED = 1  # of a member's flags

Open = Callable[[], AbstractContextManager[BufferedReader]]


@dataclass(frozen=True, slots=True)
class Part:
    """One file: what faults call it, its own name, when it was delivered, and what a sidecar says of it.

    `received` is the file's time and not that of reading: a file that is read twice must say the same twice.
    """

    path: str
    name: str
    received: datetime
    open: Open = field(compare=False)
    details: Details = field(default_factory=Details)


def file_part(path: Path) -> Part:
    """A file by itself. Raises InputError where it can't be opened, or its sidecar can't be read."""
    with opened(path):
        pass
    received = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Part(str(path), path.name, received, partial(opened, path), of_file(path))


def is_archive(path: Path) -> bool:
    """Whether it is a ZIP archive; False where it can't be opened."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in {_ZIP, _EMPTY_ZIP}
    except OSError:
        return False


def members(path: Path) -> Iterator[Part | Fault]:
    """The files of a ZIP archive in its order, hidden ones and sidecars left out; nothing is written anywhere.

    Raises InputError at once where it is no archive that can be read.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(path, f"expected a whole ZIP archive ({str(error)[:80] or type(error).__name__})") from None
    infos = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    if len(infos) > MAX_MEMBERS:
        archive.close()
        raise InputError(path, f"expected at most {MAX_MEMBERS:,} files in a ZIP archive, got {len(infos):,}")
    if not infos:
        archive.close()
        raise InputError(path, "expected files in this ZIP archive, it is empty")
    return _parts(path, archive, infos)


def _parts(path: Path, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> Iterator[Part | Fault]:
    received = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    by_name = {info.filename: info for info in infos}
    with archive:
        for info in infos:
            if is_sidecar(info.filename, by_name.__contains__):
                continue
            shown = f"{path}/{info.filename}"
            try:
                details = of_member(
                    shown, info.filename, by_name.__contains__, lambda name: _member(archive, by_name[name])
                )
            except InputError as error:
                yield Fault(error.path, None, error.expected)
                continue
            yield Part(shown, PurePosixPath(info.filename).name, received, partial(_member, archive, info), details)


@contextmanager
def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[BufferedReader]:
    if info.flag_bits & _ENCRYPTED:
        raise Unreadable("can't be unpacked: it is encrypted")
    try:
        raw = archive.open(info)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise Unreadable(f"can't be unpacked: {str(error)[:80] or type(error).__name__}") from None
    with raw:
        yield unpacked(cast(BufferedIOBase, raw), info.compress_size)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
