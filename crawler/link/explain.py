"""What a score is made of, in a few groups that a person can read.

The model has some forty inputs, many of them close relatives; a bar for each would tell nobody anything. Each group
shows one share that can be checked against the texts, and how far its inputs together move the log-odds from those
of an average pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crawler.link.features import NAMES, Comparison
from crawler.link.score import Model


@dataclass(frozen=True, slots=True)
class Part:
    """One group of inputs: what it says, the share that shows it (0 to 1), and its part of the log-odds."""

    name: str
    share: float
    push: float


# Name, the feature that shows it, and the inputs that count for it; products go with their first factor.
_GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Sentences with a counterpart, in the same order",
        "chain_page",
        ("chain_", "strong_", "order", "explained_", "quotes_page"),
    ),
    ("Words and phrases in common", "page_stems", ("cosine", "page_stems", "original_stems", "shingles")),
    ("Names in common", "page_names", ("page_names", "original_names", "agree_names", "names_", "deep_")),
    ("Numbers in common", "page_numbers", ("page_numbers", "original_numbers", "agree_numbers", "numbers_")),
    ("Taken word for word", "verbatim_page", ("verbatim_", "lifted", "longest_run", "run_words", "long_run_words")),
    ("Length beside the original", "length", ("length", "page_words")),
)


def parts(model: Model, comparison: Comparison) -> tuple[Part, ...]:
    """The groups of the way of reuse that speaks loudest, in a fixed order."""
    features = comparison.features
    vector = features.vector()
    manner = model.judge(features).manner
    expert = next(one for one in model.experts if one.name == manner)
    moves = model.slope * expert.weights * (vector - expert.means)
    groups = np.array([_group_of(name) for name in NAMES])
    return tuple(
        Part(name, min(1.0, max(0.0, float(getattr(features, shown)))), float(moves[groups == place].sum()))
        for place, (name, shown, _) in enumerate(_GROUPS)
    )


def _group_of(name: str) -> int:
    for place, (_, _, prefixes) in enumerate(_GROUPS):
        if any(name.startswith(prefix) for prefix in prefixes):
            return place
    raise ValueError(f"no group for the input {name}")
