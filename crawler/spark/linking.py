"""Linking on a cluster: rows, signatures, a join by index keys, the shortlists' texts, decisions.

What is shuffled by a value is cut first: a key that more originals have than a search reads is left out before any
join, so that on the originals' side none has more than 250 entries. On the pages' side, where a key may stand in any
number of pages, frequent values are joined without being shuffled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.jobs.batch_linking import BatchReport, EvidenceLevel, OnFault
from crawler.jobs.dumps import Columns
from crawler.link.frequencies import refreshed
from crawler.link.tables import Tables
from crawler.lookups import most_counted
from crawler.model import Role, Side
from crawler.spark import rows as kinds
from crawler.spark import workers
from crawler.spark.joining import Stages, even_join
from crawler.spark.reading import Source, read
from crawler.spark.workers import Setup

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_MOST_GATHERED = 20_000  # entries of one key that are brought together to be counted


@dataclass(frozen=True, slots=True)
class Dump:
    """The files of a job. One that is given twice, as originals and as articles, has one number."""

    articles: Sequence[Source]
    originals: Sequence[Source]

    def paths(self) -> dict[int, str]:
        numbers = self._numbers()
        return {numbers[source.uri]: source.path for source in (*self.articles, *self.originals)}

    def _numbers(self) -> dict[str, int]:
        # The output goes by the numbers: articles in the order in which they are given.
        ordered = dict.fromkeys(source.uri for source in (*self.articles, *self.originals))
        return {uri: number for number, uri in enumerate(ordered)}

    def read(self, spark: SparkSession, columns: Columns) -> DataFrame:
        numbers = self._numbers()
        parts = [
            read(spark, sources, [numbers[source.uri] for source in sources], columns, role)
            for sources, role in ((self.originals, Role.ORIGIN), (self.articles, None))
            if sources
        ]
        return parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])


def link_dump(
    spark: SparkSession,
    dump: Dump,
    stages: Stages,
    setup: Setup,
    columns: Columns,
    *,
    evidence: EvidenceLevel,
    linked_only: bool,
    count_idf: bool,
    on_fault: OnFault,
) -> tuple[DataFrame, BatchReport]:
    """The rows of the output in their order, as a column `value`, and what came of the batch."""
    rows = stages.keep("rows", dump.read(spark, columns))
    if count_idf:
        setup = Setup(setup.settings, counted_tables(stages, rows))
    first = stages.keep("first-originals", kinds.originals_of(rows))
    originals = stages.keep("originals", signed_originals(first, setup))
    pages = stages.keep("pages", signed_pages(kinds.articles_of(rows, first), setup))
    listed = stages.keep("listed", shortlists(stages, pages, originals))
    decided = stages.keep("decided", decisions(pages, originals, listed, setup, evidence))
    report = BatchReport(originals=originals.count(), articles=pages.count())
    for fault in kinds.faults(kinds.linking_faults(rows, first), dump.paths()):
        report.faults += 1
        on_fault(fault)
    counted = decided.where("relation IS NOT NULL").groupBy("relation").count().collect()
    report.relations = Counter({row["relation"]: row["count"] for row in counted})
    report.linked = report.relations.total()
    wanted = decided.where("relation IS NOT NULL") if linked_only else decided
    return wanted.orderBy("page").selectExpr("row AS value"), report


def signed_originals(originals: DataFrame, setup: Setup) -> DataFrame:
    """rank, id, record, keys; ranks ascend with the ids."""
    from pyspark.sql import functions as f

    # A sort by range numbers its parts in their order, and ids that increase go by the number of the part.
    ordered = (
        originals.select("id", "record")
        .orderBy("id")
        .select(f.monotonically_increasing_id().alias("rank"), "id", "record")
    )
    return ordered.mapInPandas(workers.signing_originals(setup), f"rank long, id string, record string, {workers.KEYS}")


def signed_pages(articles: DataFrame, setup: Setup) -> DataFrame:
    """page (its place), record, keys, weights."""
    from pyspark.sql import functions as f

    # In many parts of a size, whatever the files were: to sign a page takes longer than to send it.
    spread = articles.select(f.col("place").alias("page"), "record").repartition("page")
    return spread.mapInPandas(workers.signing_pages(setup), f"page long, record string, {workers.SIGNED}")


def postings(originals: DataFrame) -> DataFrame:
    """key, entries, ranks; without the keys that no search reads."""
    from pyspark.sql import functions as f

    entries = originals.select("rank", f.explode("keys").alias("key"))
    # Keys that nearly all originals have are found by a count, which is put together before it is sent.
    counts = entries.groupBy("key").count()
    heavy = counts.where(f.col("count") > _MOST_GATHERED).select("key")
    light = entries.join(f.broadcast(heavy), "key", "left_anti")
    gathered = light.groupBy("key").agg(f.count("*").alias("entries"), f.collect_list("rank").alias("ranks"))
    return gathered.where(f.col("entries") <= most_counted(Side.ORIGINAL))


def shortlists(stages: Stages, pages: DataFrame, originals: DataFrame) -> DataFrame:
    """page, position, rank: the originals that each page is compared with."""
    from pyspark.sql import functions as f

    held = stages.keep("postings", postings(originals))
    pairs = f.arrays_zip("keys", "weights")
    entries = stages.keep(
        "entries",
        pages.select("page", f.explode(pairs).alias("e")).select(
            "page", f.col("e.keys").alias("key"), f.col("e.weights").alias("weight")
        ),
    )
    counted = even_join(entries, held.select("key", "entries"), "key")
    found = f.collect_list(f.struct("key", "weight", "entries")).alias("found")
    chosen = stages.keep(
        "chosen", counted.groupBy("page").agg(found).mapInPandas(workers.choosing_keys, workers.CHOSEN)
    )
    met = even_join(chosen, held.select("key", "ranks"), "key")
    met = met.groupBy("page").agg(f.collect_list(f.struct("weight", "ranks")).alias("found"))
    joined = met.join(pages.select("page", "keys", "weights"), "page")
    return joined.mapInPandas(workers.listing, workers.LISTED)


def decisions(
    pages: DataFrame, originals: DataFrame, listed: DataFrame, setup: Setup, evidence: EvidenceLevel
) -> DataFrame:
    """page, row, relation."""
    from pyspark.sql import functions as f

    texts = even_join(listed, originals.select("rank", "record"), "rank")
    grouped = texts.groupBy("page").agg(f.collect_list(f.struct("position", "record")).alias("originals"))
    joined = pages.select("page", "record").join(grouped, "page", "left")
    return joined.mapInPandas(workers.deciding(setup, evidence), workers.DECIDED)


def counted_tables(stages: Stages, rows: DataFrame) -> Tables:
    """The idf tables with the dump's own texts counted in."""
    from pyspark.sql import functions as f

    records = rows.where("fault IS NULL").dropDuplicates(["place"]).select("record")
    stems = records.mapInPandas(workers.stemming, workers.STEMS)
    counts = stages.keep("stems", stems.groupBy("language", "stem").agg(f.count("*").alias("texts")))
    texts: dict[str, int] = {}
    found: dict[str, dict[str, int]] = {}
    for row in counts.toLocalIterator():
        if row["stem"]:
            found.setdefault(row["language"], {})[row["stem"]] = row["texts"]
        else:
            texts[row["language"]] = row["texts"]
    return Tables(tuple(refreshed(name, texts[name], found.get(name, {})) for name in sorted(texts)))
