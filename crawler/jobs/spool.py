"""Articles on disk while a job lasts, read back by number."""

from __future__ import annotations

import json
import tempfile
import zlib
from array import array
from types import TracebackType

from crawler.interchange import Json, article_from_json, article_to_json
from crawler.model import Article

_LEVEL = 1  # of zlib: half the size in a tenth of a millisecond


class Spool:
    """JSON objects in a nameless temporary file, which is gone with the process however it ends.

    In memory a record takes 8 bytes. `TMPDIR` says where the file is.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="wiretrace-")  # noqa: SIM115  # closed by __exit__
        self._ends = array("q", [0])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._ends[-1]

    def add(self, record: Json) -> int:
        """Takes a record and gives its number."""
        packed = zlib.compress(json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass"), _LEVEL)
        self._file.seek(self.size)
        self._file.write(packed)
        self._ends.append(self.size + len(packed))
        return len(self) - 1

    def __getitem__(self, number: int) -> Json:
        start, end = self._ends[number], self._ends[number + 1]
        self._file.seek(start)
        record: Json = json.loads(zlib.decompress(self._file.read(end - start)).decode("utf-8", "surrogatepass"))
        return record

    def add_article(self, article: Article) -> int:
        return self.add(article_to_json(article))

    def article(self, number: int) -> Article:
        return article_from_json(self[number])
