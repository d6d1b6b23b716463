"""How rare words are in a dump's own texts, counted before it is linked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from crawler.errors import InputError
from crawler.jobs.dumps import Columns, read_rows
from crawler.link.frequencies import Frequencies, Text, count, refreshed
from crawler.link.tables import Tables

_BATCH = 500  # texts


def count_tables(paths: Sequence[Path], columns: Columns) -> Tables:
    """The package's tables with the texts of some files counted in, each file once. Raises as `read_rows`."""
    unique = list({path.resolve(): path for path in paths}.values())
    texts = _texts(unique, columns)
    found = Frequencies()
    while batch := list(islice(texts, _BATCH)):
        found.add(count(batch))
    return Tables(tuple(refreshed(name, found.texts[name], found.stems.get(name, {})) for name in sorted(found.texts)))


def _texts(paths: Sequence[Path], columns: Columns) -> Iterator[Text]:
    for path in paths:
        for item in read_rows(path, columns):
            if not isinstance(item, InputError):
                article = item.article
                yield Text(article.title, article.text, article.language)
