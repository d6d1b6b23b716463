"""Where the rows of a batch go: a stream as it comes, or shards, each there whole or not at all.

A shard tells of a fixed number of articles in the order they are read, so that the same job always makes the same
shards. A restart leaves out those that the manifest lists.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from filelock import FileLock, Timeout

from crawler.errors import InputError, UsageError
from crawler.interchange import Json
from crawler.jobs.atomic import whole_file
from crawler.jobs.manifest import Manifest, Shard, digest, read_manifest

SHARD_ROWS = 10_000  # articles: under a minute's work, which is what a restart does again at most
MANIFEST = "_manifest.json"  # names with _ before them are read by no reader of a folder


class Output(Protocol):
    """What a batch writes its rows to."""

    relations: Counter[str]

    def wants(self) -> bool:
        """Counts the next article in; whether its row is still to be made."""

    def put(self, row: Json | None) -> None:
        """The row of the article that was last wanted; None where it has none."""


@dataclass(slots=True)
class Stream:
    """Rows as they come."""

    out: TextIO
    relations: Counter[str] = field(default_factory=Counter)

    def wants(self) -> bool:
        return True

    def put(self, row: Json | None) -> None:
        if row is not None:
            self.out.write(line_of(row))
            _count(self.relations, row)


class Shards:
    """Rows in files of a folder, `part-00000.jsonl` and so on."""

    def __init__(self, folder: Path, manifest: Manifest, shard_rows: int = SHARD_ROWS) -> None:
        self.folder, self.manifest, self._rows = folder, manifest, shard_rows
        self.skipped = len(manifest.shards)
        self.relations: Counter[str] = Counter()
        for shard in manifest.shards:
            self.relations.update(shard.relations)
        self._articles = 0
        self._written: Counter[str] = Counter()
        self._lines = 0
        self._file: BinaryIO | None = None
        self._open = ExitStack()

    def wants(self) -> bool:
        number, place = divmod(self._articles, self._rows)
        if not place:
            self._finish()
        self._articles += 1
        if number < self.skipped:
            return False
        if not place:
            self._begin(number)
        return True

    def put(self, row: Json | None) -> None:
        if row is not None:
            assert self._file is not None
            self._file.write(line_of(row).encode("utf-8"))
            self._lines += 1
            for counted in (self._written, self.relations):
                _count(counted, row)

    def finish(self, counts: dict[str, int]) -> None:
        """Writes the last shard, which is there even where no article was, and the manifest."""
        if not self._articles and not self.manifest.shards:
            self._begin(0)
        self._finish()
        self.manifest = self.manifest.done(counts)
        self.manifest.write(self.folder / MANIFEST)

    def abandon(self) -> None:
        """Leaves the shard that was begun."""
        self._open.pop_all().__exit__(InterruptedError, InterruptedError(), None)

    def _begin(self, number: int) -> None:
        self._file = self._open.enter_context(whole_file(self.folder / f"part-{number:05}.jsonl"))
        self._written, self._lines = Counter(), 0

    def _finish(self) -> None:
        if self._file is None:
            return
        self._open.close()
        self._file = None
        number = len(self.manifest.shards)
        path = self.folder / f"part-{number:05}.jsonl"
        shard = Shard(
            file=path.name,
            articles=self._articles - number * self._rows,
            rows=self._lines,
            linked=self._written.total(),
            relations=dict(sorted(self._written.items())),
            bytes=path.stat().st_size,
            blake2b=digest(path),
        )
        self.manifest = self.manifest.with_shard(shard)
        self.manifest.write(self.folder / MANIFEST)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A folder that one job writes to, made where there is none. Raises UsageError where another one does."""
    lock = FileLock(folder / "_lock")
    try:  # around the taking as well: a signal may come in the middle of it
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(f"{folder}: another job is writing there") from None
        except OSError as error:
            reason = error.strerror or error
            raise InputError(folder, f"expected a folder that can be written ({reason})") from None
        yield
    finally:
        if lock.is_locked:
            lock.release()
            (folder / "_lock").unlink(missing_ok=True)


def taken_up(folder: Path, job: Manifest) -> Manifest:
    """The manifest to go on with: that in the folder, without shards that are not as it says.

    Raises InputError for a folder that holds something else, or another job.
    """
    path = folder / MANIFEST
    if not path.exists():
        if any(not one.name.startswith((".", "_")) for one in folder.iterdir() if not _is_first(one)):
            raise InputError(folder, "expected an empty folder, or one that this job began to fill")
        return job
    found = read_manifest(path)
    if difference := job.differs(found):
        raise InputError(folder, f"holds the output of another job ({difference}): expected an empty folder")
    whole: list[Shard] = []
    for shard in found.shards:
        part = folder / shard.file
        if not part.is_file() or part.stat().st_size != shard.bytes or digest(part) != shard.blake2b:
            break
        whole.append(shard)
    # The last shard of a job that is done may be short; all others are full, so what follows stays in step.
    return Manifest(job.linker, job.settings, job.inputs, job.index, tuple(whole))


def joined(folder: Path, manifest: Manifest, out: Path) -> None:
    """Writes the shards as one file, whole or not at all."""
    with whole_file(out) as file:
        for shard in manifest.shards:
            with (folder / shard.file).open("rb") as part:
                shutil.copyfileobj(part, file, 1 << 20)


def line_of(row: Json) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _is_first(path: Path) -> bool:
    """Whether it is the shard of a job that ended before its manifest was written."""
    return path.name == "part-00000.jsonl"


def _count(relations: Counter[str], row: Json) -> None:
    if row["relation"] is not None:
        relations[row["relation"]] += 1
