"""The decision on one page: which of its candidates it stems from, if any, and why.

Everything here is a function of the page, the candidates in the order of their rank, and the settings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from crawler.link import evidence
from crawler.link.attribution import attribution
from crawler.link.features import Comparison, compare
from crawler.link.lexicon import UNKNOWN
from crawler.link.markers import Marker, markers
from crawler.link.profile import Profile
from crawler.link.score import Model, probability
from crawler.link.standing import are_apart, is_dow_jones, precedence, standing
from crawler.model import (
    Article,
    Considered,
    Decision,
    Evidence,
    EvidenceKind,
    Link,
    Precedence,
    Relation,
    Rights,
    Role,
)

MOST_ALIGNED = 20
MOST_CONSIDERED = 10
# A story's originals stand together at the head of the ranking: after so many in a row whose score is so low, what
# follows is not looked at.
_HOPELESS_RUN, _HOPELESS = 2, 0.02
# Log-odds that circumstances add. None can lift a story above the threshold that its text does not speak for.
_MARKED = 1.0  # the page bears marks of Dow Jones and the original is theirs
_CANONICAL = 2.0  # the page names the original's address as its own
_APART = -1.0  # the two are further apart in time than the window
_LEAST_VERBATIM_ABROAD = 0.5  # share of a page in a language that is not known that must stand in the original
# Words of a page, below which only a copy is told from a stranger's few sentences: of any page, and of one that has
# less than half of the original's. All that a brief says of an event stands in any long story about it.
_LEAST_WORDS, _LEAST_DIGEST_WORDS = 60, 100
_LEAST_VERBATIM_SHORT = 0.5
_CLOSE = 0.3  # score from which a candidate that is not taken is called alike
_COPY_PAGE, _COPY_ORIGINAL = 0.7, 0.3  # shares of words in verbatim runs that make a copy
_EXCERPT_PAGE = 0.6  # of the page's words: below, lifted passages stand in another's frame
_BEYOND_WORDS = 40  # weight of terms beyond the release below which nothing can be told
_LEAST_BEYOND = 0.22  # share of what the page has beyond the release that an original must explain


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate that was aligned with the page."""

    article: Article
    profile: Profile
    comparison: Comparison
    log_odds: float
    manner: str
    precedence: Precedence
    address: EvidenceKind | None
    apart: bool

    @property
    def explains(self) -> float:
        """How well the original accounts for the page: what the choice among several goes by."""
        features = self.comparison.features
        return (
            features.explained_page
            + features.chain_page
            + 0.5 * features.verbatim_page
            + 0.2 * features.explained_original
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a candidate can't be taken. What is `ruled_out` by circumstances scores nothing, however alike the texts."""

    reason: str
    ruled_out: bool


@dataclass(frozen=True, slots=True)
class Bench:
    """What a decision rests on beside the articles."""

    linker: str
    model: Model
    threshold: float
    base_rate: float
    window: timedelta
    rights: Sequence[Rights]


def decide(
    bench: Bench,
    page: Article,
    prepared: Profile,
    originals: Iterable[tuple[Article, Profile]],
    teasers: Sequence[Article],
    known_urls: Mapping[str, str],
    *,
    plain: Profile | None = None,
) -> Decision:
    """See `Linker.decide`; profiles come with the articles, and are taken only as far as they are wanted.

    Where `prepared` and the originals are hashed, `plain` is the page's profile that is not.
    """
    marks = markers(page)
    addresses = _addresses(page, known_urls)
    weighed = _weighed(bench, page, prepared, originals, marks, addresses) if len(prepared.spans) else []
    weighed.sort(key=lambda one: (-one.log_odds, one.article.id))
    refused = _refusals(bench, prepared, weighed)
    able = [one for one in weighed if one.article.id not in refused]
    taken = min(able, key=_preference) if able else None
    considered = [_considered(bench, one, one is taken, refused.get(one.article.id)) for one in weighed]
    considered.sort(key=lambda one: (not one.taken, -one.score, one.original_id))
    return Decision(
        article_id=page.id,
        linker=bench.linker,
        score=considered[0].score if considered else 0.0,
        link=_link(bench, page, prepared, taken, marks) if taken else None,
        attribution=None if taken else attribution(page, plain or prepared, marks, teasers),
        considered=tuple(considered[:MOST_CONSIDERED]),
    )


def _preference(one: Weighed) -> tuple[float, bool, float, str]:
    """The least is the original: the one that explains most; of equal ones that of the page's time, then the first."""
    when = one.article.published or one.article.first_seen
    return (-round(one.explains, 6), one.apart, when.timestamp() if when else math.inf, one.article.id)


def _considered(bench: Bench, one: Weighed, taken: bool, refusal: Refusal | None) -> Considered:
    if taken:
        return Considered(one.article.id, _score(bench, one), True, "taken")
    if refusal is None:
        return Considered(one.article.id, _score(bench, one), False, "another original explains the page better")
    return Considered(one.article.id, 0.0 if refusal.ruled_out else _score(bench, one), False, refusal.reason)


def _score(bench: Bench, one: Weighed) -> float:
    return probability(one.log_odds, bench.base_rate)


def _addresses(page: Article, known_urls: Mapping[str, str]) -> dict[str, EvidenceKind]:
    """Originals whose address the page names, with how it does."""
    named = {known_urls[url]: EvidenceKind.HYPERLINK for url in page.hyperlinks if url in known_urls}
    if page.canonical_url is not None and page.canonical_url in known_urls:
        named[known_urls[page.canonical_url]] = EvidenceKind.CANONICAL
    return named


def _weighed(
    bench: Bench,
    page: Article,
    prepared: Profile,
    originals: Iterable[tuple[Article, Profile]],
    marks: Sequence[Marker],
    addresses: Mapping[str, EvidenceKind],
) -> list[Weighed]:
    """The candidates aligned with the page, in their order, until they are hopeless."""
    weighed: dict[str, Weighed] = {}
    hopeless = 0
    for article, held in originals:
        if article.id == page.id or article.id in weighed or not len(held.spans):
            continue
        one = weighed[article.id] = _weigh(bench, page, prepared, (article, held), marks, addresses)
        hopeless = hopeless + 1 if _score(bench, one) < _HOPELESS and one.address is None else 0
        if hopeless == _HOPELESS_RUN or len(weighed) == MOST_ALIGNED:
            break
    return list(weighed.values())


def _weigh(
    bench: Bench,
    page: Article,
    prepared: Profile,
    candidate: tuple[Article, Profile],
    marks: Sequence[Marker],
    addresses: Mapping[str, EvidenceKind],
) -> Weighed:
    article, held = candidate
    comparison = compare(prepared, held)
    judgement = bench.model.judge(comparison.features)
    log_odds = judgement.log_odds
    address = addresses.get(article.id)
    if marks and is_dow_jones(article.publisher):
        log_odds += _MARKED
    if address is EvidenceKind.CANONICAL:
        log_odds += _CANONICAL
    apart = are_apart(page, article, bench.window)
    if apart:
        log_odds += _APART
    return Weighed(article, held, comparison, log_odds, judgement.manner, precedence(page, article), address, apart)


def _refusals(bench: Bench, prepared: Profile, weighed: Sequence[Weighed]) -> dict[str, Refusal]:
    """Why each candidate that can't be taken can't."""
    refused: dict[str, Refusal] = {}
    for one in weighed:
        refusal = _refusal(bench, prepared, one)
        if refusal:
            refused[one.article.id] = refusal
    releases = [one for one in weighed if one.article.role is Role.RELEASE and _score(bench, one) >= 0.5]
    for one in weighed:
        if one.article.id not in refused and one.article.role is not Role.RELEASE:
            for release in releases:
                if _only_common_source(prepared, one, release):
                    refused[one.article.id] = Refusal("shares with the page only what both have from a release", True)
    return refused


def _refusal(bench: Bench, prepared: Profile, one: Weighed) -> Refusal | None:
    features = one.comparison.features
    languages = {prepared.language, one.profile.language}
    if (len(languages) > 1 or UNKNOWN in languages) and features.verbatim_page < _LEAST_VERBATIM_ABROAD:
        return Refusal("another language, or one that is not known, and not copied", True)
    least = _LEAST_WORDS if 2 * prepared.total_words >= one.profile.total_words else _LEAST_DIGEST_WORDS
    if prepared.total_words < least and features.verbatim_page < _LEAST_VERBATIM_SHORT:
        return Refusal(f"fewer than {least} words, and not copied", True)
    if _score(bench, one) < bench.threshold:
        return Refusal(_shortfall(bench, one), False)
    if one.precedence is Precedence.PAGE_FIRST:
        return Refusal("the page came first", True)
    return None


def _shortfall(bench: Bench, one: Weighed) -> str:
    """In plain words why a candidate stays below the threshold."""
    features = one.comparison.features
    if _score(bench, one) >= _CLOSE:
        return f"alike, but below the threshold {bench.threshold:.2f}"
    if features.chain_page >= 0.3 and features.page_names < 0.4:
        return "the same formula with other names"
    if features.agree_numbers < 0.5 and features.page_numbers < 0.5 and features.chain_page >= 0.12:
        return "other numbers in the same places"
    if features.page_names >= 0.5 and features.explained_page < 0.45:
        return "shares names, little of what is said"
    if features.page_names >= 0.2 and features.explained_page >= 0.15:
        return "the same subject with other names, numbers or quotes"
    return "shares only common words" if features.page_names < 0.2 else "shares too little of what is said"


def _only_common_source(page: Profile, one: Weighed, release: Weighed) -> bool:
    """Whether an original shares with the page hardly more than the release explains.

    What counts is what the page has beyond the release: a rewrite of the original has taken the original's own
    words, names and numbers there as well; another rework of the release has its own.
    """
    beyond = ~np.isin(page.terms, release.profile.terms)
    weight = float(page.weights[beyond].sum())
    if weight < _BEYOND_WORDS:
        return release.explains >= one.explains
    explained = beyond & np.isin(page.terms, one.profile.terms)
    share = float(page.weights[explained].sum()) / weight
    return share < _LEAST_BEYOND or (release.explains > one.explains and share < 2 * _LEAST_BEYOND)


def _relation(one: Weighed) -> Relation:
    features = one.comparison.features
    if features.verbatim_page >= _COPY_PAGE and features.verbatim_original >= _COPY_ORIGINAL:
        return Relation.COPY
    if features.verbatim_page >= _COPY_PAGE:
        return Relation.EXCERPT
    lifted = features.verbatim_page >= 0.15 and features.explained_page < _EXCERPT_PAGE
    return Relation.EXCERPT if one.manner == "excerpt" and lifted else Relation.REWRITE


def _link(bench: Bench, page: Article, prepared: Profile, one: Weighed, marks: Sequence[Marker]) -> Link:
    pieces = evidence.passages(prepared, one.profile, one.comparison)
    pieces += evidence.shared_terms(prepared, one.comparison)
    pieces += evidence.marker_evidence(marks)
    if one.address is not None:
        pieces.append(Evidence(kind=one.address, text=one.article.url))
    return Link(
        rewrite_id=page.id,
        original_id=one.article.id,
        relation=_relation(one),
        score=_score(bench, one),
        coverage=evidence.coverage(prepared, one.profile, one.comparison),
        evidence=tuple(pieces),
        precedence=one.precedence,
        standing=standing(page, one.article, bench.rights),
        linker=bench.linker,
    )
