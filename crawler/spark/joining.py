"""Joins that one frequent value does not hold up, and stages that are worked out once."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_log = logging.getLogger(__name__)

HOT = 50_000  # rows of one value, from which a single task would work on it for long after all others are done
_MOST_HOT = 10_000  # values: what is on their other side goes to every machine, some 50 MB


def even_join(left: DataFrame, right: DataFrame, on: str) -> DataFrame:
    """The inner join. Rows of `left` whose value is frequent stay where they are, and what `right` has for it comes
    to them; all others are shuffled. `left` is read twice, so it should be a stage."""
    from pyspark.sql import functions as f

    counts = left.groupBy(on).count().where(f.col("count") > HOT)
    hot = [row[on] for row in counts.orderBy(f.col("count").desc(), on).limit(_MOST_HOT).collect()]
    if not hot:
        return left.join(right, on)
    values = left.sparkSession.createDataFrame([(value,) for value in hot], left.select(on).schema)
    wanted = f.broadcast(right.join(f.broadcast(values), on, "left_semi"))
    frequent = left.join(f.broadcast(values), on, "left_semi").join(wanted, on)
    return left.join(f.broadcast(values), on, "left_anti").join(right, on).unionByName(frequent)


class Stages:
    """Steps of a job as Parquet in a folder. One that is whole is not worked out again, in a restarted job either."""

    def __init__(self, spark: SparkSession, folder: str) -> None:
        self._spark, self._folder = spark, folder

    def path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def done(self, name: str) -> bool:
        path = self._spark._jvm.org.apache.hadoop.fs.Path(f"{self._folder}/{name}/_SUCCESS")
        return bool(path.getFileSystem(self._spark._jsc.hadoopConfiguration()).exists(path))

    def read(self, name: str) -> DataFrame:
        return self._spark.read.parquet(f"{self._folder}/{name}")

    def keep(self, name: str, made: DataFrame) -> DataFrame:
        if not self.done(name):
            started = time.monotonic()
            made.write.mode("overwrite").option("compression", "zstd").parquet(f"{self._folder}/{name}")
            _log.info("%s: %.1f s", name, time.monotonic() - started)
        return self.read(name)
