"""`wiretrace extract`: the extractor alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from crawler.interchange import Json, article_to_json
from crawler.model import RawDocument
from crawler.pipeline.reading import page_article


def extracted_json(document: RawDocument, path: str | None = None) -> Json:
    """One object of `extract --json`; `path` is its first field where several files are read."""
    article, extraction = page_article(document)
    row: Json = {} if path is None else {"path": path}
    return {
        **row,
        **article_to_json(article),
        "section": extraction.section,
        "verdict": extraction.verdict.value,
        "trailer": list(extraction.trailer),
    }


def extracted_line(document: RawDocument, path: str) -> str:
    """The same as one line. Where a file's name is no UTF-8 it has U+FFFD: JSON has no way to say it."""
    line = json.dumps(extracted_json(document, path), ensure_ascii=False)
    return line if line.isascii() else line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def expanded(targets: Iterable[str]) -> Iterator[str]:
    """The targets in order, each folder as its files in the order of their names (hidden ones left out).

    Names are read folder by folder, when their turn comes. A folder that has none stays as it is.
    """
    for target in targets:
        if not Path(target).is_dir():
            yield target
            continue
        empty = True
        for folder, below, names in os.walk(target):
            below[:] = sorted(name for name in below if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    empty = False
                    yield os.path.join(folder, name)  # noqa: PTH118 - a Path would drop a leading "./"
        if empty:
            yield target
