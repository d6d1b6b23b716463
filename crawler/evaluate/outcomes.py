"""Every case of a corpus decided: the truth of a page beside what the linker says of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from crawler.corpus import Corpus, Truth
from crawler.link import Linker
from crawler.link.index import shortlist
from crawler.link.memory import MemoryIndex
from crawler.model import Article, Decision, Evidence, EvidenceKind, Side
from crawler.settings import LinkSettings

Watch = Callable[[int, int], None]  # pages decided, of how many


def unseen(_done: int, _total: int) -> None:
    """For who watches nothing."""


QUOTED = 240  # characters of a passage that are shown


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence of a page and its counterpart, as they stand in the texts."""

    page: str
    original: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Proof:
    """What a wrong decision rests on: of a link its evidence, of a miss what spoke for the true original."""

    evidence: tuple[Evidence, ...] = ()
    passages: tuple[Passage, ...] = ()  # the strongest first


@dataclass(frozen=True, slots=True)
class Outcome:
    """The truth of a page and what the linker said of it. `best` is the candidate that its score is about."""

    truth: Truth
    decision: Decision
    proof: Proof = Proof()

    @property
    def given(self) -> str | None:
        return self.decision.link.original_id if self.decision.link else None

    @property
    def best(self) -> str | None:
        if self.decision.link:
            return self.decision.link.original_id
        return self.decision.considered[0].original_id if self.decision.considered else None

    @property
    def best_is_right(self) -> bool:
        return self.truth.original is not None and self.best == self.truth.original

    @property
    def wrong(self) -> bool:
        return self.given != self.truth.original


class Trial:
    """Originals in an index, and the linker that decides on pages against them."""

    def __init__(
        self,
        linker: Linker,
        settings: LinkSettings,
        originals: Iterable[Article],
        teasers: Sequence[Article] = (),
    ) -> None:
        self.linker, self._teasers = linker, tuple(teasers)
        self._lenient = lenient(settings)
        self.originals: Mapping[str, Article] = {article.id: article for article in originals}
        self._index = MemoryIndex()
        for article in self.originals.values():
            self._index.add(article.id, linker.fingerprint(article), Side.ORIGINAL)

    def decide(self, page: Article, *, without: Collection[str] = ()) -> Decision:
        """The decision on a page, as if the originals `without` were not held."""
        fingerprint = self.linker.fingerprint(page)
        found = self._index.search(fingerprint, Side.ORIGINAL)
        held = shortlist(fingerprint, [one for one in found if one.article_id not in without])
        return self.linker.decide(page, [self.originals[one.article_id] for one in held], self._teasers)

    def outcome(self, page: Article, truth: Truth) -> Outcome:
        outcome = Outcome(truth, self.decide(page))
        return Outcome(truth, outcome.decision, self._proof(page, outcome)) if outcome.wrong else outcome

    def _proof(self, page: Article, outcome: Outcome) -> Proof:
        link, asked = outcome.decision.link, outcome.given or outcome.truth.original
        original = self.originals.get(asked or "")
        if original is None:
            return Proof()
        if link is None:
            link = self._lenient.decide(page, [original]).link
        return Proof(link.evidence, passages(link.evidence, page, original)) if link else Proof()


def lenient(settings: LinkSettings) -> Linker:
    """A linker that links whatever comes nearest: for its evidence, where nothing is to be linked."""
    return Linker(settings.model_copy(update={"threshold": 0.0}))


def passages(evidence: Iterable[Evidence], page: Article, original: Article, most: int = 3) -> tuple[Passage, ...]:
    """The strongest passages of some evidence in words."""
    found = [
        Passage(_quoted(page.text, one.rewrite), _quoted(original.text, one.original or (0, 0)), one.similarity or 0.0)
        for one in evidence
        if one.kind is EvidenceKind.PASSAGE and one.rewrite
    ]
    return tuple(sorted(found, key=lambda one: -one.similarity)[:most])


def decide_all(
    linker: Linker, settings: LinkSettings, corpus: Corpus, pool: Iterable[Article] = (), watch: Watch = unseen
) -> list[Outcome]:
    """The linker's decision on each page of the truth. `pool` are further originals that no page stems from.

    `watch` is told how many pages are decided, and of how many.
    """
    trial = Trial(linker, settings, (*pool, *corpus.originals), corpus.teasers)
    outcomes = []
    for truth in corpus.truth:
        outcomes.append(trial.outcome(corpus.articles[truth.rewrite], truth))
        watch(len(outcomes), len(corpus.truth))
    return outcomes


def _quoted(text: str, span: tuple[int, int]) -> str:
    passage = " ".join(text[span[0] : span[1]].split())
    return passage if len(passage) <= QUOTED else passage[: QUOTED - 1] + "…"
