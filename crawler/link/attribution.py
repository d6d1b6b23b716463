"""A page's own claim to come from Dow Jones, and the public feed's item that names the story."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from crawler.link.evidence import marker_evidence
from crawler.link.markers import Marker, claimed_publisher
from crawler.link.profile import NAME, NUMBER, Profile, profile
from crawler.model import Article, Attribution

_LEAST_TEASER_SCORE = 0.5
_NEAR = timedelta(days=4)
# Log-odds of "this item names the page's story", set by hand: a teaser is two sentences, so the share of its rare
# words that the page holds, above all in its own headline and lead, says nearly everything.
_BIAS = -9.0
_WHOLE, _LEAD, _NAMED = 6.0, 5.0, 3.0
_MARKED, _FAR_IN_TIME = 1.5, -3.0
_LEAD_SENTENCES = 4


@dataclass(frozen=True, slots=True)
class _Named:
    teaser: Article
    score: float


def attribution(
    page: Article, prepared: Profile, found: Sequence[Marker], teasers: Sequence[Article]
) -> Attribution | None:
    """What the markers claim, with the teaser that fits the page best if one fits; None without any marker."""
    claim = claimed(found)
    if claim is None:
        return None
    best: _Named | None = None
    for teaser in teasers:
        named = _Named(teaser, teaser_score(page, prepared, teaser))
        if best is None or (-named.score, named.teaser.id) < (-best.score, best.teaser.id):
            best = named
    if best is None or best.score < _LEAST_TEASER_SCORE:
        return claim
    return replace(claim, teaser_id=best.teaser.id, teaser_score=best.score)


def claimed(found: Sequence[Marker]) -> Attribution | None:
    """What the markers claim by themselves; None without any."""
    publisher = claimed_publisher(found)
    return None if publisher is None else Attribution(publisher, tuple(marker_evidence(found)))


def teaser_score(page: Article, prepared: Profile, teaser: Article) -> float:
    """The probability that a feed's item announces the story that a page with markers tells."""
    made_by = (prepared.language, prepared.vocabularies)
    item = profile(replace(teaser, text=f"{teaser.title}.\n\n{teaser.text}", title=""), *made_by)
    lead_end = prepared.span(min(_LEAD_SENTENCES, len(prepared.spans)) - 1)[1] if len(prepared.spans) else 0
    lead = profile(replace(page, text=f"{page.title}.\n\n{page.text[:lead_end]}", title=""), *made_by)
    if not len(item.terms):
        return 0.0
    named = np.isin(item.kinds, (NAME, NUMBER))
    log_odds = (
        _BIAS
        + _WHOLE * _held(item, prepared, np.ones(len(item.terms), dtype=np.bool_))
        + _LEAD * _held(item, lead, np.ones(len(item.terms), dtype=np.bool_))
        + _NAMED * (_held(item, prepared, named) if named.any() else 0.5)
        + _MARKED
    )
    if page.published and teaser.published and abs(page.published - teaser.published) > _NEAR:
        log_odds += _FAR_IN_TIME
    return 1.0 / (1.0 + math.exp(-log_odds))


def _held(item: Profile, other: Profile, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Share of the chosen terms' weight that the other profile holds."""
    weights = item.weights[chosen]
    held = np.isin(item.terms[chosen], other.terms)
    return float(weights[held].sum() / weights.sum()) if len(weights) else 0.0
