"""Rows for eyes: tables and short texts of what the commands found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from crawler.cli.console import plain
from crawler.model import Article, Evidence, EvidenceKind, Link

if TYPE_CHECKING:  # `status` needs neither linker nor HTTP
    from crawler.evaluate import Report
    from crawler.interchange import Json
    from crawler.jobs.tracing import Trace
    from crawler.store import SourceRecord

QUOTED = 110  # characters of a passage that are shown


def sources_table(records: Sequence[SourceRecord]) -> Table:
    table = _table("source", "role", "state", "last poll", "next poll", "articles", "reason")
    for record in records:
        source = record.source
        _row(
            table,
            source.name,
            source.role.value,
            record.state,
            _when(record.last_polled),
            _when(record.next_poll),
            str(record.articles),
            record.reason,
        )
    return table


def status_tables(figures: Mapping[str, Any]) -> Iterable[RenderableType]:
    """One small table for each part of the status; nested figures as `name: count`."""
    for part, value in figures.items():
        table = _table(part.replace("_", " "), "", header=True)
        if isinstance(value, Mapping):
            for name, count in value.items():
                _row(table, str(name), _short(count))
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, Mapping):
                    name, *rest = (_short(one) for one in item.values())
                    _row(table, name, " · ".join(one for one in rest if one))
                else:
                    _row(table, _short(item), "")
        else:
            _row(table, _short(value), "")
        if table.row_count:
            yield table


def trace_text(found: Trace) -> RenderableType:
    """The article's origin in words, its evidence, and the other candidates."""
    parts: list[RenderableType] = [_line(found.article.title or "(no headline)", "bold")]
    link, attribution = found.decision.link, found.decision.attribution
    if link is not None:
        original = found.articles[link.original_id]
        parts += [
            _line(f"{link.relation.value} of: {original.title}", "green"),
            _line(f"  {original.publisher} · {_when(original.published)} · {original.url}"),
            _line(
                f"  score {link.score:.3f} · {link.coverage.rewrite:.0%} of the page stems from it · "
                f"{link.coverage.original:.0%} of the original is reused · {link.precedence.value} · "
                f"{link.standing.value}"
            ),
            *(Padding(_line(line), (0, 2)) for line in evidence_lines(link, found.article, original)),
        ]
    else:
        parts.append(_line("no original found", "yellow"))
    if attribution is not None:
        parts.append(_line(f"claims to come from: {attribution.publisher}", "cyan"))
        parts += [Padding(_line(f"{one.kind.value}: {one.text}"), (0, 2)) for one in attribution.evidence]
        if attribution.teaser_id and (teaser := found.articles.get(attribution.teaser_id)):
            parts.append(_line(f"  the story is: {teaser.title} ({teaser.url}), {attribution.teaser_score or 0:.2f}"))
    others = [one for one in found.decision.considered if not one.taken][:5]
    if others:
        parts.append(_line("also considered", "dim"))
        for one in others:
            title = found.articles[one.original_id].title if one.original_id in found.articles else one.original_id
            parts.append(Padding(_line(f"{one.score:.3f} {title}: {one.reason}"), (0, 2)))
    return Group(*parts)


def evidence_lines(link: Link, page: Article, original: Article, most: int = 8) -> list[str]:
    """The strongest passages side by side, then shared names, numbers and markers."""
    passages = sorted((one for one in link.evidence if one.kind is EvidenceKind.PASSAGE), key=_similarity, reverse=True)
    lines = []
    for piece in passages[: most // 2]:
        if piece.rewrite and piece.original:
            lines.append(f"page:     {_quoted(page.text, piece.rewrite)}")
            lines.append(f"original: {_quoted(original.text, piece.original)}")
    for kind in EvidenceKind:
        if kind is EvidenceKind.PASSAGE:
            continue
        texts = [one.text for one in link.evidence if one.kind is kind and one.text]
        if texts:
            lines.append(f"{kind.value}: {' · '.join(texts[:most])}")
    return lines


def extraction_text(row: Json) -> RenderableType:
    """One page as `extract` shows it."""
    byline = ", ".join(row["byline"])
    facts = " · ".join(filter(None, [row["site"], byline, row["published"], row["language"], row["url"]]))
    parts: list[RenderableType] = [_line(row["title"] or f"({row['verdict']})", "bold"), _line(facts, "dim")]
    for paragraph in row["text"].split("\n\n") if row["text"] else ():
        parts += [Text(), _line(paragraph)]
    for caption in row["captions"]:
        parts += [Text(), _line(f"[caption] {caption}", "dim")]
    for line in [*row["trailer"], *([row["copyright"]] if row["copyright"] else [])]:
        parts.append(_line(line, "dim"))
    return Group(*parts)


def evaluation_tables(report: Report) -> Iterable[RenderableType]:
    """Recall and false links per kind, the stream's precision, then the worst errors."""
    yield _line(
        f"{report.pages} pages against {report.originals} originals, threshold {report.threshold}, "
        f"base rate {report.base_rate}, linker {report.linker}"
    )
    kinds = _table("kind", "n", "linked", "right", "wrong", "rate", "95 % bound of errors")
    for row in report.kinds:
        meaning = f"{row.rate:.3f} {'recall' if row.positive else 'false'}"
        _row(kinds, row.kind, str(row.n), str(row.linked), str(row.right), str(row.wrong), meaning, f"{row.bound:.3f}")
    yield kinds
    streams = _table("rewrites in a stream", "precision", "at least")
    for one in report.streams:
        _row(streams, f"{one.share:.1%}", f"{one.precision:.4f}", f"{one.at_least:.4f}")
    yield streams
    yield _line(
        f"expected calibration error {report.ece:.4f}; wrong original among linked {report.wrong_originals:.4f}"
    )
    if report.faults:
        worst = _table("worst errors", "kind", "expected", "given", "score", "why")
        for fault in report.faults:
            _row(
                worst,
                fault.rewrite,
                fault.kind,
                fault.expected or "none",
                fault.given or "none",
                f"{fault.score:.3f}",
                fault.reason,
            )
        yield worst


def _table(*columns: str, header: bool = True) -> Table:
    table = Table(box=None, pad_edge=False, show_header=header, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _row(table: Table, *cells: str) -> None:
    table.add_row(*(Text(plain(cell)) for cell in cells))


def _line(text: str, style: str = "") -> Text:
    return Text(plain(text), style=style)


def _when(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M") if time else "–"


def _quoted(text: str, span: tuple[int, int]) -> str:
    passage = text[span[0] : span[1]]
    return passage if len(passage) <= QUOTED else passage[: QUOTED - 1] + "…"


def _similarity(piece: Evidence) -> float:
    return piece.similarity or 0.0


def _short(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_short(one) for one in value)
    return str(value)
