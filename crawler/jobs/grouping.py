"""`wiretrace link --self`: the rows of a dump that are one story, without roles; one of each group is kept.

Rows are taken in the order of preference. Each is compared with the rows that are kept so far, which alone are in the
index: it joins the one it stems from, or that stems from it as a copy or a rewrite; else it is kept itself. So every
member of a group was compared with the row that is kept, nothing is joined by way of a third one, and the order in
which rows are read plays no part.

Texts wait in a spool on disk. In memory are the index of the kept rows and some hundred bytes for each row.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, TypeVar

from crawler.errors import InputError
from crawler.interchange import Json
from crawler.jobs.boilerplate import Census, blanked
from crawler.jobs.dumps import Row
from crawler.jobs.keeping import Keep, host
from crawler.jobs.spool import Spool
from crawler.link import Linker
from crawler.link.kinship import Kin, bare, digest_of, reversed_kinship, worth_comparing
from crawler.link.memory import MemoryIndex
from crawler.model import Article, Decision, Fingerprint, Side
from crawler.urls import registrable_domain

SAME_TEXT, ALONE, FIRST_ID = "same-text", "alone", "first-id"  # reasons beside relations and policies
LARGE = 1_000  # members; larger groups are reported
CANDIDATES = 4  # the row that another stems from was among the first three of all for every rewrite measured
_SCRAP = 300  # characters


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a text: the row it was joined to, None where it is kept.

    `forward` is the linker's decision on it; `backward` that on the kept row, where that one stems from it.
    """

    joined: int | None
    forward: Decision
    backward: Decision | None = None

    @property
    def score(self) -> float:
        return (self.backward or self.forward).score

    @property
    def reason(self) -> str:
        link = (self.backward or self.forward).link
        if self.joined is None:
            return ""
        if link is None:
            return SAME_TEXT
        if self.backward is None:
            return link.relation.value
        return reversed_kinship(link.relation).value


class Placed(Protocol):
    """What is asked of a verdict when groups are put together."""

    @property
    def joined(self) -> int | None: ...
    @property
    def score(self) -> float: ...
    @property
    def reason(self) -> str: ...


PlacedT = TypeVar("PlacedT", bound=Placed)


class Kept(NamedTuple):
    """A row that others may join."""

    row: int
    weight: float  # of its fingerprint


@dataclass(slots=True)
class Groups:
    """The outcome; rows by their number in the order they were read."""

    ids: list[str]
    kept: array[int]  # for each row the row that is kept of its group
    via: array[int]  # for each row the row it was compared with; of a kept one itself
    reasons: list[str]
    scores: array[float]

    def sizes(self) -> Counter[int]:
        return Counter(self.kept)

    def large(self) -> list[tuple[str, int]]:
        """Groups of more than `LARGE` members, largest first."""
        found = [(self.ids[row], size) for row, size in self.sizes().items() if size > LARGE]
        return sorted(found, key=lambda one: (-one[1], one[0]))

    def rows(self) -> Iterator[Json]:
        """One a row: group by group, the kept one first, all in the order of their ids."""
        ids, kept = self.ids, self.kept
        for row in sorted(range(len(ids)), key=lambda row: (ids[kept[row]], row != kept[row], ids[row])):
            is_kept = kept[row] == row
            yield {
                "id": ids[row],
                "group": ids[kept[row]],
                "keep": is_kept,
                "reason": self.reasons[row],
                "via": None if is_kept else ids[self.via[row]],
                "score": None if is_kept else round(self.scores[row], 6),
            }


@dataclass(slots=True)
class Rows:
    """All rows of a dump, their texts in a spool."""

    spool: Spool
    ids: list[str] = field(default_factory=list)
    ranks: array[float] = field(default_factory=lambda: array("d"))
    texts: array[int] = field(default_factory=lambda: array("q"))  # for each row the number of its text
    _numbers: dict[bytes, int] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict)

    def add(self, row: Row, keep: Keep) -> InputError | None:
        """Takes a row; the fault of one whose id another has, which stays."""
        article = row.article
        if self._known.setdefault(article.id, len(self.ids)) != len(self.ids):
            return row.refused(f"id: {article.id!r:.80} is that of a row before, which is kept")
        self.note(article.id, keep.rank(article), digest_of(article.text, article.id))
        self.spool.add_article(article)
        return None

    def note(self, article_id: str, rank: float, digest: bytes) -> None:
        """Takes what is known of a row beside its text."""
        self.ids.append(article_id)
        self.ranks.append(rank)
        self.texts.append(self._numbers.setdefault(digest, len(self._numbers)))

    def preferred(self) -> list[int]:
        """The best row of each text, best first."""
        self._numbers.clear()
        self._known.clear()
        first: dict[int, int] = {}
        for row in sorted(range(len(self.ids)), key=lambda row: (self.ranks[row], self.ids[row])):
            first.setdefault(self.texts[row], row)
        return list(first.values())


class Grouping:
    """Groups texts one after the other, each compared with those that are kept."""

    def __init__(self, linker: Linker, rows: Rows, boilerplate: frozenset[int]) -> None:
        self._linker, self._rows, self._boilerplate = linker, rows, boilerplate
        self._index = MemoryIndex()
        self._kept: dict[str, Kept] = {}
        self._scraps: dict[bytes, int] = {}
        self._kin = Kin(linker)

    def place(self, row: int) -> Verdict:
        """Where a row's text belongs, which has to be the next in the order of preference."""
        page, is_scrap = self._article(row)
        if is_scrap:
            return self._scrap(row, page)
        fingerprint = self._linker.fingerprint(page)
        kept = Kept(row, sum(fingerprint.weights))
        verdict = self._joined(page, self._near(fingerprint, kept))
        if verdict.joined is None:
            self._index.add(page.id, fingerprint, Side.ORIGINAL)
            self._kept[page.id] = kept
        return verdict

    def _scrap(self, row: int, page: Article) -> Verdict:
        """Where so little is left of a text without its boilerplate, only the same words mean anything."""
        first = self._scraps.setdefault(digest_of(page.text, page.id), row)
        decision = Decision(page.id, self._linker.id, score=0.0 if first == row else 1.0)
        return Verdict(None if first == row else first, decision)

    def _near(self, fingerprint: Fingerprint, page: Kept) -> list[tuple[Kept, Article]]:
        """The kept rows that are worth a comparison, likeliest first."""
        near = []
        for one in self._index.search(fingerprint, Side.ORIGINAL, CANDIDATES):
            other = self._kept[one.article_id]
            if worth_comparing(one.overlap, page.weight, other.weight):
                near.append((other, self._article(other.row)[0]))
        return near

    def _joined(self, page: Article, near: Sequence[tuple[Kept, Article]]) -> Verdict:
        kept = {article.id: other.row for other, article in near}
        joined, forward, backward = joined_to(self._kin, page, [article for _, article in near])
        return Verdict(None if joined is None else kept[joined], forward, backward)

    def _article(self, row: int) -> tuple[Article, bool]:
        return compared(self._rows.spool.article(row), self._boilerplate)


def joined_to(kin: Kin, page: Article, near: Sequence[Article]) -> tuple[str | None, Decision, Decision | None]:
    """The id of the article that a page joins, if any, with the decisions as in a `Verdict`."""
    forward = kin.forward(page, near)
    if forward.link is not None:
        return forward.link.original_id, forward, None
    backward = [found for article in near if (found := kin.backward(page, article)) is not None]
    if not backward:
        return None, forward, None
    found = min(backward, key=lambda one: (-one.score, one.article_id))
    return found.article_id, forward, found


def compared(article: Article, boilerplate: frozenset[int]) -> tuple[Article, bool]:
    """An article as it is compared: by its own text alone; and whether that is a scrap."""
    own = blanked(article.text, boilerplate) if boilerplate else article.text
    is_scrap = own is not article.text and len(" ".join(own.split())) < _SCRAP
    return bare(replace(article, text=own)), is_scrap


def group_rows(
    linker: Linker,
    rows: Rows,
    keep: Keep,
    *,
    on_verdict: Callable[[int, Verdict], None] = lambda row, verdict: None,
    on_progress: Callable[[str, int], None] = lambda stage, done: None,
) -> Groups:
    """Groups the rows. `on_verdict` gets each text's best row and what became of it, best first."""
    order = rows.preferred()
    boilerplate = _boilerplate(rows, order, on_progress)
    grouping = Grouping(linker, rows, boilerplate)
    return grouped(rows, keep, order, grouping.place, on_verdict=on_verdict, on_progress=on_progress)


def grouped(
    rows: Rows,
    keep: Keep,
    order: Sequence[int],
    place: Callable[[int], PlacedT],
    *,
    on_verdict: Callable[[int, PlacedT], None],
    on_progress: Callable[[str, int], None],
) -> Groups:
    """Puts the groups together from what `place` says of each text's best row, asked in that order."""
    best = {rows.texts[row]: row for row in order}
    count = len(rows.ids)
    own = array("q", range(count))
    groups = Groups(rows.ids, own, own[:], [""] * count, array("d", [1.0]) * count)
    for done, row in enumerate(order, 1):
        verdict = place(row)
        on_verdict(row, verdict)
        if verdict.joined is not None:
            groups.kept[row] = groups.via[row] = verdict.joined
            groups.scores[row], groups.reasons[row] = verdict.score, verdict.reason
        on_progress("texts compared", done)
    for row in range(count):
        first = best[rows.texts[row]]
        if first != row:
            groups.kept[row], groups.via[row] = groups.kept[first], first
            groups.scores[row], groups.reasons[row] = groups.scores[first], SAME_TEXT
    _say_why_kept(groups, rows, keep)
    return groups


def _boilerplate(rows: Rows, order: Iterable[int], on_progress: Callable[[str, int], None]) -> frozenset[int]:
    census = Census()
    for done, row in enumerate(order, 1):
        article = rows.spool.article(row)
        census.add(article.text, site_of(article))
        on_progress("texts surveyed", done)
    return census.boilerplate()


def site_of(article: Article) -> str:
    """Whose text it is: the site's domain, else the publisher; "" where unknown."""
    name = host(article.url)
    return registrable_domain(name) or name if name else article.publisher or article.site


def _say_why_kept(groups: Groups, rows: Rows, keep: Keep) -> None:
    """`alone`, or what the kept row was preferred for: where all are of one rank, its id."""
    sizes = groups.sizes()
    ranks: dict[int, set[float]] = {row: set() for row, size in sizes.items() if size > 1}
    for row, kept in enumerate(groups.kept):
        if kept in ranks and len(ranks[kept]) < 2:
            ranks[kept].add(rows.ranks[row])
    for row in sizes:
        if sizes[row] == 1:
            groups.reasons[row] = ALONE
        else:
            groups.reasons[row] = keep.policy.value if len(ranks[row]) > 1 else FIRST_ID
