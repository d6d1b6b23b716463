"""link: the linker alone, on a dump."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TextIO

import typer

from crawler.cli import console
from crawler.cli.app import context, new_app
from crawler.cli.spark import Engine, Ordered, run_on_spark
from crawler.errors import InputError, UsageError
from crawler.interchange import Json
from crawler.jobs import batch_linking, dumps, expectation
from crawler.jobs.batch_linking import Batch, EvidenceLevel
from crawler.jobs.counting_dumps import count_tables
from crawler.jobs.exporting import destination
from crawler.jobs.held import Originals
from crawler.jobs.keeping import Keep, parse_keep
from crawler.jobs.rejects import MOST_TOLD, Rejects, rejects
from crawler.jobs.restartable import Target, link_to, originals_in
from crawler.jobs.shards import SHARD_ROWS, Stream
from crawler.link import Linker
from crawler.link.tables import Tables

app = new_app()


@app.command()
def link(
    articles: Annotated[
        list[str], typer.Option("--in", metavar="PATH", help="Files, globs or folders of JSONL or Parquet.")
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE|FOLDER/",
            help="One row an article; - is standard output; a folder keeps the shards. Not needed for --groups.",
        ),
    ] = None,
    originals: Annotated[
        list[str] | None,
        typer.Option("--originals", metavar="PATH", help="Rows that are originals, whatever their role."),
    ] = None,
    itself: Annotated[bool, typer.Option("--self", help="Every row may be original or copy of any other.")] = False,
    groups: Annotated[
        Path | None,
        typer.Option("--groups", metavar="FILE", help="With --self: one row a row, its group and whether it is kept."),
    ] = None,
    keep: Annotated[
        str,
        typer.Option(
            "--keep", metavar="earliest|longest|FILE", help="Which of a group; FILE: preferred hosts, best first."
        ),
    ] = "earliest",
    columns: Annotated[str, typer.Option("--map", metavar="FIELD=COLUMN,…", help="Columns of another name.")] = "",
    evidence: Annotated[EvidenceLevel, typer.Option("--evidence", help="How much evidence each row carries.")] = (
        EvidenceLevel.SHORT
    ),
    linked_only: Annotated[bool, typer.Option("--linked-only", help="Leave out articles without a link.")] = False,
    rejected: Annotated[
        Path | None,
        typer.Option(
            "--rejects", metavar="FILE", help="Rows left out, with file, line and reason; default beside --out."
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option("--memory", metavar="SIZE", help="Stop before reading if more is expected, such as 4G."),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option("--index", metavar="FOLDER", help="Keep the originals there: less memory, and for later jobs."),
    ] = None,
    shard_rows: Annotated[
        int,
        typer.Option("--shard-rows", metavar="N", min=1, help="Articles a shard: what a restart does again at most."),
    ] = SHARD_ROWS,
    count_idf: Annotated[
        bool, typer.Option("--count-idf", help="Weigh words by how rare they are in the dump as well.")
    ] = False,
    engine: Annotated[
        Engine, typer.Option("--engine", help="This machine alone, or Spark; with it paths may be Hadoop URLs.")
    ] = Engine.LOCAL,
    conf: Annotated[
        list[str] | None, typer.Option("--conf", metavar="spark.KEY=VALUE", help="With --engine spark, see its manual.")
    ] = None,
) -> None:
    """Link a dump of articles in batch; no database needed.

    With --self it needs no originals: rows that are one story are groups, of each of which one row is kept.

    Examples:  wiretrace link --in pages.jsonl.gz --originals wire/ --out links.jsonl
      wiretrace link --in pages/ --originals wire/may/ --index wire.index/ --out links/ --memory 4G
      wiretrace link --engine spark --in s3a://crawl/2026/ --originals wire/ --out s3a://crawl/links/
      wiretrace link --in dump/ --self --groups groups.jsonl --map text=content,id=doc_id
      wiretrace link --in "crawl/*.parquet" --self --groups groups.jsonl --keep hosts.txt
    """
    if not itself and (groups is not None or keep != "earliest"):
        raise UsageError(f"{'--keep' if groups is None else '--groups'}: needs --self, which makes groups")
    if itself and originals:
        raise UsageError("--originals: with --self every row may be an original, expected all files as --in")
    if itself and index is not None:
        raise UsageError("--index: holds originals, with --self there are none")
    if out is None and groups is None:
        raise UsageError("--out: expected a file, or - for standard output" + (", or --groups" if itself else ""))
    allowed = None if memory is None else expectation.parse_size(memory)
    names = dumps.parse_columns(columns)
    kept = parse_keep(keep)
    if engine is Engine.SPARK:
        if memory is not None or index is not None:
            raise UsageError("--memory, --index: are the local engine's; for Spark --conf spark.executor.memory=4g")
        ordered = Ordered(articles, originals or [], itself, out, groups, rejected, names, evidence, linked_only, kept)
        run_on_spark(ordered, count_idf=count_idf, conf=conf or [])
        return
    if conf:
        raise UsageError("--conf: needs --engine spark")
    files, wire = dumps.expand(articles), dumps.expand(originals or ())
    target = _target(out, itself)
    stream = None if out is None or target is not None else Path(out)
    reject_file = rejected or (target.rejects if target else _beside(stream) or _beside(groups))
    _refuse_overwriting([*files, *wire], [target.path if target else stream, groups, reject_file])
    with ExitStack() as stack:
        linker = _linker(count_tables([*wire, *files], names) if count_idf else None)
        held = None if itself else stack.enter_context(originals_in(index, linker))
        expected = expectation.expect(
            linker, files, wire, names, itself=itself, on_disk=index is not None, held=len(held or ())
        )
        _say_expected(expected, allowed)
        job = _Job(
            linker,
            names,
            evidence,
            linked_only,
            on_progress=stack.enter_context(_progress(expected)),
            faults=stack.enter_context(rejects(reject_file, sys.stdout, console.fault)),
        )
        if held is None:
            outcome = job.group(files, _opened(stack, stream), _opened(stack, groups), kept)
        else:
            outcome = job.link(files, wire, held, target or _opened(stack, stream), shard_rows)
    for name in names.unmet:
        console.tell(f"wiretrace: --map: no row has the column {name!r}")
    _tell_rejects(job.faults, reject_file)
    for line in outcome.said:
        console.tell(line)
    if job.faults.count and not outcome.read:
        elsewhere = "" if len(files) == 1 else " here, nor in the other files"
        raise InputError(files[0], f"expected rows that can be read, there is none{elsewhere}")


@dataclass(frozen=True, slots=True)
class _Outcome:
    said: list[str]
    read: int  # rows


@dataclass(frozen=True, slots=True)
class _Job:
    """What both ways of linking have in common."""

    linker: Linker
    columns: dumps.Columns
    evidence: EvidenceLevel
    linked_only: bool
    on_progress: Callable[[str, int], None]
    faults: Rejects

    def link(
        self,
        files: list[Path],
        originals: list[Path],
        held: Originals,
        out: Target | TextIO | None,
        shard_rows: int,
    ) -> _Outcome:
        batch = Batch(self.linker, held, self.columns, self.evidence, self.linked_only, self.faults, self.on_progress)
        if isinstance(out, Target):
            report = link_to(out, batch, files, originals, self._settings(), shard_rows, _note)
        else:
            assert out is not None
            batch.read_originals(files, originals)
            report = batch.link(files, Stream(out))
        counts = f"originals={report.originals} articles={report.articles} linked={report.linked}"
        return _Outcome([f"{counts} faults={report.faults}"], report.originals + report.articles)

    def _settings(self) -> Json:
        """All that decides what is written beside the linker and the files."""
        here = context().settings.link
        return {
            "threshold": here.threshold,
            "base_rate": here.base_rate,
            "window_days": here.window_days,
            "evidence": self.evidence.value,
            "linked_only": self.linked_only,
            "map": dict(self.columns.theirs),
        }

    def group(self, files: list[Path], out: TextIO | None, groups: TextIO | None, keep: Keep) -> _Outcome:
        report = batch_linking.group_batch(
            self.linker,
            files,
            out,
            groups,
            columns=self.columns,
            keep=keep,
            evidence=self.evidence,
            linked_only=self.linked_only,
            on_fault=self.faults,
            on_progress=self.on_progress,
        )
        large = [f"wiretrace: the group of {name} has {size:,} rows: is it one story?" for name, size in report.large]
        counts = f"rows={report.rows} groups={report.groups} dropped={report.dropped} faults={self.faults.count}"
        return _Outcome([*large, counts], report.rows)


def _target(out: str | None, itself: bool) -> Target | None:
    """Where shards go; None for what is written as one stream."""
    if out is None or out == "-" or itself:
        return None
    path = Path(out)
    if out.endswith("/") or path.is_dir():
        return Target(path, is_folder=True)
    return None if path.exists() and not path.is_file() else Target(path, is_folder=False)


def _say_expected(expected: expectation.Expected, allowed: int | None) -> None:
    """Raises UsageError where it is more than is allowed."""
    _note(expected.said())
    if allowed is not None and expected.memory > allowed:
        raise UsageError(
            f"--memory: {expectation.size_text(allowed)} are allowed, about {expectation.size_text(expected.memory)} "
            "are needed: expected more, or --index FOLDER, which keeps the originals on disk, or --engine spark"
        )
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if expected.disk > free:
        _note(f"{tempfile.gettempdir()} has {expectation.size_text(free)} free: TMPDIR names another folder")


def _note(text: str) -> None:
    console.tell(f"wiretrace: {text}")


def _linker(tables: Tables | None) -> Linker:
    here = context().settings
    return Linker(here.link, here.rights_list(), tables=tables)


def _opened(stack: ExitStack, path: Path | None) -> TextIO | None:
    if path is None:
        return None
    return stack.enter_context(destination(None if str(path) == "-" else path, sys.stdout))


def _beside(path: Path | None) -> Path | None:
    """`links.rejects.jsonl` for links.jsonl; None for what is no plain file."""
    if path is None or str(path) == "-" or (path.exists() and not path.is_file()):
        return None
    return path.with_name(f"{path.name.removesuffix('.jsonl')}.rejects.jsonl")


def _refuse_overwriting(inputs: list[Path], outputs: list[Path | None]) -> None:
    given = [path for path in outputs if path is not None and str(path) != "-"]
    if len(given) > len({path.resolve() for path in given}) or [str(path) for path in outputs].count("-") > 1:
        raise UsageError("--out, --groups, --rejects: expected different files")
    taken = {path.resolve() for path in inputs}
    for path in given:
        if path.resolve() in taken:
            raise UsageError(f"{path}: expected another file for the output, this one is read (--in, --originals)")


def _tell_rejects(faults: Rejects, path: Path | None) -> None:
    if faults.count > MOST_TOLD and path is None:
        console.tell(f"wiretrace: {faults.count - MOST_TOLD:,} more rows were left out (--rejects FILE lists them)")
    elif faults.count and path is not None:
        console.tell(f"wiretrace: {path} lists the rows that were left out: {faults.count:,}")


@contextmanager
def _progress(expected: expectation.Expected) -> Iterator[Callable[[str, int], None]]:
    """A bar for each stage of a batch; how many rows there are is what its files' heads let expect."""
    with console.stages() as show:

        def told(stage: str, done: int) -> None:
            rows = expected.originals if stage.startswith("originals") else expected.articles
            show(stage, done, max(rows, done))

        yield told
