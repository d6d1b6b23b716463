"""A process's figures in Prometheus' text format: what the rooms counted, the run's counts, the store's last sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from crawler import __version__, metrics
from crawler.metrics import Family, Kind
from crawler.pipeline.tally import Tally
from crawler.store import Gauges

__all__ = ["CONTENT_TYPE", "Standing", "exposition"]


@dataclass(slots=True)
class Standing:
    """What a run has done and has in hand. `load` gives the pages in hand and those of them that wait to be read."""

    tally: Tally
    load: Callable[[], tuple[int, int]]
    gauges: Gauges | None = None
    at: datetime | None = field(default=None)  # of `gauges`

    def sampled(self, gauges: Gauges, at: datetime) -> None:
        self.gauges, self.at = gauges, at


def exposition(standing: Standing) -> bytes:
    """All figures at this moment, those of the process itself (memory, files, CPU) among them."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(_Figures(standing))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield _family(metrics.INFO, {__version__: 1})
        for counted in metrics.COUNTED:
            yield _family(counted.family, counted.values)
        for timed in metrics.TIMED:
            yield _histogram(timed)
        yield from _of_run(self._standing.tally)
        in_hand, to_read = self._standing.load()
        yield _single(metrics.IN_HAND, in_hand)
        yield _single(metrics.TO_READ, to_read)
        yield _single(metrics.HEARTBEAT_AGE, metrics.HEARTBEAT.age())
        yield _single(metrics.LAG_GREATEST, metrics.LOOP_LAG_SECONDS.greatest)
        if self._standing.gauges is not None and self._standing.at is not None:
            yield from _of_store(self._standing.gauges, self._standing.at)


def _of_run(tally: Tally) -> Iterator[Metric]:
    yield _single(metrics.FETCHED, tally.fetched)
    yield _single(metrics.UNCHANGED, tally.unchanged)
    yield _single(metrics.TOO_OLD, tally.too_old)
    yield _single(metrics.ATTRIBUTIONS, tally.attributed)
    yield _family(metrics.STORED, {"new": tally.new, "changed": tally.changed})
    yield _family(metrics.NOT_ARTICLES, tally.not_articles)
    yield _family(metrics.FAILED, tally.failed)
    yield _family(metrics.POLL_FAILURES, tally.source_failures)


def _of_store(gauges: Gauges, at: datetime) -> Iterator[Metric]:
    pages = gauges.frontier
    states = ("due", "waiting", "leased", "done", "failed", "parked")
    yield _family(metrics.FRONTIER, {state: getattr(pages, state) for state in states})
    waited = (at - gauges.next_due).total_seconds() if gauges.next_due is not None else 0.0
    yield _single(metrics.OLDEST_DUE, max(0.0, waited))
    yield _single(metrics.PENDING, gauges.pending_decisions)
    yield _family(metrics.SOURCES, gauges.sources)
    yield _single(metrics.WORKERS, gauges.workers)
    yield _single(metrics.SAMPLE_AGE, (datetime.now(UTC) - at).total_seconds())


def _single(family: Family, value: float) -> Metric:
    return _family(family, {"": value})


def _family(family: Family, values: Mapping[str, float]) -> Metric:
    kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    if not family.label:
        return kind(family.name, family.meaning, value=sum(values.values()))
    made = kind(family.name, family.meaning, labels=[family.label])
    for label, value in values.items():
        made.add_metric([label], value)
    return made


def _histogram(timed: metrics.Timed) -> Metric:
    family = timed.family
    made = HistogramMetricFamily(family.name, family.meaning, labels=[family.label] if family.label else [])
    for label, spread in timed.spreads.items():
        below, buckets = 0, []
        for bound, count in zip([*map(str, timed.bounds), "+Inf"], spread.counts, strict=True):
            below += count
            buckets.append((bound, below))
        made.add_metric([label] if family.label else [], buckets=buckets, sum_value=spread.sum)
    return made
