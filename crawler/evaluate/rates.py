"""What counts can prove: bounds of a rate that was measured on few cases."""

from __future__ import annotations

import math

ONE_SIDED, TWO_SIDED = 1.6449, 1.9600  # standard deviations, for 95 %
_RULE_OF_THREE = 3.0  # none seen in n means at most 3/n, with 95 % confidence


def upper_bound(errors: int, n: int) -> float:
    """95 % upper bound of a rate: Wilson's (1927), and 3/n where none was seen."""
    if n == 0:
        return 1.0
    if errors == 0:
        return min(1.0, _RULE_OF_THREE / n)
    return wilson(errors, n, ONE_SIDED)[1]


def wilson(seen: int, n: int, deviations: float = TWO_SIDED) -> tuple[float, float]:
    """Wilson's interval (1927) of a rate; nothing is known where n is 0."""
    if n == 0:
        return 0.0, 1.0
    rate, square = seen / n, deviations * deviations
    centre = rate + square / (2 * n)
    spread = deviations * math.sqrt(rate * (1 - rate) / n + square / (4 * n * n))
    below, above = (centre - spread) / (1 + square / n), (centre + spread) / (1 + square / n)
    return (0.0 if seen == 0 else below), (1.0 if seen == n else above)
