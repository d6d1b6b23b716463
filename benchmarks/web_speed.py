"""How soon the pages answer with many links in the store.

    python benchmarks/web_speed.py [--links 100000] [--requests 200] [--store FILE.db]

Makes a SQLite store of invented pages and originals (some 2,500 characters each; texts from a small vocabulary, so
that common words are in all of them), every page linked, serves it on loopback and asks as one person does, one page
after the other. Printed are milliseconds from the request to the first byte: median, 95th percentile, the slowest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from aiohttp.test_utils import TestServer

sys.path.insert(0, str(Path(__file__).parents[1]))

from crawler.clock import SystemClock
from crawler.interchange import link_id
from crawler.pipeline.cpu import CpuPool
from crawler.settings import DatabaseSettings, LinkSettings
from crawler.store import Store
from crawler.web.app import create_app
from crawler.web.guard import Guard, everybody_is

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "r", "st", "lm", "nd", "ck")]
SITES, PUBLISHERS = 400, ("The Wall Street Journal", "Barron's", "MarketWatch")
STATES = ("new",) * 80 + ("confirmed",) * 12 + ("rejected",) * 5 + ("retracted",) * 3
RELATIONS = ("rewrite",) * 70 + ("copy",) * 27 + ("excerpt",) * 3
START = 1_767_225_600_000_000  # 2026-01-01, microseconds
SENTENCES, WORDS_A_SENTENCE = 24, 16


def fill(file: Path, count: int) -> None:
    """Rows as the store writes them, without the cost of deciding a hundred thousand times."""
    draw = random.Random(1)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous = OFF")
    started = time.perf_counter()
    with connection:
        for number in range(count):
            page_no, original_no = 2 * number + 1, 2 * number + 2
            text = "\n\n".join(_sentence(draw) for _ in range(SENTENCES))
            other = text.replace(WORDS[number % len(WORDS)], WORDS[(number + 1) % len(WORDS)])
            site = f"site{int(SITES * draw.random() ** 3)}.example"
            at = START + number * 60_000_000
            _article(connection, page_no, "aggregator", site, f"https://{site}/{number}", text, at)
            publisher = PUBLISHERS[number % 3]
            _article(connection, original_no, "origin", publisher, f"https://wire.example/{number}", other, at - 10**9)
            _link(connection, draw, page_no, original_no, site, publisher, at)
    connection.execute("ANALYZE")
    connection.close()
    print(f"{count} links made in {time.perf_counter() - started:.0f} s, {file.stat().st_size / 1e6:.0f} MB")


def _sentence(draw: random.Random) -> str:
    return " ".join(draw.choices(WORDS, k=WORDS_A_SENTENCE)).capitalize() + "."


def _id(number: int) -> str:
    return f"{number:032x}"


def _article(
    connection: sqlite3.Connection, number: int, role: str, publisher: str, url: str, text: str, at: int
) -> None:
    connection.execute(
        "INSERT INTO articles (no, id, state, role, completeness, publisher, first_seen, received, checked, version,"
        " content_hash) VALUES (?, ?, 'live', ?, 'full', ?, ?, ?, ?, 1, ?)",
        (number, _id(number), role, publisher, at, at, at, _id(number)),
    )
    fields = {
        "url": url, "canonical_url": None, "role": role, "publisher": publisher, "site": publisher,
        "title": text[:70], "byline": [], "published": "2026-01-02T08:00:00Z", "modified": None, "fetched": None,
        "language": "en", "captions": [], "copyright": None, "source": None, "completeness": "full",
        "vendor_id": None, "vendor_source": None, "credit": None, "section": None, "verdict": "article",
        "trailer": [], "hyperlinks": [], "archive": None, "noindex": False,
    }  # fmt: skip
    connection.execute(
        "INSERT INTO versions (article_no, version, at, content_hash, text, fields) VALUES (?, 1, ?, ?, ?, ?)",
        (number, at, _id(number), text, json.dumps(fields)),
    )


def _link(
    connection: sqlite3.Connection, draw: random.Random, page: int, original: int, site: str, publisher: str, at: int
) -> None:
    passages = [
        {"kind": "passage", "rewrite": [place, place + 60], "original": [place, place + 60], "similarity": 0.7}
        for place in range(0, 2_000, 100)
    ]
    evidence = json.dumps([*passages, *({"kind": "name", "text": word} for word in WORDS[:8])])
    link, score = link_id(_id(page), _id(original)), 0.8 + 0.2 * draw.random()
    connection.execute(
        "INSERT INTO links (id, rewrite_no, original_no, state, relation, score, coverage_rewrite, coverage_original,"
        " evidence, precedence, standing, linker, decided, rewrite_hash, original_hash, site, publisher, lag)"
        " VALUES (?, ?, ?, ?, ?, ?, 0.9, 0.8, ?, 'original-first', 'ours', '4', ?, ?, ?, ?, ?, ?)",
        (
            *(link, page, original, draw.choice(STATES), draw.choice(RELATIONS), score, evidence, at),
            *(_id(page), _id(original), site, publisher, 1_000 * draw.random()),
        ),
    )
    considered = [
        {
            "original_id": _id(max(2, original - 2 * step)),
            "score": 0.1,
            "taken": step == 0,
            "reason": "shares too little",
        }
        for step in range(6)
    ]
    connection.execute(
        "INSERT INTO decisions (article_no, linker, score, at, considered, link_id) VALUES (?, '4', ?, ?, ?, ?)",
        (page, score, at, json.dumps(considered), link),
    )


def asked_for(count: int, requests: int) -> dict[str, list[str]]:
    """Addresses of each kind of page, drawn from the whole store."""
    draw = random.Random(2)

    def place() -> str:
        number = draw.randrange(count)
        return f"{START + number * 60_000_000}.{link_id(_id(2 * number + 1), _id(2 * number + 2))}"

    def link() -> str:
        number = draw.randrange(count)
        return link_id(_id(2 * number + 1), _id(2 * number + 2))

    kinds = {
        "inbox": lambda: "/",
        "inbox, deep": lambda: f"/?after={place()}",
        "inbox, one site": lambda: f"/?state=all&site=site{draw.randrange(SITES)}.example",
        "inbox, filtered": lambda: f"/?relation=excerpt&least=0.95&publisher=MarketWatch&after={place()}",
        "inbox, nothing found": lambda: "/?relation=copy&most=0.1",
        "compare": lambda: f"/links/{link()}",
        "search": lambda: f"/search?q={draw.choice(WORDS)}+{draw.choice(WORDS)}",
        "sites": lambda: "/sites",
    }
    return {name: [make() for _ in range(requests if name != "sites" else 10)] for name, make in kinds.items()}


async def measure(file: Path, count: int, requests: int) -> None:
    async with (
        await Store.open(DatabaseSettings(url=f"sqlite+aiosqlite:///{file}"), SystemClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
        TestServer(create_app(store, cpu, Guard(everybody_is("benchmark")))) as server,
        aiohttp.ClientSession() as session,
    ):
        root = str(server.make_url("")).rstrip("/")
        print(f"{'first byte after, ms':24}{'median':>10}{'p95':>10}{'slowest':>10}")
        for name, addresses in asked_for(count, requests).items():
            times = []
            for address in addresses:
                started = time.perf_counter()
                async with session.get(root + address) as answer:
                    times.append(1_000 * (time.perf_counter() - started))
                    assert answer.status == 200, (address, answer.status)
                    await answer.read()
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"{name:24}{statistics.median(times):10.1f}{p95:10.1f}{max(times):10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--store", type=Path, help="kept and used again if it is there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wiretrace-web-") as folder:
        file = given.store or Path(folder) / "store.db"
        if not file.exists():
            asyncio.run(_migrate(file))
            fill(file, given.links)
        asyncio.run(measure(file, given.links, given.requests))


async def _migrate(file: Path) -> None:
    async with await Store.open(DatabaseSettings(url=f"sqlite+aiosqlite:///{file}"), SystemClock()):
        pass


if __name__ == "__main__":
    main()
