"""`db idf`: tables from a store's texts, and the way from them to an index that goes by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.clock import SystemClock
from crawler.errors import LinkerMismatch, SettingsError, StoreError
from crawler.jobs.counting import IdfReport, refresh_idf
from crawler.jobs.importing import import_originals
from crawler.jobs.reindexing import reindex
from crawler.jobs.tracing import trace
from crawler.link.tables import read_tables
from crawler.model import RawDocument
from crawler.settings import DatabaseSettings, LinkSettings, RunSettings, Settings
from tests.stories import page_html, story

WIRE = ("ferry-original", "dam-original")


def page(url: str) -> RawDocument:
    return RawDocument(url=url, body=page_html(story("ferry-spun")).encode(), media_type="text/html")


@pytest.fixture
async def settings(store_url: str, tmp_path: Path) -> Settings:
    """A store with two originals and a rewrite of one of them, once on each engine."""
    settings = Settings(database=DatabaseSettings(url=store_url), run=RunSettings(processes=1))
    for name in WIRE:
        (tmp_path / f"{name}.txt").write_text(f"{story(name).title}\n\n{story(name).text}\n")
    files = [tmp_path / f"{name}.txt" for name in WIRE]
    await import_originals(settings, files, clock=SystemClock(), publisher="The Wall Street Journal")
    await trace(settings, page("https://mirror.example/ferry"), clock=SystemClock(), keep=True)
    return settings


async def test_a_new_table_takes_effect_by_a_new_index_alone(settings: Settings, tmp_path: Path) -> None:
    told: list[int] = []

    def watch(report: IdfReport) -> None:
        told.append(report.read)

    report = await refresh_idf(settings, tmp_path / "tables", clock=SystemClock(), least=3, watch=watch)
    (written,) = report.written
    assert (written.language, written.texts, report.read, told) == ("en", 3, 3, [3])
    assert "in 3 texts of a store" in read_tables([str(written.path)]).given[0].text
    assert (await trace(settings, page("https://a.example/1"), clock=SystemClock())).decision.link is not None

    renewed = settings.model_copy(update={"link": LinkSettings(idf=(str(written.path),))})
    with pytest.raises(LinkerMismatch, match="run `wiretrace db reindex`"):
        await trace(renewed, page("https://a.example/2"), clock=SystemClock())
    done = await reindex(renewed, clock=SystemClock())
    assert (done.signed, done.pages) == (3, 1)
    link = (await trace(renewed, page("https://a.example/3"), clock=SystemClock())).decision.link
    assert link is not None
    assert link.linker == done.linker
    with pytest.raises(LinkerMismatch, match="run `wiretrace db reindex`"):
        await trace(settings, page("https://a.example/4"), clock=SystemClock())


async def test_the_same_texts_make_the_same_table_whatever_tables_are_set(settings: Settings, tmp_path: Path) -> None:
    first = await refresh_idf(settings, tmp_path, clock=SystemClock(), least=1)
    lost = settings.model_copy(update={"link": LinkSettings(idf=("gone.tsv.gz",))})
    again = await refresh_idf(lost, tmp_path / "again", clock=SystemClock(), least=1)
    paths = [report.written[0].path for report in (first, again)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


async def test_a_language_of_too_few_texts_gets_no_table(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"expected 4 texts of a language for a table, found 3 of en"):
        await refresh_idf(settings, tmp_path / "tables", clock=SystemClock(), least=4)
    assert not (tmp_path / "tables").exists()


async def test_a_table_that_cannot_be_read_stops_whoever_would_link_by_it(settings: Settings) -> None:
    lost = settings.model_copy(update={"link": LinkSettings(idf=("idf-en-2026-05-04-0123456789ab.tsv.gz",))})
    with pytest.raises(SettingsError, match=r"idf-en-2026-05-04-0123456789ab\.tsv\.gz: link.idf: no such file"):
        await reindex(lost, clock=SystemClock())
