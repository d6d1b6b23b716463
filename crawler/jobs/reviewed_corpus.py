"""Reviewed links as a labelled corpus: what people have judged, for `evaluate` and for training."""

from __future__ import annotations

import json
from pathlib import Path

from crawler.errors import InputError
from crawler.interchange import Json, article_to_json
from crawler.model import Article, LinkState
from crawler.store import Store

REJECTED = "rejected"  # the kind of pages whose link a person rejected


async def write_corpus(store: Store, directory: Path) -> tuple[int, int]:
    """Writes `articles.jsonl` and `links.jsonl`: how many pages, and how many were left out for want of a text.

    A page has one row of truth: its confirmed original if there is one, else none. Both texts are those that were
    judged. Raises InputError where the directory can't be written.
    """
    truth: dict[str, Json] = {}
    articles: dict[str, Article] = {}
    left_out = 0
    async for word, rewrite, original in store.reviewed_pairs():
        if rewrite is None or original is None or not rewrite.text or not original.text:
            left_out += 1
            continue
        confirmed = word.verdict is LinkState.CONFIRMED
        if not confirmed and rewrite.id in truth:
            articles.setdefault(original.id, original)
            continue
        articles[rewrite.id], articles[original.id] = rewrite, articles.get(original.id, original)
        truth[rewrite.id] = {
            "rewrite": rewrite.id,
            "original": original.id if confirmed else None,
            "kind": word.facts["relation"] if confirmed else REJECTED,
        }
    _write(directory, "articles.jsonl", [article_to_json(one) for one in articles.values()])
    _write(directory, "links.jsonl", list(truth.values()))
    return len(truth), left_out


def _write(directory: Path, name: str, rows: list[Json]) -> None:
    path = directory / name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    except OSError as error:
        raise InputError(path, f"expected a folder that can be written ({error.strerror or error})") from None
