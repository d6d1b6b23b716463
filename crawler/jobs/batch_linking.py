"""`wiretrace link`: the linker alone, in batch, on a dump; no database.

Originals are read first and indexed in memory, their texts wait in a spool on disk; the articles stream past them.
Memory grows with the originals' index, and with the articles by 8 bytes each, by which an id that comes twice is told.
With `--self` every row may be original or copy, see `grouping`.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from crawler.errors import InputError
from crawler.interchange import Json, coverage_to_json, evidence_to_json
from crawler.jobs.dumps import Columns, Row, read_rows, same_file
from crawler.jobs.grouping import SAME_TEXT, Groups, Rows, Verdict, group_rows
from crawler.jobs.keeping import Keep
from crawler.jobs.seen_ids import SeenIds
from crawler.jobs.spool import Spool
from crawler.link import Linker
from crawler.link.index import MOST_LISTED, least_overlap, shortlist
from crawler.link.memory import MemoryIndex
from crawler.model import Article, Decision, EvidenceKind, Role, Side

SHORT_EVIDENCE = 5  # pieces

OnFault = Callable[[InputError], None]
OnProgress = Callable[[str, int], None]  # what is done, with how many rows


def _unseen(_stage: str, _done: int) -> None:
    """Progress that nobody looks at."""


class EvidenceLevel(StrEnum):
    NONE = "none"
    SHORT = "short"  # the strongest pieces
    FULL = "full"


@dataclass(slots=True)
class BatchReport:
    """What a batch did; `faults` were each told when they were met."""

    originals: int = 0
    articles: int = 0
    linked: int = 0
    faults: int = 0
    relations: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What came of a dump without roles. `large` are the groups of over 1,000 rows with their sizes, largest first."""

    rows: int
    groups: int
    large: tuple[tuple[str, int], ...]

    @property
    def dropped(self) -> int:
        """Rows that are not kept."""
        return self.rows - self.groups


@dataclass(frozen=True, slots=True)
class Held:
    """An original: its place in the spool and in its file."""

    number: int
    path: Path
    line: int

    def is_same_as(self, row: Row) -> bool:
        """Whether it is one line, met twice: a dump may be given as originals and as articles."""
        return self.line == row.number and same_file(self.path, row.path)


@dataclass(slots=True)
class BatchLinker:
    """The originals' index in memory, their texts in a spool, and the linker."""

    linker: Linker
    spool: Spool
    index: MemoryIndex = field(default_factory=MemoryIndex)
    originals: dict[str, Held] = field(default_factory=dict)

    def add_original(self, row: Row) -> InputError | None:
        """Takes the row in; where its id is another's already, that one stays and the fault is given back."""
        article = row.article
        held = self.originals.get(article.id)
        if held is None:
            self.originals[article.id] = Held(self.spool.add_article(article), row.path, row.number)
            self.index.add(article.id, self.linker.fingerprint(article), Side.ORIGINAL)
        elif not held.is_same_as(row):
            return row.refused(f"id: {article.id!r:.80} is that of {held.path}:{held.line}, which is kept")
        return None

    def decide(self, article: Article) -> Decision:
        fingerprint = self.linker.fingerprint(article)
        found = shortlist(
            fingerprint, self.index.search(fingerprint, Side.ORIGINAL, MOST_LISTED, least_overlap(fingerprint))
        )
        return self.linker.decide(article, [self._original(one.article_id) for one in found])

    def clash(self, row: Row) -> InputError | None:
        """The fault of an article that has the id of an original and is not it, else None."""
        held = self.originals.get(row.article.id)
        if held is None or held.is_same_as(row) or self._original(row.article.id).text == row.article.text:
            return None
        return row.refused(f"id: {row.article.id!r:.80} is that of the original {held.path}:{held.line}")

    def _original(self, article_id: str) -> Article:
        return self.spool.article(self.originals[article_id].number)


def link_batch(
    linker: Linker,
    articles: Sequence[Path],
    originals: Sequence[Path],
    out: TextIO,
    *,
    columns: Columns,
    evidence: EvidenceLevel = EvidenceLevel.SHORT,
    linked_only: bool = False,
    on_fault: OnFault,
    on_progress: OnProgress = _unseen,
) -> BatchReport:
    """Writes one row for each article of role aggregator to `out`.

    Rows of `originals` are originals whatever their role; rows of `articles` with role origin or release are
    linked to as well. A row that can't be read, or whose id another row has, is told to `on_fault` and left out.
    Raises InputError where a file can't be opened, MissingExtra for Parquet without pyarrow.
    """
    report = BatchReport()

    def told(fault: InputError) -> None:
        report.faults += 1
        on_fault(fault)

    def rows(paths: Sequence[Path], role: Role | None, *, tell: bool = True) -> Iterator[Row]:
        for path in paths:
            for item in read_rows(path, columns, role):
                if not isinstance(item, InputError):
                    yield item
                elif tell:
                    told(item)

    with Spool() as spool:
        batch = BatchLinker(linker, spool)
        for row in rows(originals, Role.ORIGIN):
            if fault := batch.add_original(row):
                told(fault)
            on_progress("originals indexed", len(batch.originals))
        for row in rows(articles, None):
            if row.article.role is not Role.AGGREGATOR and (fault := batch.add_original(row)):
                told(fault)
            on_progress("originals indexed", len(batch.originals))
        report.originals = len(batch.originals)
        seen = SeenIds()
        # The articles are read a second time instead of being kept: originals may stand after them in a dump.
        for row in rows(articles, None, tell=False):
            article = row.article
            if article.role is not Role.AGGREGATOR:
                continue
            fault = batch.clash(row)
            if fault is None and not seen.add(article.id):
                fault = row.refused(f"id: {article.id!r:.80} is that of an article before, which is kept")
            if fault is not None:
                told(fault)
                continue
            report.articles += 1
            decision = batch.decide(article)
            on_progress("articles linked", report.articles)
            if decision.link is not None:
                report.linked += 1
                report.relations[decision.link.relation.value] += 1
            elif linked_only:
                continue
            _write(out, link_row(decision, evidence))
    return report


def group_batch(
    linker: Linker,
    articles: Sequence[Path],
    out: TextIO | None,
    groups: TextIO | None,
    *,
    columns: Columns,
    keep: Keep,
    evidence: EvidenceLevel = EvidenceLevel.SHORT,
    linked_only: bool = False,
    on_fault: OnFault,
    on_progress: OnProgress = _unseen,
) -> GroupReport:
    """Groups the rows, whatever their role: to `groups` a row each, to `out` what each stems from.

    What is written is the same whatever the order of files and rows, unless ids are made from these or come twice.
    Raises as `link_batch`.
    """
    with Spool() as spool, Spool() as links:
        rows = Rows(spool)
        for path in articles:
            for item in read_rows(path, columns):
                fault = item if isinstance(item, InputError) else rows.add(item, keep)
                if fault is not None:
                    on_fault(fault)
                on_progress("rows read", len(rows.ids))
        stems = Stems(links, len(rows.ids), evidence)
        on_verdict = (lambda row, verdict: None) if out is None else stems.take
        found = group_rows(linker, rows, keep, on_verdict=on_verdict, on_progress=on_progress)
        if groups is not None:
            for line in found.rows():
                _write(groups, line)
        if out is not None:
            for line in stems.rows(found):
                if line["original"] is not None or not linked_only:
                    _write(out, line)
    sizes = found.sizes()
    return GroupReport(len(found.ids), len(sizes), tuple(found.large()))


class Stems:
    """What each text stems from, as rows of `link`, in a spool until all is known."""

    def __init__(self, spool: Spool, rows: int, evidence: EvidenceLevel) -> None:
        self._spool, self._evidence = spool, evidence
        self._places = array("q", [-1]) * rows

    def take(self, row: int, verdict: Verdict) -> None:
        self._places[row] = self._spool.add(link_row(verdict.forward, self._evidence))
        if verdict.backward is not None and verdict.joined is not None:
            held = self._spool[self._places[verdict.joined]]
            if held["original"] is None or held["score"] < verdict.backward.score:
                self._places[verdict.joined] = self._spool.add(link_row(verdict.backward, self._evidence))

    def rows(self, groups: Groups) -> Iterator[Json]:
        """One a row, in the order of the ids."""
        for row in sorted(range(len(groups.ids)), key=groups.ids.__getitem__):
            first = groups.via[row] if groups.reasons[row] == SAME_TEXT else row
            line = self._spool[self._places[first]]
            if first == row:
                yield line
            elif groups.kept[first] == first:
                yield _same_text(groups.ids[row], groups.ids[first])
            else:
                yield line | {"rewrite": groups.ids[row], "evidence": []}  # whose offsets are those of the other


def _same_text(article_id: str, kept_id: str) -> Json:
    whole = {"rewrite": 1.0, "original": 1.0}
    return {
        "rewrite": article_id,
        "original": kept_id,
        "relation": "copy",
        "score": 1.0,
        "coverage": whole,
        "evidence": [],
    }


def link_row(decision: Decision, evidence: EvidenceLevel) -> Json:
    """One row of `link`'s output: `original` and `relation` are null where nothing is linked."""
    link = decision.link
    if link is None:
        return {
            "rewrite": decision.article_id,
            "original": None,
            "relation": None,
            "score": round(decision.score, 6),
            "coverage": None,
            "evidence": [],
        }
    pieces = link.evidence
    if evidence is EvidenceLevel.NONE:
        pieces = ()
    elif evidence is EvidenceLevel.SHORT:
        strongest = sorted(pieces, key=lambda piece: (piece.kind is not EvidenceKind.PASSAGE, -(piece.similarity or 0)))
        pieces = tuple(strongest[:SHORT_EVIDENCE])
    return {
        "rewrite": link.rewrite_id,
        "original": link.original_id,
        "relation": link.relation.value,
        "score": round(link.score, 6),
        "coverage": coverage_to_json(link.coverage),
        "evidence": [evidence_to_json(piece) for piece in pieces],
    }


def _write(out: TextIO, row: Json) -> None:
    out.write(json.dumps(row, ensure_ascii=False) + "\n")
