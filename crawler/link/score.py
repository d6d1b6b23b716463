"""From features to one calibrated probability, by a small model that can be read.

The model is three logistic regressions, one for each way of reuse (the whole story reworded or copied, condensed,
parts lifted), whose log-odds are joined: log(sum(exp(·))), the odds that any of them applies. The file names
every coefficient, the means and scales of the features and the data it was trained on. Log-odds are those at even
odds; the share of rewrites in the user's stream is put in by Bayes' rule.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.link.features import NAMES, Features
from crawler.link.lexicon import data_file

MODEL_FILE = "model-3.json"
_MOST = 15.0  # log-odds; nothing that was measured supports more certainty than one in millions


@dataclass(frozen=True, slots=True)
class Expert:
    """One logistic regression. `weights` and `bias` apply to the features as they are; `means` are those it met."""

    name: str
    weights: NDArray[np.float64]
    bias: float
    means: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Log-odds at even odds, and the way of reuse that speaks loudest."""

    log_odds: float
    manner: str


@dataclass(frozen=True, slots=True)
class Model:
    """The experts and the calibration of their joint log-odds."""

    experts: tuple[Expert, ...]
    slope: float
    offset: float

    def judge(self, features: Features) -> Judgement:
        vector = features.vector()
        each = [expert.bias + float(expert.weights @ vector) for expert in self.experts]
        top = max(each)
        joined = top + math.log(sum(math.exp(one - top) for one in each))
        loudest = self.experts[each.index(top)].name
        return Judgement(max(-_MOST, min(_MOST, self.slope * joined + self.offset)), loudest)


def probability(log_odds: float, base_rate: float) -> float:
    """The probability at a share of rewrites, from log-odds at even odds."""
    return 1.0 / (1.0 + math.exp(-(log_odds + math.log(base_rate / (1.0 - base_rate)))))


def parse_model(given: Mapping[str, object]) -> Model:
    """A model from its file's JSON. Raises ValueError where the features are not those of this code."""
    experts = []
    for one in _list(given["experts"]):
        coefficients = {str(name): float(value) for name, value in one["coefficients"].items()}
        unknown = set(coefficients) - set(NAMES)
        if unknown:
            raise ValueError(f"the model has features that this code lacks: {', '.join(sorted(unknown))}")
        means, scales = one["means"], one["scales"]
        weights = np.array([coefficients.get(name, 0.0) / float(scales.get(name, 1.0)) for name in NAMES])
        shift = sum(value * float(means[name]) / float(scales[name]) for name, value in coefficients.items())
        usual = np.array([float(means.get(name, 0.0)) for name in NAMES])
        experts.append(Expert(str(one["name"]), weights, float(one["bias"]) - shift, usual))
    calibration = given["calibration"]
    if not isinstance(calibration, dict):
        raise ValueError("calibration: expected slope and offset")
    return Model(tuple(experts), float(calibration["slope"]), float(calibration["offset"]))


@cache
def shipped_model() -> Model:
    """The model of the package."""
    return parse_model(json.loads(data_file(MODEL_FILE)))


def _list(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise ValueError("experts: expected a list")
    return value
