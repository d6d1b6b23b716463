"""Reports: one page of HTML that stands by itself, to be attached to a letter, printed, or put on record.

No script, nothing from elsewhere. What is internal (notes, names of reviewers, other candidates) stays inside, and
of a text that may not leave there are only the places of the passages and hashes, by which who has it can check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crawler import __version__
from crawler.jobs.reporting import Schedule
from crawler.model import Article, Evidence, EvidenceKind, LinkState
from crawler.redistribution import text_hash
from crawler.store.browsing import LinkView, Reading
from crawler.web.drawing import environment
from crawler.web.looking import seen
from crawler.web.passages import Shown, pairs_of, places, shown
from crawler.web.taming import tamed

MOST_PAIRS = 500  # passages of one link that are listed
MOST_QUOTED = 4_000  # characters of one passage
MOST_TERMS = 200  # names and numbers of one link
_SIGNS = (EvidenceKind.MARKER, EvidenceKind.CANONICAL, EvidenceKind.HYPERLINK)

Passing = Callable[[Article], bool]


@dataclass(frozen=True, slots=True)
class Quoted:
    """One side of a passage: its place, its hash, and its words where they may be shown. None where no text is held;
    then `paragraph` is that in which it begins, if that is known. The place (0, 0) is none."""

    place: tuple[int, int]
    hash: str | None
    words: str | None
    paragraph: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    number: int
    similarity: float | None
    page: Quoted
    original: Quoted


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two articles. `hash` is of its text, `text` that text marked, where it may be shown and was asked."""

    reading: Reading
    hash: str | None
    may_show: bool
    text: Shown | None

    @property
    def article(self) -> Article | None:
        return self.reading.article


def report(view: LinkView, passing: Passing, *, at: datetime, base_rate: float) -> Iterator[str]:
    """A report on one link, in pieces."""
    yield _drawn("report/top.html", at=at, version=__version__, title="Report on one page", terms="")
    yield _link(view, passing, number=None, whole=True)
    yield _drawn("report/bottom.html", base_rate=base_rate)


def dossier_head(listed: Schedule, *, at: datetime, terms: str) -> str:
    """The beginning of a dossier: what it is about, and the schedule of its pages."""
    title = f"Dossier on {len(listed.links)} {'page' if len(listed.links) == 1 else 'pages'}"
    top = _drawn("report/top.html", at=at, version=__version__, title=title, terms=terms)
    return top + _drawn("report/schedule.html", listed=listed)


def dossier_link(view: LinkView | None, number: int, passing: Passing) -> str:
    """One page of a dossier with its passages; without its whole text, which its own report has."""
    if view is None:
        return _drawn("report/withdrawn.html", number=number)
    return _link(view, passing, number=number, whole=False)


def dossier_end(*, base_rate: float) -> str:
    return _drawn("report/bottom.html", base_rate=base_rate)


def pairs(view: LinkView, passing: Passing) -> list[Pair]:
    """The passages of a link with both their sides, numbered as in the comparison."""
    placed = places(view.link.evidence, view.original.paragraphs)
    return [
        Pair(
            number,
            one.similarity,
            _quoted(view.rewrite.article, one.rewrite or (0, 0), passing),
            replace(_quoted(view.original.article, one.original or (0, 0), passing), paragraph=paragraph),
        )
        for (number, paragraph), one in zip(placed, pairs_of(view.link.evidence)[:MOST_PAIRS], strict=False)
    ]


def _quoted(article: Article | None, place: tuple[int, int], passing: Passing) -> Quoted:
    start, end = place
    if article is None or not 0 <= start < end <= len(article.text):
        return Quoted(place, None, None)
    words = article.text[start:end]
    shortened = words if len(words) <= MOST_QUOTED else words[: MOST_QUOTED - 1] + "…"
    return Quoted(place, text_hash(words), tamed(shortened) if passing(article) else None)


def _link(view: LinkView, passing: Passing, *, number: int | None, whole: bool) -> str:
    evidence = view.link.evidence
    listed = pairs(view, passing)
    return _drawn(
        "report/link.html",
        number=number,
        view=view,
        link=view.listed,
        archive=view.link.archive or (view.rewrite.article.archive if view.rewrite.article else None),
        page=_side(view.rewrite, evidence, "rewrite", passing, whole),
        original=_side(view.original, evidence, "original", passing, whole),
        pairs=listed,
        more=len(pairs_of(evidence)) - len(listed),
        signs=[one for one in evidence if one.kind in _SIGNS][:MOST_TERMS],
        names=_of(evidence, EvidenceKind.NAME),
        numbers=_of(evidence, EvidenceKind.NUMBER),
        confirmed=_confirmed(view),
        looks=seen(view.link.looks),
        whole=whole,
    )


def _side(reading: Reading, evidence: tuple[Evidence, ...], side: str, passing: Passing, whole: bool) -> Side:
    article = reading.article
    if article is None or not article.text:
        return Side(reading, None, False, None)
    may_show = passing(article)
    text = shown(article.text, evidence, side) if whole and may_show else None
    return Side(reading, text_hash(article.text), may_show, text)


def _confirmed(view: LinkView) -> datetime | None:
    """When a person confirmed the link; None where it stands by the linker's word alone."""
    if view.listed.state is not LinkState.CONFIRMED:
        return None
    words = [one.at for one in view.reviews if one.verdict is LinkState.CONFIRMED]
    return words[-1] if words else None


def _of(evidence: tuple[Evidence, ...], kind: EvidenceKind) -> list[str]:
    return [one.text or "" for one in evidence if one.kind is kind][:MOST_TERMS]


def _drawn(template: str, **values: Any) -> str:
    return environment().get_template(template).render(values)
