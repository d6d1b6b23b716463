"""A store as one comparable value: what it holds without the times and the order in which that came about.

Two things are told by time and differ rightly between two crawls of one web: a link's `precedence`, which says whether
our captures show that the original was first, and a story's `aliases`, the ids under which parts of it were told
before they were joined. Neither is compared; each precedence has to agree with the times of its own store.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from crawler.clock import SystemClock
from crawler.interchange import article_from_json
from crawler.link.standing import precedence
from crawler.settings import DatabaseSettings
from crawler.store import Store
from crawler.store.sitetables import site_pages, sites
from crawler.store.tables import POSTINGS, articles, fingerprints, frontier, places, tasks
from crawler.store.transaction import Transaction

TIMES = frozenset({"first_seen", "fetched", "decided", "archive", "precedence", "aliases"})


@dataclass(frozen=True, slots=True)
class Dump:
    """Each part by its key; `faults` are what no store may hold, whatever happened to it."""

    parts: dict[str, dict[str, str]]
    faults: tuple[str, ...]

    def differences(self, other: Dump, most: int = 5) -> list[str]:
        """A line for each part that is not the same, with the first of its keys."""
        lines = []
        for name, mine in self.parts.items():
            theirs = other.parts[name]
            unlike = sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))
            if unlike:
                lines.append(f"{name}: {len(unlike)} of {len(mine.keys() | theirs.keys())} differ")
                lines += [f"    {key}: {_first_difference(mine.get(key), theirs.get(key))}" for key in unlike[:most]]
        return lines


async def dump(url: str) -> Dump:
    async with await Store.open(DatabaseSettings(url=url), SystemClock()) as store:
        parts: dict[str, dict[str, str]] = {"articles": {}, "links": {}, "stories": {}}
        held = {}
        async for row in store.export_articles():
            parts["articles"][str(row["url"])] = _canonical(row)
            held[row["id"]] = article_from_json(row)
        faults = []
        async for link in store.export_links():
            parts["links"][str(link["id"])] = _canonical(link)
            rewrite, original = (held[link[side]["id"]] for side in ("rewrite", "original"))  # type: ignore[index]
            if link["precedence"] != precedence(rewrite, original).value:
                faults.append(f"{link['id']}: precedence {link['precedence']} is not what its store's times say")
        async for row in store.export_stories():
            parts["stories"][str(row["id"])] = _canonical(row)
        created: Counter[tuple[str, str]] = Counter()
        async for change in store.changes():
            if change.action.value == "created" and change.subject.value == "article":
                created[change.subject.value, change.id] += 1
        inner, more = await store._db.read(_inside)
        faults += more
        faults += [
            f"{subject} {key} was created {times} times" for (subject, key), times in created.items() if times > 1
        ]
    if url.startswith("sqlite"):
        faults += _integrity(url.removeprefix("sqlite+aiosqlite:///"))
    return Dump(parts | inner, tuple(faults))


def _first_difference(mine: str | None, theirs: str | None) -> str:
    if mine is None or theirs is None or not mine.startswith("{"):
        return f"{mine} – {theirs}"[:300]
    one, other = json.loads(mine), json.loads(theirs)
    name = next(name for name in sorted(one | other) if one.get(name) != other.get(name))
    return f"{name}: {one.get(name)} – {other.get(name)}"[:300]


def _canonical(row: Any) -> str:
    return json.dumps(_without_times(row), sort_keys=True, ensure_ascii=False)


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(one) for name, one in value.items() if name not in TIMES}
    return [_without_times(one) for one in value] if isinstance(value, list | tuple) else value


def _inside(tx: Transaction) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Signatures, the index, the frontier and the sites' memory by the articles' public ids."""
    ids = {row.no: row.id for row in tx.all(sa.select(articles.c.no, articles.c.id))}
    signatures = {
        ids[row.article_no]: " ".join(bytes(part).hex() for part in (row.minhash, row.index_keys, row.index_weights))
        for row in tx.all(sa.select(fingerprints))
    }
    index: Counter[str] = Counter()
    for side, table in POSTINGS.items():
        each = sa.select(table.c.article_no, sa.func.count().label("entries")).group_by(table.c.article_no)
        index.update({f"{ids.get(row.article_no)} {side.value}": row.entries for row in tx.all(each)})
    queue = {row.url: f"{row.state} {row.reason}" for row in tx.all(sa.select(frontier))}
    belonging = {ids[row.article_no]: f"{ids.get(row.first_no)} {row.relation}" for row in tx.all(sa.select(places))}
    furniture = {
        row.host: f"{bytes(row.furniture).hex()} pending={row.pending} sweep={row.sweep_from}"
        for row in tx.all(sa.select(sites))
    }
    remembered = {f"{row.site_no} {ids[row.article_no]}": str(row.left_out) for row in tx.all(sa.select(site_pages))}
    left = int(tx.scalar(sa.select(sa.func.count()).select_from(tasks)))
    faults = [f"{left} decisions are left"] if left else []
    held = tx.all(sa.select(frontier.c.url).where(frontier.c.leased_by.is_not(None)))
    faults += [f"{row.url} is still leased" for row in held]
    return {
        "signatures": signatures,
        "index": {key: str(count) for key, count in index.items()},
        "frontier": queue,
        "places": belonging,
        "furniture": furniture,
        "remembered": {key.split(" ", 1)[1]: value for key, value in remembered.items()},
    }, faults


def _integrity(file: str) -> list[str]:
    connection = sqlite3.connect(file)
    try:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()
    return [f"integrity_check: {line}" for line in said if line != "ok"] + [f"foreign key: {row}" for row in broken]
