"""Grouping a dump without roles on a cluster, to the same groups as on one machine.

Which row a text joins depends on the rows kept before it, so that one process has to go through them in order. It
does only that: rows, sentences, signatures and all comparisons are the cluster's. The driver holds the index of the
kept texts and asks for the comparisons that it lacks, many at once, going on as if it knew the answers; then it goes
through again, until it has missed none. What it ends with is what one machine finds, in a few rounds.
"""

from __future__ import annotations

import json
import logging
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from crawler.interchange import Json
from crawler.jobs.batch_linking import EvidenceLevel, GroupReport, OnFault, Stems, link_row
from crawler.jobs.boilerplate import Census, sentence_lengths
from crawler.jobs.dumps import Columns
from crawler.jobs.grouping import (
    CANDIDATES,
    SAME_TEXT,
    Groups,
    Kept,
    Rows,
    Verdict,
    compared,
    grouped,
    joined_to,
    site_of,
)
from crawler.jobs.keeping import Keep
from crawler.jobs.spool import Spool
from crawler.link.kinship import Kin, digest_of, worth_comparing
from crawler.link.memory import MemoryIndex
from crawler.link.minhash import SCHEME
from crawler.model import Decision, Fingerprint, Side
from crawler.spark import rows as kinds
from crawler.spark.joining import Stages, even_join
from crawler.spark.linking import Dump, counted_tables
from crawler.spark.workers import Frames, Setup, Work, article_in

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_log = logging.getLogger(__name__)

_RANKED = "place long, id string, rank double, digest string, record string"
_SENTENCES = "number long, keys array<long>, lengths array<int>, site string"
_SIGNED = "number long, place long, scrap string, keys array<int>, weights array<double>"
_COMPARED = "page long, joined long, reason string, score double, forward string, backward string, back_score double"
_LIKELY = 0.3  # share of the weight from which a text is taken to join, until the answer is there
_WRAP = 1 << 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What the cluster says of a text and those near it; `joined` is a row of the driver's."""

    joined: int | None
    reason: str
    score: float
    forward: Json
    backward: Json | None = None
    back_score: float = 0.0


class Signed(NamedTuple):
    """A text in the order of preference; `scrap` is the digest of one of which nothing else counts."""

    row: int
    scrap: str | None
    fingerprint: Fingerprint


Near = tuple[int, ...]  # rows, likeliest first


@dataclass(slots=True)
class Round:
    """One way through the texts with the answers that are there; `missing` are the questions it had to guess at."""

    answers: dict[int, tuple[Near, Answer]]
    missing: dict[int, Near] = field(default_factory=dict)
    _index: MemoryIndex = field(default_factory=MemoryIndex)
    _kept: dict[str, Kept] = field(default_factory=dict)
    _scraps: dict[str, int] = field(default_factory=dict)

    def place(self, text: Signed, name: str) -> Answer:
        """`name` is the id of the row: what ties go by."""
        if text.scrap is not None:
            first = self._scraps.setdefault(text.scrap, text.row)
            score = 0.0 if first == text.row else 1.0
            forward = _nothing(name, score)
            return Answer(None if first == text.row else first, SAME_TEXT, score, forward)
        weight = sum(text.fingerprint.weights)
        near: list[int] = []
        likely = False
        for one in self._index.search(text.fingerprint, Side.ORIGINAL, CANDIDATES):
            other = self._kept[one.article_id]
            if worth_comparing(one.overlap, weight, other.weight):
                near.append(other.row)
                likely = likely or one.overlap >= _LIKELY * min(weight, other.weight)
        answer = self._answer(text.row, tuple(near), name, likely)
        if answer.joined is None:
            self._index.add(name, text.fingerprint, Side.ORIGINAL)
            self._kept[name] = Kept(text.row, weight)
        return answer

    def _answer(self, row: int, near: Near, name: str, likely: bool) -> Answer:
        if not near:
            return Answer(None, "", 0.0, _nothing(name, 0.0))
        asked, answer = self.answers.get(row, ((), None))
        if answer is not None and asked == near:
            return answer
        self.missing[row] = near
        return Answer(near[0] if likely else None, "", 0.0, {})


@dataclass(slots=True)
class GroupedDump:
    """What was found, with the rows of both outputs."""

    found: Groups
    stems: Stems

    def groups(self) -> Iterator[Json]:
        return self.found.rows()

    def links(self, *, linked_only: bool) -> Iterator[Json]:
        return (row for row in self.stems.rows(self.found) if row["original"] is not None or not linked_only)

    def report(self) -> GroupReport:
        sizes = self.found.sizes()
        return GroupReport(len(self.found.ids), len(sizes), tuple(self.found.large()))


def group_dump(
    spark: SparkSession,
    dump: Dump,
    stages: Stages,
    setup: Setup,
    columns: Columns,
    keep: Keep,
    evidence: EvidenceLevel,
    count_idf: bool,
    on_fault: OnFault,
    stack: ExitStack,
) -> GroupedDump:
    """Groups the rows. What is given back is read from files that `stack` closes."""
    rows = stages.keep("rows", dump.read(spark, columns))
    if count_idf:
        setup = Setup(setup.settings, counted_tables(stages, rows))
    for fault in kinds.faults(kinds.unique_faults(rows), dump.paths()):
        on_fault(fault)
    unique = kinds.unique_of(rows).select("place", "id", "digest", "record")
    ranked = stages.keep("ranked", unique.mapInPandas(_ranking(keep), _RANKED))
    texts = stages.keep("texts", _texts(ranked))
    sentences = stages.keep("sentences", texts.mapInPandas(_sentencing, _SENTENCES))
    boilerplate = _census(sentences).boilerplate()
    signed = stages.keep("signed", texts.mapInPandas(_signing(setup, boilerplate), _SIGNED))
    noted, places = _noted(ranked, stack.enter_context(Spool()))
    driver = _Driver(spark, stages, setup, evidence, boilerplate, noted, places, signed, texts)
    answers = driver.rounds()
    stems = Stems(stack.enter_context(Spool()), len(noted.ids), evidence)
    found = driver.settled(answers, keep, stems)
    return GroupedDump(found, stems)


@dataclass(slots=True)
class _Driver:
    """Goes through the texts, again and again, and has the cluster compare what it needs."""

    spark: SparkSession
    stages: Stages
    setup: Setup
    evidence: EvidenceLevel
    boilerplate: frozenset[int]
    noted: Rows
    places: array[int]  # of each row, ascending
    signed: DataFrame
    texts: DataFrame

    def rounds(self) -> dict[int, tuple[Near, Answer]]:
        answers: dict[int, tuple[Near, Answer]] = {}
        # Each round settles the first text that the one before guessed wrong, and all that doesn't hang on it.
        while True:
            this = Round(answers)
            for text in self._texts():
                this.place(text, self.noted.ids[text.row])
            if not this.missing:
                return answers
            _log.info("%d comparisons asked for", len(this.missing))
            self._compare(this.missing, answers)

    def settled(self, answers: dict[int, tuple[Near, Answer]], keep: Keep, stems: Stems) -> Groups:
        last = Round(answers)
        texts = self._texts()

        def place(row: int) -> Answer:
            text = next(texts)
            assert text.row == row
            return last.place(text, self.noted.ids[row])

        def take(row: int, one: Answer) -> None:
            stems.take_rows(row, one.joined, one.forward, one.backward, one.back_score)

        order = self.noted.preferred()
        return grouped(self.noted, keep, order, place, on_verdict=take, on_progress=lambda stage, done: None)

    def _texts(self) -> Iterator[Signed]:
        linker = self.setup.linker().id
        for one in self.signed.orderBy("number").toLocalIterator(prefetchPartitions=True):
            fingerprint = Fingerprint(linker, SCHEME, b"", tuple(one["keys"]), tuple(one["weights"]))
            yield Signed(self._row(one["place"]), one["scrap"], fingerprint)

    def _row(self, place: int) -> int:
        return bisect_left(self.places, place)

    def _compare(self, missing: dict[int, Near], answers: dict[int, tuple[Near, Answer]]) -> None:
        asked = [
            (self.places[row], position, self.places[other])
            for row, near in missing.items()
            for position, other in enumerate(near)
        ]
        pairs = self.spark.createDataFrame(asked, "page long, position int, place long")
        records = self.texts.select("place", "record")
        found = even_join(pairs, records, "place").groupBy("page").agg(_gathered())
        pages = records.withColumnRenamed("place", "page").join(found, "page")
        spread = pages.repartition("page")
        work = _comparing(self.setup, self.boilerplate, self.evidence)
        for one in spread.mapInPandas(work, _COMPARED).toLocalIterator():
            row = self._row(one["page"])
            answers[row] = (
                missing[row],
                Answer(
                    None if one["joined"] < 0 else self._row(one["joined"]),
                    one["reason"],
                    one["score"],
                    json.loads(one["forward"]),
                    json.loads(one["backward"]) if one["backward"] else None,
                    one["back_score"],
                ),
            )


def _gathered() -> Any:
    from pyspark.sql import functions as f

    return f.collect_list(f.struct("position", "place", "record")).alias("near")


def _texts(ranked: DataFrame) -> DataFrame:
    """number, place, record of the best row of each text; numbers go by preference."""
    from pyspark.sql import functions as f

    best = ranked.groupBy("digest").agg(f.min(f.struct("rank", "id", "place")).alias("b"))
    chosen = ranked.join(best.select(f.col("b.place").alias("place")), "place", "left_semi")
    ordered = chosen.orderBy("rank", "id")
    return ordered.select(f.monotonically_increasing_id().alias("number"), "place", "record")


def _noted(ranked: DataFrame, spool: Spool) -> tuple[Rows, array[int]]:
    """What the driver holds of each row, in the order in which rows stand in the dump, with their places."""
    rows, places = Rows(spool), array("q")
    for one in ranked.select("place", "id", "rank", "digest").orderBy("place").toLocalIterator():
        rows.note(one["id"], one["rank"], bytes.fromhex(one["digest"]))
        places.append(one["place"])
    return rows, places


def _census(sentences: DataFrame) -> Census:
    census = Census()
    for one in sentences.orderBy("number").toLocalIterator():
        held = zip((key % _WRAP for key in one["keys"]), one["lengths"], strict=True)
        census.add_counted(dict(held), one["site"])
    return census


def _ranking(keep: Keep) -> Work:
    def rank(batches: Frames) -> Frames:
        for batch in batches:
            ranks = [keep.rank(article_in(record)) for record in batch["record"]]
            yield batch.assign(rank=ranks)[["place", "id", "rank", "digest", "record"]].astype({"rank": "float64"})

    return rank


def _sentencing(batches: Frames) -> Frames:
    import pandas as pd

    for batch in batches:
        rows = []
        for number, record in zip(batch["number"], batch["record"], strict=True):
            article = article_in(record)
            held = sentence_lengths(article.text)
            # Spark's numbers have a sign.
            keys = [key - _WRAP if key >= _WRAP // 2 else key for key in held]
            rows.append((number, keys, list(held.values()), site_of(article)))
        yield pd.DataFrame(rows, columns=_names(_SENTENCES)).astype({"number": "int64"})


def _signing(setup: Setup, boilerplate: frozenset[int]) -> Work:
    import pandas as pd

    def sign(batches: Frames) -> Frames:
        linker = setup.linker()
        for batch in batches:
            rows: list[tuple[Any, ...]] = []
            for number, place, record in zip(batch["number"], batch["place"], batch["record"], strict=True):
                article, is_scrap = compared(article_in(record), boilerplate)
                if is_scrap:
                    rows.append((number, place, digest_of(article.text, article.id).hex(), [], []))
                    continue
                signed = linker.fingerprint(article)
                rows.append((number, place, None, list(signed.keys), list(signed.weights)))
            yield pd.DataFrame(rows, columns=_names(_SIGNED)).astype({"number": "int64", "place": "int64"})

    return sign


def _comparing(setup: Setup, boilerplate: frozenset[int], evidence: EvidenceLevel) -> Work:
    import pandas as pd

    def compare(batches: Frames) -> Frames:
        kin = Kin(setup.linker())
        for batch in batches:
            rows = [
                (page, *_answered(kin, boilerplate, evidence, record, near))
                for page, record, near in zip(batch["page"], batch["record"], batch["near"], strict=True)
            ]
            frame = pd.DataFrame(rows, columns=_names(_COMPARED))
            yield frame.astype({"page": "int64", "joined": "int64", "score": "float64", "back_score": "float64"})

    return compare


def _answered(
    kin: Kin, boilerplate: frozenset[int], evidence: EvidenceLevel, record: str, near: Sequence[Any]
) -> tuple[int, str, float, str, str | None, float]:
    page, _ = compared(article_in(record), boilerplate)
    ordered = sorted(near, key=lambda one: int(one["position"]))
    others = [(compared(article_in(one["record"]), boilerplate)[0], int(one["place"])) for one in ordered]
    joined, forward, backward = joined_to(kin, page, [article for article, _ in others])
    places = {article.id: place for article, place in others}
    verdict = Verdict(None if joined is None else places[joined], forward, backward)
    return (
        -1 if verdict.joined is None else verdict.joined,
        verdict.reason,
        verdict.score,
        json.dumps(link_row(forward, evidence)),
        None if backward is None else json.dumps(link_row(backward, evidence)),
        0.0 if backward is None else backward.score,
    )


def _nothing(name: str, score: float) -> Json:
    return link_row(Decision(name, "", score=score), EvidenceLevel.NONE)


def _names(schema: str) -> list[str]:
    return [column.split()[0] for column in schema.split(", ")]
