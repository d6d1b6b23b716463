"""The idf tables: how rare the stems of a language are.

A table is text: a head of lines that begin with `#`, then one line a stem, with a tab and its idf in tenths (natural
logarithm), the most frequent first; compressed with gzip. Those of the package are immutable under their names
(see their heads for source and licence). Those that `wiretrace db idf` makes of a store bear the digest of their text
in their names, so that a file which is not what was written is told from one that is.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import re
import tempfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from crawler.errors import InputError, SettingsError
from crawler.link.lexicon import MAX_IDF, STEMMERS, data_file

TABLE_VERSION = 1
MOST_ROWS = 100_000  # of a table made of a store; read in some 50 ms
_MOST_BYTES = 20_000_000  # of a table's text: far more than `MOST_ROWS` take
_HEAD = "# idf of word stems, language {language}: stem, tab, idf in tenths (natural logarithm); most frequent first.\n"
_NAME = re.compile(r"idf-(?P<language>[a-z]{2})-\d{4}-\d{2}-\d{2}-(?P<digest>[0-9a-f]{12})\.tsv\.gz")
_AS_WRITTEN = "expected a table as `wiretrace db idf` wrote it"


@dataclass(frozen=True, slots=True)
class Table:
    """A language's table, made of a store: its whole text, head and rows."""

    language: str
    text: str

    def idf(self) -> dict[str, float]:
        """Stem → idf."""
        return parse(self.text)

    @property
    def digest(self) -> str:
        return hashlib.blake2b(self.text.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables that a linker weighs words with: the package's, but for languages of which another is `given`."""

    given: tuple[Table, ...] = ()

    def idf(self, language: str) -> Mapping[str, float]:
        """Stem → idf; empty for a language that has no table."""
        for table in self.given:
            if table.language == language:
                return table.idf()
        return shipped_idf(language)

    def content(self) -> Iterable[bytes]:
        """All tables in use in the order of their languages, for the linker's id."""
        given = {table.language: table.text.encode() for table in self.given}
        for language in sorted(STEMMERS):
            yield given[language] if language in given else data_file(shipped_name(language))


SHIPPED = Tables()


def shipped_name(language: str) -> str:
    return f"idf-{language}-{TABLE_VERSION}.tsv.gz"


def shipped_text(language: str) -> str:
    return gzip.decompress(data_file(shipped_name(language))).decode()


@cache
def shipped_idf(language: str) -> Mapping[str, float]:
    """Stem → idf by the package's own table; empty for a language that has none."""
    return parse(shipped_text(language)) if language in STEMMERS else {}


def table_text(language: str, shares: Mapping[str, float], most: int, notice: str) -> str:
    """A table of the `most` frequent stems. `shares`: stem → share of texts that have it; `notice`: lines with #."""
    rows = sorted(shares.items(), key=lambda row: (-row[1], row[0]))[:most]
    lines = (f"{stem}\t{round(-10 * math.log(share))}\n" for stem, share in rows)
    return _HEAD.format(language=language) + notice + "".join(lines)


def compressed(text: str) -> bytes:
    """The same text always gives the same bytes: of those of the package's tables the linker's id is made."""
    return gzip.compress(text.encode(), 9, mtime=0)


def parse(text: str) -> dict[str, float]:
    """Stem → idf of a table's rows. Raises ValueError."""
    idf: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            stem, _, tenths = line.partition("\t")
            idf[stem] = int(tenths) / 10
    return idf


def write_table(folder: Path, table: Table, day: date) -> Path:
    """Writes a table under the name of its language, the day and its digest; whole or not at all.

    A file of that name that is there already is left as it is. Raises InputError for a folder that can't be written,
    SettingsError for a file of that name that holds something else.
    """
    path = folder / f"idf-{table.language}-{day.isoformat()}-{table.digest}.tsv.gz"
    if path.exists():
        read_table(path)
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(folder, f"expected a folder that can be written ({error.strerror or error})") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(compressed(table.text))
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o444)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def read_tables(paths: Sequence[str]) -> Tables:
    """The tables of `[link] idf`, paths from the working directory. Raises SettingsError."""
    tables: dict[str, Table] = {}
    for given in paths:
        table = read_table(Path(given).expanduser())
        if table.language in tables:
            raise _fault(given, f"expected one table for each language, another one of {table.language} is listed")
        tables[table.language] = table
    return Tables(tuple(tables[language] for language in sorted(tables)))


def read_table(path: Path) -> Table:
    """A table that was made of a store. Raises SettingsError where the file is not what its name says."""
    name = _NAME.fullmatch(path.name)
    if name is None or name["language"] not in STEMMERS:
        raise _fault(path, f"{_AS_WRITTEN}, by the name idf-LANGUAGE-DAY-DIGEST.tsv.gz")
    try:
        with gzip.open(path) as file:
            content = file.read(_MOST_BYTES + 1)
        table = Table(name["language"], content.decode())
    except FileNotFoundError:
        raise _fault(path, f"no such file; {_AS_WRITTEN}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError):
        raise _fault(path, f"{_AS_WRITTEN}, it is cut off or damaged") from None
    except OSError as error:
        raise _fault(path, f"expected a file that can be read ({error.strerror or error})") from None
    if table.digest != name["digest"] or not table.text.startswith(_HEAD.format(language=table.language)):
        raise _fault(path, f"{_AS_WRITTEN}, its content is not that of its name")
    _check_rows(path, table)
    return table


def _check_rows(path: Path, table: Table) -> None:
    try:
        idf = table.idf()
    except ValueError:
        idf = {}
    if not idf or not all(stem and 0 <= value <= MAX_IDF for stem, value in idf.items()):
        raise _fault(path, "expected rows of a stem, a tab and its idf in tenths, 0 to 100")


def _fault(path: str | Path, expected: str) -> SettingsError:
    return SettingsError(str(path), "link.idf", expected)
