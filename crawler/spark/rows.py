"""Which rows of a dump are originals, which are articles, and which are faults: the local engine's rules as joins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from crawler.errors import InputError
from crawler.spark.reading import at

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# In the order in which the local engine tells them: originals, articles as they are read first, and again.
_ORIGINALS, _FIRST, _SECOND = 0, 1, 2


def originals_of(rows: DataFrame) -> DataFrame:
    """The rows that are linked to: of each id the first, originals as given before those among the articles."""
    return _first(_able(rows), order=_given_order())


def articles_of(rows: DataFrame, originals: DataFrame) -> DataFrame:
    """The articles, each id once, without those that have the id of an original and are not it."""
    return _first(_unclashed(rows, originals).where(~_clashes()))


def unique_of(rows: DataFrame) -> DataFrame:
    """Rows without roles: of each id the first."""
    return _first(rows.where("fault IS NULL"))


def linking_faults(rows: DataFrame, originals: DataFrame) -> DataFrame:
    """phase, turn, place, fault or (id, other place, kind) of all rows that are left out."""
    from pyspark.sql import functions as f

    phase = f.when(f.col("given_as_original"), _ORIGINALS).otherwise(_FIRST)
    unread = rows.where("fault IS NOT NULL").select(phase.alias("phase"), "turn", "place", "fault", *_nothing())
    able = _able(rows).withColumn("phase", phase)
    kept = originals.select("id", f.col("place").alias("other"))
    repeated = able.join(kept, "id").where("place <> other")
    second = _unclashed(rows, originals)
    clashing = second.where(_clashes()).withColumn("phase", f.lit(_SECOND)).withColumn("other", f.col("held_place"))
    fine = second.where(~_clashes())
    first = fine.groupBy("id").agg(f.min("place").alias("other"))
    again = fine.join(first, "id").where("place <> other").withColumn("phase", f.lit(_SECOND))
    told = [_told(repeated, "kept"), _told(clashing, "original"), _told(again, "before")]
    for part in told:
        unread = unread.unionByName(part)
    return unread


def unique_faults(rows: DataFrame) -> DataFrame:
    """The same for rows without roles."""
    from pyspark.sql import functions as f

    unread = rows.where("fault IS NOT NULL").select(f.lit(_FIRST).alias("phase"), "turn", "place", "fault", *_nothing())
    fine = rows.where("fault IS NULL")
    first = fine.groupBy("id").agg(f.min("place").alias("other"))
    again = fine.join(first, "id").where("place <> other").withColumn("phase", f.lit(_FIRST))
    return unread.unionByName(_told(again, "row"))


def faults(found: DataFrame, paths: Mapping[int, str]) -> Iterator[InputError]:
    """The faults in the order in which the local engine tells them."""
    for row in found.orderBy("phase", "turn", "place").toLocalIterator():
        file, line = at(row["place"])
        reason = row["fault"] or _reason(row["id"], row["kind"], row["other"], paths)
        yield InputError(paths[file], reason, line)


def _reason(identifier: str, kind: str, other: int, paths: Mapping[int, str]) -> str:
    file, line = at(other)
    name, place = f"id: {identifier!r:.80}", f"{paths[file]}:{line}"
    return {
        "kept": f"{name} is that of {place}, which is kept",
        "original": f"{name} is that of the original {place}",
        "before": f"{name} is that of an article before, which is kept",
        "row": f"{name} is that of a row before, which is kept",
    }[kind]


def _able(rows: DataFrame) -> DataFrame:
    return rows.where("fault IS NULL AND (given_as_original OR role <> 'aggregator')")


def _unclashed(rows: DataFrame, originals: DataFrame) -> DataFrame:
    """The articles with the place and the text of the original that has their id, if any."""
    from pyspark.sql import functions as f

    held = originals.select("id", f.col("place").alias("held_place"), f.col("whole").alias("held_whole"))
    articles = rows.where("fault IS NULL AND NOT given_as_original AND role = 'aggregator'")
    return articles.join(held, "id", "left")


def _clashes() -> Column:
    from pyspark.sql import functions as f

    is_other = (f.col("held_place") != f.col("place")) & (f.col("held_whole") != f.col("whole"))
    return f.coalesce(is_other, f.lit(False))


def _given_order() -> Column:
    from pyspark.sql import functions as f

    return f.struct((~f.col("given_as_original")).alias("late"), f.col("turn"), f.col("place"))


def _first(rows: DataFrame, order: Column | None = None) -> DataFrame:
    """Of each id the first row: found by an aggregate, which one id on many rows does not hold up."""
    from pyspark.sql import functions as f

    placed = rows.withColumn("_order", f.struct("place") if order is None else order)
    first = placed.groupBy("id").agg(f.min("_order").alias("_order"))
    return placed.join(first, ["id", "_order"], "left_semi").drop("_order")


def _nothing() -> Sequence[Column]:
    from pyspark.sql import functions as f

    text = f.lit(None).cast("string")
    return text.alias("id"), f.lit(None).cast("long").alias("other"), text.alias("kind")


def _told(rows: DataFrame, kind: str) -> DataFrame:
    from pyspark.sql import functions as f

    nothing = f.lit(None).cast("string").alias("fault")
    return rows.select("phase", "turn", "place", nothing, "id", "other", f.lit(kind).alias("kind"))
