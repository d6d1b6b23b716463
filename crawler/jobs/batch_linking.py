"""`wiretrace link`: the linker alone, in batch, on a dump; no database.

Originals are read first and indexed in memory; the articles stream past them. Memory grows with the originals
(their texts and fingerprints), and with the articles by 8 bytes each, by which an id that comes twice is told.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from crawler.errors import InputError, UsageError
from crawler.interchange import Json, article_from_json, coverage_to_json, evidence_to_json
from crawler.jobs.seen_ids import SeenIds
from crawler.link import Linker
from crawler.link.index import shortlist
from crawler.link.memory import MemoryIndex
from crawler.model import Article, Decision, EvidenceKind, Role, Side

MAX_LINE = 20_000_000  # bytes; a longer row is no article
SHORT_EVIDENCE = 5  # pieces


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
class Row:
    """An article and where it stands."""

    article: Article
    path: Path
    number: int  # line, from 1

    def refused(self, reason: str) -> InputError:
        return InputError(self.path, reason, self.number)

    def is_same_as(self, other: Row) -> bool:
        """Whether it is one line, met twice: a dump may be given as originals and as articles."""
        return self.number == other.number and self.path.samefile(other.path)


@dataclass(slots=True)
class BatchLinker:
    """Originals in memory, and the linker."""

    linker: Linker
    index: MemoryIndex = field(default_factory=MemoryIndex)
    originals: dict[str, Row] = field(default_factory=dict)

    def add_original(self, row: Row) -> InputError | None:
        """Takes the row in; where its id is another's already, that one stays and the fault is given back."""
        article = row.article
        held = self.originals.setdefault(article.id, row)
        if held is row:
            self.index.add(article.id, self.linker.fingerprint(article), Side.ORIGINAL)
        elif not held.is_same_as(row):
            return row.refused(f"id: {article.id!r:.80} is that of {held.path}:{held.number}, which is kept")
        return None

    def decide(self, article: Article) -> Decision:
        found = shortlist(self.index.search(self.linker.fingerprint(article), Side.ORIGINAL))
        return self.linker.decide(article, [self.originals[one.article_id].article for one in found])

    def clash(self, row: Row) -> InputError | None:
        """The fault of an article that has the id of an original and is not it, else None."""
        held = self.originals.get(row.article.id)
        if held is None or held.is_same_as(row) or held.article.text == row.article.text:
            return None
        return row.refused(f"id: {row.article.id!r:.80} is that of the original {held.path}:{held.number}")


def link_batch(
    linker: Linker,
    articles: Sequence[Path],
    originals: Sequence[Path],
    out: TextIO,
    *,
    columns: Mapping[str, str],
    evidence: EvidenceLevel = EvidenceLevel.SHORT,
    linked_only: bool = False,
    on_fault: Callable[[InputError], None],
) -> BatchReport:
    """Writes one row for each article of role aggregator to `out`.

    Rows of `originals` are originals whatever their role; rows of `articles` with role origin or release are
    linked to as well. A row that can't be read, or whose id another row has, is told to `on_fault` and left out.
    """
    report = BatchReport()
    batch = BatchLinker(linker)

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

    for row in rows(originals, Role.ORIGIN):
        if fault := batch.add_original(row):
            told(fault)
    for row in rows(articles, None):
        if row.article.role is not Role.AGGREGATOR and (fault := batch.add_original(row)):
            told(fault)
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
        if decision.link is not None:
            report.linked += 1
            report.relations[decision.link.relation.value] += 1
        elif linked_only:
            continue
        out.write(json.dumps(link_row(decision, evidence), ensure_ascii=False) + "\n")
    return report


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


def expand(patterns: Sequence[str]) -> list[Path]:
    """Files, globs and folders (their *.jsonl and *.jsonl.gz) as files, in order, each once. Raises InputError."""
    found: dict[Path, Path] = {}
    for pattern in patterns:
        given = Path(pattern)
        if given.is_dir():
            matches = sorted(one for one in given.rglob("*") if one.name.endswith((".jsonl", ".jsonl.gz")))
        elif given.exists():
            matches = [given]
        else:
            matches = sorted(Path(given.anchor).glob(str(given.relative_to(given.anchor))))
        if not matches:
            raise InputError(pattern, "expected a JSONL file, a folder of them, or a glob that matches some")
        for path in matches:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def parse_columns(text: str) -> dict[str, str]:
    """`text=content,id=doc_id` → our field's name → the dump's. Raises UsageError."""
    columns: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours.strip() or not theirs.strip():
            raise UsageError(f"--map: expected FIELD=COLUMN,…, got {pair!r}")
        columns[ours.strip()] = theirs.strip()
    return columns


def read_rows(path: Path, columns: Mapping[str, str], role: Role | None) -> Iterator[Row | InputError]:
    """The rows of one file; one that can't be read comes as the error that names file and line.

    `role` is forced where given. A row without id and URL gets one of its file, as it was given, and its line.
    """
    with _open(path) as lines:
        for number, line in _numbered(path, lines):
            if isinstance(line, InputError):
                yield line
                continue
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"expected a JSON object, got {type(row).__name__}")
                # A dump of originals may have our names while that of the pages has others.
                row |= {ours: row[theirs] for ours, theirs in columns.items() if theirs in row}
                if row.get("id") in {None, ""} and not row.get("url"):
                    row["id"] = f"{path}:{number}"
                if role is not None:
                    row["role"] = role.value
                if not isinstance(row.get("text"), str):
                    raise ValueError("text: expected the article's text")
                yield Row(article_from_json(row), path, number)
            except (ValueError, RecursionError) as error:
                said = "expected a JSON object a line" if isinstance(error, json.JSONDecodeError) else str(error)
                yield InputError(path, said, number)


def _numbered(path: Path, lines: BinaryIO) -> Iterator[tuple[int, bytes | InputError]]:
    number = 0
    while True:
        try:
            line = lines.readline(MAX_LINE)
        except (OSError, EOFError, zlib.error) as error:
            yield number + 1, InputError(path, f"expected more rows, the file breaks off ({error})", number + 1)
            return
        if not line:
            return
        number += 1
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            yield number, InputError(path, f"expected rows of at most {MAX_LINE} bytes", number)
            return
        if line.strip():
            yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _open(path: Path) -> BinaryIO:
    """The file's bytes, inflated where it is gzip by content."""
    try:
        file = path.open("rb")
        if file.read(2) == b"\x1f\x8b":
            file.close()
            return cast(BinaryIO, gzip.open(path, "rb"))
        file.seek(0)
    except OSError as error:
        raise InputError(path, f"expected a readable file ({error.strerror or error})") from None
    return file
