"""How well the linker does: on labelled corpora, and on a user's own stream by way of a sheet that a person reviews."""

from crawler.evaluate.outcomes import Outcome
from crawler.evaluate.rates import upper_bound
from crawler.evaluate.reporting import Report, evaluate, report

__all__ = ["Outcome", "Report", "evaluate", "report", "upper_bound"]
