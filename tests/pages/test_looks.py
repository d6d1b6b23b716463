"""Second looks as people and programs ask for them, and the report that a button downloads."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.model import ArchiveRecord, LinkState, Look, LookOutcome, Standing
from crawler.settings import DatabaseSettings
from crawler.store import Store
from crawler.store.browsing import LinkView
from crawler.web.looking import seen, standing
from tests.cli.test_reviews import run
from tests.pages.api import Program
from tests.pages.conftest import Browser, put_link
from tests.store.pieces import NOON, StillClock

RECORD = ArchiveRecord("wiretrace-1.warc.gz", 512, "<urn:uuid:1>")


async def confirmed(store: Store, name: str = "one") -> str:
    link = await put_link(store, name)
    await store.review(link, LinkState.CONFIRMED, reviewer="Morna")
    return link


async def look(store: Store, link: str, outcome: LookOutcome, reason: str = "", text: str | None = None) -> None:
    await store.ask_look(link)
    await store.queue_looks()
    (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
    await store.looked(entry.key, "w", Look(NOON, outcome, reason, text, RECORD))


async def test_the_button_has_a_confirmed_page_looked_at_again(browser: Browser) -> None:
    link = await confirmed(browser.store)
    shown = await browser.get(f"/links/{link}")
    assert "Not looked at again so far." in shown.text
    told = await browser.post(f"/links/{link}/look", {"token": await browser.token()})
    assert (told.status, told.headers["Location"]) == (303, f"/links/{link}#looks-title")
    assert await browser.store.queue_looks() == 1
    assert "It is in the queue now." in (await browser.get(f"/links/{link}")).text


async def test_only_our_own_pages_button_does_and_only_for_a_confirmed_link(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    assert "Look again now" not in (await browser.get(f"/links/{link}")).text
    assert (await browser.post(f"/links/{link}/look", {})).status == 403
    assert (await browser.post(f"/links/{link}/look", {"token": await browser.token()})).status == 400


async def test_a_page_that_changed_or_went_makes_a_notice_beside_what_was_confirmed(browser: Browser) -> None:
    link = await confirmed(browser.store)
    await look(browser.store, link, LookOutcome.CHANGED, text="a" * 32)
    shown = await browser.get(f"/links/{link}")
    assert any("changed on 2 Mar 2026, 12:00" in one for one in shown.texts(".notice"))
    await look(browser.store, link, LookOutcome.GONE, "status-410")
    shown = await browser.get(f"/links/{link}")
    assert any("gone since 2 Mar 2026, 12:00 (status-410)" in one for one in shown.texts(".notice"))
    assert [one[:10] for one in shown.texts("#looks-title ~ .words li")] == ["changed on", "gone since"]
    assert any(one.startswith("Confirmed by Morna") for one in shown.texts(".frozen"))


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([("live", "a")], None),
        ([("gone", ""), ("unreachable", ""), ("gone", "")], "gone since"),
        ([("gone", ""), ("live", "a")], None),
        ([("changed", "b"), ("live", "b")], "changed on"),
        ([("changed", "b"), ("live", "a")], None),
    ],
)
async def test_a_notice_goes_once_the_page_is_as_it_was(
    store: Store, outcomes: list[tuple[str, str]], told: str | None
) -> None:
    view: LinkView = await store.view_link(await confirmed(store))
    looks = tuple(Look(NOON, LookOutcome(outcome), "", text or None) for outcome, text in outcomes)
    found = standing(replace(view, link=replace(view.link, looks=looks)))
    assert (found.said if found else None) == told
    assert len(seen(looks)) == len(outcomes)


async def test_a_program_asks_for_a_look_and_reads_it_in_the_link(program: Program) -> None:
    link = await confirmed(program.store)
    told = await program.post(f"/links/{link}/looks", "")
    assert (told.status, told.body) == (202, {"link": link, "due": "2026-03-02T12:00:00Z"})
    await look(program.store, link, LookOutcome.GONE, "status-404")
    (one,) = (await program.get(f"/links/{link}")).body["looks"]
    assert one == {
        "at": "2026-03-02T12:00:00Z",
        "outcome": "gone",
        "reason": "status-404",
        "text_hash": None,
        "archive": {"file": "wiretrace-1.warc.gz", "offset": 512, "record_id": "<urn:uuid:1>"},
    }
    assert (await program.post(f"/links/{'0' * 32}/looks", "")).status == 404


async def test_the_button_downloads_the_report_that_the_command_writes(browser: Browser) -> None:
    link = await confirmed(browser.store)
    await look(browser.store, link, LookOutcome.GONE, "status-410")
    assert f'href="/links/{link}/report"' in (await browser.get(f"/links/{link}")).text
    got = await browser.get(f"/links/{link}/report")
    assert got.headers["Content-Disposition"] == f'attachment; filename="report-{link}.html"'
    assert got.html.css_first("h1").text() == "Report on one page"
    assert any("gone (status-410)" in row for row in got.texts("tr"))
    assert "Morna" not in got.text


async def test_a_report_on_what_is_not_ours_is_made_only_where_the_address_says_so(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    view = await browser.store.view_link(link)
    assert view.listed.standing is Standing.OURS
    assert (await browser.get(f"/links/{link}/report?standing=nobody")).status == 400
    await browser.judge(link, "reject")
    assert (await browser.get(f"/links/{link}/report")).status == 400


def test_the_command_has_pages_looked_at_again_and_shows_what_was_seen(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/store.db"

    async def prepare() -> str:
        async with await Store.open(DatabaseSettings(url=url), StillClock()) as store:
            link = await confirmed(store)
            await look(store, link, LookOutcome.GONE, "status-410")
            return link

    link = asyncio.run(prepare())
    told = run(url, "look", link)
    assert told.returncode == 0
    assert told.stdout == f"{link}  2026-03-02 12:00  gone (status-410)\n"
    assert "due now: 1 page" in told.stderr
    assert run(url, "look", "0" * 32).returncode == 1
