"""One link: both texts side by side, what the score is made of, and why it was none of the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from crawler.link.explain import Part
from crawler.model import Article, Evidence, EvidenceKind, LinkState
from crawler.pipeline.cpu import CpuPool, linker
from crawler.store.browsing import LinkView, Reading, Redecision
from crawler.store.reviews import Review
from crawler.web import looking
from crawler.web.asking import asked
from crawler.web.drawing import page
from crawler.web.inbox import STORE
from crawler.web.passages import Shown, pairs_of, places, shown

CPU = web.AppKey("cpu", CpuPool)
LONGEST_EXPLAINED = 200_000  # characters of a text beyond which its pair is not aligned again for the bars
_SIGNS = (EvidenceKind.MARKER, EvidenceKind.CANONICAL, EvidenceKind.HYPERLINK)


@dataclass(frozen=True, slots=True)
class Explained:
    linker: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """Widths in the hundredths that its drawing is wide."""

    name: str
    share: float
    push: float

    @property
    def width(self) -> float:
        return round(100 * self.share, 1)

    @property
    def pull(self) -> float:
        """Half the drawing is six of log-odds: more makes a score no surer to the eye."""
        return round(min(50.0, 50.0 * abs(self.push) / 6.0), 1)


async def compare(request: web.Request) -> web.Response:
    store, wanted = request.app[STORE], asked(request.query)
    view = await store.view_link(request.match_info["link"])
    explained, (newer, older) = await asyncio.gather(
        _explained(request.app[CPU], view), store.link_neighbours(wanted.filter, view.listed.cursor)
    )
    left, right = await asyncio.to_thread(_both, view)
    return await page(
        request,
        "compare.html",
        asked=wanted,
        view=view,
        link=view.listed,
        sides=(("rewrite", "The page", view.rewrite, left), ("original", "The original", view.original, right)),
        pairs=len(pairs_of(view.link.evidence)),
        signs=[one for one in view.link.evidence if one.kind in _SIGNS],
        names=_of(view.link.evidence, EvidenceKind.NAME),
        numbers=_of(view.link.evidence, EvidenceKind.NUMBER),
        bars=[Bar(part.name, part.share, part.push) for part in explained.parts],
        explained_by=explained.linker,
        frozen=frozen(view),
        notice=notice(view),
        places=_places(view),
        looks=looking.seen(view.link.looks),
        page_now=looking.standing(view),
        newer=newer,
        older=older,
    )


def frozen(view: LinkView) -> Review | None:
    """The word by which the link stands, if it is confirmed or rejected."""
    stands = view.listed.state in {LinkState.CONFIRMED, LinkState.REJECTED, LinkState.RETRACTED}
    last = view.reviews[-1] if view.reviews else None
    return last if stands and last is not None and last.verdict is not LinkState.NEW else None


def notice(view: LinkView) -> Redecision | None:
    """What the linker says of the page now, where a person's word stands and it says something else."""
    word, newest = frozen(view), view.newest
    if word is None or newest is None or newest.at <= word.at:
        return None
    agrees = newest.link_id == view.listed.id
    same = agrees and newest.linker == view.listed.linker and abs(newest.score - view.listed.score) < 0.005
    return None if same or (word.verdict is LinkState.REJECTED and not agrees) else newest


def _both(view: LinkView) -> tuple[Shown | None, Shown | None]:
    return _shown(view.rewrite, view.link.evidence, "rewrite"), _shown(view.original, view.link.evidence, "original")


def _shown(reading: Reading, evidence: tuple[Evidence, ...], side: str) -> Shown | None:
    return shown(reading.article.text, evidence, side) if reading.article is not None else None


def _places(view: LinkView) -> list[tuple[int, int | None]] | None:
    """Where in the original the passages stand, if its text is kept no longer; None where it is, or had to go."""
    article = view.original.article
    return None if article is None or article.text else places(view.link.evidence, view.original.paragraphs)


def _of(evidence: tuple[Evidence, ...], kind: EvidenceKind) -> list[str]:
    return [one.text or "" for one in evidence if one.kind is kind]


async def _explained(cpu: CpuPool, view: LinkView) -> Explained:
    page_text, original = view.rewrite.article, view.original.article
    if page_text is None or original is None:
        return Explained("", ())
    if max(len(page_text.text), len(original.text)) > LONGEST_EXPLAINED:
        return Explained("", ())
    return await cpu.run(explain_pair, page_text, original)


def explain_pair(page_text: Article, original: Article) -> Explained:
    """What the score of a pair is made of. Pure; runs in the CPU pool."""
    return Explained(linker().id, linker().explain(page_text, original))


ROUTES = (web.get("/links/{link:[0-9a-f]{32}}", compare),)
