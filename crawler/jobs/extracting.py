"""`wiretrace extract`: the extractor alone."""

from __future__ import annotations

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
