"""`wiretrace link`: the linker alone, in batch, on a dump; no database.

Originals are read first and indexed in memory; the articles stream past them. Memory grows with the originals
(their texts and fingerprints), not with the articles.
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
from crawler.link import Linker
from crawler.link.index import shortlist
from crawler.link.memory import MemoryIndex
from crawler.model import Article, Decision, EvidenceKind, Fingerprint, Role, Side

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


@dataclass(slots=True)
class BatchLinker:
    """Originals in memory, and the linker."""

    linker: Linker
    index: MemoryIndex
    originals: dict[str, Article] = field(default_factory=dict)

    @classmethod
    def empty(cls, linker: Linker) -> BatchLinker:
        return cls(linker, MemoryIndex())

    def add_original(self, article: Article) -> None:
        self.originals[article.id] = article
        self.index.add(article.id, self.linker.fingerprint(article), Side.ORIGINAL)

    async def decide(self, article: Article, fingerprint: Fingerprint | None = None) -> Decision:
        fingerprint = fingerprint or self.linker.fingerprint(article)
        found = shortlist(await self.index.candidates(fingerprint, Side.ORIGINAL))
        originals = [self.originals[one.article_id] for one in found]
        return self.linker.decide(article, originals)


async def link_batch(
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
    linked to as well. A row that can't be read is told to `on_fault` and left out.
    """
    report = BatchReport()
    batch = BatchLinker.empty(linker)

    def rows(paths: Sequence[Path], role: Role | None, *, tell: bool) -> Iterator[Article]:
        for path in paths:
            for item in read_rows(path, columns, role):
                if not isinstance(item, InputError):
                    yield item
                elif tell:
                    report.faults += 1
                    on_fault(item)

    for article in rows(originals, Role.ORIGIN, tell=True):
        batch.add_original(article)
    for article in rows(articles, None, tell=True):
        if article.role is not Role.AGGREGATOR:
            batch.add_original(article)
    report.originals = len(batch.originals)
    # The articles are read a second time instead of being kept: originals may stand after them in a dump.
    for article in rows(articles, None, tell=False):
        if article.role is not Role.AGGREGATOR:
            continue
        report.articles += 1
        decision = await batch.decide(article)
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
    """Files, globs and folders (their *.jsonl and *.jsonl.gz) as files, in order. Raises InputError."""
    found: list[Path] = []
    for pattern in patterns:
        path = Path(pattern)
        if path.is_dir():
            matches = sorted(one for one in path.rglob("*") if one.name.endswith((".jsonl", ".jsonl.gz")))
        elif path.exists():
            matches = [path]
        else:
            matches = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not matches:
            raise InputError(pattern, "expected a JSONL file, a folder of them, or a glob that matches some")
        found += matches
    return found


def parse_columns(text: str) -> dict[str, str]:
    """`text=content,id=doc_id` → our field's name → the dump's. Raises UsageError."""
    columns: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours.strip() or not theirs.strip():
            raise UsageError(f"--map: expected FIELD=COLUMN,…, got {pair!r}")
        columns[ours.strip()] = theirs.strip()
    return columns


def read_rows(path: Path, columns: Mapping[str, str], role: Role | None) -> Iterator[Article | InputError]:
    """The rows of one file; one that can't be read comes as the error that names file and line.

    `role` is forced where given. A row without id and URL gets one of its file and line.
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
                    row["id"] = f"{path.name}:{number}"
                if role is not None:
                    row["role"] = role.value
                if not isinstance(row.get("text"), str):
                    raise ValueError("text: expected the article's text")
                yield article_from_json(row)
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
