from __future__ import annotations

from datetime import timedelta

from crawler.model import Considered, Decision, Evidence, EvidenceKind, Place, Reference
from crawler.store.webhooks import Hold, Letter
from crawler.web.asking import asked
from tests.pages.conftest import FERRY, REWORDED, Browser, put_link
from tests.store.pieces import HOUR, NOON, claim, fingerprint, linked, original, page, source, unlinked


async def test_a_story_tells_who_had_it_first(browser: Browser) -> None:
    browser.clock.pass_by(60)
    await put_link(browser.store, "late")
    shown = await browser.get(f"/stories/{original().id}")
    first, second = shown.texts(".line li")
    assert "Ferry line to reopen in May" in first
    assert "the original" in first
    assert "+1.0 h Copy Site: Line of ferries: late" in second


async def test_of_pages_without_an_original_the_one_that_was_seen_first_is_on_top(browser: Browser) -> None:
    lone, kin = page("x", text="One thing.", title="Lone"), page("y", text="One thing.", title="Kin")
    for one in (kin, lone):
        await browser.store.store_article(one, fingerprint(7))
        browser.clock.pass_by(7_200)
    await browser.store.record_decision(unlinked(lone), Place(), worker=None, reason="new")
    await browser.store.record_decision(unlinked(kin), Place(lone.id, 1, score=0.9), worker=None, reason="new")
    first, second = (await browser.get(f"/stories/{lone.id}")).texts(".line li")
    assert "Kin" in first
    assert "+2.0 h Copy Site: Lone stands for the story" in second


async def test_an_id_that_a_story_had_before_leads_to_it(browser: Browser) -> None:
    lone, kin, late = (page(name, text="One thing.", title=name) for name in ("x", "y", "z"))
    for one in (lone, kin, late):
        await browser.store.store_article(one, fingerprint(7))
    await browser.store.record_decision(unlinked(lone), Place(), worker=None, reason="new")
    await browser.store.record_decision(unlinked(kin), Place(lone.id, 1), worker=None, reason="new")
    await browser.store.record_decision(unlinked(lone), Place(late.id, 1), worker=None, reason="new")
    answer = await browser.get(f"/stories/{lone.id}")
    assert (answer.status, answer.headers["Location"]) == (302, f"/stories/{late.id}")


async def test_sites_lead_to_their_links(browser: Browser) -> None:
    await put_link(browser.store, "one")
    shown = await browser.get("/sites")
    assert shown.texts("tbody th, tbody td") == ["copy.example", "1", "1.0 h", "80 %"]
    lead = shown.html.css_first("tbody a")
    assert lead is not None
    assert (await browser.get(lead.attributes["href"] or "")).texts("#links .open") == ["Line of ferries: one"]


async def test_sources_in_trouble_say_why(browser: Browser) -> None:
    await browser.store.reconcile([source("Harbour Post"), source("Quay News", url="https://quay.example/feed")])
    await browser.store.reconcile([source("Harbour Post")])
    shown = await browser.get("/sources")
    assert shown.texts("tbody th") == ["Harbour Post", "Quay News"]
    assert shown.texts("tbody td:nth-of-type(2)")[0] == "new"
    assert shown.texts("tbody .bad") == ["disabled"]


async def test_webhooks_say_how_they_stand_and_what_was_given_up(browser: Browser) -> None:
    assert "Webhooks" not in (await browser.get("/sources")).texts("main h2")
    await browser.store.know_webhooks(["desk"])
    await browser.store.store_article(page("late"), None)
    hold = Hold("desk", "w", 60)
    await browser.store.hold_webhook(hold)
    letter = Letter("desk", 1, "article.created", page("late").id, NOON, 13, "answered <b>503</b>")
    await browser.store.note_webhook(hold, 1, reason=letter.reason, letter=letter)
    shown = await browser.get("/sources")
    assert shown.texts("main h2") == ["Webhooks", "Given up"]
    assert shown.texts("tbody .bad") == ["1"]
    assert shown.texts("tbody td:last-of-type") == ["answered <b>503</b>"] * 2


async def test_pages_without_an_original_say_what_they_claim(browser: Browser) -> None:
    await browser.store.store_article(page("claims"), fingerprint(9))
    await browser.store.record_decision(unlinked(page("claims"), claim()), Place(), worker=None, reason="new")
    (shown,) = (await browser.get("/unlinked")).texts(".list li h2, .list .signs")[:1]
    assert shown == "Ferry line to reopen in May"
    assert "© Tidewater Wire" in (await browser.get("/unlinked")).texts(".signs li")


async def test_long_lists_go_on(browser: Browser) -> None:
    for number in range(31):
        await put_link(browser.store, f"n{number:02}")
        browser.clock.pass_by(60)
    first = await browser.get("/")
    more = first.html.css_first("#more")
    assert more is not None
    assert len(first.texts("#links .open")) == 30
    assert (await browser.get(more.attributes["href"] or "")).texts("#links .open") == ["Line of ferries: n00"]
    found = await browser.get("/search?q=ferries")
    more = found.html.css_first("[rel=next]")
    assert more is not None
    assert (await browser.get(more.attributes["href"] or "")).texts("h2 .open") == ["Line of ferries: n00"]


async def test_a_comparison_pairs_passages_marks_names_and_names_the_other_candidates(browser: Browser) -> None:
    copy, wire, other = page("one", text=REWORDED), original(text=FERRY), original("other", title="Another story")
    for one in (wire, other, copy):
        await browser.store.store_article(one, fingerprint(1))
    pieces = (
        Evidence(EvidenceKind.PASSAGE, rewrite=(0, 40), original=(0, 34), similarity=0.6),
        Evidence(EvidenceKind.PASSAGE, rewrite=(42, 96), original=(36, 94), similarity=0.7),
        Evidence(EvidenceKind.NAME, text="Teviot"),
        Evidence(EvidenceKind.MARKER, text="Copyright Tidewater Wire"),
    )
    made = linked(copy, wire, evidence=pieces)
    considered = (Considered(wire.id, 0.93, True, "taken"), Considered(other.id, 0.2, False, "other numbers"))
    told = Decision(copy.id, "1", 0.93, made.link, considered=considered)
    recorded = await browser.store.record_decision(told, worker=None, reason="new")
    shown = await browser.get(f"/links/{recorded.link_id}")
    assert shown.texts(".rewrite .pair")[0] == "1In May the line of ferries opens again."
    assert shown.texts(".original .pair")[0] == "1The ferry line will reopen in May."
    assert {node.attributes["href"] for node in shown.html.css(".rewrite .pair")} == {"#o1", "#o2"}
    assert {node.attributes.get("id") for node in shown.html.css(".original .pair")} == {"o1", "o2"}
    assert "Teviot" in shown.texts(".rewrite mark")
    assert shown.texts(".signs li") == ["marker Copyright Tidewater Wire"]
    assert shown.texts(".rivals li") == ["20 % Another story, Tidewater Wire: other numbers"]
    assert "Names in common" in shown.texts(".bars tbody th")


async def test_a_page_that_came_again_later_counts_from_its_first_sight(browser: Browser) -> None:
    await put_link(browser.store, "one", first_seen=NOON + 3 * HOUR)
    assert any("4.0 h later" in text for text in (await browser.get("/")).texts(".facts"))


async def test_faults_are_pages_for_browsers_and_lines_for_scripts(browser: Browser) -> None:
    path = "/links/" + "0" * 32
    shown = await browser.get(path, Accept="text/html")
    assert (shown.status, shown.texts("main h1")) == (404, ["Not this way"])
    assert (await browser.get(path)).text == f"there is no link {'0' * 32}\n"


def test_an_address_holds_only_what_differs_from_the_usual() -> None:
    wanted = asked({"state": "", "site": "www.Copy.example ", "least": "0.5", "to": "2026-03-02", "odd": "x"})
    assert wanted.filter.site == "copy.example"
    assert wanted.filter.until == NOON.replace(hour=0) + timedelta(days=1)
    assert wanted.query(after="1.0") == "?site=www.Copy.example&least=0.5&to=2026-03-02&after=1.0"
    assert asked({}).query() == ""


async def test_sources_show_what_they_announced_on_each_of_the_last_days(browser: Browser) -> None:
    await browser.store.reconcile([source("Harbour Post"), source("Quay News", url="https://quay.example/feed")])
    for days, count in ((20, 9), (3, 2), (0, 1)):
        at = NOON - 24 * days * HOUR
        urls = [Reference(url=f"https://harbour.example/{days}/{number}") for number in range(count)]
        await browser.store.announce("Harbour Post", urls, now=at)
    shown = await browser.get("/sources")
    told = [node.attributes["aria-label"] or "" for node in shown.html.css(".spark")]
    assert [one.rpartition(": ")[2] for one in told] == ["0, " * 10 + "2, 0, 0, 1", "0, " * 13 + "0"]
    assert len(shown.html.css(".spark rect")) == 2
