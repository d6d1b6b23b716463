"""An import that is killed on the way, and one that is not: the same content in the end."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from crawler.clock import SystemClock
from crawler.interchange import time_to_json
from crawler.jobs.importing import import_originals
from crawler.jobs.tracing import trace
from crawler.model import RawDocument
from crawler.settings import DatabaseSettings, Settings
from crawler.store import Store
from tests.originals.test_factiva import MORNING_MS, row
from tests.stories import page_html, story

COPIES = {"ferry-original": "ferry-spun"}
STORIES = 2_400
KILLS = 5
OURS = {"first_seen", "fetched", "decided", "precedence"}  # by our own clock, which runs on


def delivery(path: Path) -> Path:
    """Stories with new versions and deletions, and the originals of pages that are in the store already."""
    rows: list[dict[str, Any]] = []
    for number in range(STORIES):
        known = {"an": f"A{number}", "source_code": f"S{number % 7}"}
        body = f"Barge {number} waits off the mole.\n\nTug {number * 17} lies idle at quay {number * 31}."
        rows.append(row(**known, title=f"Quay {number} closes", body=body, modification_datetime=MORNING_MS + number))
        if number % 9 == 4:
            rows.append({**rows[-1], "title": f"Quay {number} opens", "modification_datetime": MORNING_MS + 9_000})
        if number % 25 == 7:
            rows.append({"an": f"A{number}", "action": "del", "modification_datetime": MORNING_MS + 9_500})
    for place, name in enumerate(COPIES):
        original = story(name)
        published = {"publication_datetime": time_to_json(original.published), "modification_datetime": None}
        rows.insert(
            (place + 1) * len(rows) // 3,
            row(an=name, title=original.title, snippet="", body=original.text, source_code="W", **published),
        )
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


async def with_pages(file: Path) -> Settings:
    settings = Settings(database=DatabaseSettings(url=f"sqlite+aiosqlite:///{file}"))
    for name in COPIES.values():
        body = page_html(story(name)).encode()
        page = RawDocument(url=f"https://mirror.example/{name}", body=body, media_type="text/html")
        await trace(settings, page, clock=SystemClock(), keep=True)
    return settings


async def content(settings: Settings) -> dict[str, list[str]]:
    async with await Store.open(settings.database, SystemClock()) as store:
        assert await store.pending("test", 10, 1.0) == []
        return {
            "articles": sorted([_shown(one) async for one in store.export_articles()]),
            "links": sorted([_shown(one) async for one in store.export_links()]),
        }


def _shown(one: Any) -> str:
    return json.dumps({name: value for name, value in one.items() if name not in OURS}, sort_keys=True)


def killed(path: Path, settings: Settings, chance: random.Random) -> bool:
    """Starts an import and kills it, all its processes at once, some articles further on; whether it was through."""
    database = Path(settings.database.url.removeprefix("sqlite+aiosqlite:///"))
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler", "-q", "import", str(path)],
        env={**os.environ, "WIRETRACE_DATABASE__URL": settings.database.url},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    goal = _stored(database) + chance.randint(1, 60)  # some are committed at once
    while process.poll() is None and _stored(database) < goal:
        time.sleep(0.005)
    time.sleep(chance.random() * 0.05)
    through = process.poll() is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return through


def _stored(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return int(connection.execute("SELECT count(*) FROM articles").fetchone()[0])


@pytest.mark.full
async def test_an_import_that_is_killed_again_and_again_ends_in_the_same_content(tmp_path: Path) -> None:
    path = delivery(tmp_path / "wire.jsonl")
    undisturbed = await with_pages(tmp_path / "undisturbed.db")
    await import_originals(undisturbed, [path], clock=SystemClock(), processes=0)
    expected = await content(undisturbed)
    assert len(expected["links"]) == len(COPIES)

    settings = await with_pages(tmp_path / "killed.db")
    chance = random.Random(5)
    through = [killed(path, settings, chance) for _ in range(KILLS)]
    assert not any(through)
    report = await import_originals(settings, [path], clock=SystemClock(), processes=0)
    assert report.faults == 0
    assert await content(settings) == expected

    again = await import_originals(settings, [path], clock=SystemClock(), processes=0)
    assert (again.as_json()["created"], again.as_json()["changed"], again.removed) == (0, 0, 0)
    assert await content(settings) == expected
