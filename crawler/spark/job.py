"""One job on a cluster, from the files that are given to the rows, the rejects and the manifest that it writes.

What a step made waits in a folder beside the output; a job that was killed and is started again takes it up there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crawler import __version__
from crawler.errors import UsageError
from crawler.interchange import Json
from crawler.jobs.atomic import whole_file
from crawler.jobs.batch_linking import BatchReport, EvidenceLevel, GroupReport, OnFault
from crawler.jobs.dumps import Columns, expand, is_dump
from crawler.jobs.keeping import Keep
from crawler.jobs.manifest import FORMAT
from crawler.jobs.shards import MANIFEST
from crawler.link import Linker
from crawler.link.tables import read_tables
from crawler.settings import LinkSettings
from crawler.spark.grouping import group_dump
from crawler.spark.joining import Stages
from crawler.spark.linking import Dump, link_dump
from crawler.spark.reading import Source, checked
from crawler.spark.session import Files, is_url, pieces, session
from crawler.spark.workers import Setup

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user asks of the cluster. Paths are local ones or URLs; an output that is a folder ends in /."""

    articles: Sequence[str]
    originals: Sequence[str]
    itself: bool
    out: str | None
    groups: str | None
    columns: Columns
    evidence: EvidenceLevel
    linked_only: bool
    settings: LinkSettings
    keep: Keep = field(default_factory=Keep)
    count_idf: bool = False
    conf: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> Json:
        """All that decides what is written beside the linker and the files."""
        return {
            "threshold": self.settings.threshold,
            "base_rate": self.settings.base_rate,
            "window_days": self.settings.window_days,
            "evidence": self.evidence.value,
            "linked_only": self.linked_only,
            "map": dict(self.columns.theirs),
            "keep": [self.keep.policy.value, sorted(self.keep.ranks.items())],
            "count_idf": self.count_idf,
            "self": self.itself,
        }


def link_on_cluster(asked: Asked, on_fault: OnFault) -> BatchReport:
    """Links as `link_batch` does. Raises as `session` and the reading of files do."""
    assert asked.out is not None
    with _begun(asked, asked.out) as (spark, files, dump, stages):
        setup = Setup(asked.settings, read_tables(asked.settings.idf))
        made, report = link_dump(
            spark, dump, stages, setup, asked.columns,
            evidence=asked.evidence, linked_only=asked.linked_only, count_idf=asked.count_idf, on_fault=on_fault,
        )  # fmt: skip
        counts = {"originals": report.originals, "articles": report.articles, "linked": report.linked}
        _write(files, made, asked.out, stages)
        _write_manifest(files, asked, dump, asked.out, counts | {"faults": report.faults})
    return report


def group_on_cluster(asked: Asked, on_fault: OnFault) -> GroupReport:
    """Groups as `group_batch` does. Raises as `link_on_cluster`."""
    place = asked.out or asked.groups
    assert place is not None
    with ExitStack() as stack, _begun(asked, place) as (spark, files, dump, stages):
        setup = Setup(asked.settings, read_tables(asked.settings.idf))
        grouped = group_dump(
            spark, dump, stages, setup, asked.columns, asked.keep, asked.evidence, asked.count_idf, on_fault, stack
        )
        if asked.groups is not None:
            _write_lines(files, (json.dumps(row, ensure_ascii=False) for row in grouped.groups()), asked.groups)
        if asked.out is not None:
            rows = grouped.links(linked_only=asked.linked_only)
            _write_lines(files, (json.dumps(row, ensure_ascii=False) for row in rows), asked.out)
        report = grouped.report()
        _write_manifest(files, asked, dump, place, {"rows": report.rows, "groups": report.groups})
    return report


@contextmanager
def _begun(asked: Asked, out: str) -> Iterator[tuple[SparkSession, Files, Dump, Stages]]:
    with session(asked.conf) as spark:
        files = Files(spark)
        if out.endswith("/") and files.exists(out) and not set(files.names(out)) <= {MANIFEST, "_rejects.jsonl"}:
            raise UsageError(f"--out: {out} holds other files: expected an empty folder")
        dump = Dump(_sources(asked.articles, files), _sources(asked.originals, files))
        sizes = {source.path: files.size(source.uri) for source in (*dump.articles, *dump.originals)}
        if "spark.sql.shuffle.partitions" not in asked.conf:
            count = pieces(sum(sizes.values()), spark.sparkContext.defaultParallelism)
            spark.conf.set("spark.sql.shuffle.partitions", count)
        work = f"{out.rstrip('/')}.work"
        folder = f"{work if is_url(work) else Path(work).absolute().as_uri()}"
        yield spark, files, dump, Stages(spark, f"{folder}/{_job(asked, dump, files)}")
        files.remove(folder)


def _sources(given: Sequence[str], files: Files) -> list[Source]:
    found: dict[str, Source] = {}
    for pattern in given:
        if is_url(pattern):
            paths = [path for path in files.expand(pattern) if path == pattern or is_dump(path.rsplit("/", 1)[-1])]
        else:
            paths = [str(path) for path in expand([pattern])]
        for path in paths:
            source = checked(path, files)
            found.setdefault(source.uri, source)
    return list(found.values())


def _job(asked: Asked, dump: Dump, files: Files) -> str:
    """The name of the job's own folder: another job never takes up its steps."""
    inputs = [
        [given, source.path, files.size(source.uri), files.modified(source.uri)]
        for given, sources in (("articles", dump.articles), ("originals", dump.originals))
        for source in sources
    ]
    told = [Linker(asked.settings).id, asked.told(), inputs]
    return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=8).hexdigest()


def _write(files: Files, rows: DataFrame, out: str, stages: Stages) -> None:
    """Rows to a folder, part for part in their order, or to one file."""
    if not out.endswith("/"):
        _write_lines(files, (row["value"] for row in rows.toLocalIterator()), out)
        return
    folder = stages.path("out")
    rows.write.mode("overwrite").text(folder)
    files.make(out)
    parts = [name for name in files.names(folder) if name.startswith("part-")]
    for number, name in enumerate(parts):
        files.rename(f"{folder}/{name}", f"{out}part-{number:05}.jsonl")


def _write_lines(files: Files, lines: Iterator[str], out: str) -> None:
    """Lines to one file, from where the job was started."""
    if is_url(out) or out.endswith("/"):
        target = f"{out}part-00000.jsonl" if out.endswith("/") else out
        files.write_lines(target, lines)
        return
    with whole_file(Path(out)) as file:
        for line in lines:
            file.write(f"{line}\n".encode())


def _write_manifest(files: Files, asked: Asked, dump: Dump, out: str, counts: dict[str, int]) -> None:
    told = {
        "format": FORMAT,
        "engine": "spark",
        "job": _job(asked, dump, files),
        "wiretrace": __version__,
        "linker": Linker(asked.settings).id,
        "settings": asked.told(),
        "inputs": [
            asdict(source) | {"given": given, "bytes": files.size(source.uri), "modified": files.modified(source.uri)}
            for given, sources in (("articles", dump.articles), ("originals", dump.originals))
            for source in sources
        ],
        "counts": counts,
        "finished": True,
    }
    name = f"{out}{MANIFEST}" if out.endswith("/") else f"{out.removesuffix('.jsonl')}.manifest.json"
    files.write(name, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
