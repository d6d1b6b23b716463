"""link --engine spark."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from crawler.cli import console
from crawler.cli.app import context
from crawler.errors import InputError, UsageError
from crawler.jobs.batch_linking import EvidenceLevel
from crawler.jobs.dumps import Columns
from crawler.jobs.keeping import Keep
from crawler.jobs.rejects import rejects


class Engine(StrEnum):
    LOCAL = "local"
    SPARK = "spark"


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the command was given, as it was typed."""

    articles: Sequence[str]
    originals: Sequence[str]
    itself: bool
    out: str | None
    groups: Path | None
    rejects: Path | None
    columns: Columns
    evidence: EvidenceLevel
    linked_only: bool
    keep: Keep


def run_on_spark(ordered: Ordered, *, count_idf: bool, conf: Sequence[str]) -> None:
    """Raises MissingExtra without PySpark, UsageError without Java, SparkFailed."""
    from crawler.spark.job import Asked, group_on_cluster, link_on_cluster
    from crawler.spark.session import is_url, parse_conf

    for name, path in (("--out", ordered.out), ("--groups", ordered.groups)):
        if str(path) == "-":
            raise UsageError(f"{name}: expected a file, a folder/ or a URL with --engine spark")
    asked = Asked(
        articles=ordered.articles,
        originals=ordered.originals,
        itself=ordered.itself,
        out=_folder_marked(ordered.out),
        groups=None if ordered.groups is None else str(ordered.groups),
        columns=ordered.columns,
        evidence=ordered.evidence,
        linked_only=ordered.linked_only,
        settings=context().settings.link,
        keep=ordered.keep,
        count_idf=count_idf,
        conf=parse_conf(conf),
    )
    place = asked.out or asked.groups or ""
    reject_file = ordered.rejects or (None if is_url(place) else _beside(place))
    with rejects(reject_file, sys.stdout, console.fault) as taken:
        if not asked.itself:
            report = link_on_cluster(asked, taken)
            read = report.originals + report.articles
            said = f"originals={report.originals} articles={report.articles} linked={report.linked}"
        else:
            grouped = group_on_cluster(asked, taken)
            read = grouped.rows
            said = f"rows={grouped.rows} groups={grouped.groups} dropped={grouped.dropped}"
            for name, size in grouped.large:
                console.tell(f"wiretrace: the group of {name} has {size:,} rows: is it one story?")
    if taken.count and reject_file is not None:
        console.tell(f"wiretrace: {reject_file} lists the rows that were left out: {taken.count:,}")
    console.tell(f"{said} faults={taken.count}")
    if taken.count and not read:
        raise InputError(ordered.articles[0], "expected rows that can be read, there is none")


def _folder_marked(out: str | None) -> str | None:
    """A folder with / at its end: one that is there, and any URL that names no file."""
    if out is None or out.endswith("/"):
        return out
    is_folder = not out.endswith((".jsonl", ".json")) if "://" in out else Path(out).is_dir()
    return f"{out}/" if is_folder else out


def _beside(place: str) -> Path:
    if place.endswith("/"):
        Path(place).mkdir(parents=True, exist_ok=True)
        return Path(place) / "_rejects.jsonl"
    return Path(f"{place.removesuffix('.jsonl')}.rejects.jsonl")
