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
from crawler.redistribution import without_text

if TYPE_CHECKING:  # `status` needs neither linker nor HTTP
    from crawler.evaluate import Report
    from crawler.evaluate.estimate import Estimate
    from crawler.evaluate.figures import KindFigures, ThresholdFigures
    from crawler.evaluate.reporting import Fault
    from crawler.interchange import Json
    from crawler.jobs.met_hosts import MetHost
    from crawler.jobs.tracing import Trace
    from crawler.store import SourceRecord
    from crawler.store.copying import CopyReport
    from crawler.store.tokens import Token
    from crawler.store.webhooks import Letter, WebhookRecord

QUOTED = 110  # characters of a passage that are shown


def sources_table(records: Sequence[SourceRecord]) -> Table:
    table = _table(
        "source", "role", "state", "last poll", "next poll", "news a day", "articles", "reason", "what to do"
    )
    for record in records:
        source = record.source
        _row(
            table,
            source.name,
            source.role.value,
            record.state,
            _when(record.last_polled),
            _when(record.next_poll),
            "–" if record.news_a_day is None else f"{record.news_a_day:.1f}",
            str(record.articles),
            record.reason,
            record.advice,
        )
    return table


def tokens_table(tokens: Sequence[Token]) -> Table:
    table = _table("token", "rights", "made", "last used", "revoked")
    for one in tokens:
        _row(table, one.name, one.rights.value, _when(one.created), _when(one.used), _when(one.revoked))
    return table


def copy_table(report: CopyReport) -> Table:
    table = _table("table", "rows", "copied now", "checksum of both sides")
    for one in report.tables:
        _row(table, one.name, f"{one.rows:,}", f"{one.copied:,}", one.checksum_to)
    return table


def webhooks_table(hooks: Sequence[WebhookRecord], configured: Mapping[str, str]) -> Table:
    """`configured`: state by name, of the settings in force."""
    table = _table("webhook", "state", "delivered", "last", "behind", "given up", "next try", "last fault")
    for one in hooks:
        _row(
            table,
            one.name,
            configured.get(one.name, "not in the settings"),
            f"{one.delivered:,}",
            _when(one.last_delivered),
            f"{one.pending:,}",
            f"{one.dead:,}" + (f" ({one.revived:,} again)" if one.revived else ""),
            _when(one.next_try),
            one.reason,
        )
    return table


def letters_table(letters: Sequence[Letter]) -> Table:
    table = _table("given up", "webhook", "event", "change", "tries", "why")
    for one in letters:
        _row(table, _when(one.at), one.webhook, one.event, str(one.seq), str(one.attempts), one.reason)
    return table


def hosts_table(hosts: Sequence[MetHost]) -> Table:
    table = _table("host", "pages", "linked", "attributed", "share", "example")
    for one in hosts:
        counts = (f"{one.pages:,}", f"{one.linked:,}", f"{one.attributed:,}", f"{one.share:.1%}")
        _row(table, one.host, *counts, one.example)
    return table


def status_tables(figures: Mapping[str, Any]) -> Iterable[RenderableType]:
    """One small table for each part of the status; nested figures as `name: count`."""
    for part, value in figures.items():
        if part == "workers" and value:
            yield workers_table(value)
            continue
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


def workers_table(workers: Sequence[Mapping[str, Any]]) -> Table:
    """One line a worker; what a stale one holds goes to the others when its lease ends."""
    table = _table("worker on", "pid", "run", "since", "last heartbeat", "sites asked", "in hand")
    for one in workers:
        pid = "–" if one["pid"] is None else str(one["pid"])
        silent = f"{one['silent']:.0f} s ago{' (stale)' if one['stale'] else ''}"
        in_hand = ", ".join(f"{one[what]} {what}" for what in ("pages", "decisions", "sites") if one[what])
        since = str(one["started"])[:16].replace("T", " ")
        _row(table, one["host"], pid, one["kind"] or "–", since, silent, str(one["hosts"]), in_hand or "nothing")
    return table


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
            *(Padding(_line(line), (0, 2)) for line in evidence_lines(link, found.article, _quotable(found, original))),
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


def _quotable(found: Trace, original: Article) -> Article:
    return original if found.passing.permits(original) else without_text(original)


def evidence_lines(link: Link, page: Article, original: Article, most: int = 8) -> list[str]:
    """The strongest passages side by side, then shared names, numbers and markers. Of an original without a text
    only the page's side is shown."""
    passages = sorted((one for one in link.evidence if one.kind is EvidenceKind.PASSAGE), key=_similarity, reverse=True)
    lines = []
    for piece in passages[: most // 2]:
        if piece.rewrite:
            lines.append(f"page:     {_quoted(page.text, piece.rewrite)}")
        if piece.original and original.text:
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
    """Right, wrong and missing links per kind, what other thresholds and streams would give, then the worst errors."""
    yield _line(
        f"{report.pages} pages against {report.originals} originals, threshold {report.threshold}, "
        f"base rate {report.base_rate}, linker {report.linker}"
    )
    yield kinds_table(report.kinds)
    wrong = report.wrong_originals
    yield _line(f"wrong original: {wrong.seen} of {wrong.n} linked pages that have one, at most {wrong.at_most:.4f}")
    for peer in report.peers:
        yield _line(f"the same cases by {peer.method}")
        yield kinds_table(peer.kinds)
    thresholds = _table("threshold", "precision", "recall", "false links (at most)", "unrelated, in a million")
    for row in report.thresholds:
        precision = "–" if row.precision is None else f"{row.precision:.4f}"
        false = f"{row.false.rate:.4f} ({row.false.at_most:.4f})"
        _row(thresholds, str(row.threshold), precision, f"{row.recall:.4f}", false, _in_a_million(row))
    yield thresholds
    streams = _table("rewrites in a stream", "precision", "at least")
    for one in report.streams:
        _row(streams, f"{one.share:.1%}", f"{one.precision:.4f}", f"{one.at_least:.4f}")
    yield streams
    bins = _table("score", "pages", "mean score", "right")
    for part in report.bins:
        shown = (f"{part.score:.3f}", f"{part.right:.3f}") if part.n else ("–", "–")
        _row(bins, f"{part.low:.1f} to {part.low + 0.1:.1f}", str(part.n), *shown)
    yield bins
    yield _line(
        f"expected calibration error {report.ece:.4f}, the base rate set to this corpus' {report.corpus_share:.4f}"
    )
    if report.faults:
        yield _line("worst errors", "bold")
    for fault in report.faults:
        yield _fault_text(fault)


def kinds_table(kinds: Sequence[KindFigures]) -> Table:
    """Recall and false links per kind; pages whose original is held and others stand apart."""
    both = {row.kind for row in kinds if row.positive} & {row.kind for row in kinds if not row.positive}
    table = _table("kind", "n", "right", "wrong", "none", "recall (at least)", "false links (at most)")
    for row in kinds:
        apart = f" ({'held' if row.positive else 'not held'})" if row.kind in both else ""
        recall = "–" if row.recall is None else f"{row.recall:.4f} ({row.recall_at_least:.4f})"
        false = f"{row.false:.4f} ({row.false_at_most:.4f})"
        _row(table, row.kind + apart, str(row.n), str(row.right), str(row.wrong), str(row.none), recall, false)
    return table


def estimate_text(found: Estimate, base_rate: float) -> RenderableType:
    """The share of rewrites in words, and what to set."""
    lines = [
        f"{found.reviewed} pages reviewed, {found.rewrites} of them rewrites; {found.left_out} without a verdict",
        f"share of rewrites in the store: {found.share:.2%} (95 % interval {found.low:.2%} to {found.high:.2%})",
    ]
    if found.linked:
        lines.append(f"of {found.linked} reviewed pages with a link, {found.linked_right} are rewrites")
    if found.base_rate is None:
        lines.append(f"no rewrite was seen: set [link] base_rate to no more than {found.high:.2g} (now {base_rate})")
    elif found.low <= base_rate <= found.high:
        lines.append(f"[link] base_rate = {base_rate} lies in the interval; {found.base_rate} is the best estimate")
    else:
        lines.append(f"set [link] base_rate = {found.base_rate} (now {base_rate})")
    return Group(*(_line(line) for line in lines))


def _fault_text(fault: Fault) -> RenderableType:
    asked = f"expected {fault.expected or 'no link'}, got {fault.given or 'none'}, score {fault.score:.3f}"
    lines = [_line(f"{fault.rewrite} ({fault.kind}): {asked}: {fault.reason}")]
    for piece in fault.passages[:2]:
        lines += [_line(f"  page:     {_cut(piece.page)}", "dim"), _line(f"  original: {_cut(piece.original)}", "dim")]
    for kind in (EvidenceKind.NAME, EvidenceKind.NUMBER, EvidenceKind.MARKER):
        texts = [one.text for one in fault.evidence if one.kind is kind and one.text]
        lines += [_line(f"  {kind.value}: {' · '.join(texts[:8])}", "dim")] if texts else []
    return Group(*lines)


def _in_a_million(row: ThresholdFigures) -> str:
    if row.in_a_million is None or row.in_a_million_at_most is None:
        return "–"
    if row.unrelated.seen == 0:
        return f"none in {row.unrelated.n}: at most {row.in_a_million_at_most:.0f}"
    return f"{row.in_a_million:.0f} (at most {row.in_a_million_at_most:.0f})"


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
    return _cut(text[span[0] : span[1]])


def _cut(passage: str) -> str:
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
