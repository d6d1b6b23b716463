"""The pages in a real browser: Debian's chromium, driven by playwright. Skipped with the reason where there is none."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crawler.interchange import link_id
from crawler.model import LinkState, Look, LookOutcome, Place
from crawler.store.browsing import LinkFilter
from tests.pages.conftest import Browser, put_link
from tests.pages.test_hostile import put_hostile
from tests.store.pieces import claim, fingerprint, original, page, source, unlinked

pytestmark = pytest.mark.full

AXE = Path(__file__).with_name("axe.min.js")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    if _CHROMIUM is None:
        pytest.skip("no chromium here: .ci/packages installs it where there is apt")
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    # Its own sandbox wants to be started by somebody else than root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with playwright.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=_CHROMIUM, args=arguments)
        yield started
        await started.close()


async def new_page(chromium: Any, browser: Browser, faults: list[str], **options: Any) -> Any:
    """A window whose complaints (also those about the policy) and dialogs are collected."""
    context = await chromium.new_context(viewport=WIDE, base_url=browser.root, **options)
    context.set_default_timeout(15_000)
    window = await context.new_page()
    window.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    window.on("pageerror", lambda error: faults.append(str(error)))
    window.on("dialog", lambda dialog: faults.append(f"dialog {dialog.message}"))
    return window


async def focused(window: Any) -> str:
    return str(await window.evaluate("document.activeElement.innerText"))


async def until(window: Any, expression: str) -> None:
    """playwright's own waiting asks the page to evaluate a string, which the policy forbids."""
    for _ in range(300):
        if await window.evaluate(f"() => {expression}"):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never came true: {expression}")


async def put_links(browser: Browser, count: int) -> list[str]:
    links = []
    for number in range(count):
        links.append(await put_link(browser.store, f"n{number:02}"))
        browser.clock.pass_by(60)
    return links[::-1]  # as the inbox has them


async def test_ten_links_are_judged_and_words_taken_back_by_keys_alone(chromium: Any, browser: Browser) -> None:
    links, faults = await put_links(browser, 12), []
    window = await new_page(chromium, browser, faults)
    await window.goto("/")
    await window.keyboard.press("j")
    assert await focused(window) == "Line of ferries: n11"
    for key in "crcrcrcrcr":
        await window.keyboard.press(key)
    await until(window, "document.querySelectorAll('#links .judge').length === 2")
    await until(window, "document.querySelector('#counts').innerText.includes('new 2')")
    assert await focused(window) == "Line of ferries: n01"
    states = [(await browser.store.listed_link(link)).state.value for link in links]
    assert states == ["confirmed", "rejected"] * 5 + ["new"] * 2

    await window.keyboard.press("u")
    await until(window, "document.activeElement.innerText === 'Line of ferries: n02'")
    assert "Taken back: Line of ferries: n02" in await window.inner_text("#status")
    await window.keyboard.press("u")
    await until(window, "document.querySelector('#counts').innerText.includes('new 4')")
    assert (await browser.store.count_by_state())[LinkState.NEW] == 4
    await window.keyboard.press("k")
    assert await focused(window) == "Line of ferries: n04"
    await window.keyboard.press("Enter")
    await window.wait_for_url(f"**/links/{links[7]}")
    assert faults == []


async def test_the_mouse_judges_too_and_the_focus_is_not_lost(chromium: Any, browser: Browser) -> None:
    links, faults = await put_links(browser, 2), []
    window = await new_page(chromium, browser, faults)
    await window.goto("/")
    await window.click(f"#link-{links[0]} .no")
    await window.wait_for_selector(f"#link-{links[0]}.rejected")
    await until(window, "document.activeElement.innerText === 'Line of ferries: n01'")
    assert faults == []


async def test_a_link_that_changed_meanwhile_is_told_and_not_judged(chromium: Any, browser: Browser) -> None:
    (link,), faults = await put_links(browser, 1), []
    window = await new_page(chromium, browser, faults)
    await window.goto("/")
    await put_link(browser.store, "n00", text="Other words by now.")
    await window.keyboard.press("c")
    await until(window, "document.querySelector('#status').innerText.includes('look at it again')")
    assert (await browser.store.listed_link(link)).state is LinkState.NEW


async def test_the_keys_of_one_letter_can_be_turned_off(chromium: Any, browser: Browser) -> None:
    await put_links(browser, 1)
    window = await new_page(chromium, browser, [])
    await window.goto("/")
    await window.keyboard.press("?")
    await window.uncheck("#keys-on")
    await window.click("#help button")
    await window.reload()
    await window.keyboard.press("c")
    await window.keyboard.press("j")
    assert await focused(window) != "Line of ferries: n00"
    assert (await browser.store.count_by_state())[LinkState.NEW] == 1


async def test_filter_and_search_find_their_rows(chromium: Any, browser: Browser) -> None:
    await put_link(browser.store, "here")
    await put_link(browser.store, "there", url="https://www.other.example/there", title="A warden of lamps")
    window = await new_page(chromium, browser, [])
    await window.goto("/")
    await window.click("summary")
    await window.fill("[name=site]", "other.example")
    await window.keyboard.press("Enter")
    await window.wait_for_url("**site=other.example**")
    assert await window.locator("#links .open").all_inner_texts() == ["A warden of lamps"]
    await window.keyboard.press("/")
    await window.keyboard.type('warden "line of ferries"')
    await window.keyboard.press("Enter")
    await window.wait_for_url("**/search?q=warden**")
    assert await window.locator(".open").all_inner_texts() == ["A warden of lamps"]
    assert "line of ferries" in await window.locator(".excerpt mark").all_inner_texts()


async def test_the_two_texts_stand_side_by_side_and_pairs_are_joined(chromium: Any, browser: Browser) -> None:
    first, second = await put_links(browser, 2)
    window = await new_page(chromium, browser, [])
    await window.goto(f"/links/{first}")
    left, right = (
        await window.locator(".text.rewrite").bounding_box(),
        await window.locator(".text.original").bounding_box(),
    )
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == right["y"]
    outline = "getComputedStyle(document.querySelector('.original .pair')).outlineStyle"
    assert await window.evaluate(outline) == "none"
    await window.hover(".rewrite .pair")
    assert await window.evaluate(outline) == "solid"
    await window.mouse.move(0, 0)
    await window.focus(".rewrite .pair")
    assert await window.evaluate(outline) == "solid"
    await window.keyboard.press("Enter")
    assert window.url.endswith("#o1")
    assert await window.locator(".bars tbody tr").count() == 6
    await window.keyboard.press("c")
    await window.wait_for_url(f"**/links/{second}*")
    assert (await browser.store.listed_link(first)).state is LinkState.CONFIRMED
    await window.keyboard.press("u")
    await window.wait_for_url(f"**/links/{first}")
    assert (await browser.store.listed_link(first)).state is LinkState.NEW


async def test_the_crawler_is_watched_at_work_and_the_list_can_be_held(chromium: Any, browser: Browser) -> None:
    faults: list[str] = []
    window = await new_page(chromium, browser, faults)
    await window.goto("/live")
    await until(window, "document.querySelector('#live-state').innerText.startsWith('Live')")
    await put_link(browser.store, "one", source="Harbour Post")
    await until(window, "document.querySelectorAll('#live .linked').length === 1")
    assert await window.locator("#live-sources tbody tr").all_inner_texts() == ["Harbour Post\t1\t1\t0"]
    await window.click("#live-pause")
    await put_link(browser.store, "two", source="Harbour Post")
    await until(window, "document.querySelector('#live-sources tbody td:nth-child(3)').innerText === '2'")
    assert await window.locator("#live .linked").count() == 1
    await window.click("#live-pause")
    assert await window.locator("#live .linked").count() == 2
    assert faults == []


async def test_every_page_fits_a_narrow_screen(chromium: Any, browser: Browser) -> None:
    paths = await every_page(browser)
    window = await new_page(chromium, browser, [])
    await window.set_viewport_size(NARROW)
    for path in paths:
        await window.goto(path)
        assert await window.evaluate("document.documentElement.scrollWidth") <= 360, path
    await window.goto(next(path for path in paths if path.startswith("/links/")))
    left, right = (
        await window.locator(".text.rewrite").bounding_box(),
        await window.locator(".text.original").bounding_box(),
    )
    assert left["y"] + left["height"] <= right["y"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_fault_in_any_page(chromium: Any, browser: Browser, scheme: str) -> None:
    paths, faults = await every_page(browser), []
    window = await new_page(chromium, browser, faults, color_scheme=scheme)
    for size in (WIDE, NARROW):
        await window.set_viewport_size(size)
        for path in paths:
            await window.goto(path)
            await window.evaluate(AXE.read_text(encoding="utf-8"))
            found = await window.evaluate(f"axe.run(document, {_RULES})")
            told = [
                (one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in found["violations"]
            ]
            assert told == [], path
    faults = [fault for fault in faults if "404" not in fault]
    assert faults == []  # nor does anything ask for what the policy forbids, or run what a stranger wrote
    dark = await window.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(21, 23, 26)") is (scheme == "dark")


async def test_all_works_without_scripts(chromium: Any, browser: Browser) -> None:
    links = await put_links(browser, 2)
    window = await new_page(chromium, browser, [], java_script_enabled=False)
    await window.goto("/")
    await window.click(f"#link-{links[0]} .yes")
    assert await window.locator("#links .open").all_inner_texts() == ["Line of ferries: n00"]
    assert await browser.store.count_links(LinkFilter(LinkState.CONFIRMED)) == 1
    await window.click("#undo button")
    assert window.url.endswith(f"/links/{links[0]}")
    assert await browser.store.count_links(LinkFilter(LinkState.CONFIRMED)) == 0


async def every_page(browser: Browser) -> list[str]:
    """Addresses of all pages, each with something on it, a stranger's mark-up among it."""
    store = browser.store
    hostile = await put_hostile(browser)
    judged = await put_link(store, "judged")
    await store.review(judged, LinkState.CONFIRMED, reviewer="Morna", note="Same quotes")
    await store.ask_look(judged)
    await store.queue_looks()
    (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
    await store.looked(entry.key, "w", Look(browser.clock.now(), LookOutcome.GONE, "status-410"))
    await store.record_decision(unlinked(page("judged")), worker=None, reason="again")
    await store.store_article(page("claims"), fingerprint(9))
    await store.record_decision(unlinked(page("claims"), claim()), Place(), worker=None, reason="new")
    await store.reconcile([source("Harbour <b>Post</b>"), source("Quay News", url="https://quay.example/feed")])
    await store.reconcile([source("Harbour <b>Post</b>")])  # the other one is disabled by that
    assert link_id(page("judged").id, original().id) == judged
    return [
        "/",
        "/?state=all&site=copy.example&least=0.5",
        "/?state=rejected",
        f"/links/{hostile}",
        f"/links/{judged}",
        "/stories",
        f"/stories/{original().id}",
        "/sites",
        "/sources",
        "/unlinked",
        "/live",
        "/search?q=ferry",
        "/search?q=",
        f"/articles/{page('hostile').id}",
        "/nowhere",
    ]
