"""What the demo's crawl came to: links with their strongest evidence, and what was left alone and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crawler.demo.stories import Stories
from crawler.model import Article, Decision, EvidenceKind, Link, Role
from crawler.pipeline.linking import LinkingDesk
from crawler.store import Store


@dataclass(frozen=True, slots=True)
class Found:
    """A link with its two articles and the kind of reuse that its author wrote."""

    kind: str
    link: Link
    rewrite: Article
    original: Article

    def strongest(self) -> tuple[str, str]:
        """The best pair of passages: of the page, of the original."""
        passages = [one for one in self.link.evidence if one.kind is EvidenceKind.PASSAGE]
        best = max(passages, key=_weight, default=None)
        if best is None or best.rewrite is None or best.original is None:
            return "", ""
        return self.rewrite.text[slice(*best.rewrite)], self.original.text[slice(*best.original)]


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A page that was not linked; `reason` is the linker's own."""

    kind: str
    page: Article
    nearest: Article | None
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Attributed:
    """A page that tells where it comes from, with the story that a public feed's teaser names."""

    page: Article
    publisher: str
    teaser: Article | None


@dataclass(frozen=True, slots=True)
class DemoReport:
    found: tuple[Found, ...]
    left_alone: tuple[LeftAlone, ...]
    attributed: tuple[Attributed, ...]
    originals: int
    pages: int


async def report(store: Store, desk: LinkingDesk, stories: Stories) -> DemoReport:
    """Reads the store and asks the linker again for its reasons."""
    found, left, attributed = [], [], []
    originals = pages = 0
    identifiers = [str(row["id"]) async for row in store.export_articles()]
    articles, fingerprints = await store.articles(identifiers), await store.fingerprints(identifiers)
    for identifier in identifiers:
        page = articles[identifier]
        if page.role is not Role.AGGREGATOR:
            originals += 1
            continue
        pages += 1
        if page.id not in fingerprints:
            continue
        verification = await desk.verify(page, fingerprints[page.id])
        decision, others = verification.decision, verification.articles
        kind = stories.kind_of(page.url)
        if decision.link is not None:
            found.append(Found(kind, decision.link, page, others[decision.link.original_id]))
        else:
            left.append(_left_alone(kind, page, decision, others))
        if decision.attribution is not None and decision.link is None:
            teaser = others.get(decision.attribution.teaser_id or "")
            attributed.append(Attributed(page, decision.attribution.publisher, teaser))
    return DemoReport(
        found=tuple(sorted(found, key=lambda one: -one.link.score)),
        left_alone=tuple(sorted(left, key=lambda one: -one.score)),
        attributed=tuple(attributed),
        originals=originals,
        pages=pages,
    )


def _left_alone(kind: str, page: Article, decision: Decision, others: Mapping[str, Article]) -> LeftAlone:
    best = decision.considered[0] if decision.considered else None
    return LeftAlone(
        kind=kind,
        page=page,
        nearest=others.get(best.original_id) if best else None,
        score=decision.score,
        reason=best.reason if best else "shares too little with any original",
    )


def _weight(piece: object) -> float:
    """Long passages tell more than short ones that happen to be alike."""
    span = getattr(piece, "rewrite", None) or (0, 0)
    similarity = getattr(piece, "similarity", None) or 0.0
    return float(similarity * min(span[1] - span[0], 200))
