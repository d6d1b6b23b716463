"""What a reviewed sheet says of the stream: the share of rewrites in it, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crawler.errors import InputError
from crawler.evaluate.rates import TWO_SIDED, wilson
from crawler.evaluate.sheet import Review, Reviewed, read_sheet

_HIGHEST = 0.99  # base rate; at 1 every page would be a rewrite
_ROUNDING = 0.001  # of shares that were written and saved by a spreadsheet


@dataclass(frozen=True, slots=True)
class Estimate:
    """The share of rewrites among the store's pages with its 95 % interval.

    `base_rate` is what to set, None where no rewrite was seen: then all that is known is that the share is at most
    `high`. `linked` reviewed pages had a link, `linked_right` of these are rewrites indeed.
    """

    reviewed: int
    left_out: int
    rewrites: int
    share: float
    low: float
    high: float
    base_rate: float | None
    linked: int
    linked_right: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate_from(path: Path) -> Estimate:
    """Raises InputError where the sheet can't be read, a stratum is gone from it or has no verdict."""
    return estimate(read_sheet(path), path)


def estimate(review: Review, path: Path) -> Estimate:
    """The stratified mean, with an interval from those of the strata (MOVER: Zou and Donner 2008).

    The normal approximation would call a stratum certain in which none was seen; Wilson's intervals do not. That only
    some pages were scored adds the variance between strata of the first phase.
    """
    strata: dict[str, list[Reviewed]] = {}
    for row in review.rows:
        strata.setdefault(row.stratum, []).append(row)
    shares = {name: rows[0].share for name, rows in strata.items()}
    if abs(sum(shares.values()) - 1) > _ROUNDING:
        raise InputError(path, "expected rows of every stratum that was drawn: leave the verdict empty, keep the row")
    share = below = above = 0.0
    rates: list[tuple[float, float]] = []
    for name, rows in strata.items():
        words = [row.verdict for row in rows if row.verdict is not None]
        if not words:
            raise InputError(path, f"expected a verdict in at least one row of the stratum {name!r}")
        weight, rate = shares[name], sum(words) / len(words)
        low, high = wilson(sum(words), len(words))
        share += weight * rate
        below += (weight * (rate - low)) ** 2
        above += (weight * (high - rate)) ** 2
        rates.append((weight, rate))
    between = _first_phase(rates, share, review) * TWO_SIDED**2
    given = [row for row in review.rows if row.verdict is not None]
    linked = [row for row in given if row.linked]
    return Estimate(
        reviewed=len(given),
        left_out=len(review.rows) - len(given),
        rewrites=sum(row.verdict is True for row in given),
        share=share,
        low=max(0.0, share - math.sqrt(below + between)),
        high=min(1.0, share + math.sqrt(above + between)),
        base_rate=min(_HIGHEST, float(f"{share:.2g}")) if share > 0 else None,
        linked=len(linked),
        linked_right=sum(row.verdict is True for row in linked),
    )


def _first_phase(rates: Sequence[tuple[float, float]], share: float, review: Review) -> float:
    """The variance that comes of strata whose sizes are known from the scored pages only; none if all were scored."""
    if not 0 < review.scored < review.pages:
        return 0.0
    spread = sum(weight * (rate - share) ** 2 for weight, rate in rates)
    return spread * (1 / review.scored - 1 / review.pages)
