"""`wiretrace link`: the linker alone, in batch, on a dump; no database.

Originals are read first and indexed, in memory (their texts wait in a spool on disk) or in a folder that is kept; the
articles stream past them. Memory grows with the originals' index where that is in memory, and with the articles by 8
bytes each, by which an id that comes twice is told.
With `--self` every row may be original or copy, see `grouping`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TextIO

from crawler.errors import InputError
from crawler.interchange import Json, coverage_to_json, evidence_to_json
from crawler.jobs.dumps import Columns, Row, read_rows
from crawler.jobs.grouping import SAME_TEXT, Groups, Rows, Verdict, group_rows
from crawler.jobs.held import Originals, OriginalsInMemory
from crawler.jobs.keeping import Keep
from crawler.jobs.seen_ids import SeenIds
from crawler.jobs.shards import Output, Stream, line_of
from crawler.jobs.spool import Spool
from crawler.link import Linker
from crawler.link.index import MOST_LISTED, least_overlap, shortlist
from crawler.model import Article, Decision, EvidenceKind, Role

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
class BatchLinker:
    """The linker, and the originals that it links to."""

    linker: Linker
    originals: Originals

    def add_original(self, row: Row) -> InputError | None:
        """Takes the row in; where its id is another's already, that one stays and the fault is given back."""
        article = row.article
        held = self.originals.held(article.id)
        if held is None:
            self.originals.add(row, self.linker.fingerprint(article))
        elif not self.originals.is_same(held, row):
            return row.refused(f"id: {article.id!r:.80} is that of {held.path}:{held.line}, which is kept")
        return None

    def decide(self, article: Article) -> Decision:
        fingerprint = self.linker.fingerprint(article)
        found = shortlist(fingerprint, self.originals.search(fingerprint, MOST_LISTED, least_overlap(fingerprint)))
        return self.linker.decide(article, [self.originals.article(one.article_id) for one in found])

    def clash(self, row: Row) -> InputError | None:
        """The fault of an article that has the id of an original and is not it, else None."""
        article = row.article
        held = self.originals.held(article.id)
        if held is None or self.originals.is_same(held, row):
            return None
        if self.originals.article(article.id).text == article.text:
            return None
        return row.refused(f"id: {article.id!r:.80} is that of the original {held.path}:{held.line}")


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
    with Spool() as spool:
        batch = Batch(linker, OriginalsInMemory(spool), columns, evidence, linked_only, on_fault, on_progress)
        batch.read_originals(articles, originals)
        return batch.link(articles, Stream(out))


@dataclass(slots=True)
class Batch:
    """A batch in its two steps. `read_originals` goes first; both tell faults and progress as `link_batch` does."""

    linker: Linker
    originals: Originals
    columns: Columns
    evidence: EvidenceLevel
    linked_only: bool
    on_fault: OnFault
    on_progress: OnProgress = _unseen
    report: BatchReport = field(default_factory=BatchReport)

    def read_originals(self, articles: Sequence[Path], originals: Sequence[Path]) -> None:
        """Takes in the originals, and the rows of the articles that are such."""
        batch = BatchLinker(self.linker, self.originals)
        given = chain(((row, True) for row in self._rows(originals, Role.ORIGIN)), self._by_role(articles))
        for row, is_original in given:
            if is_original and (fault := batch.add_original(row)):
                self._tell(fault)
            self.on_progress("originals indexed", len(self.originals))
        self.originals.settle()
        self.report.originals = len(self.originals)

    def link(self, articles: Sequence[Path], out: Output) -> BatchReport:
        """Writes a row for each article that `out` wants."""
        batch = BatchLinker(self.linker, self.originals)
        seen = SeenIds()
        # The articles are read a second time instead of being kept: originals may stand after them in a dump.
        for row in self._rows(articles, None, tell=False):
            if row.article.role is not Role.AGGREGATOR:
                continue
            fault = batch.clash(row)
            if fault is None and not seen.add(row.article.id):
                fault = row.refused(f"id: {row.article.id!r:.80} is that of an article before, which is kept")
            if fault is not None:
                self._tell(fault)
                continue
            self.report.articles += 1
            if out.wants():
                decision = batch.decide(row.article)
                is_wanted = decision.link is not None or not self.linked_only
                out.put(link_row(decision, self.evidence) if is_wanted else None)
            self.on_progress("articles linked", self.report.articles)
        self.report.relations = out.relations
        self.report.linked = out.relations.total()
        return self.report

    def _by_role(self, articles: Sequence[Path]) -> Iterator[tuple[Row, bool]]:
        for row in self._rows(articles, None):
            yield row, row.article.role is not Role.AGGREGATOR

    def _rows(self, paths: Sequence[Path], role: Role | None, *, tell: bool = True) -> Iterator[Row]:
        for path in paths:
            for item in read_rows(path, self.columns, role):
                if not isinstance(item, InputError):
                    yield item
                elif tell:
                    self._tell(item)

    def _tell(self, fault: InputError) -> None:
        self.report.faults += 1
        self.on_fault(fault)


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
                groups.write(line_of(line))
        if out is not None:
            for line in stems.rows(found):
                if line["original"] is not None or not linked_only:
                    out.write(line_of(line))
    sizes = found.sizes()
    return GroupReport(len(found.ids), len(sizes), tuple(found.large()))


class Stems:
    """What each text stems from, as rows of `link`, in a spool until all is known."""

    def __init__(self, spool: Spool, rows: int, evidence: EvidenceLevel) -> None:
        self._spool, self._evidence = spool, evidence
        self._places = array("q", [-1]) * rows

    def take(self, row: int, verdict: Verdict) -> None:
        backward = verdict.backward
        reversed_row = None if backward is None else link_row(backward, self._evidence)
        score = 0.0 if backward is None else backward.score
        self.take_rows(row, verdict.joined, link_row(verdict.forward, self._evidence), reversed_row, score)

    def take_rows(self, row: int, joined: int | None, forward: Json, backward: Json | None, score: float) -> None:
        """A verdict as rows: that of the text, and that of the one it joined, with its score to the last digit."""
        self._places[row] = self._spool.add(forward)
        if backward is not None and joined is not None:
            held = self._spool[self._places[joined]]
            if held["original"] is None or held["score"] < score:
                self._places[joined] = self._spool.add(backward)

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
