"""A Spark session, with what has to be there for it, and files of any Hadoop file system."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.errors import InputError, MissingExtra, UsageError, WiretraceError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST_JAVA = 17
_VERSION = re.compile(r'version "(\d+)(?:\.(\d+))?')
_BATCH = 500  # rows that a Python worker is handed at once: of 5 MB each at worst
# Decisions cost milliseconds a row, so that pieces of the usual 64 MB would leave most of a cluster idle.
_PIECE = 8_000_000  # bytes of input a task, about
_LEAST_PIECES, _MOST_PIECES = 8, 20_000


class SparkFailed(WiretraceError):
    """The cluster could not do the work."""


def check_java() -> None:
    """Raises UsageError where there is no Java, or one that PySpark 4 can't use."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    needed = f"--engine spark needs Java {LEAST_JAVA} or later"
    hint = "install a JRE such as Debian's default-jre-headless, or set JAVA_HOME"
    if java is None:
        raise UsageError(f"{needed}, there is none: {hint}")
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    found = _VERSION.search(said)
    if found is None:
        raise UsageError(f"{needed}, {java} does not say its version: {hint}")
    version = int(found[2] or 1) if found[1] == "1" else int(found[1])  # 1.8 is Java 8
    if version < LEAST_JAVA:
        raise UsageError(f"{needed}, {java} is Java {version}: {hint}")


@contextmanager
def session(conf: Mapping[str, str]) -> Iterator[SparkSession]:
    """A session by spark-submit's configuration, else on this machine's cores. `conf` goes before both.

    Raises MissingExtra without PySpark, UsageError without Java, SparkFailed where it does not start.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise MissingExtra("--engine spark", "spark") from None
    check_java()
    from py4j.protocol import Py4JError

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("wiretrace link")
    told = {
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(_BATCH),
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        **conf,
    }
    for key, value in told.items():
        builder = builder.config(key, value)
    try:
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
    except (PySparkException, Py4JError, OSError) as error:
        raise SparkFailed(f"Spark does not start: {one_line(error)}") from None
    try:
        yield spark
    except (PySparkException, Py4JError) as error:
        raise SparkFailed(f"Spark: {one_line(error)}") from error
    finally:
        spark.stop()


def one_line(error: Exception) -> str:
    """The cause that Spark puts at the end of its trace, or the first line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by:") or re.match(r"[\w.]+(Error|Exception): ", line)]
    return (causes or lines or [type(error).__name__])[-1 if causes else 0][:300]


def parse_conf(pairs: Sequence[str]) -> dict[str, str]:
    """`spark.executor.memory=4g` → the configuration. Raises UsageError."""
    conf: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.startswith("spark."):
            raise UsageError(f"--conf: expected spark.KEY=VALUE, got {pair!r:.60}")
        conf[key] = value
    return conf


class Files:
    """The files of the session's file systems: local ones, and those that a URL names (hdfs:, s3a:, gs: …)."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark._jvm
        self._conf: Any = spark._jsc.hadoopConfiguration()

    def size(self, path: str) -> int:
        return int(self._system(path).getFileStatus(self._path(path)).getLen())

    def modified(self, path: str) -> int:
        """Milliseconds of the epoch."""
        return int(self._system(path).getFileStatus(self._path(path)).getModificationTime())

    def uri(self, path: str) -> str:
        """As Spark tells a row's file."""
        return plain_uri(self._system(path).getFileStatus(self._path(path)).getPath().toUri().toString())

    def exists(self, path: str) -> bool:
        return bool(self._system(path).exists(self._path(path)))

    def remove(self, path: str) -> None:
        self._system(path).delete(self._path(path), True)

    def rename(self, path: str, to: str) -> None:
        if not self._system(path).rename(self._path(path), self._path(to)):
            raise InputError(to, "could not be given its name")

    def names(self, folder: str) -> list[str]:
        return sorted(status.getPath().getName() for status in self._system(folder).listStatus(self._path(folder)))

    def make(self, folder: str) -> None:
        self._system(folder).mkdirs(self._path(folder))

    def write(self, path: str, content: str) -> None:
        """A small file."""
        self.write_lines(path, iter([content.removesuffix("\n")]))

    def write_lines(self, path: str, lines: Iterable[str]) -> None:
        """A file that takes its name at the end."""
        unfinished = f"{path}.unfinished"
        stream = self._system(path).create(self._path(unfinished), True)
        try:
            for line in lines:
                stream.write(bytearray(f"{line}\n".encode()))
        finally:
            stream.close()
        if self.exists(path):
            self.remove(path)
        self.rename(unfinished, path)

    def expand(self, pattern: str) -> list[str]:
        """The files of a URL that names a file, a folder or a glob, in order. Raises InputError."""
        system = self._system(pattern)
        found: list[str] = []
        for status in system.globStatus(self._path(pattern)) or ():
            if not status.isDirectory():
                found.append(status.getPath().toString())
                continue
            below = system.listFiles(status.getPath(), True)
            while below.hasNext():
                path = below.next().getPath()
                if not path.getName().startswith((".", "_")):
                    found.append(path.toString())
        if not found:
            raise InputError(pattern, "expected JSON lines, Parquet files, a folder of them, or a glob")
        return sorted(re.sub("^file:/+", "file:///", path) for path in found)

    def _path(self, path: str) -> Any:
        # A plain name is a file here, whatever the cluster's own file system is.
        known = path if is_url(path) or path.startswith("file:") else Path(path).absolute().as_uri()
        return self._jvm.org.apache.hadoop.fs.Path(known)

    def _system(self, path: str) -> Any:
        return self._path(path).getFileSystem(self._conf)


def plain_uri(uri: str) -> str:
    """file:/a and file:///a are one."""
    return re.sub(r"^file:/+", "file:/", uri)


def is_url(path: str) -> bool:
    return "://" in path


def pieces(size: int, cores: int) -> int:
    """Into how many parts input of so many bytes is shuffled."""
    return min(_MOST_PIECES, max(_LEAST_PIECES, 2 * cores, -(-size // _PIECE)))
