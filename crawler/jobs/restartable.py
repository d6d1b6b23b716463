"""A batch that can be stopped at any time and goes on where it was: its output in shards, with a manifest.

`--out links.jsonl` is put together from shards that wait in `links.parts/` while the job lasts; `--out links/` keeps
them. What the job was made of stands in the manifest; shards of another job are never mixed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from crawler.errors import InputError
from crawler.interchange import Json
from crawler.jobs.batch_linking import Batch, BatchReport
from crawler.jobs.disk_index import OriginalsOnDisk, opened_index
from crawler.jobs.held import Originals, OriginalsInMemory
from crawler.jobs.manifest import Manifest, inputs, read_manifest
from crawler.jobs.shards import MANIFEST, Shards, joined, locked, taken_up
from crawler.jobs.spool import Spool
from crawler.link import Linker


@dataclass(frozen=True, slots=True)
class Target:
    """Where the output goes: a folder of shards, or a file that is made of them at the end."""

    path: Path
    is_folder: bool

    @property
    def folder(self) -> Path:
        if self.is_folder:
            return self.path
        return self.path.with_name(f"{self._stem}.parts")

    @property
    def manifest(self) -> Path:
        if self.is_folder:
            return self.path / MANIFEST
        return self.path.with_name(f"{self._stem}.manifest.json")

    @property
    def rejects(self) -> Path:
        if self.is_folder:
            return self.path / "_rejects.jsonl"
        return self.path.with_name(f"{self._stem}.rejects.jsonl")

    @property
    def _stem(self) -> str:
        return self.path.name.removesuffix(".jsonl")


@contextmanager
def originals_in(folder: Path | None, linker: Linker) -> Iterator[Originals]:
    """The originals of a job: in the index of a folder, or in memory for as long as the job lasts."""
    if folder is None:
        with Spool() as spool:
            yield OriginalsInMemory(spool)
    else:
        with opened_index(folder, linker) as index:
            yield index


def link_to(
    target: Target,
    batch: Batch,
    articles: Sequence[Path],
    originals: Sequence[Path],
    settings: Json,
    shard_rows: int,
    on_note: Callable[[str], None],
) -> BatchReport:
    """Links to the target, or what is left of it to do. `settings` are those that decide what is written.

    Raises as `link_batch`; InputError for a folder that holds something else, UsageError for one in use.
    """
    job = Manifest(batch.linker.id, settings | {"shard_rows": shard_rows}, inputs(articles, originals))
    if not target.is_folder and not target.path.parent.is_dir():
        raise InputError(target.path.parent, "expected a folder, there is none")
    try:
        with locked(target.folder):
            return _link_in(target, batch, articles, originals, job, shard_rows, on_note)
    finally:
        if not target.is_folder:
            with suppress(OSError):  # shards that wait for a restart stay
                target.folder.rmdir()


def _link_in(
    target: Target,
    batch: Batch,
    articles: Sequence[Path],
    originals: Sequence[Path],
    job: Manifest,
    shard_rows: int,
    on_note: Callable[[str], None],
) -> BatchReport:
    _check(target, job)  # before the originals are read, which takes long
    batch.read_originals(articles, originals)
    if isinstance(batch.originals, OriginalsOnDisk):
        job = replace(job, index={"originals": len(batch.originals), "state": batch.originals.state})
    manifest = _begun(target, job, on_note)
    shards = Shards(target.folder, manifest, shard_rows)
    if shards.skipped:
        done = sum(shard.articles for shard in manifest.shards)
        on_note(f"goes on after {done:,} articles in {shards.skipped} finished shards")
    try:
        report = batch.link(articles, shards)
    except BaseException:
        shards.abandon()
        if kept := len(shards.manifest.shards):
            on_note(f"{kept} finished shards wait in {target.folder}: the same command goes on after them")
        raise
    counts = {"originals": report.originals, "articles": report.articles, "linked": report.linked}
    shards.finish(counts | {"faults": report.faults})
    if not target.is_folder:
        joined(target.folder, shards.manifest, target.path.resolve())  # through a link to what it means
        shards.manifest.write(target.manifest)
        _remove_shards(target.folder)
    return report


def _check(target: Target, job: Manifest) -> None:
    """Raises InputError for a folder that is to keep its shards and holds those of another job."""
    path = target.folder / MANIFEST
    if target.is_folder and path.exists():
        found = read_manifest(path)
        taken_up(target.folder, Manifest(job.linker, job.settings, job.inputs, found.index))


def _begun(target: Target, job: Manifest, on_note: Callable[[str], None]) -> Manifest:
    try:
        return taken_up(target.folder, job)
    except InputError as error:
        if target.is_folder:
            raise
        on_note(f"{error}; begins anew")
        _remove_shards(target.folder)
        return taken_up(target.folder, job)


def _remove_shards(folder: Path) -> None:
    for path in (*folder.glob("part-*.jsonl"), *folder.glob(".*.unfinished"), folder / MANIFEST):
        path.unlink(missing_ok=True)
