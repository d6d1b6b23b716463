"""Deliveries that were taken before, whole or in part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crawler.clock import SystemClock
from crawler.jobs import importing
from crawler.jobs.importing import ImportReport, import_originals
from crawler.settings import DatabaseSettings, Settings
from crawler.store import Store
from tests.originals.test_factiva import MORNING_MS, row

FIRST = {"an": "A1", "title": "Quay closes", "modification_datetime": MORNING_MS}
SECOND = {"an": "A1", "title": "Quay opens", "modification_datetime": MORNING_MS + 9_000}


async def taken(settings: Settings, *rows: dict[str, Any]) -> ImportReport:
    file = Path(settings.database.url.removeprefix("sqlite+aiosqlite:///")).with_suffix(".jsonl")
    file.write_text("".join(json.dumps(row(**one)) + "\n" for one in rows))
    return await import_originals(settings, [file], clock=SystemClock(), processes=0)


async def headlines(settings: Settings) -> list[str]:
    async with await Store.open(settings.database, SystemClock()) as store:
        return sorted([str(one["title"]) async for one in store.export_articles()])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'wire.db'}"))


async def test_what_was_delivered_before_is_not_signed_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taken(settings, FIRST)
    signed: list[str] = []
    plain = importing.prepare_batch

    def noted(items: Any) -> Any:
        signed.extend(item.vendor_id for item in items)
        return plain(items)

    monkeypatch.setattr(importing, "prepare_batch", noted)
    report = await taken(settings, FIRST, {**FIRST, "an": "A2", "title": "Tug sinks"})
    assert (report.outcomes["unchanged"], report.outcomes["created"]) == (1, 1)
    assert signed == ["A2"]


async def test_a_new_version_behind_one_that_is_held_is_taken(settings: Settings) -> None:
    await taken(settings, FIRST)
    report = await taken(settings, FIRST, SECOND)
    assert (report.outcomes["unchanged"], report.outcomes["changed"]) == (1, 1)
    assert await headlines(settings) == ["Quay opens"]
    report = await taken(settings, FIRST, SECOND)
    assert (report.outcomes["stale"], report.outcomes["unchanged"]) == (1, 1)
    assert await headlines(settings) == ["Quay opens"]


async def test_what_is_stored_at_once_is_stored_in_order(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    monkeypatch.setattr(importing, "STORED_AT_ONCE", 5)
    some = [{**FIRST, "an": f"A{number}", "title": f"Quay {number}"} for number in range(13)]
    report = await taken(settings, *some, {**SECOND, "an": "A3"}, {**SECOND, "an": "A12", "action": "del"})
    assert (report.outcomes["created"], report.outcomes["changed"], report.removed) == (13, 1, 1)
    expected = ["Quay opens", *(f"Quay {number}" for number in range(12) if number != 3)]
    assert await headlines(settings) == sorted(expected)
